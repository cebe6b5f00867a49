from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.runbooks.read.knowledge import Phase
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.talk import OutputSeen, StepBegan
from stationmaster.runbooks.terminal.editor import LineEditor
from stationmaster.runbooks.terminal.glyphs import PLAIN, RICH, Glyphs, glyphs_for
from stationmaster.runbooks.terminal.progress import KEPT_LINES, Progress, Tail
from stationmaster.runbooks.terminal.screen import frame
from stationmaster.runbooks.terminal.view import Dialogue, Overlay, View
from stationmaster.runbooks.terminal.wording import HELP, approval_lines, decides, detail_lines, manual_lines
from tests.runbooks.terminal.sample import CAUTIOUS, EVIL, at, request, step, story

PHASES = (
    Phase(title="Immediate Response", lines=Lines(first=1, last=5), from_s=0, until_s=60, steps=("1",)),
    Phase(title="Recovery", lines=Lines(first=6, last=9), from_s=60, until_s=None, steps=("2", "3")),
)


def view(events: int = 99, *, glyphs: Glyphs = RICH) -> View:
    progress = Progress()
    for event in story()[:events]:
        progress.hear(event)
    return View(progress=progress, glyphs=glyphs, phases=PHASES, groups={"1": "Look around", "2": "not shown"})


def shown(drawn: View, *, width: int = 80, height: int = 24, seconds: float = 30) -> list[str]:
    return [line.plain.rstrip() for line in frame(drawn, width=width, height=height, now=at(seconds))]


def test_a_running_step_shows_its_command_its_output_and_the_clocks() -> None:
    text = "\n".join(shown(view(4)))
    assert "Volume full" in text
    assert "00:30" in text
    assert "Immediate Response 00:30 of 01:00" in text
    assert "1 Look around" in text
    assert "▸ 1.1 df -h /data" in text
    assert "$ df -h /data" in text
    assert "Filesystem 99%" in text
    assert "· 2 Remove the | volume <b>db-0</b>" in text
    assert "destroy" in text


def test_an_ended_run_shows_every_verdict() -> None:
    text = "\n".join(shown(view(), seconds=65))
    for told in ("✓ 1.1", "✓ 1.2", "✗ 2", "· 3", "escalated", "3 of 4 steps"):
        assert told in text


def test_an_output_is_neither_obeyed_nor_taken_for_markup() -> None:
    text = "\n".join(shown(view(4)))
    assert "[red]not markup[/red]" in text
    assert "\x1b" not in text
    assert EVIL not in text


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 60), (20, 6), (10, 4), (120, 24), (1, 1)])
@pytest.mark.parametrize("glyphs", [RICH, PLAIN])
def test_every_size_is_kept(size: tuple[int, int], glyphs: Glyphs) -> None:
    width, height = size
    for events in range(1, len(story()) + 1):
        for drawn in _faces(view(events, glyphs=glyphs)):
            lines = frame(drawn, width=width, height=height, now=at(events))
            assert len(lines) == max(height, 4)
            assert all(line.cell_len <= max(width, 10) for line in lines)
            assert all("\n" not in line.plain for line in lines)


@given(title=st.text(max_size=200), output=st.text(max_size=400), width=st.integers(10, 130))
def test_no_text_of_a_runbook_or_a_command_breaks_the_frame(title: str, output: str, width: int) -> None:
    drawn = view(2)
    drawn.progress.title = title
    if output:
        drawn.progress.hear(OutputSeen(at=at(1), step="1.1", text=output))
    lines = frame(drawn, width=width, height=24, now=at(1))
    assert len(lines) == 24
    assert all(line.cell_len <= width for line in lines)


def test_a_question_shows_the_command_the_risk_and_what_has_to_be_typed() -> None:
    drawn = view(6)
    asked = request(CAUTIOUS, named="host-1")
    drawn.dialogue = Dialogue(
        title="approval",
        lines=approval_lines(asked),
        label="type host-1 to approve",
        editor=LineEditor(text="host", at=4),
        problem="that is not host-1",
    )
    text = "\n".join(shown(drawn))
    for told in (
        "$ reboot",
        "risk: change",
        "it changes files",
        "caution: only at night",
        "rollback: none is given",
        "the request holds until 03:15:00 UTC",
        "that is not host-1",
        "type host-1 to approve > host",
    ):
        assert told in text


def test_a_secret_is_not_shown_while_it_is_typed() -> None:
    drawn = view(2)
    drawn.dialogue = Dialogue(title="value", label="token", masked=True, editor=LineEditor(text="hunter2", at=7))
    text = "\n".join(shown(drawn))
    assert "hunter2" not in text
    assert "*******" in text


def test_a_long_command_can_be_scrolled_to_its_end() -> None:
    drawn = view(2)
    drawn.dialogue = Dialogue(title="approval", lines=[("", f"line {n}") for n in range(100)], keys=(("a", "approve"),))
    assert "more lines: up/down" in "\n".join(shown(drawn))
    drawn.offset = 10_000
    assert "line 99" in "\n".join(shown(drawn))


def test_a_step_far_down_is_brought_into_view() -> None:
    drawn = view(1)
    drawn.selected = "3"
    assert any(line.startswith(("> · 3", ">· 3")) for line in shown(drawn, height=12))


def test_letters_stand_in_where_the_encoding_has_no_marks() -> None:
    assert glyphs_for("ascii") is PLAIN
    assert glyphs_for("UTF-8") is RICH
    text = "\n".join(shown(view(glyphs=PLAIN)))
    assert text.isascii()


def test_an_endless_output_keeps_its_last_lines() -> None:
    tail = Tail()
    for _ in range(50):
        tail.feed("x" * 100_000)
        tail.feed("y\n" * 1_000)
    assert len(tail.lines) == KEPT_LINES
    assert len(tail.open) < 10_000


def test_a_second_attempt_begins_anew() -> None:
    drawn = view()
    drawn.progress.hear(StepBegan(at=at(70), step="2", command="rm -rf /data/db-0", attempt=2))
    assert "2, attempt 2" in "\n".join(shown(drawn, seconds=71))


def _faces(drawn: View) -> list[View]:
    """The same run with nothing asked, with a choice, with a line being typed, and with a text over it."""
    choice, typing, over = (
        View(progress=drawn.progress, glyphs=drawn.glyphs, phases=drawn.phases, groups=drawn.groups) for _ in range(3)
    )
    lines = approval_lines(request())
    choice.dialogue = Dialogue(title="approval", lines=lines, keys=(("a", "approve"), ("s", "skip")))
    typing.dialogue = Dialogue(title="approval", lines=lines, label="type x", editor=LineEditor("n" * 300, at=300))
    over.overlay, over.overlay_lines = Overlay.HELP, HELP
    row = drawn.progress.current()
    if row is not None:
        over.overlay_lines = detail_lines(row.step, ["a", "b", "c", "d"], command="", ended=row.ended)
    return [drawn, choice, typing, over]


def test_a_condition_is_asked_with_what_follows_from_it() -> None:
    asked = replace(step("1.1", command="df"), title="Does this hold? the disk is full", why="if so, step 3 is next")
    lines = [text for _, text in manual_lines(asked, (), command="df -h /data", tail=["99%"])]
    assert lines[:4] == ["1.1 Does this hold? the disk is full", "$ df -h /data", "  99%", "if so, step 3 is next"]
    assert decides(asked)


def test_a_warning_is_said_once() -> None:
    [caution] = CAUTIOUS.cautions
    warned = replace(request(), step=CAUTIOUS, why=("it destroys", f"beware: {caution.text}"))
    assert sum(caution.text in text for _, text in approval_lines(warned)) == 1


def test_what_is_typed_is_seen_however_long_its_label_is() -> None:
    drawn = view(4)
    drawn.dialogue = Dialogue(
        title="approval", label=f"type /{'x' * 90} to approve", editor=LineEditor(text="/xyz", at=4)
    )
    lines = shown(drawn)
    assert "> /xyz" in lines
    assert f"type /{'x' * 90} to approve" in "".join(line for line in lines).replace("approve> ", "approve")
