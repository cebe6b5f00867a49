"""Tells a run in plain lines: for logs, for terminals that can do no more, and for whoever wants them."""

from dataclasses import dataclass, field
from textwrap import wrap

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
from stationmaster.runbooks.terminal.progress import Progress, Row
from stationmaster.runbooks.transcript.questions import Question
from stationmaster.runbooks.transcript.words import in_words, open_words

_OPEN_AT_MOST = 8_000
_REMEMBERED = 500
"""Lines of a try."""


@dataclass(slots=True, kw_only=True)
class _Try:
    """One try of a step: what it printed, and what the one before it had printed."""

    command: str = ""
    lines: set[str] = field(default_factory=set)
    before: set[str] = field(default_factory=set)


class PlainLines:
    """One line for each thing that happens; lines of parallel steps are told apart by the step's address."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._glyphs: Glyphs = glyphs_for(console.encoding)
        self._progress = Progress()
        self._titles: dict[str, str] = {}
        self._open: dict[tuple[str, bool], str] = {}
        self._last: dict[str, _Try] = {}

    def told(self, event: RunEvent) -> None:
        self._progress.hear(event)
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
        self.settle(question.step)
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
        """A further try of the same is one short line; of its output only what was not there before is shown."""
        self.settle(event.step)
        last, self._last[event.step] = self._last.get(event.step), _Try(command=event.command)
        if event.attempt > 1 and last is not None and last.command == event.command:
            self._last[event.step].before = last.lines
            self._line(f"{event.at:%H:%M:%S} {self._glyphs.more} {event.step} again (attempt {event.attempt})", "dim")
            return
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
        self.settle(event.step)
        mark = self._glyphs.verdicts[event.verdict]
        by = f", by {event.by}" if event.by else ""
        took = f" ({in_words(event.took_ms / 1000)})" if event.took_ms else ""
        text = f"{event.at:%H:%M:%S} {mark} {event.step} {event.verdict.value}: {clean_line(event.why)}{by}{took}"
        self._line(text, VERDICT_STYLES[event.verdict])

    def settle(self, step: str) -> Row | None:
        """Shows what has come of a line that has not ended yet; the step as it stands."""
        for error in (False, True):
            if rest := self._open.pop((step, error), ""):
                self._said(step, rest)
        return self._progress.rows.get(step)

    def _said(self, step: str, line: str) -> None:
        tried, shown = self._last.setdefault(step, _Try()), clean_line(line)
        if len(tried.lines) < _REMEMBERED:
            tried.lines.add(shown)
        if shown not in tried.before:
            self._line(f"  {step} {self._glyphs.bar} {shown}", "")

    def _line(self, text: str, style: str | Style) -> None:
        self._console.print(Text(escape_controls(text), style=style), soft_wrap=True)


def show_summary(console: Console, progress: Progress) -> None:
    """What became of each step, for the ordinary screen after the live one."""
    glyphs = glyphs_for(console.encoding)
    for key, row in progress.rows.items():
        mark, style = (glyphs.open, "dim")
        told = open_words(row.step, begun=row.began_at is not None)
        if row.ended is not None:
            mark, style = glyphs.verdicts[row.ended.verdict], VERDICT_STYLES[row.ended.verdict]
            by = f", by {row.ended.by}" if row.ended.by else ""
            told = f"{row.ended.verdict.value}: {row.ended.why}{by}"
        _say(console, f"{mark} {key} {row.step.title.rstrip(':.')}: {told}", style, indent="    ")
    if progress.finished is not None:
        text = f"{progress.finished.outcome.value}: {progress.finished.why}"
        _say(console, text, outcome_style(progress.finished.outcome), indent="  ")


def _say(console: Console, text: str, style: str, *, indent: str) -> None:
    """On a terminal words are kept whole; elsewhere a line stays one."""
    plain = clean_line(" ".join(text.split()))
    width = max(console.width, 20)
    pieces = wrap(plain, width, subsequent_indent=indent, break_on_hyphens=False) if console.is_terminal else [plain]
    for piece in pieces:
        console.print(Text(piece, style=style), soft_wrap=True)
