"""What real nodes tell of the requests that they served, and what they keep to themselves."""

import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.core.names import ApiName
from stationmaster.core.spec import Api
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway.envoy import access_log, chain
from stationmaster.gateway.envoy.bootstrap import bootstrap
from stationmaster.gateway.envoy.relay import Relay
from stationmaster.gateway.record import Record
from stationmaster.runtime.db import Database
from tests.gateway.rig import BOTH, HOST, KEY, Rig, declared, eventually, running

pytestmark = pytest.mark.e2e

ADA, MALLORY = {"apikey": KEY["ada"]}, {"apikey": KEY["mallory"]}


@pytest.fixture
async def rig(free_port: Callable[[], int], database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    """One node, one target; the API `late` has no first segment to be found by."""
    spec = declared(free_port, nodes=1, targets=1)
    late = Api(name=ApiName("late"), paths=("~/[a-z]+/late",), virtual_host=HOST, accepts=BOTH)
    users = tuple(replace(each, apis=(*each.apis, late.name)) if each.apis else each for each in spec.api_users)
    async with running(replace(spec, apis=(*spec.apis, late), api_users=users), database, tmp_path) as built:
        yield built


async def heard(rig: Rig, *wanted: tuple[str | None, str | None, int]) -> None:
    """Exactly these entries, by API, key and status."""
    await eventually(lambda: len(rig.heard) >= len(wanted))
    assert [(each.api, each.key_id, each.status) for each in rig.heard] == list(wanted)


async def test_the_first_request_with_a_key_is_told_of_and_no_other_within_the_minute(rig: Rig) -> None:
    before = datetime.now(UTC)
    for _ in range(5):
        assert (await rig.request("GET", "/both", headers=ADA)).status_code == 200
    await heard(rig, ("both", "id-of-ada", 200))
    first = rig.heard[0]
    assert (first.node, first.user) == ("node-1", "ada")
    assert before - timedelta(milliseconds=5) <= first.at <= datetime.now(UTC)
    assert 0 < first.took_ms < 10_000
    await rig.request("GET", "/keyed", headers=ADA)
    await rig.request("GET", "/both", headers=MALLORY)
    await heard(rig, ("both", "id-of-ada", 200), ("both", "id-of-mallory", 403))


async def test_requests_that_show_no_good_key_are_told_of_by_nobody(rig: Rig) -> None:
    for path, headers, status in (
        ("/public", {}, 200),
        ("/public", ADA, 200),
        ("/both", {}, 401),
        ("/both", {"apikey": "stm_adkey-of-nobody"}, 401),
        ("/both", {"x-stationmaster-holder": "id-of-ada;*;ada"}, 401),
        ("/both", {"authorization": f"Bearer {rig.signer.token()}"}, 200),
        ("/none", ADA, 404),
    ):
        assert (await rig.request("GET", path, headers=headers)).status_code == status
    await rig.request("GET", "/both", headers=ADA)
    await heard(rig, ("both", "id-of-ada", 200))


async def test_a_route_that_is_found_late_is_told_of_as_well(rig: Rig) -> None:
    assert (await rig.request("GET", "/any/late", headers=ADA)).status_code == 200
    await heard(rig, ("late", "id-of-ada", 200))


async def test_nobody_can_hide_a_use_and_no_upstream_sees_that_it_is_counted(rig: Rig) -> None:
    spoofed = {**ADA, "x-stationmaster-used-lately": "1"}
    for _ in range(2):
        seen = (await rig.request("GET", "/both", headers=spoofed)).json()["headers"]
        assert [name for name in seen if name.startswith("x-stationmaster")] == []
    await heard(rig, ("both", "id-of-ada", 200))


async def test_a_request_that_lasts_is_told_of_again_and_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    """With a minute of 200 ms, at a node that is new."""
    monkeypatch.setattr(access_log, "WINDOW_MS", 200)
    chain.late.cache_clear()
    try:
        listen = replace(rig.spec.nodes[0].listen, port=free_port())
        await rig.declare(replace(rig.spec, nodes=(replace(rig.spec.nodes[0], listen=listen),)))
    finally:
        monkeypatch.undo()
        chain.late.cache_clear()
    await rig.request("GET", "/both", headers=ADA)
    assert (await rig.request("GET", "/both/slow", headers=ADA)).status_code == 200
    await eventually(lambda: len(rig.heard) >= 4 and rig.heard[-1].status == 200)
    quick, *lasting = rig.heard
    assert (quick.status, lasting[0].status, lasting[-1].status) == (200, 0, 200)
    assert [each.key_id for each in lasting] == ["id-of-ada"] * len(lasting)
    for earlier, later in itertools.pairwise(lasting):
        assert earlier.at < later.at
        assert earlier.took_ms < later.took_ms
    assert 800 <= lasting[-1].took_ms < 5_000


async def test_a_control_plane_that_is_away_costs_no_request_and_hears_it_all_when_it_is_back(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    rig = Rig(spec=declared(free_port, nodes=1, targets=1), database=database, folder=tmp_path)
    record, socket = Record(tmp_path / "acknowledged.db"), tmp_path / "s"
    relay = Relay(control=rig.spec.control.xds, record=record)
    try:
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        async with relay.serving(socket):
            start_behind(rig, socket)
            await rig.converged()
            await rig.stop_control()
            before = datetime.now(UTC)
            for _ in range(20):
                assert (await rig.request("GET", "/both", headers=ADA)).status_code == 200
            await eventually(lambda: relay.access_log.waiting == 1)
            assert (await rig.request("GET", "/both", headers=MALLORY)).status_code == 403
            await eventually(lambda: relay.access_log.waiting == 2)
            away_until = datetime.now(UTC)
            rig.start_control()
            await heard(rig, ("both", "id-of-ada", 200), ("both", "id-of-mallory", 403))
            assert all(before - timedelta(milliseconds=5) <= each.at <= away_until for each in rig.heard)
            await eventually(lambda: relay.access_log.waiting == 0)
            await rig.request("GET", "/keyed", headers=MALLORY)
            assert len(rig.heard) == 2
    finally:
        await rig.close()
        record.close()


def start_behind(rig: Rig, socket: Path) -> None:
    """A node that finds its agent at this socket."""
    file = rig.folder / "bootstrap.json"
    file.write_text(bootstrap(rig.spec.nodes[0], control=socket, environment=rig.spec.environment))
    rig._start("node-1", gateway_node.argv(file))
