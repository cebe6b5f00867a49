"""Works a run at this terminal: chooses how it is shown, hears signals, and says with what status it ended."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from stationmaster.cli.output import err, say_refusal
from stationmaster.cli.runbook_places import approver_folder, request_folder
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.alone import Alone
from stationmaster.runbooks.consent.approval import Approver
from stationmaster.runbooks.consent.approvers import FILE_NAME, find_approvers, own_public_keys, read_approvers
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.talk import Operator, RunEvent, RunFinished, RunOpened
from stationmaster.runbooks.terminal.answers import Answers, AnswersFile
from stationmaster.runbooks.terminal.desk import Desk, Ending
from stationmaster.runbooks.terminal.json_lines import JsonLines
from stationmaster.runbooks.terminal.live import LiveOperator
from stationmaster.runbooks.terminal.pair import Pair
from stationmaster.runbooks.terminal.pending import SecondPerson
from stationmaster.runbooks.terminal.plain import PlainLines, show_summary
from stationmaster.runbooks.terminal.prompts import LinePrompts
from stationmaster.runbooks.terminal.stage import Stage
from stationmaster.runbooks.transcript.questions import Question
from stationmaster.runtime import log

EXIT_STATUS = {"cured": 0, "passed": 0, "failed": 1, "escalated": 1, "stopped": 3, "aborted": 4}
USAGE, STOPPED, ABORTED, INTERRUPTED = 2, 3, 4, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Work: TypeAlias = Callable[[Alone], Awaitable[RunFinished]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a run is shown and asked about: on a live screen, in plain lines, or as JSON; by a person or from answers."""

    by: str
    as_json: bool = False
    live: bool = True
    answers: AnswersFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is worked: the runbook as it lies there (None when it is gone), with which values, written down where."""

    journal: Path
    file: Path
    runbook: Runbook | None
    values: dict[str, str]
    cwd: Path
    journal_option: str = ""
    """How the journal has to be named in the next command, where it is not the default."""


def work_here(matter: Matter, manner: Manner, work: Work) -> int:
    """The exit status; see `EXIT_STATUS`."""
    log.configure(json_lines=False, level="error")
    try:
        return asyncio.run(_Sitting(matter, manner).work(work))
    finally:
        _let_go_of_lost_streams()


def somebody_is_there(manner: Manner) -> bool:
    """Whether questions go to a person at this terminal."""
    return not manner.as_json and manner.answers is None and sys.stdin.isatty() and sys.stdout.isatty()


class _Sitting:
    """One time of working a run, from the first event to the end or to where it is left."""

    def __init__(self, matter: Matter, manner: Manner) -> None:
        self._matter = matter
        self._manner = manner
        self._task: asyncio.Task[int] | None = None
        self._run = ""
        self._ending: Ending | None = None
        self._console = Console(file=log.undeterred(sys.stdout), highlight=False, markup=False, emoji=False)

    async def work(self, work: Work) -> int:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._end, Ending.INTERRUPTED)
        desk = self._desk()
        operator, stage = self._operator(desk)
        listening = _Listening(operator, lambda event: self._heard(event, desk))
        alone = Alone(journal=self._matter.journal, operator=listening, check_second=desk.second_person.redeem)
        desk.skip = alone.skip
        try:
            return await self._to_its_end(alone, stage, work)
        finally:
            await alone.close()
            for number in _SIGNALS:
                loop.remove_signal_handler(number)

    async def _to_its_end(self, alone: Alone, stage: Stage | None, work: Work) -> int:
        try:
            finished = await self._shown(alone, stage, work)
        except PlatformError as error:
            say_refusal(error)
            self._say_how_to_resume()
            return STOPPED if self._run else USAGE
        except asyncio.CancelledError:
            if self._ending is None or self._task is None:
                raise
            self._task.uncancel()
            return await self._left(alone, self._ending)
        status = EXIT_STATUS[finished.outcome.value]
        if status == STOPPED:
            self._say_how_to_resume()
        return status

    async def _shown(self, alone: Alone, stage: Stage | None, work: Work) -> RunFinished:
        if stage is None:
            return await work(alone)
        try:
            async with stage.shown():
                return await work(alone)
        finally:
            show_summary(self._console, stage.progress)
            if self._run:
                verb = f"stationmaster runbook transcript {self._run}{self._matter.journal_option}"
                self._console.print(f"transcript: {verb}", style="dim")

    def _operator(self, desk: Desk) -> tuple[Operator, Stage | None]:
        manner = self._manner
        if manner.as_json:
            lines = JsonLines(log.undeterred(sys.stdout))
            return Pair(teller=lines, asker=self._answers(desk, lines.asked)), None
        plain = PlainLines(self._console)
        if not somebody_is_there(manner):
            return Pair(teller=plain, asker=self._answers(desk, plain.asked)), None
        fd = sys.stdin.fileno()
        if not manner.live or os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
            return Pair(teller=plain, asker=LinePrompts(self._console, desk, fd=fd, plain=plain)), None
        stage = Stage(self._console, desk, fd=fd)
        return LiveOperator(self._console, desk, stage, fd=fd), stage

    def _answers(self, desk: Desk, tell: Callable[[Question], None]) -> Answers:
        given = self._manner.answers or AnswersFile()
        return Answers(given, by=self._manner.by, second_person=desk.second_person, tell=tell)

    def _desk(self) -> Desk:
        matter, runbook = self._matter, self._matter.runbook
        second = SecondPerson(
            folder=request_folder(),
            runbook=runbook.title if runbook else matter.file.name,
            approvers=lambda: _approvers(matter.file),
            own_keys=own_public_keys(approver_folder()),
        )
        return Desk(
            by=self._manner.by,
            second_person=second,
            end=self._end,
            cwd=matter.cwd,
            document=_document(matter.file) if runbook else (),
            digest=runbook.digest if runbook else "",
            phases=runbook.knowledge.phases if runbook else (),
            groups={step.address: _first_line(step.text) for step in runbook.walk()} if runbook else {},
            values=dict(matter.values),
        )

    def _end(self, ending: Ending) -> None:
        """Once: what a run does to stop its commands is not disturbed by a second Ctrl-C."""
        if self._ending is None and self._task is not None:
            self._ending = ending
            self._task.cancel()

    def _heard(self, event: RunEvent, desk: Desk) -> None:
        if isinstance(event, RunOpened):
            self._run = event.run
            desk.know(event.run, event.plan)

    async def _left(self, alone: Alone, ending: Ending) -> int:
        if ending is Ending.ABORT and self._run:
            await alone.abandon(self._run, why=f"aborted by {self._manner.by}")
            err.print(f"run {self._run} was aborted", markup=False)
            return ABORTED
        self._say_how_to_resume()
        return INTERRUPTED if ending is Ending.INTERRUPTED else STOPPED

    def _say_how_to_resume(self) -> None:
        if not self._run:
            return
        verb = f"stationmaster runbook resume {self._run}{self._matter.journal_option}"
        with suppress(OSError):
            err.print(f"the run stands as it is; go on with: {verb}", markup=False)


def _let_go_of_lost_streams() -> None:
    """What cannot be written any more must not change the exit status at the interpreter's end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Listening:
    """The operator of a run, with one more who hears."""

    def __init__(self, operator: Operator, heard: Callable[[RunEvent], None]) -> None:
        self.approve = operator.approve
        self.fill = operator.fill
        self.work_by_hand = operator.work_by_hand
        self.after_failure = operator.after_failure
        self._tell = operator.told
        self._heard = heard

    def told(self, event: RunEvent) -> None:
        self._heard(event)
        self._tell(event)


def _approvers(file: Path) -> tuple[Approver, ...]:
    found = find_approvers(file)
    if found is None:
        hint = f"make {file.parent / FILE_NAME} with `stationmaster runbook approver add`"
        raise PlatformError("no-approvers", f"nobody may approve: no {FILE_NAME} stands beside the runbook", hint=hint)
    return read_approvers(found)


def _document(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return ()


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]
