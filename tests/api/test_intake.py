"""Alerts from everywhere over REST: what is taken, refused, folded, silenced, and what incidents hear of it."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.facts import AlertFired, AlertRecovered, Fact
from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.runtime.audit import Asked, changes
from stationmaster.runtime.db import Database, metadata, open_database
from stationmaster.runtime.outbox import facts_since
from tests.api.only_intake import OnlyIntake, make

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyIntake:
    return await make(database, StateDir(tmp_path / "state"))


@pytest.fixture
async def token(platform: OnlyIntake) -> str:
    _row, token = await platform.access.machines.create("prometheus", Role.OPERATOR, None, by="test")
    return token


@pytest.fixture
async def http(platform: OnlyIntake, token: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=platform.app)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


def alert(name: str = "Slow", **more: Any) -> dict[str, Any]:
    return {"labels": {"alertname": name, "service": "orders"}, "annotations": {"summary": "too slow"}, **more}


async def facts(platform: OnlyIntake) -> list[Fact]:
    return await facts_since(platform.intake.database, EPOCH)


async def fired(platform: OnlyIntake) -> list[str]:
    return [each.alert.name for each in await facts(platform) if isinstance(each, AlertFired)]


async def recovered(platform: OnlyIntake) -> list[str]:
    return [each.alert.name for each in await facts(platform) if isinstance(each, AlertRecovered)]


async def send(http: httpx.AsyncClient, *alerts: Any) -> httpx.Response:
    return await http.post("/alertmanager/api/v2/alerts", json=list(alerts))


async def test_what_is_answered_is_a_fact_already_and_is_shown_as_alertmanager_would(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    answer = await send(http, alert(generatorURL="http://prometheus/graph"))
    assert answer.status_code == 200, answer.text
    (fact,) = await facts(platform)
    assert isinstance(fact, AlertFired)
    assert fact.alert.labels == {"alertname": "Slow", "service": "orders", "environment": "test"}
    assert fact.alert.summary == "Slow: too slow"
    (shown,) = (await http.get("/alertmanager/api/v2/alerts")).json()
    assert shown["fingerprint"] == fingerprint({"alertname": "Slow", "service": "orders"})
    assert shown["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert shown["generatorURL"] == "http://prometheus/graph"
    starts, ends = (datetime.fromisoformat(shown[name]) for name in ("startsAt", "endsAt"))
    assert ends - starts == timedelta(minutes=5)


async def test_an_alert_that_is_sent_again_and_again_fires_once(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    for _ in range(3):
        assert (await send(http, alert(), alert())).status_code == 200
    assert await fired(platform) == ["Slow"]


async def test_the_good_alerts_of_a_bad_batch_are_kept(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    bad = [
        {"labels": {}},
        {"labels": {"alertname": 7}},
        {"labels": {"bad-name": "x"}},
        {"annotations": {}},
        "alert",
        None,
        alert(startsAt="2026-01-02T00:00:00Z", endsAt="2026-01-01T00:00:00Z"),
        alert(startsAt="yesterday"),
    ]
    answer = await send(http, alert("First"), *bad, alert("Last"))
    assert answer.status_code == 400
    assert isinstance(answer.json(), str), "Alertmanager's clients read a bare string"
    assert all(f"alert {number}:" in answer.json() for number in range(1, 9)), answer.text
    assert await fired(platform) == ["First", "Last"]


async def test_an_end_in_the_past_recovers_the_alert_once(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    await send(http, alert())
    now = datetime.now(UTC).isoformat()
    for _ in range(2):
        assert (await send(http, alert(startsAt="2026-01-01T00:00:00Z", endsAt=now))).status_code == 200
    assert await recovered(platform) == ["Slow"]
    assert (await http.get("/alertmanager/api/v2/alerts")).json() == []


async def test_what_is_over_and_was_never_heard_of_is_no_news(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    await send(http, alert(startsAt="2026-01-01T00:00:00Z", endsAt="2026-01-01T01:00:00Z"))
    assert await facts(platform) == []


async def test_a_megabyte_of_annotation_and_control_characters_do_no_harm(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    odd = {"labels": {"alertname": "Odd\x1b[31m\x00", "service": "orders"}, "annotations": {"summary": "x" * 1_000_000}}
    assert (await send(http, odd)).status_code == 200
    (shown,) = (await http.get("/alertmanager/api/v2/alerts")).json()
    assert shown["labels"]["alertname"] == "Odd\ufffd[31m\ufffd"
    assert len(shown["annotations"]["summary"]) == 32_768
    assert shown["annotations"]["summary"].endswith("… (cut)")
    (fact,) = await facts(platform)
    assert isinstance(fact, AlertFired)
    assert len(fact.alert.summary) <= 1_024


async def test_a_batch_that_is_too_large_is_refused(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    answer = await http.post("/alertmanager/api/v2/alerts", content=b"[" + b" " * 20_000_001 + b"]")
    assert answer.status_code == 413
    assert await facts(platform) == []


async def test_a_full_intake_sheds_with_503(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    platform.intake.desk.most_waiting = 1
    async with platform.intake.database.write():
        first = asyncio.ensure_future(send(http, alert("A")))
        second = asyncio.ensure_future(send(http, alert("B")))
        third = asyncio.ensure_future(send(http, alert("C")))
        done, _ = await asyncio.wait([first, second, third], timeout=10, return_when=asyncio.FIRST_COMPLETED)
        (shed,) = [each.result() for each in done]
        assert (shed.status_code, shed.json()["code"]) == (503, "intake-full")
    assert sorted([each.status_code for each in (await first, await second, await third)]) == [200, 200, 503]


async def test_only_who_may_send_does(http: httpx.AsyncClient, platform: OnlyIntake, token: str) -> None:
    _row, reader = await platform.access.machines.create("reader", Role.VIEWER, None, by="test")
    path = "/alertmanager/api/v2/alerts"
    for headers, expected in (
        ({"authorization": ""}, 401),
        ({"authorization": f"Bearer {reader}"}, 403),
        ({"authorization": "Basic " + _basic("anybody", token)}, 200),
    ):
        assert (await http.post(path, json=[alert()], headers=headers)).status_code == expected


async def test_a_silence_keeps_an_alert_from_opening_an_incident_until_it_is_expired(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "service", "value": "ord.*", "isRegex": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=2)).isoformat(),
        "createdBy": "lin",
        "comment": "a new disk",
    }
    made = (await http.post("/alertmanager/api/v2/silences", json=silence)).json()["silenceID"]
    await send(http, alert())
    assert await facts(platform) == []
    (shown,) = (await http.get("/alertmanager/api/v2/alerts")).json()
    assert (shown["status"]["state"], shown["status"]["silencedBy"]) == ("suppressed", [made])
    assert (await http.get("/alertmanager/api/v2/alerts", params={"silenced": "false"})).json() == []

    assert (await http.delete(f"/alertmanager/api/v2/silence/{made}")).status_code == 200
    await platform.intake.tick(datetime.now(UTC))
    assert await fired(platform) == ["Slow"]
    (ended,) = (await http.get("/alertmanager/api/v2/silences")).json()
    assert ended["status"]["state"] == "expired"
    assert (await http.delete(f"/alertmanager/api/v2/silence/{made}")).status_code == 500


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"matchers": []}, "at least one matcher"),
        ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, "match the empty string"),
        ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, "regular expression"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, "end time"),
        ({"id": "nobody"}, "not found"),
        ({"startsAt": None}, "cannot be read"),
    ],
)
async def test_a_silence_that_cannot_be_meant_so_is_refused(
    http: httpx.AsyncClient, change: dict[str, Any], why: str
) -> None:
    silence = {
        "matchers": [{"name": "service", "value": "orders", "isRegex": False}],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "createdBy": "lin",
        "comment": "",
    }
    answer = await http.post("/alertmanager/api/v2/silences", json=silence | change)
    assert answer.status_code in (400, 404)
    assert why in answer.json()


async def test_filters_receivers_groups_and_status_answer(http: httpx.AsyncClient) -> None:
    await send(http, alert("Slow"), alert("Down"))
    found = await http.get("/alertmanager/api/v2/alerts", params={"filter": 'alertname=~"Do.*"'})
    assert [each["labels"]["alertname"] for each in found.json()] == ["Down"]
    assert (await http.get("/alertmanager/api/v2/alerts", params={"filter": "alertname~("})).status_code == 400
    assert (await http.get("/alertmanager/api/v2/alerts", params={"receiver": "somebody"})).json() == []
    groups = (await http.get("/alertmanager/api/v2/alerts/groups")).json()
    assert [each["labels"]["alertname"] for each in groups] == ["Down", "Slow"]
    assert (await http.get("/alertmanager/api/v2/receivers")).json() == [{"name": "nobody"}]
    status = (await http.get("/alertmanager/api/v2/status")).json()
    assert "nobody" in status["config"]["original"]


async def routing_key(http: httpx.AsyncClient) -> str:
    made = await http.post("/api/v1/intake/routing-keys", json={"service": "orders"})
    assert made.status_code == 201, made.text
    key: str = made.json()["routing_key"]
    return key


def event(key: str, action: str = "trigger", **more: Any) -> dict[str, Any]:
    payload = {"summary": "disk full", "source": "db-1", "severity": "error", "custom_details": {"free": 0}}
    return {"routing_key": key, "event_action": action, "dedup_key": "disk", "payload": payload, **more}


async def test_events_trigger_and_resolve_alerts_of_the_service_of_their_key(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    key = await routing_key(http)
    nobody = {"authorization": ""}
    for _ in range(2):
        answer = await http.post("/v2/enqueue", json=event(key), headers=nobody)
        assert (answer.status_code, answer.json()["status"], answer.json()["dedup_key"]) == (202, "success", "disk")
    (fact,) = await facts(platform)
    assert isinstance(fact, AlertFired)
    assert fact.alert.labels["service"] == "orders"
    assert fact.alert.labels["instance"] == "db-1"
    assert fact.alert.annotations["free"] == "0"
    other = await routing_key(http)
    await http.post("/v2/enqueue", json=event(other, "resolve"))
    assert await recovered(platform) == [], "the dedup key of another routing key is another one"
    await http.post("/v2/enqueue", json=event(key, "resolve", payload=None))
    assert await recovered(platform) == ["disk full"]


async def test_an_acknowledge_acknowledges_the_incident(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    key = await routing_key(http)
    running = asyncio.ensure_future(platform.incidents.run())
    try:
        await http.post("/v2/enqueue", json=event(key))
        assert (await http.post("/v2/enqueue", json=event(key, "acknowledge"))).status_code == 202
    finally:
        running.cancel()
        await asyncio.wait([running])
    (incident,) = await platform.incidents.all()
    assert incident.status.value == "acknowledged"


@pytest.mark.parametrize(
    "change",
    [
        {"routing_key": "0" * 32},
        {"event_action": "shout"},
        {"payload": None},
        {"payload": {"summary": " ", "source": "a", "severity": "error"}},
        {"payload": {"summary": "a", "source": "a", "severity": "loud"}},
        {"dedup_key": "x" * 256},
        {"event_action": "resolve", "dedup_key": None},
    ],
)
async def test_an_invalid_event_is_refused_as_pagerduty_refuses_it(
    http: httpx.AsyncClient, platform: OnlyIntake, change: dict[str, Any]
) -> None:
    answer = await http.post("/v2/enqueue", json=event(await routing_key(http)) | change)
    assert (answer.status_code, answer.json()["status"]) == (400, "invalid event")
    assert answer.json()["errors"]
    assert await facts(platform) == []


async def test_a_revoked_routing_key_opens_nothing(http: httpx.AsyncClient) -> None:
    key = await routing_key(http)
    (shown,) = (await http.get("/api/v1/intake/routing-keys")).json()["keys"]
    assert key not in str(shown)
    assert (await http.delete(f"/api/v1/intake/routing-keys/{shown['id']}")).status_code == 204
    assert (await http.post("/v2/enqueue", json=event(key))).status_code == 400


async def test_a_change_event_is_kept_in_the_audit_trail(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    change = {"routing_key": await routing_key(http), "payload": {"summary": "release 7", "source": "ci"}}
    assert (await http.post("/v2/change/enqueue", json=change)).status_code == 202
    async with platform.intake.database.read() as connection:
        ((_number, told),) = await changes(connection, Asked(kind="foreign"))
    assert (told.name, told.after["summary"]) == ("orders", "release 7")


async def test_any_json_is_read_by_its_mapping(http: httpx.AsyncClient, platform: OnlyIntake) -> None:
    fields = {
        "each": "$.events[*]",
        "key": "$.id",
        "alertname": "$.check",
        "summary": "$.text",
        "severity": "critical",
        "status": "$.state",
        "label.host": '$["the host"].name',
    }
    assert (await http.put("/api/v1/intake/mappings/nagios", json={"fields": fields})).status_code == 200
    first = {"id": 1, "check": "disk", "text": "full", "state": "CRITICAL", "the host": {"name": "db-1"}}
    answer = await http.post("/api/v1/intake/json/nagios", json={"events": [first]})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    (fact,) = await facts(platform)
    assert isinstance(fact, AlertFired)
    assert dict(fact.alert.labels) == {
        "alertname": "disk",
        "environment": "test",
        "host": "db-1",
        "severity": "critical",
    }
    await http.post("/api/v1/intake/json/nagios", json={"events": [first | {"state": "OK"}]})
    assert await recovered(platform) == ["disk"]
    assert (await http.post("/api/v1/intake/json/unheard", json={})).json()["code"] == "no-mapping"
    assert (await http.post("/api/v1/intake/json/a?summary=$..x", json={})).json()["code"] == "bad-path"


async def test_a_heartbeat_that_is_missed_fires_and_recovers_when_it_beats(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    order = {"interval_s": 60, "grace_s": 10, "service": "orders"}
    assert (await http.put("/api/v1/heartbeats/backup", json=order)).status_code == 200
    assert (await http.get("/api/v1/heartbeats/backup")).status_code == 200
    start = datetime.now(UTC)
    platform.intake.clock = lambda: start + timedelta(seconds=69)
    await platform.intake.tick(start + timedelta(seconds=69))
    assert await fired(platform) == []
    platform.intake.clock = lambda: start + timedelta(seconds=72)
    for _ in range(2):
        await platform.intake.tick(start + timedelta(seconds=72))
    assert await fired(platform) == ["HeartbeatMissing"]
    assert (await http.get("/api/v1/heartbeats")).json()["heartbeats"][0]["missed"]
    assert (await http.post("/api/v1/heartbeats/backup")).status_code == 200
    assert await recovered(platform) == ["HeartbeatMissing"]
    assert (await http.post("/api/v1/heartbeats/nobody")).status_code == 404


PATHS = st.sampled_from(
    [
        "/alertmanager/api/v2/alerts",
        "/alertmanager/api/v2/silences",
        "/api/v1/intake/alertmanager",
        "/api/v1/intake/json/any?summary=$.a&each=$[*]",
        "/v2/enqueue",
        "/v2/change/enqueue",
    ]
)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: (
        st.lists(below, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["labels", "annotations", "startsAt", "endsAt", "alerts", "payload", "matchers", "status", "a"]
            )
            | st.text(max_size=4),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS, body=TREES | st.binary(max_size=64))
def test_no_body_whatever_makes_a_fault_of_ours(path: str, body: Any, shared: "Shared") -> None:
    assert shared.send(path, body) < 500


class Shared:
    """One platform for all examples, in a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.runner = asyncio.Runner()
        self.folder = folder

    def send(self, path: str, body: Any) -> int:
        return self.runner.run(self._send(path, body))

    async def _send(self, path: str, body: Any) -> int:
        async with aclosing(self._client()) as clients:
            client = await anext(clients)
            sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
            return (await client.post(path, **sent)).status_code

    async def _client(self) -> AsyncGenerator[httpx.AsyncClient, None]:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
            yield client

    async def start(self) -> None:
        self.database = open_database(self.folder / "shared.db")
        async with self.database.write() as connection:
            await connection.run_sync(metadata.create_all)
        platform = await make(self.database, StateDir(self.folder / "shared"))
        _row, self.token = await platform.access.machines.create("any", Role.OPERATOR, None, by="test")
        self.app = platform.app


@pytest.fixture
def shared(tmp_path: Path) -> Any:
    made = Shared(tmp_path)
    with made.runner:
        made.runner.run(made.start())
        yield made
        made.runner.run(made.database.close())


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


async def test_a_silence_for_ever_is_kept_and_one_beyond_every_calendar_refused(http: httpx.AsyncClient) -> None:
    silence = {"matchers": ["service=orders"], "ends_at": "9999-12-31T23:59:59.999999Z", "comment": "gone"}
    assert (await http.post("/api/v1/silences", json=silence)).status_code == 201
    (shown,) = (await http.get("/api/v1/silences")).json()["silences"]
    assert shown["ends_at"].startswith("9999-12-31T23:59:59")
    beyond = await http.post("/api/v1/silences", json=silence | {"ends_at": "9999-12-31T23:59:59-12:00"})
    assert (beyond.status_code, beyond.json()["code"]) == (400, "bad-moment")
