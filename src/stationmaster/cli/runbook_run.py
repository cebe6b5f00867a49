"""`runbook run|resume|plan`: works a runbook in this terminal, without any server."""

import asyncio
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.output import AsJson, err, print_json, say_refusal
from stationmaster.cli.runbook_places import ByOption, JournalOption, journal_file, login
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.cli.runbook_work import Matter
    from stationmaster.runbooks.alone import RunRequest
    from stationmaster.runbooks.plan.planned import Plan

_STATUS = """\
Exit status: [bold]0[/bold] cured or passed, [bold]1[/bold] failed or escalated, [bold]2[/bold] not begun (usage, a
document with errors), [bold]3[/bold] stopped where a person is needed, [bold]4[/bold] aborted, [bold]130[/bold]
interrupted. After 3 and 130 the run can be resumed."""
RUN_EXAMPLES = f"""\
Examples: [bold]stationmaster runbook run volume-full.md --set pod=db-0[/bold]

[bold]stationmaster runbook run volume-full.md --labels alert.json --dry-run[/bold]

[bold]stationmaster runbook run volume-full.md --json --answers answers.yaml[/bold]

{_STATUS}"""
PLAN_EXAMPLES = (
    "Examples: [bold]stationmaster runbook plan volume-full.md --set pod=db-0[/bold], "
    "[bold]… --labels alert.json --json[/bold]"
)
RESUME_EXAMPLES = f"""\
Examples: [bold]stationmaster runbook resume last[/bold], [bold]… resume 20260105-030000-a1b2 --yes[/bold]

{_STATUS}"""

FileArgument = Annotated[Path, typer.Argument(help="A Markdown file.", show_default=False)]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A value for a place, such as `<pod>`; may be repeated."),
]
LabelsOption = Annotated[str, typer.Option("--labels", metavar="FILE", help="The alert's labels; - is standard input.")]
LabelOption = Annotated[
    list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="A label of the alert; may be repeated.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="FILE", help="Contacts and links of the team (YAML).")
]
HostOption = Annotated[
    str, typer.Option("--host", metavar="NAME", help="What the run is about: one run at a time for each.")
]
ReadOnlyOption = Annotated[bool, typer.Option("--read-only", help="Just the diagnosis: nothing is changed.")]
FromOption = Annotated[str, typer.Option("--from", metavar="STEP", help="Begin at this step.")]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="STEP", help="Just this step; may be repeated.")
]
PolicyOption = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="What may be changed without asking (YAML).")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Allow every change; never what destroys or is unknown.")]
AnswersOption = Annotated[
    Path | None, typer.Option("--answers", metavar="FILE", help="Answers to what the run asks (YAML).")
]
LiveOption = Annotated[bool, typer.Option("--live/--no-live", help="A live screen, or plain lines and questions.")]
JsonLinesOption = Annotated[bool, typer.Option("--json", help="One JSON object a line for each event.")]


def run(
    file: FileArgument,
    values: SetOption = None,
    labels: LabelsOption = "",
    label: LabelOption = None,
    data: DataOption = None,
    host: HostOption = "",
    read_only: ReadOnlyOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the bound plan and do nothing.")] = False,
    yes: YesOption = False,
    from_step: FromOption = "",
    only: OnlyOption = None,
    anew: Annotated[bool, typer.Option("--anew", help="Give up a run of it that stands open.")] = False,
    policy: PolicyOption = None,
    answers: AnswersOption = None,
    by: ByOption = "",
    live: LiveOption = True,
    journal: JournalOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Work a runbook step by step: reads run, changes ask, what destroys asks a second person as well."""
    from stationmaster.cli import runbook_work
    from stationmaster.runbooks.terminal.answers import read_answers

    with refused_as_usage():
        options = _Options(values=values or [], labels=labels, label=label or [], data=data, host=host, by=by)
        request = replace(
            _request(file, options, policy=policy, yes=yes),
            read_only=read_only,
            only=tuple(only or ()),
            from_step=from_step,
            anew=anew,
        )
        planned = _planned(file, request)
        if dry_run:
            show_plan(planned, as_json=as_json)
            return
        matter = _matter(file, request, journal)
        given = read_answers(answers) if answers else None
        manner = runbook_work.Manner(by=request.requested_by, as_json=as_json, live=live, answers=given)
        if not anew and runbook_work.somebody_is_there(manner):
            request = replace(request, anew=_gives_up(matter, request))
    raise typer.Exit(runbook_work.work_here(matter, manner, lambda alone: alone.start(request)))


def plan(
    file: FileArgument,
    values: SetOption = None,
    labels: LabelsOption = "",
    label: LabelOption = None,
    data: DataOption = None,
    host: HostOption = "",
    read_only: ReadOnlyOption = False,
    yes: YesOption = False,
    from_step: FromOption = "",
    only: OnlyOption = None,
    policy: PolicyOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what `run` would do: every step with its risk, its values and where they come from, what would ask."""
    with refused_as_usage():
        options = _Options(values=values or [], labels=labels, label=label or [], data=data, host=host, by="")
        request = _request(file, options, policy=policy, yes=yes)
        request = replace(request, read_only=read_only, only=tuple(only or ()), from_step=from_step)
        show_plan(_planned(file, request), as_json=as_json)


def resume(
    run_id: Annotated[
        str, typer.Argument(metavar="RUN", help="As `runbook runs` shows it; `last` is the newest.", show_default=False)
    ],
    values: SetOption = None,
    yes: YesOption = False,
    policy: PolicyOption = None,
    answers: AnswersOption = None,
    by: ByOption = "",
    live: LiveOption = True,
    journal: JournalOption = None,
    as_json: JsonLinesOption = False,
) -> None:
    """Go on with a run where it stands: a change of unknown outcome is looked at before anything is done again."""
    from stationmaster.cli import runbook_input, runbook_work
    from stationmaster.cli.runbook_runs import find_run
    from stationmaster.runbooks.terminal.answers import read_answers

    with refused_as_usage():
        path = journal_file(journal)
        found = asyncio.run(find_run(path, run_id))
        rules = runbook_input.policy_of(policy, changes=yes) if policy or yes else None
        anew = runbook_input.pairs(values or ())
        given = read_answers(answers) if answers else None
        matter = runbook_work.Matter(
            journal=path,
            file=Path(found.file),
            runbook=runbook_input.still_there(Path(found.file)),
            values=anew,
            cwd=Path.cwd(),
            journal_option=journal_option(journal),
        )
    manner = runbook_work.Manner(by=by or login(), as_json=as_json, live=live, answers=given)
    env = dict(os.environ)
    status = runbook_work.work_here(
        matter, manner, lambda alone: alone.resume(found.id, env=env, policy=rules, values=anew)
    )
    raise typer.Exit(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    values: list[str]
    labels: str
    label: list[str]
    data: Path | None
    host: str
    by: str


def _request(file: Path, options: _Options, *, policy: Path | None, yes: bool) -> "RunRequest":
    from stationmaster.cli import runbook_input
    from stationmaster.runbooks.alone import RunRequest

    return RunRequest(
        runbook=runbook_input.load_runbook(file),
        cwd=Path.cwd(),
        requested_by=options.by or login(),
        host=options.host,
        values=runbook_input.pairs(options.values),
        labels={**runbook_input.read_labels(options.labels), **runbook_input.pairs(options.label, option="--label")},
        data=runbook_input.read_data(options.data),
        env=dict(os.environ),
        policy=runbook_input.policy_of(policy, changes=yes),
    )


def _matter(file: Path, request: "RunRequest", journal: Path | None) -> "Matter":
    from stationmaster.cli.runbook_work import Matter

    return Matter(
        journal=journal_file(journal),
        file=file.absolute(),
        runbook=request.runbook,
        values={**request.labels, **request.values},
        cwd=request.cwd,
        journal_option=journal_option(journal),
    )


def _gives_up(matter: "Matter", request: "RunRequest") -> bool:
    """Whether a run that stands open is to be given up for the new one; asked only where there is one."""
    from stationmaster.cli.runbook_runs import standing_run

    found = asyncio.run(standing_run(matter.journal, request))
    if found is None:
        return False
    begun = f"{found.started_at:%Y-%m-%d %H:%M} UTC"
    question = f"Run {found.id} of this runbook, begun by {found.requested_by} at {begun}, stands open. Give it up?"
    return typer.confirm(question, default=False, err=True)


def _planned(file: Path, request: "RunRequest") -> "Plan":
    """The plan of a request; one in which there is nothing to do is refused, values that fill nothing are told."""
    from stationmaster.cli import runbook_input
    from stationmaster.runbooks.alone import plan_alone

    planned = plan_alone(request)
    if not planned.steps:
        hint = f"number the steps, or put commands into fences; `stationmaster runbook read {file}` shows what it holds"
        raise PlatformError("no-steps", f"nothing in {file} was read as a step", hint=hint)
    for line in runbook_input.unused(planned, request.runbook, request.values):
        err.print(f"warning: {line}", markup=False)
    return planned


def show_plan(planned: "Plan", *, as_json: bool) -> None:
    from stationmaster.cli.runbook_plan import plan_document, plan_table
    from stationmaster.runbooks.lacking.plan import surveyed

    planned = surveyed(planned, os.environ)
    if as_json:
        print_json(plan_document(planned))
        return
    plan_table(planned)


def journal_option(journal: Path | None) -> str:
    return f" --journal {shlex.quote(str(journal))}" if journal else ""


@contextmanager
def refused_as_usage() -> Iterator[None]:
    """What is refused before a run begins ends with exit status 2."""
    try:
        yield
    except PlatformError as error:
        say_refusal(error)
        raise typer.Exit(2) from error
