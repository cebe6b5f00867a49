"""Draws a run: a pure function from what is known to the lines of a screen of the given size."""

from collections.abc import Sequence
from datetime import datetime
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

from stationmaster.runbooks.clean import clean_line
from stationmaster.runbooks.terminal.fitting import fitted, rule, spread, wrapped
from stationmaster.runbooks.terminal.glyphs import outcome_style
from stationmaster.runbooks.terminal.tree import output, tree, tree_lines
from stationmaster.runbooks.terminal.view import Dialogue, Overlay, View
from stationmaster.runbooks.terminal.wording import Line
from stationmaster.runbooks.transcript.words import clock

WIDE = 120
_LEAST_STEPS = 3
_LEAST_TYPED = 12
"""Cells; a label that leaves less stands on lines of its own."""


def frame(view: View, *, width: int, height: int, now: datetime) -> list[Text]:
    """Exactly `height` lines, none wider than `width` cells."""
    width, height = max(width, 10), max(height, 4)
    head = _head(view, width, now)
    foot = _foot(view)
    room = max(height - len(head) - len(foot), 1)
    if view.overlay is not Overlay.NONE:
        body = _scrolled(view.overlay_lines, view, width, room)
    elif view.dialogue is not None:
        body = [*_asked_about(view, view.dialogue, width, room), *_asking(view.dialogue, width)]
        body = [*_steps_above(view, width, room - len(body), now), *body]
    elif width >= WIDE:
        body = _side_by_side(view, width, room, now)
    else:
        body = _stacked(view, width, room, now)
    lines = [*head, *(body + [Text()] * (room - len(body)))[:room], *foot][:height]
    return [fitted(line, width) for line in lines]


def _head(view: View, width: int, now: datetime) -> list[Text]:
    progress = view.progress
    elapsed_s = (now - progress.opened_at).total_seconds() if progress.opened_at else 0.0
    right = Text(clock(elapsed_s), style="bold")
    if progress.finished is not None:
        right.append(f" {progress.finished.outcome.value}", style=outcome_style(progress.finished.outcome))
    title = Text(clean_line(progress.title) or "runbook", style="bold")
    done = sum(row.ended is not None for row in progress.rows.values())
    facts = [f"run {progress.run}", clean_line(progress.about), f"{done} of {len(progress.rows)} steps"]
    second = Text(f" {view.glyphs.dot} ".join(each for each in facts if each), style="dim")
    phase = _phase(view, elapsed_s)
    return [spread(title, right, width), spread(second, phase, width), rule(view.glyphs, "", width)]


def _phase(view: View, elapsed_s: float) -> Text:
    """The phase of the step that was heard of last, with the run's clock against the phase's end."""
    focus = view.progress.focus
    for phase in view.phases:
        if any(_under(focus, address) for address in phase.steps):
            until = f" of {clock(phase.until_s)}" if phase.until_s is not None else ""
            late = phase.until_s is not None and elapsed_s > phase.until_s
            return Text(f"{clean_line(phase.title)} {clock(elapsed_s)}{until}", style="bold red" if late else "")
    return Text()


def _under(key: str, address: str) -> bool:
    """`3.2b` and `3.2.1` stand under `3.2`, `3.20` does not."""
    rest = key.removeprefix(address)
    return key.startswith(address) and not rest[:1].isdigit()


def _foot(view: View) -> list[Text]:
    if view.overlay is not Overlay.NONE:
        keys: Sequence[tuple[str, str]] = (("up/down", "scroll"), ("escape", "back"))
    elif view.dialogue is not None and view.dialogue.editor is not None:
        keys = (("enter", "take it"), ("escape", "back"))
    else:
        own = view.dialogue.keys if view.dialogue is not None else (("up/down", "look at a step"),)
        if view.dialogue is None and view.progress.running():
            own = (*own, ("s", "skip it"))
        if view.dialogue is not None and view.dialogue.then is not None:
            return [_keys(own)]
        keys = (*own, ("o", "shell"), ("d", "details"), ("q", "end"), ("?", "help"))
    return [_keys(keys)]


def _keys(keys: Sequence[tuple[str, str]]) -> Text:
    foot = Text()
    for key, label in keys:
        foot.append(f" {key} ", style="reverse").append(f" {label}  ")
    return foot


def _stacked(view: View, width: int, room: int, now: datetime) -> list[Text]:
    tree_room = min(max(room * 11 // 20, 3), len(tree_lines(view, width, now)[0]) or 1, max(room - 3, 1))
    steps = tree(view, width, tree_room, now)
    return [*steps, *output(view, width, room - len(steps))]


def _side_by_side(view: View, width: int, room: int, now: datetime) -> list[Text]:
    left = width * 9 // 20
    pairs = zip_longest(tree(view, left, room, now), output(view, width - left - 2, room), fillvalue=Text())
    lines: list[Text] = []
    for step, said in pairs:
        line = fitted(step, left)
        line.append(" " * (left - line.cell_len)).append(f"{view.glyphs.bar} ", style="dim")
        lines.append(line.append_text(said))
    return lines


def _asked_about(view: View, dialogue: Dialogue, width: int, room: int) -> list[Text]:
    """The text of a question under its title; a few lines stay with the steps."""
    body = wrapped(dialogue.lines, width)
    left = max(min(len(body), room - _LEAST_STEPS - 1 - len(_asking(dialogue, width))), 1)
    offset = min(view.offset, max(len(body) - left, 0))
    hidden = f" {view.glyphs.more} {len(body) - left} more lines: up/down" if len(body) > left else ""
    return [rule(view.glyphs, dialogue.title + hidden, width), *body[offset : offset + left]]


def _steps_above(view: View, width: int, room: int, now: datetime) -> list[Text]:
    steps = tree(view, width, max(room, 1), now)
    return [*steps, *[Text()] * (room - len(steps))]


def _asking(dialogue: Dialogue, width: int) -> list[Text]:
    lines = [Text(clean_line(dialogue.problem), style="red")] if dialogue.problem else []
    editor = dialogue.editor
    if editor is None:
        return lines
    typed = "*" * len(editor.text) if dialogue.masked else editor.text
    label = f"{dialogue.label} > "
    if cell_len(label) + _LEAST_TYPED > width:
        lines += wrapped([("bold", dialogue.label)], width)
        label = "> "
    start = 0
    while cell_len(label) + cell_len(typed[start : editor.at]) >= width and start < editor.at:
        start += 1
    before, at, after = typed[start : editor.at], typed[editor.at : editor.at + 1], typed[editor.at + 1 :]
    return [*lines, Text(label, style="bold").append(before).append(at or " ", style="reverse").append(after)]


def _scrolled(lines: Sequence[Line], view: View, width: int, room: int) -> list[Text]:
    body = wrapped(lines, width)
    offset = min(view.offset, max(len(body) - room, 0))
    return body[offset : offset + room]
