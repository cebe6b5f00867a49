"""`drill list|run|reports|schedule|inject|faults|stop`: failures on purpose, worked by the platform, and reported."""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_drills import (
    DrillList,
    DrillReportList,
    DrillReportOrder,
    DrillReportShown,
    DrillShown,
    FaultList,
    FaultOrder,
    FaultShown,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.drill_run import Drilling
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.report import DrillReport
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.drills import FaultKind

verbs = typer.Typer(help="Failures injected on purpose, and how they were cured.", no_args_is_help=True)

_DRILLS, _FAULTS = "/api/v1/drills", "/api/v1/faults"
_BY_HAND = "by-hand"

NameArgument = Annotated[str, typer.Argument(help="The drill, as `drill list` names it.")]
InstanceOption = Annotated[str, typer.Option(help="What to break; without it the first that fits.")]
RateOption = Annotated[float, typer.Option(min=1, max=1000, help="Requests per second over all gateway nodes.")]
LimitOption = Annotated[float, typer.Option("--limit", min=1, help="Seconds to wait for the cure.")]
ApproveOption = Annotated[bool, typer.Option("--approve", help="Say yes to what the runs of the drill ask.")]
ForOption = Annotated[str, typer.Option("--for", help="It is taken back after so long.")]


@verbs.command("list", epilog="Example: [bold]stm drill list[/bold]")
def list_drills(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the drills that the declaration makes possible, and what came of each last."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_DRILLS, DrillList)
    if as_json:
        print_json(found)
        return
    if not found.allowed:
        out.print(
            "this environment does not allow drills: declare `drills: {allowed: true}`", style="yellow", markup=False
        )
    table = table_of("drill", "what is broken", "last run")
    for each in found.drills:
        table.add_row(escape(each.name), escape(each.what), _last(each))
    print_table(table)


@verbs.command("run", epilog="Example: [bold]stm drill run key-service-instance-down --rate 100[/bold]")
def run_drill(
    name: NameArgument,
    instance: InstanceOption = "",
    rate: RateOption = 50.0,
    limit: LimitOption = 240.0,
    approve: ApproveOption = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Break something under load, watch the platform cure it, print timeline, durations and lost requests.

    Exit status: 0 it passed, 1 it did not. Whatever happens, what was broken is mended at the end.
    """
    with refusals():
        client = ControlClient(state_dir(state))
        drill = client.get(f"{_DRILLS}/{quote(name, safe='')}", DrillShown, instance=instance)
        drilling = Drilling(client=client, drill=drill, rate=rate, limit_s=limit, approve=approve, quiet=as_json)
        report = drilling.run()
        _keep(client, report, drilling)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.passed:
        raise typer.Exit(1)


@verbs.command(epilog="Example: [bold]stm drill reports --drill gateway-node-down[/bold]")
def reports(
    drill: Annotated[str, typer.Option(help="Of this drill alone.")] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List what came of drills, the newest first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"{_DRILLS}/reports", DrillReportList, drill=drill)
    if as_json:
        print_json(found)
        return
    table = table_of("when", "drill", "result", "detected", "out", "resolved", "lost", "by")
    for each in found.reports:
        table.add_row(
            f"{each.ended_at.astimezone():%Y-%m-%d %H:%M}", escape(each.drill), _result(each.passed), *_cells(each)
        )
    print_table(table)


@verbs.command(
    epilog="Examples: [bold]stm drill inject hang key-us-south --for 30s[/bold]; "
    "[bold]stm drill inject delay orders --delay-ms 800 --percent 20 --for 5m[/bold]"
)
def inject(
    kind: Annotated[FaultKind, typer.Argument(help="What is broken.")],
    of: Annotated[str, typer.Argument(help="Which instance, gateway node or API.")] = "",
    for_: ForOption = "1m",
    delay_ms: Annotated[int, typer.Option(min=0, help="Of slow and delay: so much later.")] = 1000,
    status: Annotated[int, typer.Option(min=400, max=599, help="Of errors and abort: the answer.")] = 503,
    percent: Annotated[int, typer.Option(min=1, max=100, help="Of delay and abort: of how many requests.")] = 100,
    sticky: Annotated[
        bool, typer.Option("--sticky", help="Break it again when it was mended: no restart helps.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Break one thing for a while, and leave the rest to the platform."""
    with refusals():
        order = FaultOrder(
            drill=_BY_HAND,
            kind=kind,
            of=of,
            for_s=duration(for_).total_seconds(),
            delay_ms=delay_ms,
            status=status,
            percent=percent,
            sticky=sticky,
        )
        made = ControlClient(state_dir(state)).post(_FAULTS, order, FaultShown)
    if as_json:
        print_json(made)
        return
    until = f"{made.ends_at.astimezone():%H:%M:%S}"
    out.print(f"{made.kind} {made.of}: until {until}, or `stm drill stop {made.id}`", markup=False)


@verbs.command(epilog="Example: [bold]stm drill faults[/bold]")
def faults(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List what was broken on purpose, the newest first."""
    with refusals():
        found = ControlClient(state_dir(state)).get(_FAULTS, FaultList)
    if as_json:
        print_json(found)
        return
    table = table_of("id", "drill", "fault", "of", "since", "state", whole=frozenset({"id"}))
    for each in found.faults:
        stands = "[red]stands[/red]" if each.undone_at is None else escape(each.detail or "over")
        since = f"{each.began_at.astimezone():%Y-%m-%d %H:%M:%S}"
        table.add_row(each.id, escape(each.drill), each.kind, escape(each.of), since, stands)
    print_table(table)


@verbs.command(epilog="Example: [bold]stm drill stop --all[/bold]")
def stop(
    number: Annotated[str, typer.Argument(help="The fault's id.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Take everything back.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Take a fault back, or all."""
    with refusals():
        client = ControlClient(state_dir(state))
        if bool(number) is all_:
            raise typer.BadParameter("name a fault, or --all")
        if all_:
            found = client.send("DELETE", _FAULTS, FaultList).faults
        else:
            found = (client.send("DELETE", f"{_FAULTS}/{quote(number, safe='')}", FaultShown),)
    for each in found:
        out.print(f"{each.kind} {each.of}: {each.detail}", markup=False)
    if not found:
        out.print("nothing stood")


def _keep(client: ControlClient, report: DrillReport, drilling: Drilling) -> None:
    body: dict[str, Any] = msgspec.to_builtins(report)
    runbook = next((each.partition("“")[2].partition("”")[0] for each in report.runs if "“" in each), "")
    order = DrillReportOrder(drill=report.drill, began_at=drilling.began_at, body=body, runbook=runbook[:255])
    client.post(f"{_DRILLS}/reports", order, DrillReportShown)


def _last(each: DrillShown) -> str:
    if each.last_at is None:
        return "never"
    return f"{each.last_at.astimezone():%Y-%m-%d %H:%M} {_result(bool(each.last_passed))}"


def _result(passed: bool) -> str:
    return "[green]passed[/green]" if passed else "[red]failed[/red]"


def _cells(each: DrillReportShown) -> tuple[str, ...]:
    seconds = (each.body.get(name) for name in ("detected_s", "out_of_balancer_s", "resolved_s"))
    lost = str(each.body.get("load", {}).get("lost", ""))
    return (*("never" if found is None else f"{found:.1f} s" for found in seconds), lost, escape(each.by))


def _print(report: DrillReport) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for stage, seconds in report.stages():
        table.add_row(stage, "never" if seconds is None else f"{seconds:.3f} s")
    table.add_row("paged", escape(", ".join(report.paged) or "nobody"))
    table.add_row("diagnosis", f"{report.diagnosis}: {escape(report.cause or 'no cause was named')}")
    none = "none: its supervisor started it again before any check found it down" if report.supervised else "none"
    table.add_row("incidents", ", ".join(f"#{each}" for each in report.incidents) or none)
    table.add_row("approvals", str(report.approvals))
    for each in report.left:
        table.add_row("left to people", escape(f"{each.title}: {each.why}"))
    for told in report.uncovered:
        table.add_row("not covered", escape(told))
    load = report.load
    table.add_row("requests", f"{load.sent} sent, {load.lost} lost, slowest {load.slowest_ms:.0f} ms")
    if load.elsewhere:
        table.add_row("", f"{load.elsewhere} asked another gateway node")
    for reason, count in load.reasons.items():
        table.add_row("clients saw", f"{count} x {reason}")
    if report.lost_from_s is not None:
        table.add_row("", f"from {report.lost_from_s:.1f} s to {report.lost_until_s:.1f} s after the fault")
    for instance, count in sorted(load.served_by.items()):
        table.add_row("answered by", f"{escape(instance)}: {count}")
    out.print(table)
    out.print(f"drill {report.drill} on {report.instance}: {_result(report.passed)}")
