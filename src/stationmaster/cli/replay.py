"""`drill replay`: an incident once more, out of its audit bundle: what would be broken, and how it goes now."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_drills import DrillReportOrder, DrillReportShown
from stationmaster.api.wire_incidents import IncidentStory
from stationmaster.api.wire_replay import AlertTold, FaultMade, ReplayOrder, ReplayShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.drill import ApproveOption, LimitOption, RateOption
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.replay_report import ReplayReport, rows_of, story_now, story_then
from stationmaster.cli.replay_run import Replaying
from stationmaster.core.problem import PlatformError

EXAMPLES = (
    "Examples: [bold]stm drill replay incident-7.jsonl --dry-run[/bold], [bold]stm drill replay --incident 7 --approve"
    "[/bold]. Exit status: 0 it happened again and was cured, 1 it was not."
)
_PATH = "/api/v1/drills/replay"
_EXPORT_S = 300.0

Records = list[tuple[str, Mapping[str, Any]]]


def replay(
    bundle: Annotated[
        Path | None, typer.Argument(help="A file that `incident export` wrote.", show_default=False)
    ] = None,
    incident: Annotated[int | None, typer.Option(help="One of this platform, in place of a file.", min=1)] = None,
    key: Annotated[str, typer.Option(help="The fingerprint that the bundle's key has to have.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and break nothing.")] = False,
    hurry: Annotated[float, typer.Option(help="So many times quicker than it went then.", min=1, max=100)] = 1.0,
    rate: RateOption = 50.0,
    limit: LimitOption = 240.0,
    approve: ApproveOption = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make an incident happen once more as a drill, from the evidence in its bundle, and show then beside now.

    The same bounds hold as for every drill. Alerts of other systems are sent again with the label replay.
    """
    with refusals():
        client = ControlClient(state_dir(state), limit_s=_EXPORT_S)
        number, records, signed_by = _read(client, bundle, incident)
        if key and key != signed_by:
            hint = "`audit key` prints the fingerprint where the bundle is said to come from"
            raise PlatformError("bundle-foreign", f"{signed_by} signed the bundle, not {key}", hint=hint)
        shown = client.post(_PATH, _order(number, records), ReplayShown)
        if dry_run:
            _say(shown, signed_by, as_json=as_json)
            return
        _refuse_empty(shown)
        if not as_json:
            _say(shown, signed_by, as_json=False)
        replaying = Replaying(
            client=client,
            drill=shown.drill,
            rate=rate,
            limit_s=limit,
            approve=approve,
            quiet=as_json,
            replay=shown,
            hurry=hurry,
        )
        report = _report(client, shown, replaying, records, signed_by)
        _keep(client, report, replaying)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.passed:
        raise typer.Exit(1)


def _read(client: ControlClient, bundle: Path | None, incident: int | None) -> tuple[int, Records, str]:
    """The incident's number, what its bundle says, and who signed it."""
    if (bundle is None) is (incident is None):
        raise typer.BadParameter("name a bundle, or --incident")
    if bundle is not None:
        return _proved(bundle)
    handle, name = tempfile.mkstemp(prefix="incident-", suffix=".jsonl")
    try:
        with os.fdopen(handle, "wb") as stream:
            client.download(f"/api/v1/incidents/{incident}/export", stream)
        return _proved(Path(name))
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _proved(path: Path) -> tuple[int, Records, str]:
    """Raises PlatformError where the bundle does not hold, or is of no incident."""
    from stationmaster.incidents.bundle import read_bundle

    found = read_bundle(path)
    if found.head.incident is None:
        hint = "`incident export` writes one of an incident"
        raise PlatformError("bundle-unfit", f"{path} is an audit trail, and no incident", hint=hint)
    return found.head.incident, [(each.kind, each.body) for each in found.records], found.fingerprint


def _order(number: int, records: Records) -> ReplayOrder:
    from stationmaster.drills.replay_reading import alerts_in

    told = tuple(
        AlertTold(
            name=each.name,
            labels=dict(each.labels),
            summary=each.summary[:10_000],
            evidence=each.evidence[:10_000],
            began_s=each.began_s,
            ended_s=each.ended_s,
            foreign=each.foreign,
            source=each.source,
            injected=each.injected,
        )
        for each in alerts_in(records)
    )
    if not told:
        hint = "it was opened by hand: there is nothing that could fire again"
        raise PlatformError("nothing-to-replay", f"incident #{number} has no alert", hint=hint)
    return ReplayOrder(incident=number, alerts=told)


def _refuse_empty(shown: ReplayShown) -> None:
    if not shown.faults and not shown.alerts:
        why = "; ".join(f"{each.what}: {each.why}" for each in shown.left)
        raise PlatformError("nothing-to-replay", f"nothing of it can be made here: {why}", hint="--dry-run shows it")


def _report(
    client: ControlClient, shown: ReplayShown, replaying: Replaying, records: Records, signed_by: str
) -> ReplayReport:
    drill = replaying.run()
    stories = [client.get(f"/api/v1/incidents/{number}", IncidentStory) for number in drill.incidents]
    alerts = [each.labels.get("alertname", "") for story in stories for each in story.alerts]
    missing = tuple(each for each in shown.expected if each not in alerts)
    return ReplayReport(
        incident=int(shown.drill.name.rpartition("-")[2]),
        signed_by=signed_by,
        then=story_then(records),
        now=story_now(drill, alerts),
        missing=missing,
        left=shown.left,
        drill=drill,
        passed=drill.passed and not missing,
    )


def _keep(client: ControlClient, report: ReplayReport, replaying: Replaying) -> None:
    body: dict[str, Any] = {**msgspec.to_builtins(report.drill), "passed": report.passed}
    body |= {name: msgspec.to_builtins(getattr(report, name)) for name in ("then", "now", "missing", "left")}
    runbook = next(iter(report.now.runbooks), "")[:255]
    order = DrillReportOrder(drill=report.drill.drill, began_at=replaying.began_at, body=body, runbook=runbook)
    client.post("/api/v1/drills/reports", order, DrillReportShown)


def _say(shown: ReplayShown, signed_by: str, *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    out.print(f"{shown.drill.what} (bundle signed by {signed_by})", markup=False)
    for fault in shown.faults:
        out.print(f"  after {fault.at_s:.1f} s: {_fault(fault)}, as {fault.alert} told", markup=False)
    for alert in shown.alerts:
        ends = "" if alert.ends_s is None else f", resolved after {alert.ends_s:.1f} s"
        out.print(f"  after {alert.at_s:.1f} s: {alert.name} is sent again{ends}", markup=False)
    for each in shown.left:
        err.print(f"  not made: {each.what}: {each.why}", style="yellow", markup=False)


def _fault(made: FaultMade) -> str:
    fault = made.fault
    more = {"delay": f" {fault.delay_ms} ms", "abort": f" with {fault.status}", "errors": f" with {fault.status}"}
    share = f" for {fault.percent} % of the requests" if fault.kind in ("delay", "abort") else ""
    return f"{fault.kind} {fault.of}{more.get(fault.kind, '')}{share}"


def _print(report: ReplayReport) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "THEN", "NOW"):
        table.add_column(column, overflow="fold")
    for what, then, now in rows_of(report):
        table.add_row(what, escape(then), escape(now))
    out.print(table)
    for each in report.missing:
        out.print(f"{each} did not fire again", style="red", markup=False)
    result = "[green]passed[/green]" if report.passed else "[red]failed[/red]"
    now = ", ".join(f"#{each}" for each in report.drill.incidents) or "none"
    out.print(f"incident #{report.incident} once more, as {now}: {result}")
