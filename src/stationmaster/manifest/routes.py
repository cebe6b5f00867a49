"""The routes that APIs take: what makes two of them the same, and which one a path leads to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from stationmaster.core.spec import PathKind, path_rule
from stationmaster.manifest.parts import Part
from stationmaster.manifest.schema import ApiDocument

Headers = tuple[tuple[str, str | None], ...]


class RouteKey(NamedTuple):
    """Routes of one key clash where they also share a method. `host` is "" for every host."""

    host: str
    kind: PathKind
    text: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class Route:
    """`methods` empty means all; `at` is the position among the API's paths and hosts."""

    part: Part
    at: tuple[int, int]
    methods: frozenset[str]

    @property
    def order(self) -> tuple[int, tuple[int, int]]:
        return self.part.position, self.at

    def shares_a_method(self, other: "Route") -> bool:
        """An API for some methods goes before one for all of them, so these two may stand side by side."""
        return bool(self.methods & other.methods) or not (self.methods or other.methods)


Routes = Mapping[RouteKey, Mapping[Route, None]]


def routes_of(part: Part) -> Iterator[tuple[RouteKey, Route]]:
    api = part.document
    if not isinstance(api, ApiDocument):
        return
    headers = tuple(sorted(((name.lower(), value) for name, value in api.headers.items()), key=str))
    methods = frozenset(api.methods)
    for path_at, path in enumerate(api.paths):
        rule = path_rule(path)
        text = rule.text.rstrip("/") if rule.kind is PathKind.PREFIX else rule.text
        for host_at, host in enumerate(api.hosts or ("",)):
            yield RouteKey(host.lower(), rule.kind, text, headers), Route(part, (path_at, host_at), methods)


def redirect_path(part: Part) -> str | None:
    """The path on the same host that an API redirects to, without its query; None where it does no such thing."""
    api = part.document
    redirect = api.policies.redirect if isinstance(api, ApiDocument) else None
    if redirect is None or not redirect.to.startswith("/"):
        return None
    return redirect.to.partition("?")[0]


def first_segment(path: str) -> str:
    return path.lstrip("=~").split("/", 2)[1]


def leads_to(path: str, host: str, routes: Routes) -> Part | None:
    """The API that takes a path on a host, by exact path, then the longest prefix, as the gateway looks it up.

    Routes with methods, headers and regular expressions are left out: they need more than a path to decide.
    """
    for name in dict.fromkeys((host, "")):
        found = _taken(routes, RouteKey(name, PathKind.EXACT, path, ()))
        below = path.rstrip("/")
        while found is None:
            found = _taken(routes, RouteKey(name, PathKind.PREFIX, below, ()))
            if not below:
                break
            below = below.rpartition("/")[0]
        if found is not None:
            return found
    return None


def _taken(routes: Routes, key: RouteKey) -> Part | None:
    return next((route.part for route in routes.get(key, ()) if not route.methods), None)
