"""Finds in a text what the public has no business with: names of instances and nodes, internal addresses and URLs."""

import re
from collections.abc import Iterable

from stationmaster.core.spec import PlatformSpec

_ADDRESS = re.compile(
    r"\b(?:(?:10|127)(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}|localhost)"
    r"(?::\d{1,5})?\b"
)
_INNER_HOST = re.compile(
    r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|localdomain|lan|svc|cluster\.local|corp|intra)\b", re.IGNORECASE
)


def leaks(text: str, spec: PlatformSpec) -> tuple[str, ...]:
    """Each thing once, in the order of the text."""
    found = [(match.start(), match[0]) for pattern in (_ADDRESS, _INNER_HOST) for match in pattern.finditer(text)]
    for name in set(_names(spec)):
        match = re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)
        if match:
            found.append((match.start(), name))
    return tuple(dict.fromkeys(each for _, each in sorted(found)))


def _names(spec: PlatformSpec) -> Iterable[str]:
    for service in spec.services:
        for instance in service.instances:
            yield instance.name
            yield str(instance.address)
    for host in spec.virtual_hosts:
        for target in host.targets:
            yield str(target.address)
    for node in spec.nodes:
        yield node.name
