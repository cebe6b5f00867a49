"""The state of groups as Prometheus' HTTP API tells it."""

from stationmaster.core.rules import Rule
from stationmaster.monitor.alerting.evaluate import RuleMemory
from stationmaster.monitor.alerting.group_run import GroupRun
from stationmaster.monitor.alerting.prepared import Prepared
from stationmaster.monitor.alerting.states import ActiveAlert
from stationmaster.monitor.alerting.wording import moment
from stationmaster.monitor.query.told import AlertTold, GroupTold, RuleTold


def told(run: GroupRun) -> GroupTold:
    return GroupTold(
        group=run.group,
        interval_ms=run.interval_ms,
        rules=[_rule(each, run.memory(each.key)) for each in run.rules],
        evaluation_s=run.took_s,
        last_evaluation=None if run.evaluated_ms is None else moment(run.evaluated_ms),
    )


def _rule(each: Prepared, memory: RuleMemory) -> RuleTold:
    rule: Rule = each.rule
    return RuleTold(
        rule=rule,
        health=_health(memory),
        last_error=memory.last_error or "; ".join(memory.warnings),
        evaluation_s=memory.took_s,
        last_evaluation=None if memory.evaluated_ms is None else moment(memory.evaluated_ms),
        alerts=[_alert(alert) for alert in memory.active.values()],
    )


def _health(memory: RuleMemory) -> str:
    if memory.evaluated_ms is None:
        return "unknown"
    return "err" if memory.last_error else "ok"


def _alert(alert: ActiveAlert) -> AlertTold:
    return AlertTold(
        labels=alert.labels,
        annotations=alert.annotations,
        state=alert.phase.value,
        active_at=moment(alert.active_ms),
        value=alert.value,
        keep_firing_since=None if alert.held_ms is None else moment(alert.held_ms),
    )
