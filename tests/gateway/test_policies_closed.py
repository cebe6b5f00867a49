"""What becomes of a policy when something that it needs is not there: it refuses, or at least tells nothing."""

import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.policy import Policies
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway import live_nodes
from stationmaster.gateway.envoy import policies, rate_limits, scopes, tokens
from stationmaster.gateway.ir_policy import Counting
from tests.gateway.policed import bearer, policed, running_policed
from tests.gateway.rig import Rig, eventually

pytestmark = pytest.mark.e2e

shared = policies.shared


@pytest.fixture
def start(free_port: Callable[[], int], tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def started(names: Iterable[str], nodes: int = 1) -> AsyncIterator[Rig]:
        async with running_policed(only(policed(free_port), names, nodes), tmp_path) as rig:
            yield rig

    return started


def only(spec: PlatformSpec, names: Iterable[str], nodes: int) -> PlatformSpec:
    wanted = frozenset(names)
    return replace(
        spec, nodes=spec.nodes[:nodes], apis=tuple(each for each in spec.apis if each.name in {"plain", *wanted})
    )


async def statuses(rig: Rig, path: str, headers: dict[str, str], times: int = 1, node: int = 0) -> list[int]:
    return [(await rig.request("GET", path, node, headers=headers)).status_code for _ in range(times)]


async def test_without_the_limits_whatever_is_limited_is_refused(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(counting: Counting) -> dict[str, Any]:
        return {name: each for name, each in shared(counting).items() if name != rate_limits.LIMITS}

    monkeypatch.setattr(policies, "shared", without)
    async with start(("by-api", "by-user", "guarded")) as rig:
        assert await statuses(rig, "/by-api", {}) == [403]
        assert await statuses(rig, "/by-user", bearer(rig)) == [403]
        assert await statuses(rig, "/guarded", bearer(rig, "slow")) == [403]
        assert await statuses(rig, "/plain", {}) == [200]


async def test_a_bound_that_the_limits_do_not_know_lets_next_to_nothing_through(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "shared", lambda counting: shared(replace(counting, bounds=(), callers=())))
    async with start(("by-api", "by-user")) as rig:
        seen = await statuses(rig, "/by-api", {}, 4) + await statuses(rig, "/by-user", bearer(rig), 4)
        assert seen.count(200) <= 1
        assert seen[1:] == [429] * 7


async def test_without_the_classes_of_users_the_limit_of_the_api_holds_or_nobody_passes(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(counting: Counting) -> dict[str, Any]:
        return {name: each for name, each in shared(counting).items() if name != rate_limits.CLASSES}

    monkeypatch.setattr(policies, "shared", without)
    async with start(("by-user", "guarded")) as rig:
        assert await statuses(rig, "/by-user", bearer(rig)) == [403]
        assert await statuses(rig, "/guarded", bearer(rig, "slow")) == [403]


async def test_a_token_whose_claims_nobody_kept_has_no_scope_and_sends_no_claim(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = tokens._provider

    def forgetful(*args: Any, **kwargs: Any) -> Any:
        made = provider(*args, **kwargs)
        made.payload_in_metadata = ""
        return made

    monkeypatch.setattr(tokens, "_provider", forgetful)
    assert scopes.PAYLOAD
    async with start(("scoped", "claims")) as rig:
        assert await statuses(rig, "/scoped", bearer(rig, scope="read write")) == [403]
        sent = {**bearer(rig, org="acme"), "x-org": "spoofed"}
        seen = (await rig.request("GET", "/claims", headers=sent)).json()["headers"]
        assert "x-org" not in seen


async def test_policies_hold_on_while_the_control_plane_is_away(start: Callable[..., Any]) -> None:
    async with start(("by-api", "scoped", "resting", "sized", "claims")) as rig:
        await rig.stop_control()
        assert (await statuses(rig, "/by-api", {}, 10)).count(200) == 6
        assert await statuses(rig, "/scoped", bearer(rig, scope="read")) == [403]
        assert await statuses(rig, "/resting", bearer(rig)) == [503]
        async with rig.client() as client:
            assert (await client.post("/sized", content=b"x" * 5_000)).status_code == 413
        seen = (await rig.request("GET", "/claims", headers={**bearer(rig), "x-org": "spoofed"})).json()
        assert "x-org" not in seen["headers"]


async def test_a_change_of_another_api_does_not_begin_the_count_anew(start: Callable[..., Any]) -> None:
    async with start(("by-api", "by-user")) as rig:
        assert (await statuses(rig, "/by-api", {}, 8)).count(200) == 6
        assert (await statuses(rig, "/by-user", bearer(rig), 6)).count(200) == 4
        changed = (replace(rig.spec.apis[0], timeout_ms=1_234), *rig.spec.apis[1:])
        before = rig.gateway.publication.revision
        rig.declared.set(replace(rig.spec, apis=changed))
        await eventually(lambda: rig.gateway.publication.revision > before)
        await rig.converged()
        assert await statuses(rig, "/by-api", {}, 2) == [429, 429]
        assert await statuses(rig, "/by-user", bearer(rig), 2) == [429, 429]


async def test_what_a_change_takes_away_is_taken_from_open_connections_too(start: Callable[..., Any]) -> None:
    async with start(("by-api", "scoped")) as rig, rig.client() as client:
        assert (await client.get("/plain")).status_code == 200
        shut = tuple(replace(each, policies=rig.spec.apis[-1].policies) for each in rig.spec.apis)
        assert shut[0].policies != Policies()
        before = rig.gateway.publication.revision
        rig.declared.set(replace(rig.spec, apis=shut))
        await eventually(lambda: rig.gateway.publication.revision > before)
        await rig.converged()
        plain = await client.get("/scoped", headers=bearer(rig, scope="read"))
        assert plain.status_code == 403


async def test_the_nodes_that_are_left_share_what_a_dead_one_had(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_nodes, "_GRACE_S", 0.5)
    async with start(("by-api", "by-address"), nodes=2) as rig:
        assert (await statuses(rig, "/by-address", {}, 4)).count(200) == 2
        rig.send(rig.spec.nodes[1].name, signal.SIGKILL)
        await eventually(lambda: not rig.gateway.links()["node-2"].connected)
        before = rig.gateway.publication.revision
        await eventually(lambda: rig.gateway.publication.revision > before)
        await eventually(lambda: rig.gateway.links()["node-1"].acknowledged)
        assert (await statuses(rig, "/by-api", {}, 8)).count(200) == 6
