"""Tells a run in plain lines: for logs, for terminals that can do no more, and for whoever wants them."""

from rich.console import Console
from rich.style import Style
from rich.text import Text

from stationmaster.runbooks.clean import clean_line, escape_controls, show_command
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.talk import (
    OutputSeen,
    RunEvent,
    RunFinished,
    RunOpened,
    StepBegan,
    StepEnded,
    Waiting,
)
from stationmaster.runbooks.terminal.glyphs import VERDICT_STYLES, Glyphs, glyphs_for, outcome_style
from stationmaster.runbooks.terminal.progress import Progress
from stationmaster.runbooks.transcript.questions import Question
from stationmaster.runbooks.transcript.words import in_words

_OPEN_AT_MOST = 8_000


class PlainLines:
    """One line for each thing that happens; lines of parallel steps are told apart by the step's address."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._glyphs: Glyphs = glyphs_for(console.encoding)
        self._titles: dict[str, str] = {}
        self._open: dict[tuple[str, bool], str] = {}

    def told(self, event: RunEvent) -> None:
        match event:
            case RunOpened():
                self._opened(event)
            case StepBegan():
                self._began(event)
            case OutputSeen():
                self._output(event)
            case StepEnded():
                self._ended(event)
            case Waiting():
                until = f"until {event.until:%H:%M:%S} at most"
                self._line(f"{event.at:%H:%M:%S} {self._glyphs.more} {event.step} waits {until}: {event.why}", "dim")
            case RunFinished():
                self._line(f"{event.outcome.value}: {event.why}", outcome_style(event.outcome))

    def asked(self, question: Question) -> None:
        if question.answered:
            return
        mark = self._glyphs.verdicts[Verdict.MANUAL]
        about = question.named or question.place or (question.planned.title if question.planned else "")
        what = f"{question.step or 'the run'} wants an answer ({question.ask}): {about} {question.problem}"
        self._line(f"{question.at:%H:%M:%S} {mark} {what.rstrip()}", "magenta")
        for line in show_command(question.command).split("\n") if question.command else ():
            self._line(f"  $ {line}", "cyan")
        if question.request:
            self._line("  a second person has to approve it; send them: stationmaster runbook approve", "magenta")
            self._line(question.request, "")

    def _opened(self, event: RunOpened) -> None:
        self._titles = {step.key: step.title for step in event.plan.steps}
        verb = "goes on" if event.resumed else "begins"
        self._line(f"{event.at:%H:%M:%S} {event.plan.runbook}: run {event.run} {verb}", "bold")
        for end in event.ended:
            mark = self._glyphs.verdicts[end.verdict]
            self._line(
                f"         {mark} {end.step} {self._titles.get(end.step, '')}: {end.verdict.value} before", "dim"
            )

    def _began(self, event: StepBegan) -> None:
        again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
        title = self._titles.get(event.step, "")
        self._line(f"{event.at:%H:%M:%S} {self._glyphs.runs} {event.step} {title}{again}", "bold")
        for line in show_command(event.command).split("\n") if event.command else ():
            self._line(f"  {event.step} $ {line}", "cyan")

    def _output(self, event: OutputSeen) -> None:
        *whole, rest = (self._open.get((event.step, event.error), "") + event.text).split("\n")
        for line in whole:
            self._said(event.step, line)
        if len(rest) > _OPEN_AT_MOST:
            self._said(event.step, rest)
            rest = ""
        self._open[event.step, event.error] = rest

    def _ended(self, event: StepEnded) -> None:
        for error in (False, True):
            if rest := self._open.pop((event.step, error), ""):
                self._said(event.step, rest)
        mark = self._glyphs.verdicts[event.verdict]
        by = f", by {event.by}" if event.by else ""
        took = f" ({in_words(event.took_ms / 1000)})" if event.took_ms else ""
        text = f"{event.at:%H:%M:%S} {mark} {event.step} {event.verdict.value}: {event.why}{by}{took}"
        self._line(text, VERDICT_STYLES[event.verdict])

    def _said(self, step: str, line: str) -> None:
        self._line(f"  {step} {self._glyphs.bar} {clean_line(line)}", "")

    def _line(self, text: str, style: str | Style) -> None:
        self._console.print(Text(escape_controls(text), style=style), soft_wrap=True)


def show_summary(console: Console, progress: Progress) -> None:
    """What became of each step, for the ordinary screen after the live one."""
    glyphs = glyphs_for(console.encoding)
    for key, row in progress.rows.items():
        mark, style = (glyphs.open, "dim")
        told = "not reached"
        if row.ended is not None:
            mark, style = glyphs.verdicts[row.ended.verdict], VERDICT_STYLES[row.ended.verdict]
            by = f", by {row.ended.by}" if row.ended.by else ""
            told = f"{row.ended.verdict.value}: {row.ended.why}{by}"
        console.print(
            Text(clean_line(f"{mark} {key} {row.step.title.rstrip(':')}: {told}"), style=style), soft_wrap=True
        )
    if progress.finished is not None:
        text = f"{progress.finished.outcome.value}: {progress.finished.why}"
        console.print(Text(clean_line(text), style=outcome_style(progress.finished.outcome)), soft_wrap=True)
