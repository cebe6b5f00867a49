"""Tells which queries the own store has to answer, whoever else is declared to: nobody else has the samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from stationmaster.core.rules import RecordingRule, RuleGroup
from stationmaster.monitor.promql.engine import parse
from stationmaster.monitor.promql.results import QueryError
from stationmaster.monitor.promql.samples import Matcher, MatchKind

_COUNTED: Final = ("stationmaster_", "probe_")
"""Metrics of gateway nodes, of the control plane and of checks begin so."""


@dataclass(slots=True)
class Ours:
    """`groups` gives all rules that are evaluated here: what they record is kept here."""

    groups: Callable[[], Sequence[RuleGroup]] = tuple
    _of: Sequence[RuleGroup] | None = None
    _recorded: frozenset[str] = field(default=frozenset())

    def reads(self, query: str) -> bool:
        """Whether every selector of the query names a metric of ours, be it that there is none; not so where the query
        is refused."""
        names = _names(query)
        return names is not None and all(each.startswith(_COUNTED) or each in self._known() for each in names)

    def _known(self) -> frozenset[str]:
        groups = self.groups()
        if self._of is not groups:
            self._recorded = frozenset(
                rule.name for group in groups for rule in group.rules if isinstance(rule, RecordingRule)
            )
            self._of = groups
        return self._recorded


@lru_cache(maxsize=8192)
def _names(query: str) -> frozenset[str] | None:
    """None where a selector names no metric."""
    try:
        parsed = parse(query)
    except QueryError:
        return None
    named = all(map(_is_named, parsed.selectors))
    return parsed.metric_names if named else None


def _is_named(matchers: Sequence[Matcher]) -> bool:
    return any(each.name == "__name__" and each.kind is MatchKind.EQUAL for each in matchers)
