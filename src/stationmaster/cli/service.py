"""`service`: versions of services, deployed one instance after the other and taken back, and how many run."""

import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_services import (
    DeployOrder,
    RollbackOrder,
    ScaleOrder,
    ServicePlan,
    ServiceVersions,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Services: deploy a version, roll it back, scale, list versions.", no_args_is_help=True)

_ASK_EVERY_S = 0.3

Name = Annotated[str, typer.Argument(help="A service, as the platform YAML names it.")]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it is kept and shown.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Within = Annotated[float, typer.Option("--within", help="Seconds that one instance may take to be well.", min=0.1)]
Bake = Annotated[float, typer.Option("--bake", help="Seconds that all have to stay well, then.", min=0)]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Show the progress until it is over.")]

_DEPLOY = (
    "Examples: [bold]stationmaster service deploy sample_api --env COLOUR=blue -r 'new colour'[/bold], "
    "[bold]stationmaster service deploy sample_api --version 3 --dry-run[/bold]"
)


@verbs.command(epilog="Example: [bold]stationmaster service versions sample_api[/bold]")
def versions(name: Name, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List its versions, how the wanted one stands, and which one every instance runs."""
    with refusals():
        found = _versions(ControlClient(state_dir(state)), name)
    if as_json:
        print_json(found)
        return
    out.print(_version_table(found))
    out.print(_instance_table(found))
    if found.deployment is not None:
        out.print(_phase(found), markup=False)


@verbs.command(epilog=_DEPLOY)
def deploy(
    name: Name,
    version: Annotated[int | None, typer.Option("--version", "-v", help="One that `versions` lists.")] = None,
    declared: Annotated[bool, typer.Option("--declared", help="What the platform YAML says.")] = False,
    image: Annotated[str | None, typer.Option("--image", help="Another image of its containers.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE; NAME alone takes a variable away.")
    ] = None,
    command: Annotated[
        list[str] | None, typer.Option("--command", "-c", help="Another command: one option for each word.")
    ] = None,
    reason: Reason = "",
    within: Within = 30.0,
    bake: Bake = 60.0,
    dry_run: DryRun = False,
    wait: Wait = True,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Move a service to a version, one instance after the other; back to the last good one if it does not come up."""
    order = DeployOrder(
        version=version,
        declared=declared,
        command=tuple(command) if command else None,
        image=image,
        env=_variables(env or []),
        reason=reason,
        within_s=within,
        bake_s=bake,
    )
    with refusals():
        client = ControlClient(state_dir(state))
        plan = client.post(f"/api/v1/services/{name}/deploy", order, ServicePlan, dry_run=_flag(dry_run))
        _shown(client, plan, wait=wait and not dry_run, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster service rollback sample_api -r 'errors since noon'[/bold]")
def rollback(
    name: Name,
    to: Annotated[int | None, typer.Option("--to", help="This version, which stood well once.", min=1)] = None,
    reason: Reason = "",
    within: Within = 30.0,
    dry_run: DryRun = False,
    wait: Wait = True,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Move a service back to the version that stood well last, whatever is under way."""
    with refusals():
        client = ControlClient(state_dir(state))
        order = RollbackOrder(version=to, reason=reason, within_s=within)
        plan = client.post(f"/api/v1/services/{name}/rollback", order, ServicePlan, dry_run=_flag(dry_run))
        _shown(client, plan, wait=wait and not dry_run, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster service scale sample_api 2 -r 'night' --dry-run[/bold]")
def scale(
    name: Name,
    instances: Annotated[int, typer.Argument(min=0, help="How many of its declared instances run.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Let so many of the declared instances run, over restarts of all else; none loses a request."""
    with refusals():
        client = ControlClient(state_dir(state))
        order = ScaleOrder(instances=instances, reason=reason)
        plan = client.post(f"/api/v1/services/{name}/scale", order, ServicePlan, dry_run=_flag(dry_run))
    if as_json:
        print_json(plan)
        return
    for verb, names in (("starts", plan.starts), ("stops", plan.stops)):
        if names:
            out.print(f"{verb}: {', '.join(names)}", markup=False)
    if not plan.starts and not plan.stops:
        out.print("nothing changes")


def _shown(client: ControlClient, plan: ServicePlan, *, wait: bool, as_json: bool) -> None:
    """Ends with a refusal where the version did not come up."""
    if not as_json:
        _print_plan(plan)
    found = _followed(client, plan.service, told=not as_json) if wait else None
    if as_json:
        print_json(found if found is not None else plan)
    if found is not None and found.deployment is not None and plan.version != found.deployment.version:
        hint = f"`stationmaster instance logs {plan.restarts[0]}` shows what it said" if plan.restarts else ""
        raise PlatformError("deploy-failed", f"version {plan.version} failed: {found.deployment.told}", hint=hint)
    if found is not None and found.deployment is not None and found.deployment.phase == "stuck":
        raise PlatformError("deploy-stuck", f"version {plan.version} stands still: {found.deployment.told}")


def _print_plan(plan: ServicePlan) -> None:
    would = "would move" if plan.dry_run else "moves"
    before = f"from version {plan.before} " if plan.before is not None else ""
    out.print(f"{plan.service} {would} {before}to version {plan.version}{' (new)' if plan.new else ''}", markup=False)
    for each in plan.changes:
        out.print(f"  {each}", markup=False)
    out.print(f"  one after the other: {', '.join(plan.restarts) or 'nothing, it is wanted already'}", markup=False)


def _followed(client: ControlClient, name: str, *, told: bool) -> ServiceVersions:
    """Says every step once, until the deployment is over."""
    last = ""
    while True:
        found = _versions(client, name)
        step = _phase(found)
        if told and step != last:
            out.print(step, markup=False)
            last = step
        if found.deployment is None or found.deployment.is_over:
            return found
        time.sleep(_ASK_EVERY_S)


def _phase(found: ServiceVersions) -> str:
    deployment = found.deployment
    if deployment is None:
        return "nothing was deployed yet"
    there = sum(each.version == deployment.version and each.build == "current" for each in found.instances)
    wanted = sum(not each.held for each in found.instances)
    told = f": {deployment.told}" if deployment.told else ""
    return f"version {deployment.version} {deployment.phase}, {there} of {wanted} instances run it{told}"


def _version_table(found: ServiceVersions) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("version", "good", "by", "why", "command", "image", "env"):
        table.add_column(column.upper())
    for each in found.versions:
        number = f"[bold]{each.number} *[/bold]" if each.wanted else str(each.number)
        good = f"{each.good_at:%Y-%m-%d %H:%M}" if each.good_at else "never"
        env = " ".join(f"{name}={value}" for name, value in each.env.items())
        told = (each.by, each.why, " ".join(each.command), each.image, env)
        table.add_row(number, good, *(escape(text) for text in told))
    return table


def _instance_table(found: ServiceVersions) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("instance", "version", "build", "health"):
        table.add_column(column.upper())
    for each in found.instances:
        version = "unknown" if each.version is None else str(each.version)
        table.add_row(escape(each.name), version, each.build, escape(each.held or each.health))
    return table


def _versions(client: ControlClient, name: str) -> ServiceVersions:
    return client.get(f"/api/v1/services/{name}/versions", ServiceVersions)


def _variables(written: list[str]) -> dict[str, str | None]:
    parts = (each.partition("=") for each in written)
    return {name: value if equals else None for name, equals, value in parts}


def _flag(value: bool) -> str:
    return "true" if value else "false"
