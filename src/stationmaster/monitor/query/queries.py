"""What is asked of metrics, whoever answers: the monitor's own store or a Prometheus of the users'."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from stationmaster.monitor.promql.engine import LOOKBACK_MS
from stationmaster.monitor.promql.results import QueryLimits, Result
from stationmaster.monitor.promql.samples import Labels

EARLIEST_MS: Final = -9_000_000_000_000_000
LATEST_MS: Final = 9_000_000_000_000_000
"""Moments outside of these are refused: sums with any duration stay within 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Both ends belong to it."""

    first_ms: int = EARLIEST_MS
    last_ms: int = LATEST_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The moments of a range query: `first_ms`, then every `step_ms` (at least 1) up to `last_ms`."""

    first_ms: int
    last_ms: int
    step_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a query is worked: what it may take, and how old a sample may be to count as present."""

    limits: QueryLimits = field(default_factory=QueryLimits)
    lookback_ms: int = LOOKBACK_MS


TERMS: Final = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a target told of a metric: `kind` in lower case (counter, gauge, histogram, summary, unknown ...)."""

    kind: str
    help: str
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What answers, in the words of `/api/v1/status/buildinfo`."""

    version: str
    revision: str = ""
    branch: str = ""
    user: str = ""
    date: str = ""
    runtime: str = ""


class Queries(Protocol):
    """Every call blocks: make it in a worker thread. Raises QueryError.

    `selectors` are series selectors as `up{job="node"}`; a series counts that satisfies one of them; none means all.
    """

    def instant(self, query: str, at_ms: int, terms: Terms = TERMS) -> Result: ...

    def over(self, query: str, steps: Steps, terms: Terms = TERMS) -> Result: ...

    def series(self, selectors: Sequence[str], window: Window) -> Sequence[Labels]:
        """Ordered by label set."""

    def label_names(self, selectors: Sequence[str], window: Window) -> Sequence[str]:
        """Ordered."""

    def label_values(self, name: str, selectors: Sequence[str], window: Window) -> Sequence[str]:
        """Ordered."""

    def metadata(self, metric: str = "") -> Mapping[str, Sequence[Described]]:
        """Of one metric, or of all; targets may describe one metric differently."""

    def build(self) -> Build: ...
