"""Updates over REST: the draft, giving one, and what is refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx
import pytest

from stationmaster.incidents.talk.moments import Moment, Template
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_incidents import client_of
from tests.incidents.talk.world import TalkWorld, owing_spec
from tests.incidents.test_incidents import alert, fired

PATH = "/api/v1/incidents/1/updates"


@dataclass(frozen=True, slots=True)
class Served:
    world: TalkWorld
    api: httpx.AsyncClient


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    """One incident, for 16 minutes."""
    world = TalkWorld(database, Cell(owing_spec()))
    world.templates = (Template(moment=Moment.OPENED, text="We look into {{service}}.", source="down.md:12"),)
    await world.facts(fired(0, alert()))
    await world.until(16, step_s=240)
    async with client_of(world.incidents) as api:
        yield Served(world, api)


async def test_the_draft_is_shown_and_sent_as_it_was_shown(served: Served) -> None:
    draft = (await served.api.get(f"{PATH}/draft")).json()
    assert (draft["status"], draft["moment"], draft["open"], draft["after"]) == ("investigating", "opened", [], 0)
    assert (draft["public_text"], draft["source"]) == ("We look into api_key_service.", "down.md:12")
    assert draft["due_at"] == "2026-11-21T03:15:00Z"
    given = await served.api.post(PATH, json={"after": 0, "public": True})
    assert (given.status_code, given.json()["publication"], given.json()["by"]) == (201, "posted", "lin")
    assert given.json()["text"] == draft["text"]
    told = (await served.api.get(PATH)).json()
    assert [each["text"] for each in told["updates"]] == [draft["text"]]
    assert (told["due_at"], told["every_s"]) == ("2026-11-21T03:31:00Z", 900)
    refused = await served.api.post(PATH, json={"after": 0})
    assert (refused.status_code, refused.json()["code"]) == (409, "update-given")


async def test_own_words_and_another_status(served: Served) -> None:
    draft = (await served.api.get(f"{PATH}/draft", params={"status": "identified"})).json()
    assert (draft["status"], draft["moment"]) == ("identified", "identified")
    given = (await served.api.post(PATH, json={"status": "identified", "text": " a disk is full "})).json()
    assert (given["status"], given["text"], given["public_text"]) == ("identified", "a disk is full", "")


async def test_incidents_show_since_when_they_owe_news(served: Served) -> None:
    since: str | None = "2026-11-21T03:15:00Z"
    for _ in range(2):
        listed = (await served.api.get("/api/v1/incidents")).json()["incidents"]
        shown = (await served.api.get("/api/v1/incidents/1")).json()["incident"]
        assert [each["update_owed_since"] for each in (*listed, shown)] == [since, since]
        words = served.world.incidents.owed_words()
        assert words == (() if since is None else ("#1: an update is owed since 03:15:00 UTC: `incident update 1`",))
        await served.api.post(PATH, json={"text": "still on it"})
        since = None


@pytest.mark.parametrize(
    ("order", "status", "code"),
    [
        ({"status": "fine"}, 400, "unknown-status"),
        ({"text": "x" * 20_001}, 400, "http-400"),
        ({"after": -1}, 400, "http-400"),
        ({"message": "unknown field"}, 400, "http-400"),
    ],
)
async def test_what_cannot_be_said_is_refused_and_sent_nowhere(
    served: Served, order: dict[str, object], status: int, code: str
) -> None:
    answer = await served.api.post(PATH, json=order)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await served.api.get(PATH)).json()["updates"] == []


async def test_an_incident_that_is_not_there_has_no_updates(served: Served) -> None:
    for method, path in (("GET", "updates"), ("GET", "updates/draft"), ("POST", "updates")):
        answer = await served.api.request(method, f"/api/v1/incidents/99/{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-incident")


async def test_without_a_status_page_nothing_is_said_to_be_public(database: Database) -> None:
    world = TalkWorld(database, Cell(owing_spec()))
    await world.facts(fired(0, alert()))
    async with client_of(replace(world.incidents, publish=None)) as api:
        refused = await api.post(PATH, json={"public": True})
        assert (refused.status_code, refused.json()["code"]) == (409, "no-status-page")
        assert (await api.get(PATH)).json()["updates"] == []
