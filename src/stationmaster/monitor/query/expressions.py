"""PromQL as texts: checked, written in the usual way, and series selectors taken apart."""

from collections.abc import Sequence
from typing import Final

from stationmaster.monitor.promql.nodes import Selector
from stationmaster.monitor.promql.parsed import parse
from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.promql.samples import Matcher

_UNITS: Final = (
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)
_ONLY_WHOLE: Final = ("y", "w")


def pretty(query: str) -> str:
    """Raises QueryError for what is no expression."""
    return parse(query).pretty


def selectors(texts: Sequence[str]) -> tuple[tuple[Matcher, ...], ...]:
    """The matchers of series selectors as `up{job="node"}`; raises QueryError in the words of the parameter."""
    return tuple(map(_matchers, texts))


def span_text(ms: int) -> str:
    """As Prometheus writes spans: `1h30m`, `15s`, `0s`."""
    left, parts = ms, ""
    for unit, size in _UNITS:
        if unit in _ONLY_WHOLE and left % size:
            continue
        count, left = divmod(left, size)
        parts += f"{count}{unit}" if count else ""
    return parts or "0s"


def _matchers(text: str) -> tuple[Matcher, ...]:
    try:
        found = parse(text).root
    except QueryError as error:
        raise QueryError(error.fault, f'invalid parameter "match[]": {error.message}', hint=error.hint) from error
    if not isinstance(found, Selector) or found.offset_ms or found.anchor is not None:
        hint = 'name series as `up{job="node"}`'
        raise QueryError(Fault.BAD_DATA, 'invalid parameter "match[]": this is no series selector', hint=hint)
    return found.matchers
