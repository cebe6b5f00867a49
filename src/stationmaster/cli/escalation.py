"""`escalation simulate`: who would be paged when, if an alert fired."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.markup import escape

from stationmaster.cli.declared_spec import FileOption, spec_of
from stationmaster.cli.moments import duration, moment
from stationmaster.cli.oncall_overrides import known_overrides
from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError
from stationmaster.core.response import Override
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.escalate import Happened, History, Move, reached
from stationmaster.incidents.pages import Directory, Nobody, Page, pages, stands
from stationmaster.incidents.routing import Routed, route
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="Escalation policies: who is paged after whom.", no_args_is_help=True)

_LONGEST = timedelta(days=366)

EXAMPLES = (
    "Examples: [bold]stationmaster escalation simulate --service api_key_service[/bold], "
    "[bold]stationmaster escalation simulate --label severity=warning --at 2026-12-24T22:00 --acknowledged 10m[/bold]"
)


@verbs.command("simulate", epilog=EXAMPLES)
def simulate(
    service: Annotated[str, typer.Option(help="The alert's service.")] = "",
    severity: Annotated[str, typer.Option(help="The alert's severity.")] = "critical",
    label: Annotated[list[str] | None, typer.Option("--label", help="Another label, as team=shop.")] = None,
    at: Annotated[str, typer.Option("--at", help="When it fires: ISO 8601, +2h, or now.")] = "now",
    acknowledged: Annotated[str, typer.Option(help="Somebody acknowledges after so long, as 10m.")] = "",
    resolved: Annotated[str, typer.Option(help="It is resolved after so long, as 45m.")] = "",
    for_: Annotated[str, typer.Option("--for", help="How far to look.")] = "4h",
    file: FileOption = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show who would be paged when, by which contact, and why; nobody is really paged."""
    with refusals():
        when, length = moment(at, utc_now()), duration(for_)
        if not timedelta() < length <= _LONGEST:
            raise PlatformError("bad-duration", f"{for_} is not between 1s and 366d", hint="write 4h, or 2d")
        spec = spec_of(file, state)
        labels = {"severity": severity, "environment": spec.environment, **_labels(label or [])}
        labels |= {"service": service} if service else {}
        routed = route(spec, labels)
        history = _history(when, severity, acknowledged, resolved)
        overrides = () if file is not None else known_overrides(state, when)
    found = _found(spec, routed, history, when + length, overrides)
    rows = [_row(each, when) for each in found]
    if as_json:
        policy = None if routed.policy is None else routed.policy.name
        print_json({"policy": policy, "urgency": routed.urgency.value, "why": routed.why, "pages": rows})
        return
    _print(routed, rows)


def _labels(written: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in written]
    broken = next((name for name, equals, _ in pairs if not equals or not name), None)
    if broken is not None:
        raise PlatformError("bad-label", f"{broken!r} is no label with its value", hint="write --label team=shop")
    return {name: value for name, _, value in pairs}


def _history(when: datetime, severity: str, acknowledged: str, resolved: str) -> History:
    moves = [
        Happened(at=when + duration(text), move=move, by="somebody")
        for text, move in ((acknowledged, Move.ACKNOWLEDGED), (resolved, Move.ENDED))
        if text
    ]
    return History(opened_at=when, severity=severity, moves=tuple(sorted(moves, key=lambda each: each.at)))


def _found(
    spec: PlatformSpec, routed: Routed, history: History, until: datetime, overrides: Sequence[Override] = ()
) -> list[Page | Nobody]:
    if routed.policy is None:
        return []
    levels = reached(routed.policy, history, until)
    found = pages(levels, routed.policy, Directory.of(spec, overrides), routed.urgency)
    return [each for each in found if isinstance(each, Nobody) or (each.due_at <= until and stands(each, history))]


def _row(found: Page | Nobody, zero: datetime) -> dict[str, Any]:
    at = found.due_at if isinstance(found, Page) else found.at
    target = found.to if isinstance(found, Page) else found.target
    return {
        "at": at,
        "after_s": int((at - zero).total_seconds()),
        "level": found.level + 1,
        "round": found.round + 1,
        "to": f"{target.kind.value}/{target.name}",
        "contact": found.contact.name if isinstance(found, Page) else None,
        "kind": found.contact.kind.value if isinstance(found, Page) else None,
        "why": found.why,
    }


def _print(routed: Routed, rows: list[dict[str, Any]]) -> None:
    if routed.policy is None:
        out.print(f"[red]nobody is paged[/red]: {escape(routed.why)}")
        out.print("hint: declare `escalation_policies`, and name one in `incidents.policy`")
        return
    out.print(f"policy {escape(routed.policy.name)}, urgency {routed.urgency.value} ({escape(routed.why)})")
    table = table_of("after", "at (UTC)", "level", "to", "by", "why", whole=frozenset({"after", "at (UTC)"}))
    for row in rows:
        table.add_row(
            str(timedelta(seconds=row["after_s"])),
            row["at"].strftime("%Y-%m-%d %H:%M:%S"),
            str(row["level"]) + (f" (round {row['round']})" if row["round"] > 1 else ""),
            escape(row["to"]),
            escape(row["contact"]) if row["contact"] else "[red]nobody[/red]",
            escape(row["why"]),
        )
    print_table(table)
