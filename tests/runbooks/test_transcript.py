import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.talk import OutputSeen, RunOpened, StepBegan, StepEnded
from stationmaster.runbooks.transcript.asciicast import as_asciicast
from stationmaster.runbooks.transcript.document import RunDocument, as_json
from stationmaster.runbooks.transcript.markdown import as_markdown
from stationmaster.runbooks.transcript.story import Story, gather
from stationmaster.runbooks.transcript.words import clock, in_words
from tests.runbooks.terminal.sample import PLAN, RUN, at, story

TEXTS = st.text(alphabet=st.one_of(st.sampled_from("`~\n<>#[]()|*_\x1b"), st.characters()), max_size=60)


def test_a_note_tells_what_ran_what_was_seen_and_who_approved() -> None:
    note = as_markdown(gather(story()))
    for told in (
        "# Runbook run: Volume full",
        "- Outcome: **escalated**: step 2 failed",
        "took 1 min 05 s",
        "- Interrupted, and resumed at 03:01:00 UTC",
        "- Answered by: ada, grace",
        "| 1.1 | df -h /data | read | ✓ passed | 900 ms |  |",
        "| 3 | Tell the team | read | · not reached |  |  |",
        "✓ **passed** at 03:01:02 after 800 ms, 2 attempts, by ada",
        "<details><summary>Output (4 lines)</summary>",
    ):
        assert told in note


def test_an_output_with_fences_and_html_stays_an_output() -> None:
    tokens = MarkdownIt("commonmark").parse(as_markdown(gather(story())))
    fences = [token.content for token in tokens if token.type == "fence"]
    assert "```\nfence\n```\n</details><script>x</script>\n" in fences
    html = [token.content for token in tokens if token.type == "html_block"]
    assert all("script" not in text for text in html)
    assert len([text for text in html if text.startswith("<details>")]) == 1


@given(output=TEXTS, why=TEXTS, command=TEXTS)
def test_no_output_breaks_out_of_its_fence(output: str, why: str, command: str) -> None:
    end = StepEnded(at=at(1), step="1.1", verdict=Verdict.FAILED, why=why, output=output, command=command)
    note = as_markdown(gather((RunOpened(at=at(0), run=RUN, plan=PLAN), end)))
    tokens = MarkdownIt("commonmark").parse(note)
    headings = [token for token in tokens if token.type == "heading_open"]
    html = [token.content for token in tokens if token.type == "html_block"]
    assert len(headings) == 2
    assert all(text.startswith(("<details><summary>Output (", "</details>")) for text in html)
    assert "\x1b" not in note


def test_the_document_reads_back_as_what_its_types_say() -> None:
    document = msgspec.json.decode(as_json(gather(story())), type=RunDocument)
    assert (document.format, document.run, document.outcome, document.sittings) == (
        "stationmaster-run-1",
        RUN,
        "escalated",
        2,
    )
    assert [end.verdict for end in document.ends] == ["passed", "passed", "failed"]
    assert [type(event).__name__ for event in document.events][:3] == ["Opened", "Began", "Output"]
    assert document.ended_at == at(65)


def test_an_open_run_has_no_outcome_yet() -> None:
    open_story = gather(story()[:6])
    assert "**still open**" in as_markdown(open_story)
    assert msgspec.json.decode(as_json(open_story), type=RunDocument).outcome is None


def test_a_run_without_events_is_refused() -> None:
    with pytest.raises(PlatformError):
        gather(())


def test_a_recording_has_the_header_and_the_times_that_players_want() -> None:
    header, frames = _cast(gather(story()))
    assert header["version"] == 2
    assert header["width"] > 0 < header["height"]
    assert header["timestamp"] == int(at(0).timestamp())
    assert all(kind == "o" and isinstance(text, str) for _, kind, text in frames)
    times = [moment for moment, _, _ in frames]
    assert times == sorted(times)
    assert times[0] == 0
    assert times[-1] == 65


def test_a_recording_holds_no_sequence_of_an_output() -> None:
    played = "".join(text for _, _, text in _cast(gather(story()))[1])
    assert "\x1b]0" not in played
    assert "\x1b[2J" not in played
    assert "[red]not markup[/red]" in played
    assert "Filesystem 99%" in played
    assert "  unfinished\r\n" in played
    assert "\n" not in played.replace("\r\n", "")


def test_a_clock_that_was_set_back_makes_no_time_run_backwards() -> None:
    back = [replace(event, at=at(-5)) if isinstance(event, OutputSeen) else event for event in story()]
    times = [moment for moment, _, _ in _cast(gather(back))[1]]
    assert times == sorted(times)
    assert min(times) >= 0


@given(pieces=st.lists(st.text(alphabet="a\x1b[31m\n", max_size=5), max_size=8))
def test_a_sequence_that_is_cut_into_pieces_does_not_get_through(pieces: list[str]) -> None:
    opened, began = RunOpened(at=at(0), run=RUN, plan=PLAN), StepBegan(at=at(1), step="1.1")
    seen = [OutputSeen(at=at(1), step="1.1", text=piece) for piece in pieces if piece]
    end = StepEnded(at=at(2), step="1.1", verdict=Verdict.PASSED, why="")
    frames = _cast(gather((opened, began, *seen, end)))[1]
    quiet = _cast(gather((opened, began, end)))[1]
    assert sum(text.count("\x1b") for _, _, text in frames) == sum(text.count("\x1b") for _, _, text in quiet)


@pytest.mark.parametrize(
    ("seconds", "words", "face"),
    [
        (0.85, "850 ms", "00:00"),
        (12.34, "12.3 s", "00:12"),
        (59.97, "1 min 00 s", "00:59"),
        (247, "4 min 07 s", "04:07"),
        (7380, "2 h 03 min", "2:03:00"),
        (-1, "0 ms", "00:00"),
    ],
)
def test_lengths_of_time_read_well(seconds: float, words: str, face: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
    assert clock(seconds) == face


def _cast(told: Story) -> tuple[dict[str, Any], list[tuple[float, str, str]]]:
    header, *frames = as_asciicast(told).splitlines()
    return json.loads(header), [tuple(json.loads(line)) for line in frames]
