"""`approval list|allow|deny`: risky steps of runs that wait for a yes."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape

from stationmaster.api.wire_approvals import ApprovalList, ApprovalOrder, ApprovalShown
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.runbook_table import print_table, table_of
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Approvals: risky steps of runs that wait for a yes.", no_args_is_help=True)

_PATH = "/api/v1/approvals"
Run = Annotated[str, typer.Argument(help="The run, as run-7.")]
Step = Annotated[str, typer.Argument(help="The step; may be left out where only one of the run waits.")]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, in one sentence; it stands in the timeline.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not show the command and ask first.")]


@verbs.command("list", epilog="Example: [bold]stationmaster approval list --incident 7[/bold]")
def list_approvals(
    incident: Annotated[int | None, typer.Option("--incident", help="All of one incident, answered ones too.")] = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List what waits for a yes."""
    with refusals():
        query = {} if incident is None else {"incident": str(incident)}
        found = ControlClient(state_dir(state)).get(_PATH, ApprovalList, **query)
    if as_json:
        print_json(found)
        return
    if not found.approvals:
        out.print("nothing waits for a yes")
        return
    table = table_of("run", "step", "incident", "risk", "command", "until", "state")
    for each in found.approvals:
        until = f"{each.expires_at.astimezone():%H:%M:%S}"
        row = (each.run, each.step, f"#{each.incident}", each.risk, escape(each.command), until, _stand(each))
        table.add_row(*row)
    print_table(table)


@verbs.command(epilog="Example: [bold]stationmaster approval allow run-7 3 -r 'the old version was fine'[/bold]")
def allow(
    run: Run,
    step: Step = "",
    why: Why = "",
    yes: Yes = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Say yes to exactly the command that is shown."""
    _answer(run, step, ApprovalOrder(allow=True, digest="0" * 64, why=why), state, yes=yes, as_json=as_json)


@verbs.command(epilog="Example: [bold]stationmaster approval deny run-7 3 -r 'not during the sale'[/bold]")
def deny(
    run: Run,
    step: Step = "",
    why: Why = "",
    yes: Yes = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Say no: the step is skipped, and the run goes on without it."""
    _answer(run, step, ApprovalOrder(allow=False, digest="0" * 64, why=why), state, yes=yes, as_json=as_json)


def _answer(run: str, step: str, order: ApprovalOrder, state: Path, *, yes: bool, as_json: bool) -> None:
    with refusals():
        client = ControlClient(state_dir(state))
        asked = _asked(client.get(_PATH, ApprovalList), run, step)
        if not yes and not as_json:
            _show(asked)
            typer.confirm("Allow it?" if order.allow else "Deny it?", abort=True)
        path = f"{_PATH}/{quote(run, safe='')}/{quote(asked.step, safe='')}"
        exactly = ApprovalOrder(allow=order.allow, digest=asked.digest, why=order.why)
        answered = client.post(path, exactly, ApprovalShown)
    if as_json:
        print_json(answered)
        return
    out.print(f"step {answered.step} of {answered.run}: {_stand(answered)}", markup=False)


def _asked(found: ApprovalList, run: str, step: str) -> ApprovalShown:
    of_run = [each for each in found.approvals if each.run == run and step in ("", each.step)]
    if len(of_run) == 1:
        return of_run[0]
    if not of_run:
        hint = "`approval list` shows what waits for a yes"
        raise PlatformError("unknown-approval", f"nothing of {run} {step} waits for a yes", hint=hint, status=404)
    hint = f"name one of {', '.join(each.step for each in of_run)}"
    raise PlatformError("several-approvals", f"several steps of {run} wait for a yes", hint=hint)


def _show(asked: ApprovalShown) -> None:
    out.print(f"incident #{asked.incident}, {asked.runbook}, step {asked.step}: {asked.title}", markup=False)
    out.print(f"  {asked.command}", markup=False, style="bold")
    out.print(f"  {asked.risk}: {asked.why}", markup=False)
    if asked.people > 1:
        out.print(f"  {asked.people} people have to say yes; so far: {', '.join(asked.by) or 'nobody'}", markup=False)


def _stand(each: ApprovalShown) -> str:
    if each.allowed is None:
        return f"waits ({len(each.by)} of {each.people})" if each.people > 1 else "waits"
    by = f" by {', '.join(each.by)}" if each.by else ""
    return f"{'allowed' if each.allowed else 'denied'}{by}{f': {each.said}' if each.said else ''}"
