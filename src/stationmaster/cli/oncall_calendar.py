"""`oncall calendar link|revoke` and `oncall import`: shifts as iCalendar, out and in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_oncall import CalendarImported, CalendarLink
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError

_LIMIT_S = 60.0
_MOST_BYTES = 1_000_000

calendars = typer.Typer(help="Shifts for calendar programs.", no_args_is_help=True)

ScheduleOption = Annotated[str, typer.Option("--schedule", help="The shifts of this schedule.")]
ResponderOption = Annotated[str, typer.Option("--responder", help="The shifts of this person, in every schedule.")]


def register(verbs: typer.Typer) -> None:
    verbs.add_typer(calendars, name="calendar")
    verbs.command(
        "import",
        epilog="Example: [bold]stationmaster oncall import shifts.ics --schedule primary --dry-run[/bold] "
        "(exit status 1 where an event was not understood)",
    )(import_file)


@calendars.command(epilog="Example: [bold]stationmaster oncall calendar link --responder ada[/bold]")
def link(
    schedule: ScheduleOption = "",
    responder: ResponderOption = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Print the URL to subscribe to; whoever has it reads the shifts."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_path(schedule, responder), CalendarLink)
    _print_link(found, as_json=as_json)


@calendars.command(epilog="Example: [bold]stationmaster oncall calendar revoke --schedule primary[/bold]")
def revoke(
    schedule: ScheduleOption = "",
    responder: ResponderOption = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """End every URL of it that was handed out, and print the new one."""
    with refusals():
        found = ControlClient(state_dir(state)).send("POST", f"{_path(schedule, responder)}/revoke", CalendarLink)
    _print_link(found, as_json=as_json)


def import_file(
    file: Annotated[Path, typer.Argument(help="An iCalendar file.")],
    schedule: Annotated[str, typer.Option("--schedule", help="The schedule that is overridden.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would come of it.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Turn events that name a responder into overrides; the same file again changes nothing."""
    with refusals():
        content = _content(file)
        query = {"dry_run": "true"} if dry_run else {}
        path = f"/api/v1/schedules/{schedule}/import"
        sent = {"params": query, "content": content, "headers": {"content-type": "text/calendar"}}
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        found = client.send("POST", path, CalendarImported, **sent)
    if as_json:
        print_json(found)
    else:
        _print(found, file)
    raise typer.Exit(1 if found.not_understood else 0)


def _print(found: CalendarImported, file: Path) -> None:
    table = table_of("", "on duty", "from", "until", "event", whole=frozenset({"from", "until"}))
    for word, rows in (("added", found.added), ("ended", found.ended)):
        for each in rows:
            begins, ends = (f"{at.astimezone():%a %Y-%m-%d %H:%M %Z}" for at in (each.starts_at, each.ends_at))
            table.add_row(word, escape(each.responder), begins, ends, escape(each.reason))
    if found.added or found.ended:
        print_table(table)
    out.print(
        f"{len(found.added)} added, {len(found.ended)} ended, {found.unchanged} unchanged, "
        f"{found.past} past or too far ahead" + (": nothing is changed (--dry-run)" if found.dry_run else "")
    )
    for unread in found.not_understood:
        out.print(f"{file}:{unread.line}: not understood: {unread.why}", markup=False)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        hint = "name an iCalendar file"
        raise PlatformError("file-unreadable", f"{file}: {error.strerror}", hint=hint) from error
    if len(content) > _MOST_BYTES:
        raise PlatformError("bad-calendar", f"{file} is larger than 1 MB", hint="export a shorter time")
    return content


def _path(schedule: str, responder: str) -> str:
    if bool(schedule) == bool(responder):
        hint = "write --schedule NAME or --responder NAME"
        raise PlatformError("unknown-calendar", "it is not said whose calendar is meant", hint=hint)
    return f"/api/v1/calendars/schedule/{schedule}" if schedule else f"/api/v1/calendars/responder/{responder}"


def _print_link(found: CalendarLink, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        out.print(found.url, markup=False)
