"""Which processes the declared platform consists of, and how each is started."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.core.spec import ExecutorKind, Instance, PlatformSpec, Service, Supervision

OWN_PROGRAM = "stationmaster"
KEY_SERVICE = (OWN_PROGRAM, "keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One process to keep: its unique name, its argv and who starts it again.

    `group` names those that are restarted one after the other (a service); `config` is the text of the files that the
    process reads when it starts, as far as the platform writes them. `opens_secrets`: it gets the master key, where
    that comes from the environment. `env` is added to its environment; `image` and `mounts` are of containers.
    """

    name: str
    argv: tuple[str, ...]
    supervision: Supervision
    group: str = ""
    config: str = ""
    opens_secrets: bool = False
    executor: ExecutorKind = ExecutorKind.PROCESS
    image: str = ""
    env: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    mounts: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that change when the process has to be started anew for what is declared."""
        digest = hashlib.sha256()
        for part in (*self.argv, self.config, *self._surroundings()):
            raw = part.encode()
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return digest.hexdigest()[:16]

    def _surroundings(self) -> Iterator[str]:
        """Nothing for a plain process: those that were started before there were other executors stay as they are."""
        if self.executor is not ExecutorKind.PROCESS:
            yield f"executor={self.executor.value}"
        for name, value in (("image", self.image), ("directory", self.directory)):
            if value:
                yield f"{name}={value}"
        yield from (f"env {name}={value}" for name, value in self.env)
        yield from (f"mount {mount}" for mount in self.mounts)


def launches(spec: PlatformSpec) -> tuple[Launch, ...]:
    """One launch for every instance of the services that have a command."""
    return tuple(
        launch_of(service, instance) for service in spec.services if service.command for instance in service.instances
    )


def launch_of(service: Service, instance: Instance) -> Launch:
    return Launch(
        name=instance.name,
        argv=argv_of(service, instance),
        supervision=service.supervision,
        group=group_of(service.name),
        opens_secrets=tuple(service.command[:2]) == KEY_SERVICE,
        executor=service.executor,
        image=service.image,
        env=service.env,
        directory=service.directory,
        mounts=service.mounts,
    )


def group_of(service: str) -> str:
    return f"service {service}"


def argv_of(service: Service, instance: Instance) -> tuple[str, ...]:
    """The service's command with its placeholders filled; our own program runs under this interpreter, or under
    the one of the image."""
    values = {
        "address": str(instance.address),
        "host": instance.address.host,
        "port": str(instance.address.port),
        "instance": instance.name,
        "region": instance.region,
        "service": service.name,
    }
    filled = tuple(_fill(word, values) for word in service.command)
    in_container = service.executor is ExecutorKind.DOCKER
    return own_program(*filled[1:]) if filled[0] == OWN_PROGRAM and not in_container else filled


def own_program(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "stationmaster", *arguments)


def _fill(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace("{" + name + "}", value)
    return word
