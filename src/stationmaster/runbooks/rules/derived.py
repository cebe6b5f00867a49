"""The words for what becomes of a runbook's limits and queries: a rule and the reasons for it, or why there is none."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule, RuleGroup

FILE = "runbooks"
"""The file of the groups, as rule files have theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the platform has, as far as somebody says so.

    `metrics` gives the names of all metrics that have series; None where nobody knows. `raised` are alerts that the
    platform raises by itself. Rules are narrowed to what their runbook is about where it is among `services` or `apis`.
    """

    environment: str = ""
    services: frozenset[str] = frozenset()
    apis: frozenset[str] = frozenset()
    raised: frozenset[str] = frozenset()
    metrics: Callable[[], Collection[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedRule:
    """`text` are the words of the runbook; `why` says what they were taken for, `notes` what was added to them and what
    is wrong with the rule."""

    rule: AlertingRule
    text: str
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRule:
    """Something of a runbook that reads like an alert and became none. `name` is empty where it has none."""

    name: str
    text: str
    origin: Origin
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    rules: tuple[DerivedRule, ...]
    left_out: tuple[NoRule, ...] = ()

    @property
    def groups(self) -> tuple[RuleGroup, ...]:
        """One a runbook, in their order."""
        files = dict.fromkeys(each.rule.origin.file for each in self.rules)
        return tuple(
            RuleGroup(
                name=file,
                file=FILE,
                rules=tuple(each.rule for each in self.rules if each.rule.origin.file == file),
                origin=Origin(file=file, line=1),
            )
            for file in files
        )
