"""Queries answered by the monitor's own engine over its own samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, Protocol, TypeVar

from stationmaster import __version__
from stationmaster.monitor.promql import engine
from stationmaster.monitor.promql.nodes import Aggregate, walk
from stationmaster.monitor.promql.ordering import in_order
from stationmaster.monitor.promql.parsed import Parsed
from stationmaster.monitor.promql.results import Result, Vector
from stationmaster.monitor.promql.samples import Labels, Matcher, Source
from stationmaster.monitor.query.expressions import selectors as taken_apart
from stationmaster.monitor.query.queries import TERMS, Build, Described, Steps, Terms, Window

T = TypeVar("T", Labels, str)

SPOKEN_VERSION: Final = "3.5.0"
"""The Prometheus whose language and answers ours are: clients choose by it what they ask for."""

_ORDERING: Final = frozenset({"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "topk", "bottomk"})
_ALL: Final[tuple[tuple[Matcher, ...], ...]] = ((),)


class Told(Protocol):
    """What a target told of a metric."""

    @property
    def kind(self) -> str: ...

    @property
    def help(self) -> str: ...

    @property
    def unit(self) -> str: ...


class Store(Source, Protocol):
    """Samples that also say which series there are. The lists are sorted."""

    @property
    def metadata(self) -> Mapping[str, Told]: ...

    def series(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[Labels]: ...

    def label_names(self, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[str]: ...

    def label_values(self, name: str, matchers: Sequence[Matcher], first_ms: int, last_ms: int) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class OwnQueries:
    store: Store

    def instant(self, query: str, at_ms: int, terms: Terms = TERMS) -> Result:
        parsed = engine.parse(query, terms.limits)
        found = engine.instant(self.store, parsed, at_ms, terms.limits, lookback_ms=terms.lookback_ms)
        return found if _ORDERING & _used(parsed) else _ordered(found)

    def over(self, query: str, steps: Steps, terms: Terms = TERMS) -> Result:
        return engine.over(
            self.store,
            query,
            steps.first_ms,
            steps.last_ms,
            steps.step_ms,
            terms.limits,
            lookback_ms=terms.lookback_ms,
        )

    def series(self, selectors: Sequence[str], window: Window) -> Sequence[Labels]:
        return _merged([self.store.series(each, window.first_ms, window.last_ms) for each in _wanted(selectors)])

    def label_names(self, selectors: Sequence[str], window: Window) -> Sequence[str]:
        return _merged([self.store.label_names(each, window.first_ms, window.last_ms) for each in _wanted(selectors)])

    def label_values(self, name: str, selectors: Sequence[str], window: Window) -> Sequence[str]:
        found = [self.store.label_values(name, each, window.first_ms, window.last_ms) for each in _wanted(selectors)]
        return _merged(found)

    def metadata(self, metric: str = "") -> Mapping[str, Sequence[Described]]:
        return {
            name: (Described(kind=each.kind, help=each.help, unit=each.unit),)
            for name, each in sorted(self.store.metadata.items())
            if metric in ("", name)
        }

    def build(self) -> Build:
        return Build(version=SPOKEN_VERSION, revision=f"stationmaster-{__version__}", branch="stationmaster")


def _used(parsed: Parsed) -> frozenset[str]:
    aggregations = (each.operator for each in walk(parsed.root) if isinstance(each, Aggregate))
    return parsed.functions.union(aggregations)


def _ordered(result: Result) -> Result:
    """By label set, as Prometheus answers where nothing in the query orders."""
    if not isinstance(result.value, Vector):
        return result
    return replace(result, value=Vector(samples=in_order(result.value.samples, key=attrgetter("labels"))))


def _wanted(selectors: Sequence[str]) -> Sequence[tuple[Matcher, ...]]:
    return taken_apart(selectors) if selectors else _ALL


def _merged(found: Sequence[Sequence[T]]) -> Sequence[T]:
    return found[0] if len(found) == 1 else in_order(set().union(*found))
