"""Each format says the same findings in its own way, and never lets a text break out of its place."""

import json
from typing import Any

import pytest

from stationmaster.runbooks.lint.finding import Level, Report
from stationmaster.runbooks.lint.formats import github, human, sarif
from stationmaster.runbooks.lint.formats import json as as_json
from stationmaster.runbooks.lint.rules import RULES, finding
from tests.runbooks.lint.bench import KEPT, Bench

RESULT = {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "suppressions"}
"""The members of a result that are used; the format's schema allows no others than its own."""
NASTY = "100% of\r\n::error::it, a:b"
REPORT = Report(
    files=1,
    findings=(
        finding("SM202", "a b,c:d%.md", 3, NASTY, hint="do that"),
        finding("SM301", "/abs/ü.md", 0, "a warning"),
        finding("SM503", "a.md", 1, "an info"),
    ),
    suppressed=(finding("SM201", "a.md", 2, "hidden"),),
)


def test_annotations_are_escaped_as_github_wants_it() -> None:
    lines = github.render(REPORT).splitlines()
    assert lines == [
        "::error file=a b%2Cc%3Ad%25.md,line=3,title=SM202 dead-link::100%25 of%0D%0A::error::it, a:b%0Ado that",
        "::warning file=/abs/ü.md,line=1,title=SM301 unknown-command::a warning",
        "::notice file=a.md,line=1,title=SM503 no-review-date::an info",
    ]


def test_people_read_places_codes_and_counts() -> None:
    text = human.render(REPORT)
    assert "a b,c:d%.md:3: error: " in text
    assert "[SM202 dead-link]\n    hint: do that" in text
    assert text.endswith("1 runbook: 1 error, 1 warning, 1 info, 1 suppressed\n")


def test_people_read_the_same_hint_once() -> None:
    twice = tuple(finding("SM501", name, 1, "nobody", hint="write `owner:`") for name in ("a.md", "b.md"))
    assert human.render(Report(files=2, findings=twice)).splitlines() == [
        "a.md:1: warning: nobody [SM501 no-owner]",
        "    hint: write `owner:`",
        "b.md:1: warning: nobody [SM501 no-owner]",
        "2 runbooks: 0 errors, 2 warnings, 0 info",
    ]


def test_json_can_be_read_back_by_its_own_words() -> None:
    document = json.loads(as_json.render(REPORT))
    assert document["format"] == "stationmaster.lint/1"
    assert (document["errors"], document["warnings"], document["infos"], document["files"]) == (1, 1, 1, 1)
    assert document["findings"][0]["message"] == NASTY
    assert [each["code"] for each in document["suppressed"]] == ["SM201"]


def test_sarif_has_the_members_that_2_1_0_requires() -> None:
    document = json.loads(sarif.render(REPORT))
    assert document["version"] == "2.1.0"
    assert document["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = document["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "stationmaster"
    assert len({rule["id"] for rule in driver["rules"]}) == len(driver["rules"]) == len(RULES)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    for result in run["results"]:
        _is_sound(result, driver)
    assert set(document) == {"$schema", "version", "runs"}
    assert set(run) == {"tool", "columnKind", "results"}
    assert set(driver) == {"name", "semanticVersion", "rules"}


def _is_sound(result: dict[str, Any], driver: dict[str, Any]) -> None:
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in {"error", "warning", "note", "none"}
    assert result["message"]["text"]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] >= 1
    uri = place["artifactLocation"]["uri"]
    assert not set(uri) & set(' "<>\\^`{|}')
    assert uri.isascii()
    assert set(result) <= RESULT


def test_what_was_suppressed_is_in_sarif_with_its_reason(bench: Bench) -> None:
    bench.write("a.md", f"{KEPT}<!-- lint-disable SM301 it is ours -->\n```bash\nfrobnicate\n```\n")
    (result,) = json.loads(sarif.render(bench.report()))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "justification": "it is ours"}]


def test_a_fingerprint_outlives_moved_lines(bench: Bench) -> None:
    def prints(body: str) -> list[str]:
        bench.write("a.md", KEPT + body)
        results = json.loads(sarif.render(bench.report()))["runs"][0]["results"]
        return [result["partialFingerprints"]["stationmaster/v1"] for result in results]

    assert prints("```bash\nfrobnicate\n```\n") == prints("Some words.\n\n```bash\nfrobnicate\n```\n")


@pytest.mark.parametrize(
    ("levels", "strict", "fails"),
    [
        ([], True, False),
        (["SM503"], True, False),
        (["SM301"], False, False),
        (["SM301"], True, True),
        (["SM202"], False, True),
    ],
)
def test_what_fails_a_check(levels: list[str], strict: bool, fails: bool) -> None:
    report = Report(files=1, findings=tuple(finding(code, "a.md", 1, "x") for code in levels))
    assert report.fails(strict=strict) is fails
    assert sum(report.count(level) for level in Level) == len(levels)
