"""What can be wrong with headers: those that the gateway owns, one header changed twice, cross-origin rules."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from stationmaster.core.problem import Origin
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import ApiDocument
from stationmaster.manifest.schema_policies import CorsDocument, HeaderChangesDocument, TokenRulesDocument

_OWNED_PREFIXES = ("x-consumer-", "x-stationmaster-")
_OWNED = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
    }
)


def check_matched_headers(part: Part, api: ApiDocument, problems: Problems) -> None:
    _refuse_owned(part, api, "headers", api.headers, problems)
    _refuse_twice(part, api, "headers", problems)


def check_header_changes(part: Part, changes: HeaderChangesDocument, problems: Problems) -> None:
    fields = (("set", changes.set), ("add", changes.add), ("remove", changes.remove))
    for field, names in ((field, names) for field, names in fields if names):
        _refuse_owned(part, changes, field, names, problems)
        _refuse_twice(part, changes, field, problems)
    both = {name.lower() for name in changes.set} & {name.lower() for name in changes.remove}
    for name in sorted(both):
        message = f"the header {quoted(name)} is set and removed"
        problems.add("duplicate-header", message, part.origin(changes, "remove"), "keep one of them")


def check_claims(part: Part, tokens: TokenRulesDocument, problems: Problems) -> None:
    if not tokens.claims_to_headers:
        return
    counts = Counter(header.lower() for header in tokens.claims_to_headers.values())
    for claim, header in tokens.claims_to_headers.items():
        origin = part.origin(tokens, "claims_to_headers", claim)
        if _owned(header):
            _add_owned(header, origin, problems)
        if counts[header.lower()] > 1:
            message = f"two claims go into the header {quoted(header)}"
            problems.add("duplicate-header", message, origin, "give every claim a header of its own")


def check_cors(part: Part, cors: CorsDocument, problems: Problems) -> None:
    if "*" not in cors.origins:
        return
    origin = part.origin(cors, "origins", cors.origins.index("*"))
    if cors.credentials:
        message = "with `*`, pages from everywhere would act with the credentials of their visitors"
        problems.add("bad-origin", message, origin, "name the origins, or drop `credentials`")
    if len(cors.origins) > 1:
        problems.add("bad-origin", "`*` covers the other origins", origin, "let `*` stand alone, or remove it")


def _refuse_owned(part: Part, thing: Struct, field: str, names: Iterable[str], problems: Problems) -> None:
    for at, name in enumerate(names):
        if _owned(name):
            step = at if isinstance(getattr(thing, field), list) else name
            _add_owned(name, part.origin(thing, field, step), problems)


def _add_owned(name: str, origin: Origin, problems: Problems) -> None:
    message = f"the header {quoted(name)} belongs to the gateway"
    problems.add("owned-header", message, origin, "choose another header")


def _owned(name: str) -> bool:
    return name.lower() in _OWNED or name.lower().startswith(_OWNED_PREFIXES)


def _refuse_twice(part: Part, thing: Struct, field: str, problems: Problems) -> None:
    """Names of headers do not know capitals, keys of YAML do."""
    names = [name.lower() for name in getattr(thing, field)]
    if len(set(names)) == len(names):
        return
    for name, count in Counter(names).items():
        if count > 1:
            message = f"the header {quoted(name)} stands here twice"
            problems.add("duplicate-header", message, part.origin(thing, field), "keep one of them")
