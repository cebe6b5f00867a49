"""`runbook runs|transcript`: what was run from this machine and by the platform, and the story of one run."""

import asyncio
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, print_json, refusals
from stationmaster.cli.runbook_places import JournalOption, journal_file
from stationmaster.cli.runbook_table import is_wide, print_table, table_of
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.cli.runbook_run_rows import RunRow
    from stationmaster.runbooks.alone import Alone, RunRequest, RunSummary
    from stationmaster.runbooks.talk import RunEvent

RUNS_EXAMPLES = "Example: [bold]stationmaster runbook runs --json[/bold]"
TRANSCRIPT_EXAMPLES = """\
Examples: [bold]stationmaster runbook transcript 20260105-030000-a1b2 -o note.md[/bold]

[bold]stationmaster runbook transcript last --format asciicast -o run.cast && asciinema play run.cast[/bold]"""
_LIMIT_S = 5.0
_STYLES = {"cured": "green", "passed": "green", "open": "yellow", "stopped": "yellow"}


class Format(StrEnum):
    MARKDOWN = "markdown"
    JSON = "json"
    ASCIICAST = "asciicast"


RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="As `runbook runs` shows it; `last` is the newest.")]
FormatOption = Annotated[Format, typer.Option("--format", help="A note, a document, or a recording.")]
FileOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write it here instead of printing it.")]


def runs(journal: JournalOption = None, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List the runs of this machine, and those of the platform where one runs, newest first.

    Those of the platform bear the number of their incident. A journal that is named is listed alone.
    """
    from stationmaster.cli.runbook_run_rows import run_rows

    with refusals():
        found = run_rows(asyncio.run(_runs(journal_file(journal))))
        worked = _of_platform(state) if journal is None else ()
    rows = tuple(sorted((*found, *worked), key=lambda row: row.began_at, reverse=True))
    if as_json:
        print_json(rows)
        return
    if not rows:
        err.print("no runs yet; begin one with: stationmaster runbook run FILE", markup=False)
        return
    print_table(_table(rows))


def _of_platform(state: Path) -> "tuple[RunRow, ...]":
    """Empty where no control plane answers: terminals work runs without one."""
    from stationmaster.api.wire_runbooks import IncidentRunList
    from stationmaster.cli.client import ControlClient
    from stationmaster.cli.runbook_run_rows import platform_rows

    try:
        client = ControlClient(state_dir(state), limit_s=_LIMIT_S)
        return platform_rows(client.get("/api/v1/runbooks/runs", IncidentRunList).runs)
    except PlatformError as error:
        if error.code == "control-plane-away":
            return ()
        raise


def _table(rows: "tuple[RunRow, ...]") -> Table:
    """What the id says already, the day and the title, stands in a column of its own only where there is room."""
    from stationmaster.cli.runbook_run_rows import age

    wide, about, incident = is_wide(), any(row.host for row in rows), any(row.incident for row in rows)
    named = (*(("incident",) if incident else ()), *(("about",) if about else ()))
    names = ("run", "outcome", "age", *named, "by", *(("file",) if wide else ()))
    table = table_of(*names, whole=frozenset({"run", "age"}))
    now = datetime.now(UTC)
    for row in rows:
        outcome = Text(row.outcome, style=_STYLES.get(row.outcome, "red"))
        held = f" (worked by process {row.held_by})" if row.held_by else ""
        cells: list[Text | str] = [row.run, outcome.append(held), age(now - row.began_at)]
        cells += [Text(f"#{row.incident}" if row.incident else "")] if incident else []
        cells += [Text(row.host)] if about else []
        cells += [Text(row.by), *((Text(row.file),) if wide else ())]
        table.add_row(*cells)
    return table


def transcript(
    run: RunArgument, form: FormatOption = Format.MARKDOWN, output: FileOption = None, journal: JournalOption = None
) -> None:
    """Tell what was run, what was seen, who approved and how it ended."""
    from stationmaster.runbooks.transcript.asciicast import as_asciicast
    from stationmaster.runbooks.transcript.document import as_json
    from stationmaster.runbooks.transcript.markdown import as_markdown
    from stationmaster.runbooks.transcript.story import gather

    writers = {Format.MARKDOWN: as_markdown, Format.JSON: as_json, Format.ASCIICAST: as_asciicast}
    with refusals():
        text = writers[form](gather(asyncio.run(_story(journal_file(journal), run))))
        if output is None:
            sys.stdout.write(text)
            return
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise PlatformError("not-written", f"{output}: {error.strerror}", hint="choose another file") from error


async def find_run(journal: Path, run: str) -> "RunSummary":
    """By its id, by a beginning of it that no other run has, or the newest as `last`."""
    found = await _runs(journal)
    meant = found[:1] if run == "last" else [each for each in found if each.id == run]
    meant = meant or [each for each in found if each.id.startswith(run)]
    if len(meant) == 1:
        return meant[0]
    if not found:
        hint = "begin one with `stationmaster runbook run FILE`, or name its --journal"
        raise PlatformError("run-unknown", f"{journal} holds no runs yet", hint=hint, status=404)
    hint = "see `stationmaster runbook runs`; a run of the platform is told by `stationmaster incident show NUMBER`"
    if meant:
        raise PlatformError("run-ambiguous", f"{run} may be any of {len(meant)} runs", hint=hint, status=409)
    raise PlatformError("run-unknown", f"there is no run {run} in {journal}", hint=hint, status=404)


async def standing_run(journal: Path, request: "RunRequest") -> "RunSummary | None":
    """The open run that a new one would take the place of."""
    alone = _reading(journal)
    try:
        return await alone.standing(request)
    finally:
        await alone.close()


async def _runs(journal: Path) -> "list[RunSummary]":
    alone = _reading(journal)
    try:
        return await alone.runs()
    finally:
        await alone.close()


async def _story(journal: Path, run: str) -> "tuple[RunEvent, ...]":
    found = await find_run(journal, run)
    alone = _reading(journal)
    try:
        return await alone.story(found.id)
    finally:
        await alone.close()


def _reading(journal: Path) -> "Alone":
    """Nobody is told or asked where a journal is only read."""
    from stationmaster.runbooks.alone import Alone
    from stationmaster.runbooks.terminal.nobody import Nobody

    return Alone(journal=journal, operator=Nobody())
