"""Which parts of PromQL a Prometheus of a given version does not know."""

import re
from collections.abc import Iterator
from typing import Final, TypeAlias

from stationmaster.monitor.promql.nodes import Aggregate, Binary, Call, Node, walk
from stationmaster.monitor.promql.parsed import parse
from stationmaster.monitor.promql.results import Fault, QueryError

Version: TypeAlias = tuple[int, int]

_SINCE: Final[dict[str, Version]] = {
    "atan2": (2, 31),
    "double_exponential_smoothing": (3, 0),
    "limit_ratio": (2, 54),
    "limitk": (2, 54),
    "mad_over_time": (2, 49),
    "sort_by_label": (2, 49),
    "sort_by_label_desc": (2, 49),
    "ts_of_last_over_time": (3, 5),
    "ts_of_max_over_time": (3, 5),
    "ts_of_min_over_time": (3, 5),
}
"""From the release notes. What is missing here is left to the server, which refuses in words of its own."""

_INSTEAD: Final = {
    "double_exponential_smoothing": "write `holt_winters`, as it was called before 3.0",
    "limitk": "`topk` gives as many series, the largest",
    "mad_over_time": "`stddev_over_time` measures spread as well",
}
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)\b")


def version_of(text: str) -> Version | None:
    """Major and minor; None where it is no such version, as of other programs that speak the same API."""
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2])) if found else None


def missing(query: str, version: Version) -> QueryError | None:
    """Names what the version does not know of the query; what we cannot parse is left to the server."""
    try:
        expression = parse(query).root
    except QueryError:
        return None
    # Our parser reads `holt_winters` as its newer name: only what is really written counts.
    written = (name for name in _used(expression) if name in query)
    later = {name: _SINCE[name] for name in written if _SINCE.get(name, version) > version}
    if not later:
        return None
    named = ", ".join(f"{name} (since {major}.{minor})" for name, (major, minor) in sorted(later.items()))
    hints = [f"{name}: {_INSTEAD[name]}" for name in sorted(later) if name in _INSTEAD]
    message = f"Prometheus {version[0]}.{version[1]} does not know {named}"
    return QueryError(Fault.BAD_DATA, message, hint="; ".join([*hints, "or use a newer Prometheus"]))


def _used(expression: Node) -> Iterator[str]:
    """The names of functions, aggregations and operators."""
    for node in walk(expression):
        match node:
            case Call():
                yield node.function
            case Aggregate() | Binary():
                yield node.operator
