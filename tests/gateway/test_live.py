"""The declaration changes while nodes serve: only what changed is sent, and a refusal holds up nothing else."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.core.names import ApiName, NodeName, UserName
from stationmaster.core.problem import Origin
from stationmaster.core.spec import Api, ApiUser, CredentialKind, GatewayNode, PlatformSpec
from stationmaster.gateway.snapshot import Kind
from stationmaster.runtime.db import Database
from tests.gateway.load import load
from tests.gateway.rig import BOTH, HOST, KEY, Rig, declared, eventually, local, running

pytestmark = pytest.mark.e2e

SENT = {Kind.SECTION: "segment:fresh", Kind.ROUTES: "segment:fresh"}


def api(name: str, path: str, *, line: int = 1, accepts: frozenset[CredentialKind] = frozenset()) -> Api:
    origin = Origin(file="platform.yaml", line=line)
    return Api(name=ApiName(name), paths=(path,), virtual_host=HOST, accepts=accepts, origin=origin)


def with_apis(spec: PlatformSpec, *apis: Api) -> PlatformSpec:
    return replace(spec, apis=(*spec.apis, *apis))


def versions(rig: Rig) -> Mapping[tuple[Kind, str], str]:
    """What the first node holds."""
    session = rig.gateway.publication.followers["node-1"].session
    return {(kind, name): version for kind, found in session.channels.items() for name, version in found.known.items()}


async def test_an_api_comes_and_goes_without_anything_else_being_sent(rig: Rig) -> None:
    assert (await rig.request("GET", "/fresh")).status_code == 404
    before, spec = versions(rig), rig.spec
    async with load(rig.spec.nodes[0].listen, "/public") as tally:
        await rig.declare(with_apis(spec, api("fresh", "/fresh")))
        assert [(await rig.request("GET", "/fresh", node)).status_code for node in (0, 1)] == [200, 200]
        assert dict(versions(rig).items() - before.items()).keys() == SENT.items()
        await rig.declare(with_apis(spec, api("fresh", "/fresh", accepts=BOTH)))
        assert [(await rig.request("GET", "/fresh", node)).status_code for node in (0, 1)] == [401, 401]
        await rig.declare(spec)
        assert [(await rig.request("GET", "/fresh", node)).status_code for node in (0, 1)] == [404, 404]
        assert versions(rig) == before
        await tally.reaches(50)
    assert tally.failures == {}


async def test_a_user_comes_and_goes(rig: Rig) -> None:
    spec, headers = rig.spec, {"apikey": KEY["mallory"]}
    assert (await rig.request("GET", "/both", headers=headers)).status_code == 403
    may = ApiUser(name=UserName("mallory"), apis=(ApiName("both"),))
    await rig.declare(replace(spec, api_users=(spec.api_users[0], may)))
    assert (await rig.request("GET", "/both", headers=headers)).status_code == 200
    await rig.declare(spec)
    assert (await rig.request("GET", "/both", headers=headers)).status_code == 403


async def test_what_a_node_refuses_is_told_at_its_line_and_holds_up_nothing_else(rig: Rig) -> None:
    spec = rig.spec
    good = with_apis(spec, api("fresh", "/fresh", line=70))
    await rig.declare(good)
    bad = with_apis(spec, replace(good.apis[-1], paths=("/fresh", "~/fresh/(?!x)")), api("other", "/other", line=80))
    began = time.monotonic()
    rig.declared.set(bad)
    await eventually(lambda: bool(rig.gateway.publication.refused()))
    assert time.monotonic() - began < 3
    told = rig.gateway.diagnostics()
    assert {(each.code, each.origin.line) for each in told} == {("node-refused", 70)}
    assert "invalid perl operator" in told[0].message
    assert [(await rig.request("GET", path)).status_code for path in ("/fresh", "/other")] == [200, 200]
    await rig.declare(with_apis(bad, api("later", "/later")), refused=True)
    assert (await rig.request("GET", "/later")).status_code == 200
    await rig.declare(good)
    assert rig.gateway.diagnostics() == ()


async def test_nodes_come_and_go(rig: Rig, free_port: Callable[[], int]) -> None:
    spec = rig.spec
    third = GatewayNode(name=NodeName("node-3"), listen=local(free_port()), admin=local(free_port()))
    more = replace(spec, nodes=(*spec.nodes, third))
    rig.declared.set(more)
    rig.spec = more
    rig.start_node(third)
    await eventually(lambda: rig.gateway.links()["node-3"].acknowledged)
    assert (await rig.request("GET", "/public", 2)).status_code == 200
    assert (await rig.request("GET", "/both", 2)).status_code == 401
    fewer = replace(spec, nodes=(*spec.nodes[1:], third))
    await rig.declare(fewer)
    assert rig.gateway.links().keys() == {"node-2", "node-3"}
    await eventually(lambda: "node-1" not in rig.gateway.publication.followers)
    assert (await rig.request("GET", "/public", 0)).status_code == 200


async def test_hundreds_of_apis_are_there_at_the_start_and_changes_stay_small(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    spec = declared(free_port, nodes=1, targets=1)
    many = with_apis(spec, *(api(f"api-{number}", f"/api-{number}") for number in range(400)))
    async with running(many, database, tmp_path) as rig:
        for number in (0, 199, 399):
            assert (await rig.request("GET", f"/api-{number}/x")).status_code == 200
        session = rig.gateway.publication.followers["node-1"].session
        before = session.count
        changed = (*many.apis[:-1], replace(many.apis[-1], accepts=BOTH))
        await rig.declare(replace(many, apis=changed))
        assert session.count == before + 1
        assert (await rig.request("GET", "/api-399")).status_code == 401
        assert (await rig.request("GET", "/api-398")).status_code == 200
