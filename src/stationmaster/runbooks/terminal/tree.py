"""Draws the tree of a run's steps, and the command and output of the one that is looked at."""

from datetime import datetime

from rich.cells import chop_cells
from rich.text import Text

from stationmaster.runbooks.clean import clean_line, show_command
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.terminal.fitting import rule, spread
from stationmaster.runbooks.terminal.glyphs import RISK_STYLES, VERDICT_STYLES
from stationmaster.runbooks.terminal.progress import Row
from stationmaster.runbooks.terminal.view import View
from stationmaster.runbooks.transcript.words import clock, command_of, in_words

_MOST_COMMAND_LINES = 4


def tree(view: View, width: int, room: int, now: datetime) -> list[Text]:
    """The part of the tree around the step that is looked at."""
    lines, places = tree_lines(view, width, now)
    focus = view.selected or view.progress.focus
    at = places.get(focus, 0)
    start = min(max(at - room * 2 // 3, 0), max(len(lines) - room, 0))
    shown = lines[start : start + room]
    if start and shown:
        shown[0] = Text(f"  {view.glyphs.more} {start + 1} lines above", style="dim")
    below = len(lines) - start - room
    if below > 0 and len(shown) > 1:
        shown[-1] = Text(f"  {view.glyphs.more} {below + 1} lines below", style="dim")
    return shown


def tree_lines(view: View, width: int, now: datetime) -> tuple[list[Text], dict[str, int]]:
    lines: list[Text] = []
    places: dict[str, int] = {}
    shown = set(view.progress.rows)
    for row in view.progress.rows.values():
        for address in _above(row.step.key):
            if address in view.groups and address not in shown:
                shown.add(address)
                lines.append(Text(f"{_indent(address)}{address} {clean_line(view.groups[address])}", style="bold"))
        places[row.step.key] = len(lines)
        lines.append(_row(view, row, width, now))
    return lines, places


def _above(key: str) -> list[str]:
    """The addresses of the steps that a step stands in, the outermost first."""
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _indent(key: str) -> str:
    return " " + "  " * min(key.count("."), 6)


def _row(view: View, row: Row, width: int, now: datetime) -> Text:
    step, glyphs = row.step, view.glyphs
    mark, style = glyphs.open, "dim"
    if row.ended is not None:
        mark, style = glyphs.verdicts[row.ended.verdict], VERDICT_STYLES[row.ended.verdict]
    elif row.runs:
        mark, style = glyphs.runs, "bold cyan"
    pointer = ">" if view.selected == step.key else " "
    left = Text(pointer + _indent(step.key)[1:]).append(mark, style=style)
    left.append(f" {step.key} ", style="bold" if row.runs else "")
    left.append(clean_line(step.title), style=_title_style(row))
    right = Text()
    if step.risk is not Risk.READ or command_of(step):
        right.append(f" {step.risk.value}", style=RISK_STYLES[step.risk])
    took = _took(row, now)
    return spread(left, right.append(f" {took:>7}"), width)


def _title_style(row: Row) -> str:
    if row.runs:
        return "bold"
    return "dim" if row.ended is None else ""


def _took(row: Row, now: datetime) -> str:
    if row.ended is not None:
        return in_words(row.ended.took_ms / 1000) if row.ended.took_ms else ""
    return clock(now - row.began_at) if row.began_at is not None else ""


def output(view: View, width: int, room: int) -> list[Text]:
    """The command of the step that is looked at, and as much of its output's end as there is room for."""
    row = view.progress.rows.get(view.selected) or view.progress.current()
    if row is None or room < 1:
        return []
    lines = [rule(view.glyphs, _output_title(row), width), *_command(view, row, width)]
    if row.waiting is not None:
        until = f"waits until {row.waiting.until:%H:%M:%S} at most"
        lines.append(Text(f"{until}: {clean_line(row.waiting.why)}", style="yellow"))
    verdict = _verdict(view, row, width)
    left = room - len(lines) - len(verdict)
    return [*lines, *(Text(each) for each in row.tail.shown(left)), *verdict][:room]


def _command(view: View, row: Row, width: int) -> list[Text]:
    command = show_command(row.command or command_of(row.step))
    pieces = [piece for each in command.split("\n") for piece in chop_cells(each, max(width - 2, 1))] if command else []
    marked = [Text(f"{' ' if n else '$'} {each}", style="cyan") for n, each in enumerate(pieces[:_MOST_COMMAND_LINES])]
    hidden = [Text(f"  {view.glyphs.more} d shows the rest", style="dim")] if len(pieces) > _MOST_COMMAND_LINES else []
    return [*marked, *hidden]


def _verdict(view: View, row: Row, width: int) -> list[Text]:
    if row.ended is None:
        return []
    text = f"{view.glyphs.verdicts[row.ended.verdict]} {row.ended.verdict.value}: {clean_line(row.ended.why)}"
    return [Text(each, style=VERDICT_STYLES[row.ended.verdict]) for each in chop_cells(text, width)[:3]]


def _output_title(row: Row) -> str:
    attempt = f", attempt {row.attempt}" if row.attempt > 1 else ""
    return f"{row.step.key}{attempt}"
