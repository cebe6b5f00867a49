"""Things that would get in each other's way: two listeners on one address, two APIs on one route, a door left open."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.core.spec import Address
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.places import Places
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import BROKEN_TEXT, PlatformDocument
from stationmaster.manifest.values import parse_address

_EVERY_HOST = "*"
_NEVER_SEEN = re.compile(r"//|\\|/\.{1,2}(/|$)|%(2f|5c|2e|00)", re.IGNORECASE)
_SAME_HOSTS = {"0.0.0.0": _EVERY_HOST, "::": _EVERY_HOST, "localhost": "127.0.0.1"}  # noqa: S104 compared, never bound


@dataclass(frozen=True, slots=True)
class _Listener:
    what: str
    address: Address
    origin: Origin
    groups: tuple["_Group", ...]


class _Group(Enum):
    """Listeners of one group must not share an address. An instance that somebody else runs is in the second group
    alone, because it may well be a part of the platform that is watched."""

    STARTED = "started by the platform"
    INSTANCE = "instance"


def check_listeners(document: PlatformDocument, places: Places, problems: Problems) -> None:
    taken: dict[tuple[_Group, int], dict[str, _Listener]] = {}
    for listener in _listeners(document, places):
        host = _SAME_HOSTS.get(listener.address.host, listener.address.host)
        hosts = [taken.setdefault((group, listener.address.port), {}) for group in listener.groups]
        first = next((each for each in (_on_same_host(host, by_host) for by_host in hosts) if each), None)
        if first is not None:
            message = f"{listener.what} and {first.what} (line {first.origin.line}) both listen on {listener.address}"
            problems.add("address-taken", message, listener.origin, "give one of them another port")
        for by_host in hosts:
            by_host.setdefault(host, listener)


def _on_same_host(host: str, taken: dict[str, _Listener]) -> _Listener | None:
    if host == _EVERY_HOST:
        return next(iter(taken.values()), None)
    return taken.get(host) or taken.get(_EVERY_HOST)


def _listeners(document: PlatformDocument, places: Places) -> Iterator[_Listener]:
    for thing, what, fields in _fixed_listeners(document):
        for field, text in fields:
            origin = places.origin(thing, field)
            if text != BROKEN_TEXT:
                yield _Listener(f"{what} ({field})", parse_address(text), origin, (_Group.STARTED,))
    for service in document.services:
        groups = (_Group.STARTED, _Group.INSTANCE) if service.command else (_Group.INSTANCE,)
        for instance in service.instances:
            if instance.address == BROKEN_TEXT:
                continue
            origin = places.origin(instance, "address")
            yield _Listener(f"instance {quoted(instance.name)}", parse_address(instance.address), origin, groups)


def _fixed_listeners(document: PlatformDocument) -> Iterator[tuple[Struct, str, tuple[tuple[str, str], ...]]]:
    control = document.control
    yield control, "the control plane", (("api", control.api), ("xds", control.xds))
    for node in document.gateway.nodes:
        yield node, f"gateway node {quoted(node.name)}", (("listen", node.listen), ("admin", node.admin))


def check_exposure(document: PlatformDocument, places: Places, problems: Problems) -> None:
    """The configuration of the nodes holds API keys, and whoever reaches a node's administration may stop it; neither
    asks who calls."""
    nodes = ((node, "admin", node.admin) for node in document.gateway.nodes)
    for thing, field, text in ((document.control, "xds", document.control.xds), *nodes):
        if text != BROKEN_TEXT and not _loopback(parse_address(text).host):
            message = f"{field} {quoted(text)} can be reached from other machines, and it asks nobody who he is"
            problems.add("exposed-address", message, places.origin(thing, field), "listen on 127.0.0.1")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_routes(document: PlatformDocument, places: Places, problems: Problems) -> None:
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for api in document.apis:
        for at, path in enumerate(api.paths):
            origin = places.origin(api, "paths", at)
            if "?" in path:
                hint = "a route is a path alone, without a query"
                problems.add("bad-path", f"the route {quoted(path)} holds a '?'", origin, hint)
            if _NEVER_SEEN.search(path):
                message = f"no request ever has the path {quoted(path)}: gateway nodes resolve or refuse such paths"
                hint = "write it without '//', dot segments, encoded slashes and backslashes"
                problems.add("bad-path", message, origin, hint)
            for host in api.hosts or ("",):
                route = (host.lower(), path.rstrip("/"))
                if route in first:
                    other, line = first[route]
                    message = f"the route {quoted(host + path)} leads to the API {quoted(other)} (line {line}) already"
                    problems.add("overlapping-route", message, origin, "change the path or the hosts of one of them")
                first.setdefault(route, (api.name, origin.line))
