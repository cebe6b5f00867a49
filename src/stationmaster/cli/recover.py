"""`recover`: works the full recovery of a service, a runbook, from its beginning or from where it was cut off."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.options import DEFAULT_STATE, StateOption
from stationmaster.cli.output import AsJson, err
from stationmaster.cli.runbook_places import ByOption, JournalOption, journal_file, login
from stationmaster.config import STATE_VARIABLE
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.runbooks.alone import RunRequest

RUNBOOK = "full-recovery.md"
EXAMPLES = """\
Examples: [bold]stm recover sample_api --dry-run[/bold], [bold]stm recover sample_api --yes[/bold]

Exit status: [bold]0[/bold] recovered, [bold]1[/bold] it did not help, [bold]2[/bold] not begun, [bold]3[/bold] stopped
where a person is needed, [bold]4[/bold] aborted, [bold]130[/bold] interrupted. The same command goes on after an
interruption."""

ServiceArgument = Annotated[str, typer.Argument(metavar="SERVICE", help="A service, as the platform YAML names it.")]
FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", help="Another runbook that recovers `<service>`.", show_default=RUNBOOK)
]


def recover(
    service: ServiceArgument,
    file: FileOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show every step and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: stop traffic, put the version back.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Give up one that was cut off, and begin again.")] = False,
    by: ByOption = "",
    journal: JournalOption = None,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Stop the traffic of a service at the gateway, put back the version that stood well last, wait until it stands,
    let traffic through again, and look whether all is well: the runbook full-recovery.md, step by step."""
    from stationmaster.cli import runbook_work
    from stationmaster.cli.runbook_run import journal_option, refused_as_usage

    with refused_as_usage():
        request = replace(_request(service, file or own_runbook(), by), env=_env(state), anew=anew)
        if dry_run:
            _show(request, as_json=as_json)
            return
        path = journal_file(journal)
        standing = "" if anew else _standing(path, request)
        _ask(service, standing, yes=yes, as_json=as_json)
        matter = runbook_work.Matter(
            journal=path,
            file=Path(request.runbook.file),
            runbook=request.runbook,
            values=dict(request.values),
            cwd=request.cwd,
            journal_option=journal_option(journal),
        )
        manner = runbook_work.Manner(by=request.requested_by, as_json=as_json, live=False)
    if standing:
        err.print(f"goes on with {standing}", markup=False)
        policy, env = request.policy, request.env
        status = runbook_work.work_here(matter, manner, lambda alone: alone.resume(standing, env=env, policy=policy))
    else:
        status = runbook_work.work_here(matter, manner, lambda alone: alone.start(request))
    raise typer.Exit(status)


def own_runbook() -> Path:
    """The one that comes with this program."""
    import stationmaster.sample

    return Path(stationmaster.sample.__path__[0]) / "runbooks" / RUNBOOK


def _request(service: str, file: Path, by: str) -> "RunRequest":
    """Everything that it changes is allowed by whoever asks for the recovery; nothing that destroys is."""
    from stationmaster.cli import runbook_input
    from stationmaster.runbooks.alone import RunRequest
    from stationmaster.runbooks.permit import Policy

    return RunRequest(
        runbook=runbook_input.load_runbook(file.absolute()),
        cwd=Path.cwd(),
        requested_by=by or login(),
        host=service,
        values={"service": service},
        policy=Policy(changes=True),
    )


def _env(state: Path) -> dict[str, str]:
    """What its steps see: `stm` is this very program, and it asks the platform that was asked for."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return {**os.environ, "PATH": path, STATE_VARIABLE: str(state.absolute())}


def _show(request: "RunRequest", *, as_json: bool) -> None:
    from stationmaster.cli.runbook_run import show_plan
    from stationmaster.runbooks.alone import plan_alone

    show_plan(plan_alone(request), as_json=as_json)


def _standing(journal: Path, request: "RunRequest") -> str:
    """The run of this recovery that was cut off, if there is one."""
    from stationmaster.cli.runbook_runs import standing_run

    found = asyncio.run(standing_run(journal, request))
    return found.id if found is not None else ""


def _ask(service: str, standing: str, *, yes: bool, as_json: bool) -> None:
    """Raises PlatformError `yes-needed` where nobody can be asked."""
    if yes:
        return
    if as_json or not sys.stdin.isatty():
        hint = "look with --dry-run, then say --yes"
        raise PlatformError("yes-needed", f"a recovery stops the traffic of {service}", hint=hint)
    what = f"Go on with {standing}" if standing else f"Stop the traffic of {service} and put its last good version back"
    if not typer.confirm(f"{what}?", default=False, err=True):
        raise typer.Exit(3)
