"""The platform's own alerts as Alertmanager's API lists them: active, silenced, or behind another one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.facts import AlertFired
from stationmaster.incidents.intake.fingerprints import fingerprint
from stationmaster.incidents.loop import CONSUMER
from stationmaster.monitor.store import open_alert
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now
from tests.api.only_intake import OnlyIntake, make
from tests.incidents.grouping import alert


@pytest.fixture
async def platform(database: Database, tmp_path: Path) -> OnlyIntake:
    made = await make(database, StateDir(tmp_path / "state"))
    await fires(made, "ServiceInstanceDown", service="orders", instance="orders-1")
    return made


@pytest.fixture
async def http(platform: OnlyIntake) -> AsyncIterator[httpx.AsyncClient]:
    _row, token = await platform.access.machines.create("prometheus", Role.OPERATOR, None, by="test")
    transport = httpx.ASGITransport(app=platform.app)
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://control", headers=headers) as client:
        yield client


async def fires(platform: OnlyIntake, name: str, **labels: str) -> None:
    """As the monitor does: the alert and its fact at once."""
    now = utc_now()
    which = replace(alert(name, **labels, environment="test"), starts_at=now)
    async with platform.incidents.database.write() as connection:
        await open_alert(connection, which)
        await outbox.append(connection, AlertFired(at=now, alert=which, evidence="refused"))
    await settle(platform)


async def settle(platform: OnlyIntake) -> None:
    while await outbox.drain(platform.incidents.database, CONSUMER, platform.incidents.handle):
        pass


async def listed(http: httpx.AsyncClient, **asked: str) -> dict[str, Any]:
    answer = await http.get("/alertmanager/api/v2/alerts", params=asked)
    assert answer.status_code == 200, answer.text
    return {each["labels"]["alertname"]: each for each in answer.json()}


async def test_own_alerts_stand_beside_foreign_ones(http: httpx.AsyncClient) -> None:
    foreign = {"labels": {"alertname": "Slow", "service": "other"}}
    assert (await http.post("/alertmanager/api/v2/alerts", json=[foreign])).status_code == 200
    found = await listed(http)
    assert set(found) == {"ServiceInstanceDown", "Slow"}
    own = found["ServiceInstanceDown"]
    assert own["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert own["fingerprint"] == fingerprint(own["labels"])
    groups = (await http.get("/alertmanager/api/v2/alerts/groups")).json()
    assert [each["labels"]["alertname"] for each in groups] == ["ServiceInstanceDown", "Slow"]


async def test_what_follows_from_an_alert_is_told_as_inhibited_by_it(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    await fires(platform, "UpstreamErrors", service="orders")
    found = await listed(http)
    status = found["UpstreamErrors"]["status"]
    assert (status["state"], status["inhibitedBy"]) == ("suppressed", [found["ServiceInstanceDown"]["fingerprint"]])
    assert set(await listed(http, inhibited="false")) == {"ServiceInstanceDown"}
    assert set(await listed(http, active="false")) == {"UpstreamErrors"}


async def test_a_silence_over_the_api_holds_own_alerts_back_until_it_is_ended(
    http: httpx.AsyncClient, platform: OnlyIntake
) -> None:
    ends = utc_now() + timedelta(hours=1)
    posted = {
        "matchers": [{"name": "service", "value": "shop", "isRegex": False}],
        "startsAt": utc_now().isoformat(),
        "endsAt": ends.isoformat(),
        "createdBy": "ada",
        "comment": "works",
    }
    made = (await http.post("/alertmanager/api/v2/silences", json=posted)).json()["silenceID"]
    await fires(platform, "ServiceInstanceDown", service="shop", instance="shop-1")
    assert await platform.incidents.count_open() == 1, "that of orders"
    found = (await http.get("/alertmanager/api/v2/alerts", params={"filter": 'service="shop"'})).json()
    assert [(each["status"]["state"], each["status"]["silencedBy"]) for each in found] == [("suppressed", [made])]
    assert set(await listed(http, silenced="false")) == {"ServiceInstanceDown"}
    assert (await http.delete(f"/alertmanager/api/v2/silence/{made}")).status_code == 200
    assert await platform.incidents.release() == 1
    assert await platform.incidents.count_open() == 2
