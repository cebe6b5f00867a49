"""The addresses that parts of a platform listen on."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.core.spec import Address
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.schema import NodeDocument, SettingsDocument
from stationmaster.manifest.schema_hosts import ServiceDocument
from stationmaster.manifest.values import parse_address
from stationmaster.manifest.words import BROKEN_TEXT

EVERY_HOST = "*"
_SAME_HOSTS = {"0.0.0.0": EVERY_HOST, "::": EVERY_HOST, "localhost": "127.0.0.1"}  # noqa: S104 compared, never bound


class Group(Enum):
    """Listeners of one group must not share an address. An instance that somebody else runs is in the second group
    alone, because it may well be a part of the platform that is watched."""

    STARTED = "started by the platform"
    INSTANCE = "instance"


@dataclass(frozen=True, slots=True)
class Listener:
    """`at` orders the listeners of one part."""

    part: Part
    at: int
    what: str
    address: Address
    groups: tuple[Group, ...]
    thing: Struct
    field: str

    @property
    def host(self) -> str:
        return _SAME_HOSTS.get(self.address.host, self.address.host)

    @property
    def order(self) -> tuple[int, int]:
        return self.part.position, self.at

    @property
    def origin(self) -> Origin:
        return self.part.origin(self.thing, self.field)


def listeners_of(part: Part) -> Iterator[Listener]:
    document = part.document
    if isinstance(document, SettingsDocument):
        control = document.control
        addresses = {"api": control.api, "xds": control.xds}
        if control.api_tls is not None:
            addresses["api_tls"] = control.api_tls
        yield from _started(part, control, "the control plane", addresses)
    elif isinstance(document, NodeDocument):
        addresses = {"listen": document.listen, "admin": document.admin}
        if document.listen_tls is not None:
            addresses["listen_tls"] = document.listen_tls
        yield from _started(part, document, f"gateway node {quoted(document.name)}", addresses)
    elif isinstance(document, ServiceDocument):
        groups = (Group.STARTED, Group.INSTANCE) if document.command else (Group.INSTANCE,)
        for at, instance in enumerate(document.instances):
            if instance.address != BROKEN_TEXT:
                what = f"instance {quoted(instance.name)}"
                yield Listener(part, at, what, parse_address(instance.address), groups, instance, "address")


def _started(part: Part, thing: Struct, what: str, addresses: dict[str, str]) -> Iterator[Listener]:
    for at, (field, text) in enumerate(addresses.items()):
        if text != BROKEN_TEXT:
            yield Listener(part, at, f"{what} ({field})", parse_address(text), (Group.STARTED,), thing, field)
