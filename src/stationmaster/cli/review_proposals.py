"""`review proposals`: what could be better in the runbooks, as a diff that is applied only where somebody says so."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from stationmaster.api.wire_reviews import ProposalList, ProposedChange
from stationmaster.cli.client import ControlClient
from stationmaster.cli.incident_acts import Number
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.core.problem import PlatformError

_LIMIT_S = 30


def register(verbs: typer.Typer) -> None:
    epilog = (
        "Examples: [bold]stationmaster review proposals 7 | git apply[/bold]; "
        "[bold]stationmaster review proposals 7 --apply[/bold]"
    )
    verbs.command("proposals", epilog=epilog)(proposals)


def proposals(
    number: Number,
    apply: Annotated[bool, typer.Option("--apply", help="Change the files, by `git apply`.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Print the diff to standard output, and the reasons beside it. Nothing is changed without --apply."""
    with refusals():
        found = ControlClient(state_dir(state)).get(f"/api/v1/reviews/{number}/proposals", ProposalList)
        if as_json:
            print_json(found)
        else:
            for each in found.changes:
                _say(each)
        if apply:
            _apply(found.changes)
        elif not as_json:
            sys.stdout.write("".join(each.diff for each in found.changes))
            sys.stdout.flush()
    if not found.changes and not as_json:
        err.print("nothing is proposed")


def _say(change: ProposedChange) -> None:
    err.print(f"[bold]{escape(change.path)}[/bold] in {escape(change.root)}")
    if change.moved:
        err.print("[yellow]the file was changed since it was worked: look twice[/yellow]")
    for each in change.proposals:
        where = f"line {each.line}" if each.line else "no line of its own"
        err.print(f"  {where}: {escape(each.why)} [dim]\\[{each.kind}][/dim]")


def _apply(changes: tuple[ProposedChange, ...]) -> None:
    """All or none of each folder: `git apply` checks before it writes."""
    roots = dict.fromkeys(each.root for each in changes if each.diff)
    for root in roots:
        diff = "".join(each.diff for each in changes if each.root == root)
        _git_apply(Path(root), diff)
        for each in changes:
            if each.root == root and each.diff:
                err.print(f"changed {escape(str(Path(root) / each.path))}")
    if not roots:
        out.print("there is nothing to apply")


def _git_apply(root: Path, diff: str) -> None:
    if not root.is_dir():
        hint = "run this where the runbooks are, or pipe the diff into `git apply` there"
        raise PlatformError("no-folder", f"{root} is not a folder of this machine", hint=hint)
    try:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            input=diff.encode(),
            cwd=root,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        hint = "install git, or apply the diff by `patch -p1`"
        raise PlatformError("no-git", f"git cannot be run: {error}", hint=hint) from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()
        hint = "ask for the proposals again: they are made for the files as they are now"
        raise PlatformError("not-applied", f"git applies none of it: {told}", hint=hint, status=409)
