"""Runs of incidents over REST, and beside those of a terminal in `runbook runs`."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from typer.testing import CliRunner

from stationmaster.api.routes.runbooks import RunbookRoutes
from stationmaster.cli.runbook import verbs
from stationmaster.cli.runbook_places import journal_file
from stationmaster.runbooks import store
from stationmaster.runbooks.journal_file import open_journal
from stationmaster.runbooks.loop import Runbooks
from stationmaster.runbooks.plan.planned import Plan
from stationmaster.runbooks.run import Outcome
from stationmaster.runtime.db import Database
from tests.api.only import app_of, asked, control_of
from tests.api.only_runbooks import no_runbooks

BEGAN = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
PATH = "/api/v1/runbooks/runs"


@dataclass(frozen=True, slots=True)
class OnlyRunbooks:
    runbooks: Runbooks


def run(name: str, incident: int, after_min: int) -> store.Run:
    return store.Run(
        id=name,
        incident=incident,
        fingerprint="f1",
        alert_at=BEGAN,
        runbook="Key service instance is down",
        file="down.md",
        digest="d",
        why="",
        plan=Plan(runbook="Key service instance is down", digest="d", instance="key-1", service="keys", steps=()),
        started_at=BEGAN + timedelta(minutes=after_min),
        host="key-1",
        requested_by="" if incident else "ada",
    )


async def make(database: Database) -> Litestar:
    """Two runs of incidents, of which the first has ended, and one of a terminal."""
    async with database.write() as connection:
        for each in (run("run-7", 7, 0), run("run-8", 8, 2), run("somebodys", 0, 3)):
            await store.create_run(connection, each)
        ended = BEGAN + timedelta(minutes=1)
        await store.end_run(connection, "run-7", outcome=Outcome.CURED, detail="the alert has recovered", at=ended)
    return app_of(OnlyRunbooks(no_runbooks(database)), [RunbookRoutes])


@pytest.fixture
async def api(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with asked(await make(database)) as client:
        yield client


async def test_runs_of_incidents_are_listed_the_newest_first(api: httpx.AsyncClient) -> None:
    open_one, cured = (await api.get(PATH)).json()["runs"]
    assert (open_one["run"], open_one["incident"], open_one["outcome"]) == ("run-8", 8, None)
    assert cured == {
        "run": "run-7",
        "incident": 7,
        "runbook": "Key service instance is down",
        "file": "down.md",
        "host": "key-1",
        "began_at": "2026-01-05T03:00:00Z",
        "ended_at": "2026-01-05T03:01:00Z",
        "outcome": "cured",
        "why": "the alert has recovered",
    }


@pytest.mark.parametrize(
    ("query", "found"), [({"incident": 7}, ["run-7"]), ({"incident": 9}, []), ({"limit": 1}, ["run-8"])]
)
async def test_runs_are_chosen(api: httpx.AsyncClient, query: dict[str, int], found: list[str]) -> None:
    assert [each["run"] for each in (await api.get(PATH, params=query)).json()["runs"]] == found


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal that verbs take where none is named, with one run."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    path = journal_file(None)

    async def write() -> None:
        database = await open_journal(path)
        async with database.write() as connection:
            await store.create_run(connection, run("mine", 0, 1))
        await database.close()

    asyncio.run(write())
    return path


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Path]:
    with control_of(tmp_path, free_port(), make):
        yield tmp_path


def listed(state: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(verbs, ["runs", "--state", str(state), *options])
    return done.exit_code, done.output


def test_runs_of_the_platform_stand_beside_those_of_a_terminal(state: Path, journal: Path) -> None:
    _, text = listed(state, "--json")
    assert [(each["run"], each["incident"], each["outcome"]) for each in json.loads(text)] == [
        ("run-8", 8, "open"),
        ("mine", None, "open"),
        ("run-7", 7, "cured"),
    ]
    status, text = listed(state)
    assert status == 0
    assert ("#8" in text, "#7" in text, "INCIDENT" in text, "mine" in text) == (True, True, True, True)


def test_a_journal_that_is_named_is_listed_alone(state: Path, journal: Path) -> None:
    _, text = listed(state, "--json", "--journal", str(journal))
    assert [each["run"] for each in json.loads(text)] == ["mine"]


def test_where_no_platform_runs_those_of_the_terminal_are_listed(tmp_path: Path, journal: Path) -> None:
    _, text = listed(tmp_path / "nowhere", "--json")
    assert [each["run"] for each in json.loads(text)] == ["mine"]
