"""`rules list|alerts`: what the running platform evaluates, and what of it is pending or fires."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

LIST_EXAMPLES = "Examples: [bold]stm rules list[/bold], [bold]stm rules list --failing[/bold]"
ALERTS_EXAMPLES = "Examples: [bold]stm rules alerts[/bold], [bold]stm rules alerts --json[/bold]"

_MOMENT = "%Y-%m-%d %H:%M:%S"


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


class Groups(msgspec.Struct, kw_only=True):
    groups: Sequence[Group]


class Alerts(msgspec.Struct, kw_only=True):
    alerts: Sequence[Alert]


class GroupsReply(msgspec.Struct, kw_only=True):
    data: Groups


class AlertsReply(msgspec.Struct, kw_only=True):
    data: Alerts


FailingOption = Annotated[bool, typer.Option("--failing", help="Only rules whose last evaluation failed.")]


def list_rules(failing: FailingOption = False, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the rules that the platform evaluates, and how each of them is."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/prometheus/api/v1/rules", GroupsReply).data
    groups = [(group, [each for each in group.rules if not failing or each.health == "err"]) for group in found.groups]
    if as_json:
        print_json({"groups": [{"name": group.name, "file": group.file, "rules": rules} for group, rules in groups]})
        return
    rows = [(group, rule) for group, rules in groups for rule in rules]
    if not rows:
        out.print("no rule fails" if failing else "no rules")
        return
    table = _table("group", "rule", "type", "health", "state", "took", "query")
    for group, rule in rows:
        query = " ".join(rule.query.split())
        cells = (group.name, rule.name, rule.type, rule.health, rule.state, f"{rule.evaluation_time * 1000:.1f} ms")
        table.add_row(*map(escape, cells), escape(query if len(query) <= 80 else query[:79] + "…"))
    out.print(table)
    for group, rule in rows:
        if rule.last_error:
            out.print(f"{group.name}/{rule.name}: {rule.last_error}", markup=False)


def list_alerts(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the alerts of rules that are pending or fire."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/prometheus/api/v1/alerts", AlertsReply).data
    if as_json:
        print_json(found)
        return
    if not found.alerts:
        out.print("nothing is pending or fires")
        return
    table = _table("state", "alert", "since", "value", "labels", "summary")
    for alert in sorted(found.alerts, key=lambda each: (each.state, each.active_at)):
        labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items() if name != "alertname")
        since = alert.active_at.astimezone().strftime(_MOMENT)
        name, summary = alert.labels.get("alertname", ""), alert.annotations.get("summary", "")
        table.add_row(*map(escape, (alert.state, name, since, alert.value, labels, summary)))
    out.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper())
    return table
