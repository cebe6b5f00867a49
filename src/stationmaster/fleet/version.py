"""What a version of a service is: the program that its instances run, whatever instances there are."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ExecutorKind, Service
from stationmaster.manifest.commands import PLACEHOLDERS

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The fields of a `Service` that say what runs; placeholders are not filled yet."""

    command: tuple[str, ...]
    executor: ExecutorKind = ExecutorKind.PROCESS
    image: str = ""
    env: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    mounts: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that two programs share only when they are the same."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """`good_at`: when it had stood well for its time on every instance, last; None where it never has."""

    service: str
    number: int
    program: Program
    at: datetime
    by: str
    why: str
    good_at: datetime | None = None


def program_of(service: Service) -> Program:
    return Program(**{each.name: getattr(service, each.name) for each in fields(Program)})


def with_program(service: Service, program: Program) -> Service:
    return replace(service, **{each.name: getattr(program, each.name) for each in fields(Program)})


def pinned(services: tuple[Service, ...], pins: Mapping[str, Program]) -> tuple[Service, ...]:
    """The services as they are to run: those with a pin run that in place of what is declared."""
    return tuple(with_program(each, pins[each.name]) if each.name in pins else each for each in services)


def last_good(versions: Mapping[int, Version], *, besides: int) -> int | None:
    """The version that was good last, other than one."""
    good = [each for each in versions.values() if each.good_at is not None and each.number != besides]
    return max(good, key=lambda each: (each.good_at, each.number)).number if good else None


def refuse_unfit(program: Program) -> None:
    """PlatformError `bad-version` for a program that no executor could run."""
    if not program.command or not program.command[0].strip():
        raise _unfit("a version needs a command", "name the program and its arguments")
    if (program.executor is ExecutorKind.DOCKER) is not bool(program.image):
        raise _unfit("an image belongs to containers, and containers need one", "declare `executor: docker` first")
    unknown = {name for word in program.command for name in _PLACEHOLDER.findall(word)} - set(PLACEHOLDERS)
    if unknown:
        hint = f"placeholders are {', '.join(f'{{{each}}}' for each in PLACEHOLDERS)}"
        raise _unfit(f"nothing fills {', '.join(f'{{{each}}}' for each in sorted(unknown))}", hint)


def _unfit(message: str, hint: str) -> PlatformError:
    return PlatformError("bad-version", message, hint=hint)
