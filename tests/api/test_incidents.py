"""Incidents over REST: every act, every refusal, and the link of a page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from stationmaster.incidents.links import Link
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_incidents import client_of
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import LADDER, World, spec

PATH = "/api/v1/incidents"


@dataclass(frozen=True, slots=True)
class Served:
    world: World
    api: httpx.AsyncClient

    async def post(self, act: str, number: int = 1, **order: Any) -> httpx.Response:
        return await self.api.post(f"{PATH}/{number}/{act}", json=order)

    def link(self, who: str = "engineer", number: int = 1) -> str:
        token = self.world.incidents.links.token(Link(incident=number, who=who), self.world.incidents.clock.now())
        return f"/i/{token}"


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    """Two incidents; everybody of the first level is paged."""
    world = World(database, Cell(spec(LADDER)))
    evil = replace(alert(), summary="<script>alert(1)</script> is down")
    await world.facts(fired(0, evil), fired(0, alert("f2", "key-eu-de")))
    await world.tick()
    async with client_of(world.incidents) as api:
        yield Served(world, api)


async def test_one_incident_tells_all_that_is_known(served: Served) -> None:
    told = (await served.api.get(f"{PATH}/1")).json()
    assert told["incident"]["status"] == "triggered"
    assert (told["policy"], told["urgency"], told["routed"]) == ("api", "high", "the policy of all incidents")
    assert [(each["to"], each["contact"], each["state"]) for each in told["pages"]] == [
        ("responder/engineer", "mail", "sent")
    ]
    assert [each["level"] for each in told["levels"]] == [1]
    assert [each["fingerprint"] for each in told["alerts"]] == ["f1"]
    assert "engineer@example.org" not in str(told), "addresses of contacts are nobody's business here"


ACTS: list[tuple[str, dict[str, Any], str]] = [
    ("acknowledge", {"why": "looking"}, "acknowledged"),
    ("mitigate", {}, "mitigated"),
    ("resolve", {"why": "done"}, "resolved"),
    ("snooze", {"seconds": 600}, "triggered"),
    ("snooze", {"until": "2026-11-21T04:00:00+00:00"}, "triggered"),
    ("escalate", {}, "triggered"),
    ("escalate", {"level": 3}, "triggered"),
    ("assign", {"to": "responder/chief"}, "triggered"),
    ("raise", {"condition": "customer reports"}, "triggered"),
    ("notes", {"text": "the disk is full"}, "triggered"),
]


@pytest.mark.parametrize(("act", "order", "status"), ACTS, ids=[f"{act} {order}" for act, order, _ in ACTS])
async def test_every_act_answers_with_the_incident_as_it_is_then(
    served: Served, monkeypatch: pytest.MonkeyPatch, act: str, order: dict[str, Any], status: str
) -> None:
    monkeypatch.setattr("stationmaster.api.routes.incident_acts.utc_now", lambda: served.world.now)
    answer = await served.post(act, **order)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["incident"]["status"] == status
    if act != "resolve":
        assert answer.json()["timeline"][-1]["by"] == "lin"


async def test_a_life_from_triggered_to_reviewed(served: Served) -> None:
    for act in ("acknowledge", "unacknowledge", "mitigate", "reopen", "resolve", "review"):
        answer = await served.post(act)
        assert answer.status_code == 200, answer.text
    assert answer.json()["incident"]["status"] == "reviewed"
    refused = await served.post("reopen")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-now")
    for status, numbers in (("reviewed", [1]), ("open", [2]), ("triggered", [2]), ("", [2, 1])):
        listed = (await served.api.get(PATH, params={"status": status})).json()["incidents"]
        assert [each["number"] for each in listed] == numbers


async def test_edit_rewrite_merge_and_split(served: Served) -> None:
    edited = (await served.api.patch(f"{PATH}/1", json={"severity": "major", "urgency": "low"})).json()
    assert (edited["incident"]["severity"], edited["urgency"]) == ("major", "low")
    note = (await served.post("notes", text="disk")).json()["notes"][0]["id"]
    rewritten = (await served.api.put(f"{PATH}/1/notes/{note}", json={"text": "disk of db-1"})).json()
    assert [each["text"] for each in rewritten["notes"][0]["versions"]] == ["disk", "disk of db-1"]
    merged = (await served.post("merge", 2, into=1)).json()
    assert (merged["incident"]["number"], merged["merged"]) == (1, [2])
    parted = (await served.post("split", fingerprints=["f2"])).json()
    assert (parted["incident"]["number"], [each["fingerprint"] for each in parted["alerts"]]) == (3, ["f2"])


@pytest.mark.parametrize(
    ("act", "order", "status"),
    [
        ("unacknowledge", {}, 409),
        ("review", {}, 409),
        ("escalate", {"level": 9}, 409),
        ("escalate", {"level": 0}, 400),
        ("assign", {"to": "nobody/x"}, 400),
        ("assign", {"to": "responder/zoe"}, 409),
        ("raise", {"condition": "open for"}, 400),
        ("snooze", {}, 400),
        ("snooze", {"seconds": 10, "until": "2026-11-21T04:00:00Z"}, 400),
        ("snooze", {"until": "2026-11-21T04:00:00"}, 400),
        ("snooze", {"until": "2027-11-21T04:00:00Z"}, 400),
        ("notes", {"text": "  "}, 400),
        ("notes", {"text": "x" * 20_001}, 400),
        ("merge", {"into": 1}, 409),
        ("merge", {"into": 99}, 404),
        ("split", {"fingerprints": []}, 400),
        ("split", {"fingerprints": ["f1"]}, 409),
        ("acknowledge", {"reason": "a field of that name is unknown"}, 400),
    ],
)
async def test_what_cannot_be_done_is_a_problem_and_changes_nothing(
    served: Served, act: str, order: dict[str, Any], status: int
) -> None:
    before = (await served.api.get(f"{PATH}/1")).json()
    answer = await served.post(act, **order)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (await served.api.get(f"{PATH}/1")).json() == before


async def test_looking_at_a_link_changes_nothing_and_its_button_acknowledges(served: Served) -> None:
    link = served.link()
    for method in ("GET", "HEAD", "GET"):
        assert (await served.api.request(method, link)).status_code in (200, 405)
    page = await served.api.get(link)
    assert "Acknowledge as engineer" in page.text
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert (await served.api.get(f"{PATH}/1")).json()["incident"]["status"] == "triggered"
    assert "Acknowledged, engineer" in (await served.api.post(link, follow_redirects=True)).text
    told = (await served.api.get(f"{PATH}/1")).json()
    assert (told["incident"]["status"], told["acknowledged_by"]) == ("acknowledged", "engineer")
    await served.post("resolve")
    assert "nothing to acknowledge" in (await served.api.get(link)).text
    assert (await served.api.post(link)).status_code == 409


async def test_a_link_that_was_changed_made_up_or_too_old_does_nothing(served: Served) -> None:
    link, other = served.link(), served.link(number=2)
    head, _, _ = link.partition(".")
    wrong = [f"{head}.{other.partition('.')[2]}", f"{link}x", "/i/x", "/i/WzEsImFkYSIsOTk5OTk5OTk5OV0.sig"]
    for each in wrong:
        for method in ("GET", "POST"):
            answer = await served.api.request(method, each)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    served.world.now += timedelta(hours=25)
    assert (await served.api.post(link)).status_code == 410
    for number in (1, 2):
        assert (await served.api.get(f"{PATH}/{number}")).json()["incident"]["status"] == "triggered"
