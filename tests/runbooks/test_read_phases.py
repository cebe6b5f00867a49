"""A part of the procedure with a clock becomes a phase; numbers that are no clock do not."""

import pytest

from stationmaster.runbooks.read.clocks import cadence_s, due_s, duration_s, window_s
from stationmaster.runbooks.read.phases import phases_of
from tests.runbooks.chapters import chapter


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("Immediate Response (0-5 minutes)", (0.0, 300.0)),
        ("Investigation (5–15 min)", (300.0, 900.0)),
        ("What to do in the first 5 minutes", (0.0, 300.0)),
        ("Triage: T+5 to T+15 minutes", (300.0, 900.0)),
        ("Minutes 15-30: mitigation", (900.0, 1800.0)),
        ("Mitigation (30 minutes to 2 hours)", (1800.0, 7200.0)),
        ("Recovery (30+ minutes)", (1800.0, None)),
        ("Within one hour", (0.0, 3600.0)),
        ("Remove containers that stopped", None),
        ("Version 2 to 3", None),
    ],
)
def test_a_title_has_a_clock(title: str, wanted: tuple[float, float | None] | None) -> None:
    assert window_s(title) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("for >15 minutes", 900.0), ("1 hour", 3600.0), ("90s", 90.0), ("two days", 172800.0), ("soon", None)],
)
def test_a_length_of_time_is_read(text: str, wanted: float | None) -> None:
    assert duration_s(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Immediate (within 24 hours)", 86400.0),
        ("(1 week)", 604800.0),
        ("in 2 business days", 172800.0),
        ("later", None),
    ],
)
def test_a_due_time_is_read(text: str, wanted: float | None) -> None:
    assert due_s(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Updates every 15 minutes.", 900.0),
        ("every hour", 3600.0),
        ("hourly", 3600.0),
        ("every few minutes", None),
        ("once", None),
    ],
)
def test_a_cadence_is_read(text: str, wanted: float | None) -> None:
    assert cadence_s(text) == wanted


def test_headings_and_bold_items_are_phases() -> None:
    text = (
        "# X\n\n## Response\n\n- **Triage (0-5 minutes):** look\n  - deeper\n- **Mitigation (5-30 minutes):** act\n\n"
        "## Recovery (30-60 minutes)\n\n1. Go.\n"
    )
    assert [
        (each.title, each.from_s, each.until_s, each.lines.first, each.lines.last)
        for each in phases_of(chapter(text), ())
    ] == [
        ("Triage (0-5 minutes)", 0.0, 300.0, 5, 6),
        ("Mitigation (5-30 minutes)", 300.0, 1800.0, 7, 7),
        ("Recovery (30-60 minutes)", 1800.0, 3600.0, 9, 11),
    ]


@pytest.mark.parametrize(
    "title",
    [
        "IPs with > 1000 requests per minute",
        "Remove all containers that have stopped for more than 24 hours",
        "Escalate to level 2 (after 15 minutes)",
        "Post-Incident Actions (within 24 hours)",
        "Follow-up (within 1 week)",
        "Emergency procedure (out of hours)",
    ],
)
def test_other_headings_are_no_phases(title: str) -> None:
    assert phases_of(chapter(f"# X\n\n## {title}\n\n1. Go.\n"), ()) == ()
