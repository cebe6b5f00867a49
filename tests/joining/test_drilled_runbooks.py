"""The last drill of a runbook is known by the text that it worked; whatever was edited since says so."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stationmaster.api.routes.runbooks import RunbookRoutes
from stationmaster.core.drilled import Drilled, DrilledRunbook, last_drill
from stationmaster.drills.store import Reported, report
from stationmaster.joining.drilled_runbooks import drilled_runbooks
from stationmaster.runbooks.library import read_file
from stationmaster.runbooks.lint.check import check
from stationmaster.runbooks.lint.settings import find_settings
from stationmaster.runbooks.lint.subject import Ground
from stationmaster.runbooks.store import runs
from stationmaster.runtime.db import Database
from tests.api.only import app_of, asked

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def worked(**changed: Any) -> DrilledRunbook:
    values = {
        "runbook": "Shop is down", "file": "/books/shop.md", "digest": "new", "drill": "shop-down", "at": ago(2),
        "passed": True, "outcome": "cured", "incident": 1,
    }  # fmt: skip
    return DrilledRunbook(**{**values, **changed})


@pytest.mark.parametrize(
    ("known", "drilled", "words"),
    [
        ([], Drilled.NEVER, "never"),
        ([worked()], Drilled.PASSED, "passed 2 h ago"),
        ([worked(passed=False, at=ago(72))], Drilled.FAILED, "failed 3 d ago"),
        ([worked(digest="old")], Drilled.EDITED, "passed 2 h ago, edited since"),
        ([worked(digest="old", file="/elsewhere/shop.md")], Drilled.EDITED, "passed 2 h ago, edited since"),
        ([worked(digest="old", file="/elsewhere/a.md", runbook="Another")], Drilled.NEVER, "never"),
        ([worked(file="/clone/shop.md")], Drilled.PASSED, "passed 2 h ago"),
        ([worked(at=ago(9)), worked(digest="old", at=ago(1))], Drilled.PASSED, "passed 9 h ago"),
        ([worked(at=ago(9)), worked(passed=False, at=ago(0.5))], Drilled.FAILED, "failed 30 min ago"),
    ],
)
def test_the_last_drill_in_words(known: list[DrilledRunbook], drilled: Drilled, words: str) -> None:
    found = last_drill("Shop is down", "/books/shop.md", "new", known)
    assert (found.drilled, found.words(NOW)) == (drilled, words)


async def kept(database: Database, drill: str, ended_at: datetime, incidents: object, *, passed: bool = True) -> None:
    made = Reported(
        id=f"{drill}-{ended_at:%d%H%M}", drill=drill, runbook="", by="ada", began_at=ended_at, ended_at=ended_at,
        passed=passed, body={"incidents": incidents, "timeline": []},
    )  # fmt: skip
    async with database.write() as connection:
        await report(connection, made)


async def ran(database: Database, number: int, incident: int, digest: str, file: str = "/books/shop.md") -> None:
    values = {
        "id": f"run-{number}", "incident": incident, "fingerprint": "f", "alert_at": NOW, "runbook": "Shop is down",
        "file": file, "digest": digest, "why": "", "plan": {}, "started_at": NOW, "outcome": "cured",
    }  # fmt: skip
    async with database.write() as connection:
        await connection.execute(runs.insert().values(**values))


async def test_the_newest_drill_of_each_text_is_found_through_its_incidents(database: Database) -> None:
    await kept(database, "shop-down", ago(30), [1])
    await kept(database, "shop-down", ago(20), [2], passed=False)
    await kept(database, "region-down", ago(10), [3, 4])
    await ran(database, 1, 1, "old")
    await ran(database, 2, 2, "new")
    await ran(database, 3, 3, "new")
    await ran(database, 4, 4, "other", "/books/other.md")
    await ran(database, 5, 5, "newest")
    found = await drilled_runbooks(database)
    assert [(each.file, each.digest, each.drill, each.passed, each.at) for each in found] == [
        ("/books/shop.md", "new", "region-down", True, ago(10)),
        ("/books/other.md", "other", "region-down", True, ago(10)),
        ("/books/shop.md", "old", "shop-down", True, ago(30)),
    ]


@pytest.mark.parametrize("incidents", [None, "1", {"1": 2}, [True, "1", None], []])
async def test_reports_that_say_something_else_are_passed_over(database: Database, incidents: object) -> None:
    await kept(database, "shop-down", ago(1), incidents)
    await ran(database, 1, 1, "new")
    assert await drilled_runbooks(database) == []


@dataclass(frozen=True, slots=True)
class OnlyDrilled:
    drilled: Callable[[], Awaitable[Sequence[DrilledRunbook]]]


async def test_it_is_told_over_rest(database: Database) -> None:
    await kept(database, "shop-down", ago(1), [1])
    await ran(database, 1, 1, "new")
    app = app_of(OnlyDrilled(partial(drilled_runbooks, database)), [RunbookRoutes])
    async with asked(app) as client:
        answer = await client.get("/api/v1/runbooks/drills")
    (row,) = answer.json()["runbooks"]
    assert (row["runbook"], row["digest"], row["drill"], row["passed"]) == ("Shop is down", "new", "shop-down", True)


HEAD = "---\nowner: Keys team\nnext_review: 2027-01-01\n{alert}service: keys\n---\n\n# Something is down\n\n1. Look.\n"


@pytest.mark.parametrize(
    ("alert", "drilled", "codes"),
    [
        ("alert: SomethingIsDown\n", "never", {"SM506"}),
        ("alert: SomethingIsDown\n", "edited", {"SM507"}),
        ("alert: SomethingIsDown\n", "failed", {"SM508"}),
        ("alert: SomethingIsDown\n", "passed", set()),
        ("alert: SomethingIsDown\n", "unasked", set()),
        ("", "never", set()),
    ],
)
def test_the_linter_tells_which_answer_an_alert_and_are_not_drilled(
    tmp_path: Path, alert: str, drilled: str, codes: set[str]
) -> None:
    path = tmp_path / "one.md"
    path.write_text(HEAD.format(alert=alert), "utf-8")
    runbook = read_file(path).runbook
    assert runbook is not None
    digest = "another" if drilled == "edited" else runbook.digest
    last = worked(runbook=runbook.title, file=str(path), digest=digest, passed=drilled != "failed")
    known = {"unasked": None, "never": []}.get(drilled, [last])
    report = check([tmp_path], Ground(today=NOW.date(), drilled=known), find_settings(tmp_path))
    assert {each.code for each in report.findings if each.code in ("SM506", "SM507", "SM508")} == codes
