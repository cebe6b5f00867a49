"""`oncall`: who is on duty, now or at any other time, and who takes over."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli import oncall_calendar, oncall_overrides
from stationmaster.cli.declared_spec import FileOption, spec_of
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.oncall_overrides import known_overrides
from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, Schedule
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.oncall import Span, duties, of_declared
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Schedules: who is on duty when.", no_args_is_help=True)

_LONGEST = timedelta(days=366)
_AHEAD = timedelta(days=60)
"""How far the end of a turn is looked for."""

AtOption = Annotated[str, typer.Option("--at", help="A moment: ISO 8601, +2h, -1d, or now.")]
OneSchedule = Annotated[str, typer.Option("--schedule", help="This schedule alone.")]


@verbs.command(
    "who",
    epilog="Examples: [bold]stationmaster oncall who[/bold], "
    "[bold]stationmaster oncall who --service api_key_service --at 2026-12-24T22:00[/bold]",
)
def who(
    at: AtOption = "now",
    schedule: OneSchedule = "",
    service: Annotated[str, typer.Option(help="The schedules that are paged for this service.")] = "",
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show who is on duty at a moment, and until when."""
    with refusals():
        when = moment(at, utc_now())
        spec = spec_of(file, state)
        known = _overrides(spec, file, state, when)
        found = [(each, duties(each, known, when, when + _AHEAD)[0]) for each in _wanted(spec, schedule, service)]
    rows = [_row(each.name, span) for each, span in found]
    if as_json:
        print_json({"at": when, "on_duty": rows})
        return
    table = table_of("schedule", "on duty", "by", "until", whole=frozenset({"until"}))
    for (each, span), row in zip(found, rows, strict=True):
        until = _local(span.ends_at, ZoneInfo(each.time_zone)) if span.ends_at < when + _AHEAD else "further"
        table.add_row(escape(each.name), _person(spec, row["responder"]), escape(row["by"] or ""), until)
    _print(table, rows, "no schedule is declared")


@verbs.command("list", epilog="Example: [bold]stationmaster oncall list --schedule primary --for 28d[/bold]")
def list_duties(
    at: AtOption = "now",
    for_: Annotated[str, typer.Option("--for", help="How far to look, up to 366d.")] = "14d",
    schedule: OneSchedule = "",
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show every turn of the schedules, gaps included."""
    with refusals():
        spec = spec_of(file, state)
        rows = _turns(spec, schedule, at, for_, (file, state))
    if as_json:
        print_json({"turns": rows})
        return
    _print(_turn_table(spec, rows), rows, "no schedule is declared")


@verbs.command(
    "gaps", epilog="Example: [bold]stationmaster oncall gaps --for 90d[/bold] (exit status 1 where there are any)"
)
def gaps(
    at: AtOption = "now",
    for_: Annotated[str, typer.Option("--for", help="How far to look, up to 366d.")] = "60d",
    schedule: OneSchedule = "",
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show when nobody is on duty; exit status 1 where that happens."""
    with refusals():
        spec = spec_of(file, state)
        rows = [row for row in _turns(spec, schedule, at, for_, (file, state)) if row["responder"] is None]
    if as_json:
        print_json({"gaps": rows})
    else:
        _print(_turn_table(spec, rows), rows, "somebody is on duty at every moment")
    raise typer.Exit(1 if rows else 0)


def _wanted(spec: PlatformSpec, name: str, service: str = "") -> tuple[Schedule, ...]:
    from stationmaster.incidents.duty_asking import schedule_of, schedules_for

    only = schedule_of(spec, name).name if name else ""
    names = schedules_for(spec, service) if service else {each.name for each in spec.schedules}
    return tuple(each for each in spec.schedules if each.name in names and only in ("", each.name))


def _overrides(spec: PlatformSpec, file: Path | None, state: Path, when: datetime) -> tuple[Override, ...]:
    """Those of the running platform that count at that moment or later; a file has none."""
    found = () if file is not None else known_overrides(state, when)
    return of_declared(found, {each.name for each in spec.responders})


def _turns(spec: PlatformSpec, name: str, at: str, for_: str, where: tuple[Path | None, Path]) -> list[dict[str, Any]]:
    when, length = moment(at, utc_now()), duration(for_)
    if not timedelta() < length <= _LONGEST:
        raise PlatformError("bad-duration", f"{for_} is not between 1s and 366d", hint="write 14d, or 90d")
    known = _overrides(spec, *where, when)
    return [_row(each.name, span) for each in _wanted(spec, name) for span in duties(each, known, when, when + length)]


def _row(schedule: str, span: Span) -> dict[str, Any]:
    return {
        "schedule": schedule,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "responder": None if span.duty is None else span.duty.responder,
        "by": None if span.duty is None else span.duty.by,
    }


def _turn_table(spec: PlatformSpec, rows: list[dict[str, Any]]) -> Table:
    zones = {each.name: ZoneInfo(each.time_zone) for each in spec.schedules}
    table = table_of("schedule", "from", "until", "on duty", "by", whole=frozenset({"from", "until"}))
    for row in rows:
        zone = zones[row["schedule"]]
        table.add_row(
            escape(row["schedule"]),
            _local(row["starts_at"], zone),
            _local(row["ends_at"], zone),
            _person(spec, row["responder"]),
            escape(row["by"] or ""),
        )
    return table


def _person(spec: PlatformSpec, name: str | None) -> str:
    if name is None:
        return "[red]nobody[/red]"
    full = next((each.full_name for each in spec.responders if each.name == name), "")
    return escape(f"{full} ({name})" if full else name)


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%a %Y-%m-%d %H:%M %Z")


def _print(table: Table, rows: list[dict[str, Any]], nothing: str) -> None:
    if rows:
        print_table(table)
    else:
        out.print(nothing)


oncall_overrides.register(verbs)
oncall_calendar.register(verbs)
