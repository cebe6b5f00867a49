"""`oncall override|swap|calendar|import`, `incident export`, `audit export|verify|key` against a control plane."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stationmaster.cli.main import app
from tests.api.only_oncall import control
from tests.cli.test_oncall_verbs import PLATFORM

SHIFTS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
SUMMARY:Ada Lovelace
DTSTART:20270301T090000Z
DTEND:20270301T170000Z
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:somebody
DTSTART:20270302T090000Z
DTEND:20270302T170000Z
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Path]:
    folder, file = tmp_path / "state", tmp_path / "platform.yaml"
    folder.mkdir()
    file.write_text(PLATFORM)
    with control(folder, file, free_port()):
        yield folder


def run(state: Path, *words: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, words), "--state", str(state)], env={"TZ": "UTC"})
    assert done.exit_code == status, done.output
    return done.output


def document(output: str) -> Any:
    """The control plane in this process may have logged before it."""
    return json.loads(output[output.index("{\n") :])


def test_overrides_from_their_making_to_their_end(state: Path) -> None:
    assert "nothing is overridden" in run(state, "oncall", "override", "list")
    tried = run(state, "oncall", "override", "add", "office", "grace", "--for", "2h", "--dry-run")
    assert "nothing is changed: --dry-run" in tried
    assert "BEFORE" in tried
    assert "AFTER" in tried
    made = run(state, "oncall", "override", "add", "office", "grace", "--for", "2h", "-r", "ill")
    assert "override 1: grace is on duty in office from" in made
    who = document(run(state, "oncall", "who", "--schedule", "office", "--json"))["on_duty"]
    assert [(each["responder"], each["by"]) for each in who] == [("grace", "override")]
    simulated = document(run(state, "escalation", "simulate", "--service", "shop", "--for", "30m", "--json"))
    assert "responder/grace" in [each["to"] for each in simulated["pages"] if each["level"] == 2]
    listed = document(run(state, "oncall", "override", "list", "--json"))["overrides"]
    assert [(each["number"], each["state"], each["reason"]) for each in listed] == [(1, "counting", "ill")]
    assert "override 1 of office (grace) is ended" in run(state, "oncall", "override", "end", "1")
    assert "is over" in run(state, "oncall", "override", "end", "1", status=1)
    unclear = ("oncall", "override", "add", "office", "grace")
    assert "it is not said when it ends" in run(state, *unclear, status=1)
    assert "it is said twice when it ends" in run(state, *unclear, "--for", "2h", "--until", "+2h", status=1)


def test_a_swap_of_two_turns(state: Path) -> None:
    one, other = "2027-03-03T12:00", "2027-03-10T12:00"
    told = document(run(state, "oncall", "swap", "primary", one, other, "--json"))
    turns = {each["responder"] for each in told["overrides"]}
    assert turns == {"ada", "grace"}
    assert "both times are" in run(state, "oncall", "swap", "primary", one, one, status=1)


def test_gaps_are_closed_by_overrides(state: Path) -> None:
    words = ("oncall", "gaps", "--schedule", "office", "--at", "2027-03-01T18:00", "--for", "1h")
    run(state, *words, status=1)
    span = ("--from", "2027-03-01T17:00", "--until", "2027-03-01T20:00")
    run(state, "oncall", "override", "add", "office", "ada", *span)
    assert "somebody is on duty at every moment" in run(state, *words)


def test_links_to_calendars(state: Path) -> None:
    first = run(state, "oncall", "calendar", "link", "--responder", "ada").strip()
    assert first.endswith(".ics")
    second = run(state, "oncall", "calendar", "revoke", "--responder", "ada").strip()
    assert first != second == run(state, "oncall", "calendar", "link", "--responder", "ada").strip()
    assert "whose calendar is meant" in run(state, "oncall", "calendar", "link", status=1)


def test_a_file_is_imported_and_what_is_not_understood_is_named_with_its_line(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "shifts.ics"
    file.write_text(SHIFTS)
    words = ("oncall", "import", file, "--schedule", "primary")
    told = run(state, *words, "--dry-run", status=1)
    assert "1 added, 0 ended, 0 unchanged" in told
    assert "shifts.ics:9: not understood: it names no responder" in told
    assert "1 added" in run(state, *words, status=1)
    assert "0 added, 0 ended, 1 unchanged" in run(state, *words, status=1)
    assert "file-unreadable" in run(state, "oncall", "import", tmp_path / "no.ics", "--schedule", "primary", status=1)


def test_a_bundle_is_exported_and_checked_without_a_server(state: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    told = run(state, "incident", "export", "1", "-o", file)
    assert "records, signed by SHA256:" in told
    fingerprint = run(state, "audit", "key").strip()
    elsewhere = tmp_path / "elsewhere"
    assert "not compared" in run(elsewhere, "audit", "verify", file)
    assert "the key that was asked for" in run(elsewhere, "audit", "verify", file, "--key", fingerprint)
    assert "the key of this platform" in run(state, "audit", "verify", file)
    assert "bundle-foreign" in run(elsewhere, "audit", "verify", file, "--key", "SHA256:other", status=1)
    verified = document(run(state, "audit", "verify", file, "--json"))
    assert (verified["holds"], verified["head"]["incident"], verified["kinds"]["incident"]) == (True, 1, 1)
    file.write_bytes(file.read_bytes().replace(b'"kind":"timeline"', b'"kind":"timelime"', 1))
    broken = run(state, "audit", "verify", file, status=1)
    assert "does not hold: it was changed" in broken
    assert "record " in broken


def test_the_audit_trail_is_listed_and_exported_by_one_noun(state: Path, tmp_path: Path) -> None:
    run(state, "oncall", "override", "add", "office", "grace", "--for", "2h")
    file = tmp_path / "audit.jsonl"
    run(state, "audit", "export", "--since", "-1h", "-o", file)
    kinds = document(run(state, "audit", "verify", file, "--json"))["kinds"]
    assert kinds["audit"] >= 1
    assert "unknown-incident" in run(state, "incident", "export", "9", "-o", tmp_path / "x", status=1)
    assert not list(tmp_path.glob(".*.part"))
    assert not (tmp_path / "x").exists()
