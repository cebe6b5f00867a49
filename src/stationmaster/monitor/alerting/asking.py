"""Whom rules ask: the monitor's own samples, or whoever else answers queries."""

from collections.abc import Callable

from stationmaster.monitor.alerting.evaluate import Ask
from stationmaster.monitor.promql.engine import Parsed, instant, parse
from stationmaster.monitor.promql.results import QueryLimits, Result
from stationmaster.monitor.promql.samples import Source
from stationmaster.monitor.query.queries import Queries, Terms

_MOST_KNOWN = 10_000


class OwnAsk:
    """Asks a source of samples; a query is parsed once and keeps what it has learnt of the labels."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, Parsed] = {}

    def __call__(self, query: str, at_ms: int, timeout_ms: int) -> Result:
        """Raises QueryError."""
        parsed = self._known.get(query)
        if parsed is None:
            parsed = parse(query)
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[query] = parsed
        return instant(self._source, parsed, at_ms, QueryLimits(timeout_ms=timeout_ms))


def asking(queries: Callable[[], Queries]) -> Ask:
    """Asks who answers queries at this moment, as a Prometheus of the users'."""

    def ask(query: str, at_ms: int, timeout_ms: int) -> Result:
        return queries().instant(query, at_ms, Terms(limits=QueryLimits(timeout_ms=timeout_ms)))

    return ask
