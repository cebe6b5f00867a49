"""Who keeps a document, when it was looked over and whether it is retired, from front matter and footers."""

from datetime import date

import pytest

from stationmaster.runbooks.read.about import about_of, is_retired
from stationmaster.runbooks.read.front_matter import FrontMatter, read_front_matter
from stationmaster.runbooks.read.knowledge import About
from stationmaster.runbooks.read.reader import read_runbook
from tests.runbooks.chapters import chapter

NOTHING = FrontMatter(values={})


def front(text: str) -> FrontMatter:
    return read_front_matter(text, file="x.md")[0]


def test_front_matter_says_who_keeps_it() -> None:
    found = about_of(
        front('owner_slack: "#ops"\nteam: platform\ncomponent: ingress\nrunbook-name: a.b\nlink: /a.html'), chapter("")
    )
    assert found == About(
        owner="#ops",
        team="platform",
        component="ingress",
        name="a.b",
        link="/a.html",
        lines=(("component", 4), ("link", 6), ("name", 5), ("owner", 2), ("team", 3)),
    )


def test_footers_say_it_too() -> None:
    text = (
        "# X\n\n1. Go.\n\n---\n\n**Runbook Version**: 1.0\n**Last Updated**: 2025-01-26\n"
        "**Next Review**: 2025-04-26\n**Owner**: SRE Team\n"
    )
    found = about_of(NOTHING, chapter(text))
    assert (found.version, found.updated, found.next_review, found.owner) == (
        "1.0",
        date(2025, 1, 26),
        date(2025, 4, 26),
        "SRE Team",
    )
    assert dict(found.lines) == {"version": 7, "updated": 8, "next_review": 9, "owner": 10}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("next_review: 2025-04-26", date(2025, 4, 26)),
        ("review_by: 26 April 2025", date(2025, 4, 26)),
        ("review_by: Apr 26, 2025", date(2025, 4, 26)),
        ("last_reviewed_on: 2024-08-31\nreview_in: 6 months", date(2025, 2, 28)),
        ("last_reviewed_on: 2024-12-01\nreview_in: 2 weeks", date(2024, 12, 15)),
        ("next_review: 04/05/2025", None),
        ("next_review: 2025-13-40", None),
        ("next_review: soon", None),
    ],
)
def test_a_review_date(text: str, wanted: date | None) -> None:
    assert about_of(front(text), chapter("")).next_review == wanted


@pytest.mark.parametrize(
    ("text", "impact", "line"),
    [
        ("# X\n\n## User Impact\n\n- Nobody can log in.\n- Or out.\n", "Nobody can log in.\nOr out.", 3),
        ("# X\n\n- **Business Impact**: High - sales stop\n", "High - sales stop", 3),
        ("# X\n\n## Impact of rain\n\nWet.\n", "Wet.", 3),
    ],
)
def test_the_impact(text: str, impact: str, line: int) -> None:
    found = about_of(NOTHING, chapter(text))
    assert (found.impact, dict(found.lines)["impact"]) == (impact, line)


@pytest.mark.parametrize(
    "text", ["The version: 2 of it.", "- Team: tell the whole team that it is down, then go home at once.", "Owner:"]
)
def test_sentences_are_no_footers(text: str) -> None:
    assert about_of(NOTHING, chapter(text)) == About()


@pytest.mark.parametrize(
    ("said", "title", "text", "wanted"),
    [
        ("", "RETIRED API is down", "", True),
        ("", "X [Deprecated]", "", True),
        ("retired: true", "X", "", True),
        ("status: deprecated", "X", "", True),
        ("", "X", "# X\n\nThis alert has been deprecated; ignore it.\n", True),
        ("", "X", "# X\n\n> **DEPRECATED**: see Y.\n", True),
        ("", "Retire a node", "# Retire a node\n\nDeprecated nodes go.\n", False),
        ("status: active", "X", "# X\n\nGo.\n", False),
    ],
)
def test_a_retired_document(said: str, title: str, text: str, wanted: bool) -> None:
    assert is_retired(front(said), title, chapter(text)) is wanted


def test_keys_of_front_matter_are_found_in_any_spelling() -> None:
    matter = front("Last-Updated: 2025-01-01\ntags: [a, b]\nalerts: A, B")
    assert matter.one("last_updated") == "2025-01-01"
    assert matter.line("last_updated") == 2
    assert (matter.many("tags"), matter.many("alerts"), matter.many("none")) == (("a", "b"), ("A", "B"), ())


def test_broken_front_matter_is_told_and_rescued() -> None:
    reading = read_runbook("---\ntitle: A: b: c\nowner: me\n---\n\n1. Go.\n", file="x.md")
    assert [each.code for each in reading.diagnostics] == ["front-matter"]
    assert reading.runbook.about.owner == "me"
