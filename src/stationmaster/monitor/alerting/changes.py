"""What became of an alert, on its way to whoever writes it down."""

from dataclasses import dataclass

from stationmaster.core.rules import AlertingRule, Rule
from stationmaster.monitor.alerting.states import Active, Step, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A transition of an alert of the rule with this key; `why` in place of the usual evidence of a recovery."""

    key: str
    rule: Rule
    transition: Transition
    at_ms: int
    why: str = ""


def endings(key: str, active: Active, at_ms: int) -> list[Change]:
    """The changes that end all alerts of a rule that is gone."""
    why = "the rule that gave it is no longer there"
    made = []
    for alert in active.values():
        step = Step.RESOLVED if alert.fired_ms is not None else Step.DROPPED
        made.append(Change(key=key, rule=_GONE, transition=Transition(step=step, alert=alert), at_ms=at_ms, why=why))
    return made


_GONE = AlertingRule(name="", expr="")
