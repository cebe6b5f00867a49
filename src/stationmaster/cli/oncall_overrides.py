"""`oncall override add|list|end` and `oncall swap`: somebody else is on duty for a while."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_oncall import (
    OverrideList,
    OverrideOrder,
    OverrideOutcome,
    OverrideShown,
    ShiftShown,
    SpanOrder,
    SwapOrder,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override, ResponderName, ScheduleName
from stationmaster.runtime.wall import utc_now

PATH = "/api/v1/overrides"
_COLOURS = {"counting": "green", "coming": "cyan", "ignored": "red", "over": "dim", "ended": "dim"}

overrides = typer.Typer(help="Overrides: somebody else is on duty for a while.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show who would be on duty before and after.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence.")]


def register(verbs: typer.Typer) -> None:
    verbs.add_typer(overrides, name="override")
    verbs.command(
        epilog="Examples: [bold]stationmaster oncall swap primary 2026-12-24T12:00+01:00 2026-12-31T12:00+01:00[/bold] "
        "(the turns around these moments), "
        "[bold]stationmaster oncall swap primary 2026-12-24T09:00Z/2026-12-25T09:00Z +14d[/bold]"
    )(swap)


def known_overrides(state: Path, since: datetime) -> tuple[Override, ...]:
    """Of the running platform: those that count, or counted, later than that moment."""
    asked = min(since, utc_now()).isoformat()
    found = ControlClient(state_dir(state)).get(PATH, OverrideList, since=asked).overrides
    return tuple(
        Override(
            number=each.number,
            schedule=ScheduleName(each.schedule),
            responder=ResponderName(each.responder),
            starts_at=each.starts_at,
            ends_at=_until(each),
            by=each.by,
        )
        for each in found
        if _until(each) > each.starts_at
    )


@overrides.command(
    epilog="Examples: [bold]stationmaster oncall override add primary ada --for 8h[/bold], "
    "[bold]stationmaster oncall override add primary ada --from 2026-12-24T09:00+01:00 "
    "--until 2026-12-25T09:00+01:00 -r 'Grace is ill'[/bold]"
)
def add(
    schedule: Annotated[str, typer.Argument(help="The schedule.")],
    responder: Annotated[str, typer.Argument(help="Who takes over.")],
    from_: Annotated[str, typer.Option("--from", help="When it begins: ISO 8601, +2h, or now.")] = "now",
    until: Annotated[str, typer.Option("--until", help="When it ends: ISO 8601, or +2h.")] = "",
    for_: Annotated[str, typer.Option("--for", help="How long it lasts, in place of --until.")] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Put somebody on duty for a while, whatever the layers say."""
    with refusals():
        starts_at = None if from_ in ("", "now") else moment(from_, utc_now())
        order = OverrideOrder(
            schedule=schedule,
            responder=responder,
            starts_at=starts_at,
            ends_at=_end(starts_at or utc_now(), until, for_),
            reason=reason,
            dry_run=dry_run,
        )
        outcome = ControlClient(state_dir(state)).post(PATH, order, OverrideOutcome)
    _print(outcome, as_json=as_json)


@overrides.command(
    "list", epilog="Example: [bold]stationmaster oncall override list --schedule primary --since -30d[/bold]"
)
def list_overrides(
    schedule: Annotated[str, typer.Option("--schedule", help="This schedule alone.")] = "",
    since: Annotated[str, typer.Option(help="Those too that ended after this: ISO 8601, or -30d.")] = "now",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List overrides, the newest first; of several that overlap, the newest counts."""
    with refusals():
        query = {"schedule": schedule} if schedule else {}
        query["since"] = moment(since, utc_now()).isoformat()
        found = ControlClient(state_dir(state)).get(PATH, OverrideList, **query)
    if as_json:
        print_json(found)
        return
    if not found.overrides:
        out.print("nothing is overridden")
        return
    table = table_of(
        "number", "state", "schedule", "on duty", "from", "until", "by", "why", whole=frozenset({"number"})
    )
    for each in found.overrides:
        colour = _COLOURS.get(each.state, "white")
        said = "not declared any more" if each.state == "ignored" else each.reason
        table.add_row(
            str(each.number),
            f"[{colour}]{each.state}[/{colour}]",
            escape(each.schedule),
            escape(each.responder),
            _local(each.starts_at),
            _local(_until(each)),
            escape(each.by + (" (calendar)" if each.imported else "")),
            escape(said),
        )
    print_table(table)


@overrides.command(epilog="Example: [bold]stationmaster oncall override end 3[/bold]")
def end(
    number: Annotated[int, typer.Argument(help="As the list shows it.", min=1)],
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """End an override now; whoever is on duty without it takes over."""
    with refusals():
        ended = ControlClient(state_dir(state)).send("DELETE", f"{PATH}/{number}", OverrideShown)
    if as_json:
        print_json(ended)
        return
    out.print(f"override {ended.number} of {ended.schedule} ({ended.responder}) is ended", markup=False)


def swap(
    schedule: Annotated[str, typer.Argument(help="The schedule.")],
    one: Annotated[str, typer.Argument(help="FROM/UNTIL, or a moment within a turn.")],
    other: Annotated[str, typer.Argument(help="The other one, likewise.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Let two people change turns: whoever has the one gets the other."""
    with refusals():
        order = SwapOrder(schedule=schedule, one=_span(one), other=_span(other), reason=reason, dry_run=dry_run)
        outcome = ControlClient(state_dir(state)).post(f"{PATH}/swap", order, OverrideOutcome)
    _print(outcome, as_json=as_json)


def _span(text: str) -> SpanOrder:
    begins, slash, ends = text.partition("/")
    now = utc_now()
    return SpanOrder(starts_at=moment(begins, now), ends_at=moment(ends, now) if slash else None)


def _end(starts_at: datetime, until: str, for_: str) -> datetime:
    if bool(until) == bool(for_):
        said = "it is said twice when it ends" if until else "it is not said when it ends"
        raise PlatformError("bad-span", said, hint="write --until or --for, one of them")
    if until:
        return moment(until, utc_now())
    try:
        return starts_at + duration(for_)
    except OverflowError as error:
        raise PlatformError("bad-duration", f"{for_} ends in no year", hint="write 8h, or 7d") from error


def _until(each: OverrideShown) -> datetime:
    return each.ends_at if each.ended_at is None else min(each.ends_at, each.ended_at)


def _print(outcome: OverrideOutcome, *, as_json: bool) -> None:
    if as_json:
        print_json(outcome)
        return
    for text in outcome.warnings:
        err.print(f"warning: {text}", markup=False)
    if outcome.dry_run:
        _print_shifts("before", outcome.before)
        _print_shifts("after", outcome.after)
        out.print("nothing is changed: --dry-run")
        return
    for each in outcome.overrides:
        said = f"override {each.number}: {each.responder} is on duty in {each.schedule}"
        out.print(f"{said} from {_local(each.starts_at)} until {_local(each.ends_at)}", markup=False)


def _print_shifts(when: str, shifts: tuple[ShiftShown, ...]) -> None:
    table = table_of(when, "from", "until", "by", whole=frozenset({"from", "until"}))
    for each in shifts:
        who = escape(each.responder) if each.responder else "[red]nobody[/red]"
        table.add_row(who, _local(each.starts_at), _local(each.ends_at), escape(each.by or ""))
    print_table(table)


def _local(at: datetime) -> str:
    return f"{at.astimezone():%a %Y-%m-%d %H:%M %Z}"
