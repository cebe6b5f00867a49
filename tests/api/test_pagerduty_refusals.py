"""What clients of PagerDuty are refused, and that they are told so in PagerDuty's words."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import httpx
import pagerduty
import pytest

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.runtime.db import Database
from tests.api.only_pagerduty import OnlyPagerDuty, client_of, failing, make, served
from tests.incidents.test_incidents import fired


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyPagerDuty:
    made = await make(database, StateDir(tmp_path / "state"))
    await made.world.facts(fired(0, failing(1)))
    return made


@pytest.fixture
async def base(platform: OnlyPagerDuty, free_port: Callable[[], int]) -> AsyncIterator[str]:
    async with served(platform, free_port) as found:
        yield found


@pytest.fixture
async def http(platform: OnlyPagerDuty, base: str) -> AsyncIterator[httpx.AsyncClient]:
    """As `curl` would ask, with the token of an operator."""
    _row, token = await platform.access.machines.create("ci", Role.OPERATOR, None, by="test")
    headers = {"authorization": f"Token token={token}"}
    trusted = ssl.create_default_context(cafile=str(platform.ca))
    async with httpx.AsyncClient(
        base_url=f"{base}/pagerduty", headers=headers, verify=trusted, trust_env=False
    ) as made:
        yield made


QUESTIONS: tuple[tuple[str, int, int, str], ...] = (
    ("/incidents/PI0000Z", 404, 2100, "#35"),
    ("/incidents/PABCDEF", 404, 2100, "PABCDEF"),
    ("/incidents/99999999999999999999", 404, 2100, "9999"),
    ("/incidents/%F0%9F%94%A5", 404, 2100, "nothing of the id"),
    ("/users/PUNOBODY", 404, 2100, "PUNOBODY"),
    ("/users/PU7", 404, 2100, "PU7"),
    ("/services/PI00001", 404, 2100, "PI00001"),
    ("/log_entries/PG00ZZZ", 404, 2100, "PG00ZZZ"),
    ("/incidents/1/alerts/PA123", 404, 2100, "PA123"),
    ("/incidents/7/notes", 404, 2100, "#7"),
    ("/incidents/7/log_entries", 404, 2100, "#7"),
    ("/nothing/there", 404, 2100, ""),
    ("/incidents?limit=100&offset=9901", 400, 2001, "10000"),
    ("/log_entries?limit=10&offset=9999", 400, 2001, "10000"),
    ("/users?offset=10000", 400, 2001, "10000"),
    ("/incidents?limit=0", 400, 2001, "limit"),
    ("/incidents?offset=-1", 400, 2001, "offset"),
    ("/incidents?limit=ten", 400, 2001, "limit"),
    ("/incidents?statuses[]=open", 400, 2001, "statuses[]"),
    ("/incidents?urgencies[]=urgent", 400, 2001, "urgencies[]"),
    ("/incidents?since=yesterday", 400, 2001, "since"),
    ("/incidents?until=0001-01-01", 400, 2001, "until"),
    ("/log_entries?since=9999-12-31T23:59:59-14:00", 400, 2001, "since"),
    ("/oncalls?since=9999-12-31", 400, 2001, "since"),
    ("/incidents?sort_by=title", 400, 2001, "sort_by"),
    ("/incidents?sort_by=urgency,created_at,resolved_at", 400, 2001, "sort_by"),
    ("/incidents?total=perhaps", 400, 2001, "total"),
    ("/incidents?service_ids[]=orders", 404, 2100, "orders"),
    ("/oncalls?since=2026-11-21&until=2026-11-20", 400, 2001, "range"),
    ("/oncalls?since=2020-01-01&until=2026-11-20", 400, 2001, "92 days"),
)


async def test_questions_that_cannot_be_answered(http: httpx.AsyncClient) -> None:
    for path, status, code, said in QUESTIONS:
        answer = await http.get(path)
        assert answer.status_code == status, (path, answer.text)
        error = answer.json()["error"]
        assert error.keys() == {"message", "code", "errors"}, path
        assert error["code"] == code, path
        assert said in " ".join(error["errors"]), (path, error)


BODIES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"content": b"{"}, "no JSON"),
    ({"content": b""}, "no JSON"),
    ({"content": b"\xff\xfe"}, "no JSON"),
    ({"content": b"[" * 100_000}, ""),
    ({"json": []}, "object"),
    ({"json": {}}, "incident"),
    ({"json": {"incident": {"status": 7}}}, "status"),
    ({"json": {"incident": {"status": "closed"}}}, "closed"),
    ({"json": {"incident": {"urgency": "severe"}}}, "severe"),
    ({"json": {"incident": {"escalation_level": 9}}}, "level"),
    ({"json": {"incident": {"title": " "}}}, "title"),
    ({"json": {"incident": {"assignments": [{"assignee": {"id": "PUMFSG22LO"}}]}}}, "cannot be paged"),
    ({"data": {"incident": "1"}}, "application/json"),
)


async def test_bodies_that_cannot_be_read(http: httpx.AsyncClient) -> None:
    for sent, said in BODIES:
        answer = await http.put("/incidents/1", **sent)
        assert answer.status_code == 400, (said, answer.text)
        error = answer.json()["error"]
        assert error["code"] == 2001, said
        assert said in " ".join(error["errors"]), error


async def test_what_is_over_is_said_to_be_over(http: httpx.AsyncClient, platform: OnlyPagerDuty) -> None:
    await platform.incidents.acts.resolve(1, by="bo")
    for order in ({"status": "resolved"}, {"status": "acknowledged"}):
        answer = await http.put("/incidents/1", json={"incident": order})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 1001)
    snoozed = await http.post("/incidents/1/snooze", json={"duration": 60})
    assert (snoozed.status_code, snoozed.json()["error"]["code"]) == (400, 1001)


async def test_nothing_is_opened_for_an_unknown_service_or_without_a_title(http: httpx.AsyncClient) -> None:
    for order, status in (
        ({"title": "x", "service": {"id": "PSNOPE"}}, 404),
        ({"title": "x", "service": {"id": "PSN5ZGIZLSOM"}, "urgency": "none"}, 400),
        ({"title": " ", "service": {"id": "PSN5ZGIZLSOM"}}, 400),
        ({"title": "x" * 501, "service": {"id": "PSN5ZGIZLSOM"}}, 400),
        ({"service": {"id": "PSN5ZGIZLSOM"}}, 400),
    ):
        answer = await http.post("/incidents", json={"incident": order})
        assert answer.status_code == status, (order, answer.text)
    assert len((await http.get("/incidents?date_range=all")).json()["incidents"]) == 1


NO_TOKENS = ("", "Token token=", "Token token=nothing", "Token nothing", "Bearer nothing", "Basic YTpi", "Token token")


async def test_without_a_token_that_holds_there_is_nothing(http: httpx.AsyncClient) -> None:
    for shown in NO_TOKENS:
        for method, path in (("GET", "/incidents"), ("PUT", "/incidents/1"), ("GET", "/users/me")):
            answer = await http.request(method, path, headers={"authorization": shown})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, 2006), shown
            assert answer.headers["www-authenticate"].startswith("Bearer"), shown


async def test_a_viewer_reads_and_changes_nothing(http: httpx.AsyncClient, platform: OnlyPagerDuty) -> None:
    _row, token = await platform.access.machines.create("eyes", Role.VIEWER, None, by="test")
    for scheme in ("Token token={}", 'Token token="{}"', "token token={}", "Bearer {}"):
        headers = {"authorization": scheme.format(token)}
        assert (await http.get("/incidents", headers=headers)).status_code == 200, scheme
        answer = await http.put("/incidents/1", json={"incident": {"status": "resolved"}}, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, 2010), scheme
    assert (await platform.incidents.all())[0].status.value == "triggered"


async def test_a_token_acts_for_responders_alone_and_else_for_itself(
    http: httpx.AsyncClient, platform: OnlyPagerDuty
) -> None:
    order = {"incident": {"status": "acknowledged"}}
    nobody = await http.put("/incidents/1", json=order, headers={"from": "mallory@example.org"})
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (400, 1008)
    await http.put("/incidents/1", json=order)
    assert (await platform.incidents.story(1)).incident.acknowledged_by == "token:ci"


async def test_the_client_says_what_was_refused(base: str, platform: OnlyPagerDuty) -> None:
    def refused(token: str, path: str) -> pagerduty.HttpError:
        with client_of(base, platform.ca, token) as client, pytest.raises(pagerduty.HttpError) as caught:
            client.rget(path)
        return caught.value

    wrong = await asyncio.to_thread(refused, "wrong", "incidents")
    assert getattr(wrong.response, "status_code", None) == 401
    _row, token = await platform.access.machines.create("ci", Role.OPERATOR, None, by="test")
    missing = await asyncio.to_thread(refused, token, "/incidents/PI0000Z")
    assert getattr(missing.response, "status_code", None) == 404


async def test_the_client_refuses_what_is_not_encrypted_or_not_trusted(base: str, platform: OnlyPagerDuty) -> None:
    with pytest.raises(pagerduty.UrlError):
        pagerduty.RestApiV2Client("token", base_url=base.replace("https", "http"))

    def untrusting() -> None:
        with pagerduty.RestApiV2Client("token", base_url=f"{base}/pagerduty", trust_env=False) as client:
            client.max_network_attempts = 0
            client.rget("incidents")

    with pytest.raises(pagerduty.Error):
        await asyncio.to_thread(untrusting)


async def test_old_versions_of_tls_are_refused(base: str, platform: OnlyPagerDuty) -> None:
    host, _, port = base.removeprefix("https://").rpartition(":")

    async def shaken(highest: ssl.TLSVersion) -> str:
        context = ssl.create_default_context(cafile=str(platform.ca))
        context.set_ciphers("ALL:@SECLEVEL=0")
        with catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = highest
        _reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
        version: str = writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()
        return version

    assert await shaken(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert await shaken(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with pytest.raises(ConnectionResetError):
        await shaken(ssl.TLSVersion.TLSv1_1)
