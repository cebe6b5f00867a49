"""Which metrics a query reads, so that somebody can be told when there are none of them any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from stationmaster.monitor.promql.engine import parse
from stationmaster.monitor.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Negation,
    Node,
    Number,
    Selector,
    Subquery,
    Window,
    Word,
)
from stationmaster.monitor.promql.results import QueryError
from stationmaster.monitor.promql.samples import MatchKind

_LOOKS_FOR_ABSENCE = frozenset({"absent", "absent_over_time"})
_OUR_OWN = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """A metric, of one job where the query names one; other conditions may find nothing in all good health."""

    metric: str
    job: str = ""

    @property
    def selector(self) -> str:
        name = self.metric.replace("\\", "\\\\").replace('"', '\\"')
        job = self.job.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{{__name__="{name}",job="{job}"}}' if job else f'{{__name__="{name}"}}'


@lru_cache(maxsize=10_000)
def readings_of(expr: str) -> frozenset[Reading]:
    """Of the selectors that name their metric; what is asked to be absent is not counted."""
    try:
        root = parse(expr).root
    except QueryError:
        return frozenset()
    return frozenset(reading for each in _selectors(root) if (reading := _reading(each)) is not None)


def _selectors(node: Node) -> Iterator[Selector]:
    match node:
        case Selector():
            yield node
        case Window():
            yield node.selector
        case Subquery() | Negation():
            yield from _selectors(node.inner)
        case Binary():
            yield from _selectors(node.left)
            if node.operator != "unless":
                yield from _selectors(node.right)
        case Call():
            for argument in () if node.function in _LOOKS_FOR_ABSENCE else node.arguments:
                yield from _selectors(argument)
        case Aggregate():
            yield from _selectors(node.inner)
        case Number() | Word():
            return


def _reading(selector: Selector) -> Reading | None:
    found = {each.name: each.value for each in selector.matchers if each.kind is MatchKind.EQUAL}
    name = found.get("__name__", "")
    return Reading(name, found.get("job", "")) if name and name not in _OUR_OWN else None
