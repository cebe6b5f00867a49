"""`incident list|show`: what went wrong and what was done about it."""

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire import IncidentDetail, IncidentList, IncidentSummary, TimelineEntry
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

verbs = typer.Typer(help="Incidents and their timelines.", no_args_is_help=True)


@verbs.command("list", epilog="Example: [bold]stationmaster incident list --status triggered[/bold]")
def list_incidents(
    status: Annotated[str, typer.Option(help="Only triggered or only resolved ones.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List incidents, the newest first."""
    query = {"status": status} if status else {}
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/incidents", IncidentList, **query)
    if as_json:
        print_json(found)
        return
    if not found.incidents:
        out.print("no incidents")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("number", "status", "severity", "opened", "duration", "title"):
        table.add_column(column.upper())
    for each in found.incidents:
        opened = each.opened_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(f"#{each.number}", each.status, each.severity, opened, duration_of(each), escape(each.title))
    out.print(table)


@verbs.command("show", epilog="Example: [bold]stationmaster incident show 1[/bold]")
def show_incident(
    number: Annotated[int, typer.Argument(help="The incident's number.", min=1)],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show one incident with its timeline."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"/api/v1/incidents/{number}", IncidentDetail)
    if as_json:
        print_json(found)
        return
    incident = found.incident
    out.print(f"[bold]#{incident.number} {escape(incident.title)}[/bold]")
    out.print(f"{incident.status}, {incident.severity}, service {incident.service} in {incident.environment}")
    for entry in found.timeline:
        out.print(timeline_line(entry, incident.opened_at))


def timeline_line(entry: TimelineEntry, zero: datetime) -> str:
    """One line: seconds since `zero`, who, what."""
    offset = (entry.at - zero).total_seconds()
    first, *rest = entry.text.splitlines() or [""]
    more = "".join(f"\n{'':27}{line}" for line in rest)
    return f"[dim]{offset:+9.3f} s[/dim]  [cyan]{escape(entry.by):<13}[/cyan] {escape(first + more)}"


def duration_of(incident: IncidentSummary) -> str:
    if incident.resolved_at is None:
        return "open"
    return f"{(incident.resolved_at - incident.opened_at).total_seconds():.1f} s"
