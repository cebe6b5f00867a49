"""Redirects that lead a client round and round."""

from stationmaster.manifest.lookup import Lookup
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.routes import leads_to, redirect_path
from stationmaster.manifest.schema import ApiDocument

_MOST_STEPS = 20
"""Browsers give up after as many."""


def check_redirect(part: Part, api: ApiDocument, lookup: Lookup, problems: Problems) -> None:
    """Names the last API of a loop."""
    for members in loops_through(part, lookup):
        if part is max(members, key=lambda each: each.position):
            names = " to ".join(quoted(each.name) for each in members)
            message = (
                f"the API {quoted(part.name)} redirects to itself"
                if len(members) == 1
                else f"redirects go round and round: {names} and back"
            )
            origin = part.origin(api.policies.redirect or api, "to")
            problems.add("redirect-loop", message, origin, "let one of them lead elsewhere")
            return


def loops_through(part: Part, lookup: Lookup) -> list[tuple[Part, ...]]:
    """The circles of APIs, in their order from this one on, that a request to one of its hosts is sent through."""
    api = part.document
    if not isinstance(api, ApiDocument) or redirect_path(part) is None:
        return []
    circles = (_circle(part, host.lower(), lookup) for host in api.hosts or ("",))
    return [members for members in circles if members]


def _circle(start: Part, host: str, lookup: Lookup) -> tuple[Part, ...]:
    members = [start]
    for _ in range(_MOST_STEPS):
        path = redirect_path(members[-1])
        found = leads_to(path, host, lookup.routes) if path else None
        if found is None:
            return ()
        if found is start:
            return tuple(members)
        if found in members:
            return ()
        members.append(found)
    return ()
