"""`check` at its entrance, and how a row of the catalogue is shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from stationmaster.api.wire_checks import CheckAnswer, CheckRow
from stationmaster.cli.check import _cells, _table
from tests.cli.test_verbs import run

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("verb", ["list", "run"])
def test_every_verb_has_help(tmp_path: Path, verb: str) -> None:
    done = run(tmp_path, "check", verb, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout
    assert "Example" in done.stdout


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("run", "sample-1")])
def test_without_a_control_plane_it_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, "check", *arguments)
    assert done.returncode == 1
    assert "the control plane is not running here" in done.stderr
    assert "stationmaster up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_row_shows_state_age_latency_certificate_and_when_it_is_due() -> None:
    answer = CheckAnswer(ok=True, detail="status 200", at=NOW, latency_ms=12.4, status=200, certificate_days=40)
    row = CheckRow(
        name="shop-1",
        kind="https",
        url="https://127.0.0.1/[x]",
        environment="lab",
        service="shop",
        state="up",
        detail="status 200",
        since=NOW - timedelta(hours=50),
        interval_ms=1000,
        answer=answer,
        due_at=NOW + timedelta(seconds=0.7),
    )
    assert _cells(row, NOW) == (
        "[green]up[/green]",
        "2 d",
        "12 ms",
        "40 d",
        "in 1 s",
        r"https://127.0.0.1/\[x]",
        "status 200",
    )


def test_a_row_without_an_answer_has_empty_cells() -> None:
    row = CheckRow(
        name="shop-1",
        kind="http",
        url="u",
        environment="lab",
        service="shop",
        state="unknown",
        detail="not checked yet",
        since=NOW,
        interval_ms=1000,
    )
    assert _cells(row, NOW) == ("[white]unknown[/white]", "0 s", "", "", "", "u", "not checked yet")


def shown(rows: list[CheckRow], width: int) -> list[str]:
    console = Console(width=width, force_terminal=False, no_color=True)
    with console.capture() as captured:
        console.print(_table(rows, NOW, width=width))
    return [line.rstrip() for line in captured.get().splitlines()]


def checked(name: str, state: str, detail: str) -> CheckRow:
    return CheckRow(
        name=name,
        kind="http",
        url="http://127.0.0.1:8888/api/auth/healthz",
        environment="lab",
        service="keys",
        state=state,
        detail=detail,
        since=NOW - timedelta(seconds=40),
        interval_ms=500,
        answer=CheckAnswer(ok=state == "up", detail=detail, at=NOW, latency_ms=3),
        due_at=NOW,
    )


def test_in_a_narrow_terminal_a_good_check_is_a_line_and_a_bad_one_says_why_below() -> None:
    well = "status 200, body contains 'The API is available and operational'"
    rows = [checked("key-us-south", "up", well), checked("keys@gateway-2", "down", "connection refused")]
    assert shown(rows, 80) == [
        "CHECK           STATE  SINCE  LATENCY  URL",
        "key-us-south    up     40 s   3 ms     http://127.0.0.1:8888/api/auth/healthz",
        "keys@gateway-2  down   40 s   3 ms     http://127.0.0.1:8888/api/auth/healthz",
        "                                       connection refused",
    ]


def test_a_wide_terminal_has_everything_in_one_line() -> None:
    lines = shown([checked("key-us-south", "up", "status 200")], 140)
    assert lines[0].split() == ["CHECK", "STATE", "SINCE", "LATENCY", "DUE", "URL", "ANSWER"]
    assert lines[1].endswith("in 0 s  http://127.0.0.1:8888/api/auth/healthz  status 200")
