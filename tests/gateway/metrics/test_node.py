"""What a real node counts, as its metrics tell it: every request that ended, whoever answered it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from stationmaster.core.names import ApiName, VirtualHostName
from stationmaster.core.policy import LimitBy, Maintenance, Policies, RateLimit, Redirect
from stationmaster.core.spec import Api, PlatformSpec, Target, VirtualHost
from stationmaster.gateway.envoy import access_log, chain
from stationmaster.gateway.metrics.targets import gateway_metrics
from stationmaster.runtime.db import Database
from tests.gateway import upstream
from tests.gateway.metrics.test_translate import samples
from tests.gateway.rig import HOST, KEY, Rig, declared, local, running

pytestmark = pytest.mark.e2e

ADA, MALLORY = {"apikey": KEY["ada"]}, {"apikey": KEY["mallory"]}
DEAD = VirtualHostName("dead.host")
_FIGURES_WITHIN_S = 15.0


def spec_of(free_port: Callable[[], int]) -> PlatformSpec:
    """One node; APIs that are closed, limited, led elsewhere, found late, and without a living target."""
    spec = declared(free_port, nodes=1, targets=1)
    more = (
        Api(name=ApiName("v1.late"), paths=("~/[a-z]+/late",), virtual_host=HOST),
        Api(
            name=ApiName("closed"), paths=("/closed",), virtual_host=HOST, policies=Policies(maintenance=Maintenance())
        ),
        Api(
            name=ApiName("moved"),
            paths=("/moved",),
            virtual_host=None,
            policies=Policies(redirect=Redirect(to="/public")),
        ),
        Api(
            name=ApiName("few"),
            paths=("/few",),
            virtual_host=HOST,
            policies=Policies(rate_limits=(RateLimit(requests=2, per_ms=3_600_000, by=LimitBy.API),)),
        ),
        Api(name=ApiName("small"), paths=("/small",), virtual_host=HOST, policies=Policies(max_body_bytes=10)),
        Api(name=ApiName("dead"), paths=("/dead",), virtual_host=DEAD),
    )
    nobody = VirtualHost(name=DEAD, targets=(Target(address=local(free_port())),))
    return replace(spec, apis=(*spec.apis, *more), virtual_hosts=(*spec.virtual_hosts, nobody))


@pytest.fixture
async def rig(free_port: Callable[[], int], database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    async with running(spec_of(free_port), database, tmp_path) as built:
        yield built


Found = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


async def told(rig: Rig) -> Found:
    [target] = gateway_metrics(rig.spec)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{target.address}{target.path}")
    return samples(target.translate(answer.raise_for_status().content))


async def told_when(rig: Rig, holds: Callable[[Found], bool]) -> Found:
    """Durations are up to five seconds old."""
    async with asyncio.timeout(_FIGURES_WITHIN_S):
        while not holds(found := await told(rig)):
            await asyncio.sleep(0.2)
    return found


def of_api(found: Found, api: str) -> dict[str, float]:
    """Requests by class, without the classes that none is in."""
    return {
        dict(labels)["code_class"]: value
        for (name, labels), value in found.items()
        if name == "stationmaster_api_requests_total" and dict(labels)["api"] == api and value
    }


async def test_every_request_counts_once_whoever_answers_it(rig: Rig) -> None:
    asked: tuple[tuple[int, str, dict[str, str], int], ...] = (
        (5, "/public", {}, 200),
        (3, "/public/busy", {}, 429),
        (2, "/public/crash", {}, 503),
        (4, "/both", ADA, 200),
        (3, "/both", {}, 401),
        (2, "/both", MALLORY, 403),
        (2, "/any/late", {}, 200),
        (3, "/closed", {}, 503),
        (2, "/moved", {}, 308),
        (2, "/few", {}, 200),
        (4, "/few", {}, 429),
        (2, "/dead", {}, 503),
        (6, "/none", {}, 404),
    )
    for times, path, headers, status in asked:
        for _ in range(times):
            assert (await rig.request("GET", path, headers=headers)).status_code == status, path
    async with rig.client() as client:
        assert (await client.post("/small", content=b"x" * 100)).status_code == 413
    found = await told(rig)
    assert of_api(found, "public") == {"2xx": 5, "4xx": 3, "5xx": 2}
    assert of_api(found, "both") == {"2xx": 4, "4xx": 5}
    assert of_api(found, "v1.late") == {"2xx": 2}
    assert of_api(found, "closed") == {"5xx": 3}
    assert of_api(found, "moved") == {"3xx": 2}
    assert of_api(found, "few") == {"2xx": 2, "4xx": 4}
    assert of_api(found, "small") == {"4xx": 1}
    assert of_api(found, "dead") == {"5xx": 2}
    assert found["stationmaster_gateway_unrouted_requests_total", (("code_class", "4xx"),)] == 6
    assert found["stationmaster_api_retries_total", (("api", "public"),)] == 2 * 3
    everything = sum(value for (name, _), value in found.items() if name == "stationmaster_gateway_requests_total")
    assert everything == sum(times for times, *_ in asked) + 1
    healthy = {dict(labels)["virtual_host"]: up for (name, labels), up in found.items() if name.endswith("_healthy")}
    assert healthy[HOST] == 1
    assert found["stationmaster_virtual_host_connect_failures_total", (("virtual_host", DEAD),)] > 0


async def test_durations_fall_into_the_buckets_that_they_belong_to(rig: Rig) -> None:
    for _ in range(7):
        await rig.request("GET", "/public")
    for _ in range(3):
        await rig.request("GET", "/public/slow")
    api = ("api", "public")
    name = "stationmaster_api_request_duration_seconds"
    found = await told_when(rig, lambda seen: seen.get((f"{name}_count", (api,))) == 10)
    below = {dict(labels)["le"]: value for (each, labels), value in found.items() if each == f"{name}_bucket"}
    assert (below["0.5"], below["1"], below["2"], below["+Inf"]) == (7, 10, 10, 10), "slow ones take 800 ms"
    assert found[f"{name}_sum", (api,)] == pytest.approx(3 * upstream.SLOW_S, rel=0.2)


async def test_a_caller_that_goes_away_is_counted_and_writes_nothing_into_the_log(rig: Rig) -> None:
    reader, writer = await asyncio.open_connection(rig.spec.nodes[0].listen.host, rig.spec.nodes[0].listen.port)
    writer.write(b"GET /public/slow HTTP/1.1\r\nhost: x\r\n\r\n")
    await writer.drain()
    await told_when(rig, lambda seen: seen["stationmaster_gateway_requests_active", ()] == 1)
    writer.close()
    await told_when(rig, lambda seen: of_api(seen, "public") == {"none": 1})
    assert "Stats access logger" not in (rig.folder / "node-1.log").read_text()
    assert reader is not None


async def test_a_request_that_lasts_counts_once_and_when_it_ends(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    """The access log tells of it again and again: here every 200 ms, at a node that is new."""
    monkeypatch.setattr(access_log, "WINDOW_MS", 200)
    chain.late.cache_clear()
    try:
        listen = replace(rig.spec.nodes[0].listen, port=free_port())
        await rig.declare(replace(rig.spec, nodes=(replace(rig.spec.nodes[0], listen=listen),)))
    finally:
        monkeypatch.undo()
        chain.late.cache_clear()
    assert (await rig.request("GET", "/both/slow", headers=ADA)).status_code == 200
    assert of_api(await told(rig), "both") == {"2xx": 1}
