"""`incident`: what went wrong, what was done about it, and what is to be done now."""

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire import IncidentList, IncidentSummary, TimelineEntry
from stationmaster.api.wire_incidents import IncidentStory
from stationmaster.cli import incident_acts, incident_notes, incident_update
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

verbs = typer.Typer(help="Incidents and their timelines.", no_args_is_help=True)


@verbs.command("list", epilog="Example: [bold]stationmaster incident list --status open[/bold]")
def list_incidents(
    status: Annotated[str, typer.Option(help="open, triggered, acknowledged, mitigated, resolved or reviewed.")] = "",
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
        owed = owed_words(each)
        title = f"{escape(each.title)}, [red]{owed}[/red]" if owed else escape(each.title)
        table.add_row(f"#{each.number}", each.status, each.severity, opened, duration_of(each), title)
    out.print(table)


@verbs.command("show", epilog="Example: [bold]stationmaster incident show 1[/bold]")
def show_incident(
    number: Annotated[int, typer.Argument(help="The incident's number.", min=1)],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show one incident with its timeline."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"/api/v1/incidents/{number}", IncidentStory)
    if as_json:
        print_json(found)
        return
    _print_head(found)
    for entry in found.timeline:
        out.print(timeline_line(entry, found.incident.opened_at))


def _print_head(story: IncidentStory) -> None:
    incident = story.incident
    out.print(f"[bold]#{incident.number} {escape(incident.title)}[/bold]")
    out.print(f"{incident.status}, {incident.severity}, service {incident.service} in {incident.environment}")
    rows = {
        "news": owed_words(incident),
        "urgency": story.urgency,
        "priority": story.priority,
        "policy": story.policy or "none: nobody is paged",
        "acknowledged": story.acknowledged_by,
        "at work": ", ".join(each.name for each in story.responders),
        "merged into": f"#{story.merged_into}" if story.merged_into else "",
        "merged here": ", ".join(f"#{each}" for each in story.merged),
        "related": "; ".join(
            f"{', '.join(f'#{one}' for one in each.numbers)}, likely cause {each.cause}" for each in story.related
        ),
        "diagnosis": "; ".join(
            f"likely cause {each.likely}" if each.likely else "no likely cause is known" for each in story.diagnoses
        ),
        "proposed": "; ".join(
            f"{each.proposed.command}{f' ({each.proposed.asks})' if each.proposed.asks else ''}"
            for each in story.diagnoses
            if each.proposed is not None
        ),
        "paged": ", ".join(dict.fromkeys(each.to for each in story.pages if each.state == "sent")),
        "not reached": ", ".join(dict.fromkeys(each.to for each in story.pages if each.state == "failed")),
        "firing": ", ".join(each.fingerprint for each in story.alerts if each.firing),
    }
    for name, text in rows.items():
        if text:
            out.print(f"[dim]{name:<13}[/dim] {escape(text)}")


def timeline_line(entry: TimelineEntry, zero: datetime) -> str:
    """One line: seconds since `zero`, who, what."""
    offset = (entry.at - zero).total_seconds()
    first, *rest = entry.text.splitlines() or [""]
    more = "".join(f"\n{'':27}{line}" for line in rest)
    return f"[dim]{offset:+9.3f} s[/dim]  [cyan]{escape(entry.by):<13}[/cyan] {escape(first + more)}"


def owed_words(incident: IncidentSummary) -> str:
    since = incident.update_owed_since
    return "" if since is None else f"update owed since {since.astimezone():%H:%M}"


def duration_of(incident: IncidentSummary) -> str:
    if incident.resolved_at is None:
        return "open"
    return f"{(incident.resolved_at - incident.opened_at).total_seconds():.1f} s"


incident_acts.register(verbs)
incident_notes.register(verbs)
incident_update.register(verbs)
