"""A run as a recording in asciicast v2 (docs.asciinema.org/manual/asciicast/v2): a header, then a line an event."""

import json
from collections.abc import Iterator
from datetime import datetime

from stationmaster.runbooks.clean import clean, clean_line, show_command
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
from stationmaster.runbooks.transcript.story import Story
from stationmaster.runbooks.transcript.words import MARKS, command_of, in_words

WIDTH, HEIGHT = 100, 30
LONGEST_PAUSE_S = 3.0
_COLOURS = {Verdict.PASSED: "32", Verdict.FAILED: "31"}


def as_asciicast(story: Story) -> str:
    """Times are seconds since the run began; a player shortens pauses by `idle_time_limit`."""
    header = {
        "version": 2,
        "width": WIDTH,
        "height": HEIGHT,
        "timestamp": int(story.began_at.timestamp()),
        "idle_time_limit": LONGEST_PAUSE_S,
        "title": clean_line(story.plan.runbook),
        "env": {"TERM": "xterm-256color", "SHELL": "/bin/sh"},
    }
    lines = [json.dumps(header)]
    lines += [json.dumps([at_s, "o", text], ensure_ascii=False) for at_s, text in _frames(story)]
    return "\n".join(lines) + "\n"


def _frames(story: Story) -> Iterator[tuple[float, str]]:
    """Never earlier than the frame before, even where a clock was set back."""
    titles = {step.key: step for step in story.plan.steps}
    pieces = _Pieces()
    latest = 0.0
    seen: set[str] = set()
    for event in story.events:
        latest = max(latest, _since(story.began_at, event.at))
        match event:
            case OutputSeen():
                seen.add(event.step)
                text = pieces.lines(event)
            case StepEnded():
                text = pieces.rest(event.step) + _end(event, event.output if event.step not in seen else "")
                seen.discard(event.step)
            case StepBegan():
                step = titles.get(event.step)
                title = f"{step.key} {step.title}" if step else event.step
                text = _head(title, event.command or (command_of(step) if step else ""))
            case _:
                text = _told(event)
        if text:
            yield round(latest, 6), text.replace("\n", "\r\n")


class _Pieces:
    """Puts pieces of output together to lines, so that no sequence is cut in two; one rest for each step and stream."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, bool], str] = {}

    def lines(self, event: OutputSeen) -> str:
        *whole, rest = (self._open.get((event.step, event.error), "") + event.text).split("\n")
        self._open[event.step, event.error] = rest
        return "".join(f"  {clean_line(line)}\n" for line in whole)

    def rest(self, step: str) -> str:
        rests = (self._open.pop((step, error), "") for error in (False, True))
        return "".join(f"  {clean_line(rest)}\n" for rest in rests if rest)


def _head(title: str, command: str) -> str:
    shown = "".join(f"  \x1b[36m$ {line}\x1b[0m\n" for line in show_command(command).split("\n") if command)
    return f"\x1b[1m{clean_line(title)}\x1b[0m\n{shown}"


def _end(event: StepEnded, output: str) -> str:
    shown = "".join(f"  {line}\n" for line in clean(output).rstrip("\n").split("\n")) if output.strip() else ""
    colour = _COLOURS.get(event.verdict, "33")
    by = f" (by {clean_line(event.by)})" if event.by else ""
    mark = f"{MARKS[event.verdict]} {event.step} {event.verdict.value}"
    took = f"\x1b[2m{in_words(event.took_ms / 1000)}\x1b[0m"
    return f"{shown}\x1b[{colour}m{mark}\x1b[0m {clean_line(event.why)}{by} {took}\n"


def _told(event: RunEvent) -> str:
    match event:
        case RunOpened():
            verb = "resumed" if event.resumed else "began"
            return f"\x1b[1;4m{clean_line(event.plan.runbook)}\x1b[0m  run {clean_line(event.run)} {verb}\n"
        case Waiting():
            return f"\x1b[2m… {event.step} waits: {clean_line(event.why)}\x1b[0m\n"
        case RunFinished():
            return f"\x1b[1m{event.outcome.value}\x1b[0m: {clean_line(event.why)}\n"
        case _:
            return ""


def _since(zero: datetime, moment: datetime) -> float:
    return (moment - zero).total_seconds()
