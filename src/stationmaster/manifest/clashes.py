"""Things that would get in each other's way: one name or address twice, names that nothing bears, two APIs on one
route."""

import re
from collections.abc import Iterable
from functools import partial

from stationmaster.core.spec import PathKind, path_rule
from stationmaster.manifest.entity import EntityKind
from stationmaster.manifest.listeners import EVERY_HOST, Listener, listeners_of
from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import NOUNS, Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.references import NOUNS_OF_WORDS, references_of
from stationmaster.manifest.routes import routes_of
from stationmaster.manifest.schema import ApiDocument
from stationmaster.manifest.words import BROKEN_TEXT

_NEVER_SEEN = re.compile(r"//|\\|/\.{1,2}(/|$)|%(2f|5c|2e|00)", re.IGNORECASE)


def check_name(part: Part, lookup: Lookup, problems: Problems) -> None:
    """Names are unique among their kind."""
    if part.kind is EntityKind.SETTINGS or part.name == BROKEN_TEXT:
        return
    earlier = [each for each in lookup.named.get((part.kind.value, part.name), ()) if each.position < part.position]
    if earlier:
        first = min(earlier, key=lambda each: each.position)
        message = f"the {NOUNS[part.kind]} {quoted(part.name)} is declared twice; the first is {_where(first, part)}"
        problems.add("duplicate-name", message, part.origin(part.document, "name"), "give one of them another name")


def _where(other: Part, part: Part) -> str:
    place = other.origin(other.document, "name")
    return f"on line {place.line}" if place.file == part.place.file else f"at {place.file}:{place.line}"


def check_references(part: Part, lookup: Lookup, problems: Problems) -> None:
    for reference in references_of(part):
        if not lookup.knows(reference.key):
            word, name = reference.key
            kind = NOUNS_OF_WORDS[word]
            hint = (
                problems.closest(name, partial(lookup.names, word))
                or f"declare the {kind}, or name one that is declared"
            )
            message = f"no {kind} is called {quoted(name)}"
            problems.add("unknown-reference", message, reference.origin(part), hint)


def check_listeners(part: Part, lookup: Lookup, problems: Problems) -> None:
    for listener in listeners_of(part):
        earlier = [each for each in _rivals(listener, lookup) if each.order < listener.order]
        if earlier:
            first = min(earlier, key=lambda each: each.order)
            message = f"{listener.what} and {first.what} (line {first.origin.line}) both listen on {listener.address}"
            problems.add("address-taken", message, listener.origin, "give one of them another port")


def _rivals(listener: Listener, lookup: Lookup) -> Iterable[Listener]:
    port, host = listener.address.port, listener.host
    if host == EVERY_HOST:
        found: list[Listener] = list(lookup.hosts_of_port.get(port, ()))
    else:
        found = [*lookup.listeners.get((port, host), ()), *lookup.listeners.get((port, EVERY_HOST), ())]
    return (each for each in found if set(each.groups) & set(listener.groups))


def check_routes(part: Part, api: ApiDocument, lookup: Lookup, problems: Problems) -> None:
    for at, path in enumerate(api.paths):
        _check_path(part, api, at, path, problems)
    for key, route in routes_of(part):
        taken = lookup.routes.get(key, {})
        earlier = [each for each in taken if each.order < route.order and route.shares_a_method(each)]
        if earlier:
            first = min(earlier, key=lambda each: each.order).part
            written = f"{key.host}{api.paths[route.at[0]]}"
            message = (
                f"the route {quoted(written)} leads to the API {quoted(first.name)} (line {first.place.line}) already"
            )
            hint = "change the paths, hosts, methods or headers of one of them"
            problems.add("overlapping-route", message, part.origin(api, "paths", route.at[0]), hint)


def _check_path(part: Part, api: ApiDocument, at: int, path: str, problems: Problems) -> None:
    rule = path_rule(path)
    if rule.kind is PathKind.REGEX:
        return
    origin = part.origin(api, "paths", at)
    if "?" in path:
        hint = "a route is a path alone, without a query"
        problems.add("bad-path", f"the route {quoted(path)} holds a '?'", origin, hint)
    if _NEVER_SEEN.search(rule.text):
        message = f"no request ever has the path {quoted(path)}: gateway nodes resolve or refuse such paths"
        hint = "write it without '//', dot segments, encoded slashes and backslashes"
        problems.add("bad-path", message, origin, hint)
