"""`rules list|alerts`: what the running platform evaluates, and what of it is pending or fires."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.client import ControlClient
from stationmaster.cli.get import print_table
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

LIST_EXAMPLES = (
    "Examples: [bold]stm rules list[/bold], [bold]stm rules list --failing[/bold], "
    "[bold]stm rules list --alerting --group no-data[/bold]. In a pipe every rule is one line, with its query."
)
ALERTS_EXAMPLES = "Examples: [bold]stm rules alerts[/bold], [bold]stm rules alerts --json[/bold]"

_MOMENT = "%Y-%m-%d %H:%M:%S"
_COLOURS = {"firing": "red", "pending": "yellow", "failed": "red", "waits": "dim"}


class Alert(msgspec.Struct, kw_only=True, rename="camel"):
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    active_at: datetime
    value: str


class Rule(msgspec.Struct, kw_only=True, rename="camel"):
    name: str
    query: str
    health: str
    type: str
    state: str = ""
    last_error: str = ""
    evaluation_time: float = 0.0
    last_evaluation: datetime


class Group(msgspec.Struct, kw_only=True, rename="camel"):
    name: str
    file: str
    rules: Sequence[Rule]
    interval: float = 0.0


class Problem(msgspec.Struct, kw_only=True):
    """A rule that does not load, or a file that cannot be read."""

    file: str
    line: int
    column: int
    severity: str
    code: str
    message: str
    hint: str


class Groups(msgspec.Struct, kw_only=True):
    groups: Sequence[Group]
    problems: Sequence[Problem] = ()


class Alerts(msgspec.Struct, kw_only=True):
    alerts: Sequence[Alert]


class GroupsReply(msgspec.Struct, kw_only=True):
    data: Groups


class AlertsReply(msgspec.Struct, kw_only=True):
    data: Alerts


FailingOption = Annotated[bool, typer.Option("--failing", help="Only rules whose last evaluation failed.")]
AlertingOption = Annotated[bool, typer.Option("--alerting", help="Only rules that raise alerts.")]
GroupOption = Annotated[str, typer.Option("--group", help="Only groups whose name holds this.")]


def list_rules(
    failing: FailingOption = False,
    alerting: AlertingOption = False,
    group: GroupOption = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List the rules that the platform evaluates, how each of them is, and those that do not load."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/prometheus/api/v1/rules", GroupsReply).data

    def wanted(rule: Rule) -> bool:
        return (rule.health == "err" or not failing) and (rule.type == "alerting" or not alerting)

    kept = [msgspec.structs.replace(each, rules=list(filter(wanted, each.rules))) for each in found.groups]
    groups = [each for each in kept if each.rules and group in each.name]
    if as_json:
        print_json({"groups": groups, "problems": found.problems})
        return
    if not groups:
        out.print("no rule fails" if failing else "no rules")
    elif out.is_terminal:
        _show_groups(groups)
    else:
        print_table(_rows(groups))
    for each in groups:
        for rule in each.rules:
            if rule.last_error:
                out.print(f"{each.name}/{rule.name}: {rule.last_error}", markup=False)
    _say_problems(found.problems)


def _rows(groups: Sequence[Group]) -> Table:
    """For programs: every rule is a line."""
    table = _table("group", "rule", "type", "health", "state", "took", "query")
    for group in groups:
        for rule in group.rules:
            cells = (
                group.name,
                rule.name,
                rule.type,
                rule.health,
                rule.state,
                _took(rule),
                " ".join(rule.query.split()),
            )
            table.add_row(*map(escape, cells))
    return table


def _show_groups(groups: Sequence[Group]) -> None:
    """For people: names are long, so that groups are headings."""
    widest = max(len(rule.name) for group in groups for rule in group.rules)
    for group in groups:
        out.print(f"[bold]{escape(group.name)}[/bold]  every {group.interval:g} s  [dim]{escape(group.file)}[/dim]")
        for rule in group.rules:
            state = _state(rule)
            colour = _COLOURS.get(state, "default")
            name = escape(rule.name) + " " * (widest - len(rule.name))
            out.print(f"  {name}  [{colour}]{state:<8}[/{colour}]  {_took(rule):>9}")


def _state(rule: Rule) -> str:
    """Whether it could be evaluated, and what came of it."""
    if rule.health == "err":
        return "failed"
    return "waits" if rule.health == "unknown" else rule.state or "recorded"


def _took(rule: Rule) -> str:
    return f"{rule.evaluation_time * 1000:.1f} ms"


def _say_problems(problems: Sequence[Problem]) -> None:
    for each in problems:
        out.print(
            f"{each.file}:{each.line}:{each.column}: left out: {each.message} [{each.code}]", style="red", markup=False
        )
        if each.hint:
            out.print(f"    hint: {each.hint}", markup=False)


def list_alerts(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the alerts of rules that are pending or fire."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/prometheus/api/v1/alerts", AlertsReply).data
    alerts = sorted(found.alerts, key=lambda each: (each.state, each.active_at))
    if as_json:
        print_json(found)
    elif not alerts:
        out.print("nothing is pending or fires")
    elif out.is_terminal:
        for each in alerts:
            _show_alert(each)
    else:
        print_table(_alert_rows(alerts))


def _alert_rows(alerts: Sequence[Alert]) -> Table:
    table = _table("state", "alert", "since", "value", "labels", "summary")
    for each in alerts:
        cells = (
            each.state,
            each.labels.get("alertname", ""),
            _since(each),
            _value(each),
            _labels(each),
            _summary(each),
        )
        table.add_row(*map(escape, cells))
    return table


def _show_alert(alert: Alert) -> None:
    colour = _COLOURS.get(alert.state, "default")
    name = escape(alert.labels.get("alertname", ""))
    out.print(f"[{colour}]{alert.state}[/{colour}]  [bold]{name}[/bold]  since {_since(alert)}, value {_value(alert)}")
    for line in (_summary(alert), _labels(alert)):
        if line:
            out.print(f"    {line}", markup=False)


def _labels(alert: Alert) -> str:
    return ", ".join(f"{name}={value}" for name, value in alert.labels.items() if name != "alertname")


def _since(alert: Alert) -> str:
    return alert.active_at.astimezone().strftime(_MOMENT)


def _value(alert: Alert) -> str:
    """Prometheus writes all of it with an exponent."""
    return f"{float(alert.value):.10g}"


def _summary(alert: Alert) -> str:
    return " ".join(alert.annotations.get("summary", "").split())


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper())
    return table
