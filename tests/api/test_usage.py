"""Who called which API how often, over REST and on the command line."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from stationmaster.api.app import make_api
from stationmaster.api.wire_usage import UsageList
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.config import StateDir
from stationmaster.core.names import ApiName, UserName
from stationmaster.gateway.metrics import use_store
from stationmaster.gateway.metrics.uses import Uses
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.serve import Asgi
from tests.gateway.rig import declared

ADA, BOB, SHOP, CARS = UserName("ada"), UserName("bob"), ApiName("shop"), ApiName("cars")


@pytest.fixture
async def api(tmp_path: Path, free_port: Callable[[], int], database: Database) -> AsyncIterator[httpx.AsyncClient]:
    state = StateDir(tmp_path / "state")
    platform = await build(Catalog(database, declared(free_port, nodes=1, targets=1)), state, database)
    now = use_store.hour_of(utc_now())
    async with database.write() as connection:
        await use_store.add(
            connection, now, {(ADA, SHOP): Uses(requests=5, client_errors=2), (BOB, CARS): Uses(requests=9)}
        )
        await use_store.add(connection, now - timedelta(days=3), {(ADA, SHOP): Uses(requests=7, server_errors=1)})
    app: Asgi = make_api(platform)
    headers = {"authorization": f"Bearer {state.admin_token.read_text().strip()}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def told(client: httpx.AsyncClient, **query: str) -> UsageList:
    answer = await client.get("/api/v1/usage", params=query)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=UsageList)


async def test_the_last_day_is_told_where_nothing_else_is_asked_for(api: httpx.AsyncClient) -> None:
    found = await told(api)
    assert [(each.user, each.api, each.requests, each.client_errors) for each in found.items] == [
        ("bob", "cars", 9, 0),
        ("ada", "shop", 5, 2),
    ]
    assert [each.at for each in found.items] == [None, None]
    assert not found.more


async def test_a_user_an_api_and_a_span_can_be_asked_for(api: httpx.AsyncClient) -> None:
    since = (utc_now() - timedelta(days=5)).isoformat()
    [whole] = (await told(api, user="ada", since=since)).items
    assert (whole.requests, whole.client_errors, whole.server_errors) == (12, 2, 1)
    days = (await told(api, api="shop", since=since, by="day")).items
    assert [each.requests for each in days] == [5, 7]
    first = await told(api, since=since, limit="1")
    assert first.more
    assert len(first.items) == 1
    assert (await told(api, user="nobody")).items == ()


@pytest.mark.parametrize(
    "query", [{"since": "2026-11-21T03:00:00"}, {"by": "month"}, {"limit": "0"}, {"since": "yesterday"}], ids=str
)
async def test_a_question_that_cannot_be_answered_is_refused(api: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await api.get("/api/v1/usage", params=query)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
