"""`drill run`: injects a failure on purpose, lets the platform work it, and reports."""

import time
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from stationmaster.api.wire import (
    FaultInjection,
    FaultRequest,
    IncidentDetail,
    IncidentList,
    PlatformStatus,
    TimelineEntry,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident import timeline_line
from stationmaster.cli.load import Load
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.report import DrillReport, report_of
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Failures injected on purpose, and how they were cured.", no_args_is_help=True)

KEY_SERVICE_INSTANCE_DOWN = "key-service-instance-down"
DRILLS = {KEY_SERVICE_INSTANCE_DOWN: "kills one instance of the key service with SIGKILL"}

_SERVICE = "api_key_service"
_LOAD_PATH = "/api/auth/jwks"
_WARM_UP_S = 1.0
_COOL_DOWN_S = 1.0
_POLL_S = 0.2

NameArgument = Annotated[str, typer.Argument(help=f"The drill: {', '.join(DRILLS)}.")]
InstanceOption = Annotated[str, typer.Option(help="The instance to kill; without it the first of the service.")]
RateOption = Annotated[float, typer.Option(min=1, max=1000, help="Requests per second over all gateway nodes.")]
LimitOption = Annotated[float, typer.Option("--limit", min=1, help="Seconds to wait for the cure.")]


@verbs.command("list")
def list_drills(as_json: AsJson = False) -> None:
    """List the drills and what each does."""
    if as_json:
        print_json(DRILLS)
        return
    for name, what in DRILLS.items():
        out.print(f"[bold]{name}[/bold]  {what}")


@verbs.command("run", epilog="Example: [bold]stationmaster drill run key-service-instance-down --rate 100[/bold]")
def run_drill(
    name: NameArgument,
    instance: InstanceOption = "",
    rate: RateOption = 50.0,
    limit: LimitOption = 90.0,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Kill an instance under load, watch the platform cure it, print timeline, durations and lost requests."""
    with refusals():
        if name not in DRILLS:
            raise PlatformError("unknown-drill", f"there is no drill {name!r}", hint=f"known are {', '.join(DRILLS)}")
        client = ControlClient(state_dir(state))
        before = client.get("/api/v1/status", PlatformStatus)
        victim = _victim(before, instance)
        report = _drill(client, before, victim, rate=rate, limit=limit, quiet=as_json)
    if as_json:
        print_json(report)
    else:
        _print(report)
    if not report.passed:
        raise typer.Exit(1)


def _victim(seen: PlatformStatus, instance: str) -> str:
    """The steady state first: a drill on a platform that is not well would prove nothing."""
    candidates = [each.name for each in seen.instances if each.service == _SERVICE]
    if not seen.ready or seen.open_incidents:
        raise PlatformError(
            "not-steady", "the platform is not in its steady state", hint="`stationmaster status` shows what is wrong"
        )
    if not candidates or (instance and instance not in candidates):
        raise PlatformError(
            "unknown-instance",
            f"{instance or 'no instance'} is not one of {_SERVICE}",
            hint=f"its instances are {', '.join(candidates) or 'none'}",
        )
    return instance or candidates[0]


def _drill(
    client: ControlClient, before: PlatformStatus, victim: str, *, rate: float, limit: float, quiet: bool
) -> DrillReport:
    last_incident = max((each.number for each in _incidents(client).incidents), default=0)
    urls = tuple(f"http://{node.listen}{_LOAD_PATH}" for node in before.nodes)
    with Load(urls, rate=rate) as load:
        time.sleep(_WARM_UP_S)
        order = FaultRequest(drill=KEY_SERVICE_INSTANCE_DOWN, instance=victim, fault="kill")
        fault = client.post("/api/v1/faults", order, FaultInjection)
        if not quiet:
            out.print(f"[bold]{victim}[/bold] killed under {rate:g} requests per second")
        detail = _watch(client, fault.at, last_incident, limit=limit, quiet=quiet)
        time.sleep(_COOL_DOWN_S)
        steady = client.get("/api/v1/status", PlatformStatus).ready
    return report_of(KEY_SERVICE_INSTANCE_DOWN, fault, detail, load, steady=steady)


def _watch(
    client: ControlClient, zero: datetime, last_incident: int, *, limit: float, quiet: bool
) -> IncidentDetail | None:
    """Prints the timeline as it grows, until the incident is resolved; the control plane may restart meanwhile."""
    deadline = time.monotonic() + limit
    printed = 0
    detail: IncidentDetail | None = None
    while time.monotonic() < deadline:
        detail = _look(client, last_incident) or detail
        if detail is not None:
            if not quiet:
                printed = _print_new(detail.timeline, printed, zero)
            if detail.incident.resolved_at is not None and detail.timeline[-1].kind == "incident.resolved":
                return detail
        time.sleep(_POLL_S)
    return detail


def _look(client: ControlClient, last_incident: int) -> IncidentDetail | None:
    try:
        new = [each.number for each in _incidents(client).incidents if each.number > last_incident]
        return client.get(f"/api/v1/incidents/{min(new)}", IncidentDetail) if new else None
    except PlatformError as error:
        if error.code != "control-plane-away":
            raise
        err.print("the control plane is away; waiting for it", style="dim")
        return None


def _incidents(client: ControlClient) -> IncidentList:
    return client.get("/api/v1/incidents", IncidentList)


def _print_new(timeline: tuple[TimelineEntry, ...], printed: int, zero: datetime) -> int:
    for entry in timeline[printed:]:
        out.print(timeline_line(entry, zero))
    return max(printed, len(timeline))


def _print(report: DrillReport) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for stage, seconds in report.stages():
        table.add_row(stage, "never" if seconds is None else f"{seconds:.3f} s")
    load = report.load
    table.add_row("requests", f"{load.sent} sent, {load.lost} lost, slowest {load.slowest_ms:.0f} ms")
    for reason, count in load.reasons.items():
        table.add_row("", f"{count} x {reason}")
    out.print(table)
    verdict = "[green]passed[/green]" if report.passed else "[red]failed[/red]"
    out.print(f"drill {report.drill} on {report.instance}: {verdict}")
