"""Whether a service says all that its executor needs, and nothing that belongs to another."""

import re

from stationmaster.core.spec import ExecutorKind
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema_hosts import ServiceDocument

_MOUNT = re.compile(r"/[^:]*:/[^:]*(:ro)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = "STATIONMASTER_"
_FOREIGN = "it belongs to `executor: docker`; add that, or take it away"


def check_executor(part: Part, service: ServiceDocument, problems: Problems) -> None:
    if service.executor is ExecutorKind.DOCKER:
        _check_containers(part, service, problems)
    else:
        for name in ("image", "mounts"):
            if getattr(service, name):
                message = f"{quoted(name)} says nothing about processes"
                problems.add("foreign-field", message, part.origin(service, name), _FOREIGN)
    _check_env(part, service, problems)


def _check_containers(part: Part, service: ServiceDocument, problems: Problems) -> None:
    origin = part.origin(service, "executor")
    if not service.image:
        hint = "add `image:`, the name of an image that the engine of this machine has"
        problems.add("no-image", "containers need an image", origin, hint)
    if not service.command:
        hint = "add `command:`; what is only watched has no executor"
        problems.add("no-command", "an executor runs nothing without a command", origin, hint)
    for mount in service.mounts:
        if not _MOUNT.fullmatch(mount):
            hint = "write /on/this/machine:/in/the/container, with :ro behind it for reading alone"
            problems.add("bad-mount", f"{quoted(mount)} is no mount", part.origin(service, "mounts"), hint)


def _check_env(part: Part, service: ServiceDocument, problems: Problems) -> None:
    for name, value in service.env.items():
        if not _VARIABLE.fullmatch(name) or "\0" in value:
            hint = "names consist of letters, digits and _"
            problems.add("bad-variable", f"{quoted(name)} cannot be set", part.origin(service, "env"), hint)
        elif name.startswith(_OWN):
            hint = "the platform finds its processes by it; take another name"
            problems.add("bad-variable", f"{name} is the platform's own", part.origin(service, "env"), hint)
