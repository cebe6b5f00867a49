"""On-call and audit bundles over REST."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from stationmaster.core.names import ServiceName
from stationmaster.core.response import PolicyName
from stationmaster.core.spec import PlatformSpec, Service
from stationmaster.incidents.bundle import read_bundle
from stationmaster.incidents.duty_room import open_duty
from stationmaster.incidents.loop import CONSUMER
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.api.only_oncall import OnlyOnCall, client_of, platform_of
from tests.incidents.duty_world import policy, schedule, spec, weeks, without
from tests.incidents.test_incidents import alert, fired

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def declared() -> PlatformSpec:
    early = replace(weeks(), starts=(NOW - 30 * DAY).date())
    found = spec(schedule(early), schedule(early, name="second"), policies=[policy("primary")])
    shop = Service(name=ServiceName("shop"), port=80, escalation_policy=PolicyName("shop"))
    return replace(found, services=(shop,))


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyOnCall:
    cell = Cell(declared())
    room = await open_duty(database, cell, link_key=b"k" * 32, bundle_key=tmp_path / "bundle.key")
    return platform_of(database, cell, room)


@pytest.fixture
async def client(platform: OnlyOnCall) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(platform) as found:
        yield found


def order(**more: Any) -> dict[str, Any]:
    begins = {"starts_at": (NOW + HOUR).isoformat(), "ends_at": (NOW + 2 * HOUR).isoformat()}
    return {"schedule": "primary", "responder": "lin", **begins, **more}


async def test_who_is_on_duty_is_told_with_kinds_of_contacts_and_no_address(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/on-call")).json()["on_duty"]
    assert [each["schedule"] for each in found] == ["primary", "second"]
    assert found[0]["responder"] in ("ada", "grace")
    assert found[0]["contacts"] == ["email", "webhook"]
    assert found[0]["since"] < NOW.isoformat() < found[0]["until"]
    assert "example.org" not in json.dumps(found)
    of_service = (await client.get("/api/v1/on-call", params={"service": "shop"})).json()["on_duty"]
    assert [each["schedule"] for each in of_service] == ["primary"]


async def test_an_override_is_made_counts_and_ends(client: httpx.AsyncClient) -> None:
    made = await client.post("/api/v1/overrides", json=order(reason="dentist"))
    assert made.status_code == 201, made.text
    (kept,) = made.json()["overrides"]
    assert (kept["number"], kept["state"], kept["by"], kept["reason"]) == (1, "coming", "ada", "dentist")
    at = (NOW + HOUR + timedelta(minutes=5)).isoformat()
    who = (await client.get("/api/v1/on-call", params={"schedule": "primary", "at": at})).json()["on_duty"]
    assert [(each["responder"], each["by"]) for each in who] == [("lin", "override")]
    until = (NOW + 3 * HOUR).isoformat()
    shifts = await client.get("/api/v1/schedules/primary/shifts", params={"since": NOW.isoformat(), "until": until})
    assert [each["by"] for each in shifts.json()["shifts"]] == ["weeks", "override", "weeks"]
    assert (await client.delete("/api/v1/overrides/1")).json()["state"] == "ended"
    assert (await client.delete("/api/v1/overrides/1")).status_code == 409
    who = (await client.get("/api/v1/on-call", params={"schedule": "primary", "at": at})).json()["on_duty"]
    assert who[0]["by"] == "weeks"


async def test_a_dry_run_shows_before_and_after(client: httpx.AsyncClient) -> None:
    tried = (await client.post("/api/v1/overrides", json=order(dry_run=True))).json()
    assert ([each["by"] for each in tried["before"]], [each["by"] for each in tried["after"]]) == (
        ["weeks"],
        ["override"],
    )
    assert (await client.get("/api/v1/overrides")).json()["overrides"] == []


async def test_a_swap_by_two_moments(client: httpx.AsyncClient) -> None:
    one, other = (NOW + 14 * DAY).isoformat(), (NOW + 21 * DAY).isoformat()
    body = {"schedule": "primary", "one": {"starts_at": one}, "other": {"starts_at": other}}
    swapped = (await client.post("/api/v1/overrides/swap", json=body)).json()
    assert sorted(each["responder"] for each in swapped["overrides"]) == ["ada", "grace"]
    assert [each["number"] for each in swapped["overrides"]] == [1, 2]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "status"),
    [
        ("POST", "/api/v1/overrides", order(schedule="primry"), "unknown-schedule", 404),
        ("POST", "/api/v1/overrides", order(responder="linn"), "unknown-responder", 404),
        ("POST", "/api/v1/overrides", order(ends_at="2026-11-24T10:00:00"), "bad-moment", 400),
        ("POST", "/api/v1/overrides", order(ends_at="9999-11-24T10:00:00Z"), "bad-moment", 400),
        ("POST", "/api/v1/overrides", order(ends_at=NOW.isoformat()), "bad-span", 400),
        ("POST", "/api/v1/overrides", {"schedule": "primary"}, "", 400),
        ("POST", "/api/v1/overrides", order(colour="red"), "", 400),
        ("DELETE", "/api/v1/overrides/7", None, "unknown-override", 404),
        ("GET", "/api/v1/schedules/primry/shifts", None, "unknown-schedule", 404),
        ("GET", "/api/v1/schedules/primary/shifts?since=2026-01-01T00:00:00Z&until=2029-01-01T00:00:00Z", None,
         "bad-span", 400),
        ("GET", "/api/v1/on-call?service=shp", None, "unknown-service", 404),
        ("GET", "/api/v1/calendars/team/primary", None, "unknown-calendar", 404),
        ("GET", "/api/v1/calendar/x.ics", None, "bad-link", 404),
        ("GET", "/api/v1/incidents/9/export", None, "unknown-incident", 404),
        ("GET", "/api/v1/audit/export?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", None, "bad-span", 400),
    ],
)  # fmt: skip
async def test_refusals_are_problem_documents_with_a_hint(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, code: str, status: int
) -> None:
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert code in ("", answer.json()["code"])
    assert answer.json()["hint"]


async def test_an_override_of_somebody_who_left_is_shown_as_ignored(
    client: httpx.AsyncClient, platform: OnlyOnCall
) -> None:
    await client.post("/api/v1/overrides", json=order())
    platform.declared.set(without(platform.declared.value, "lin"))
    (kept,) = (await client.get("/api/v1/overrides")).json()["overrides"]
    assert kept["state"] == "ignored"


async def test_a_calendar_program_subscribes_and_asks_again_with_an_etag(client: httpx.AsyncClient) -> None:
    url = (await client.get("/api/v1/calendars/schedule/primary")).json()["url"]
    path = url.removeprefix("http://127.0.0.1:4580")
    first = await client.get(path)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8"
    assert len(Calendar.from_ical(first.content).walk("VEVENT")) > 20
    for etag in (first.headers["etag"], f"W/{first.headers['etag']}", f'"x", {first.headers["etag"]}'):
        again = await client.get(path, headers={"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")
    await client.post("/api/v1/overrides", json=order())
    assert (await client.get(path, headers={"if-none-match": first.headers["etag"]})).status_code == 200
    fresh = (await client.post("/api/v1/calendars/schedule/primary/revoke")).json()["url"]
    assert (await client.get(path)).status_code == 404
    assert (await client.get(fresh.removeprefix("http://127.0.0.1:4580"))).status_code == 200


async def test_a_feed_can_be_read_in_again(client: httpx.AsyncClient) -> None:
    path = (await client.get("/api/v1/calendars/responder/ada")).json()["url"].removeprefix("http://127.0.0.1:4580")
    content = (await client.get(path)).content
    once = await client.post("/api/v1/schedules/second/import", content=content)
    assert once.status_code == 200, once.text
    assert len(once.json()["added"]) > 10
    assert once.json()["not_understood"] == []
    twice = (await client.post("/api/v1/schedules/second/import", content=content)).json()
    assert (twice["added"], twice["unchanged"]) == ([], len(once.json()["added"]))


async def test_files_that_are_no_calendar_are_refused(client: httpx.AsyncClient) -> None:
    for content, said in ((b"\xff\xfe", "byte 1 of the file"), (b"", "no VCALENDAR")):
        answer = await client.post("/api/v1/schedules/primary/import", content=content)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-calendar")
        assert said in answer.json()["detail"]


async def test_bundles_are_downloaded_and_hold(
    client: httpx.AsyncClient, platform: OnlyOnCall, database: Database, tmp_path: Path
) -> None:
    async with database.write() as connection:
        await outbox.append(connection, fired(0, alert()))
    while await outbox.drain(database, CONSUMER, platform.incidents.handle):
        pass
    await client.post("/api/v1/overrides", json=order())
    file = tmp_path / "bundle"
    answer = await client.get("/api/v1/incidents/1/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="incident-1.jsonl"'
    file.write_bytes(answer.content)
    key = (await client.get("/api/v1/audit/key")).json()
    assert read_bundle(file).fingerprint == key["fingerprint"]
    since = (NOW - HOUR).isoformat()
    file.write_bytes((await client.get("/api/v1/audit/export", params={"since": since})).content)
    assert [each["kind"] for each in read_bundle(file).of("audit")] == ["override"]
