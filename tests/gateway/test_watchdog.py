"""The watchdog beside real nodes: it sees what sticks, mends what it can, and tells."""

import asyncio
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import BalancerState
from stationmaster.core.names import InstanceName
from stationmaster.gateway import disagreement
from stationmaster.gateway.disagreement import DirectCheck, Kind
from stationmaster.gateway.explain import story, verdict
from stationmaster.gateway.inquiry import inquire
from stationmaster.gateway.snapshot import Kind as Resource
from stationmaster.gateway.watchdog import Watchdog
from stationmaster.runtime import audit
from stationmaster.runtime.db import utc_now
from tests.gateway.rig import Rig

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disagreement, "_AFTER", dict.fromkeys(Kind, timedelta(milliseconds=200)))


def watchdog_of(rig: Rig, direct: dict[str, DirectCheck] | None = None) -> Watchdog:
    return Watchdog(rig.database, rig.declared, rig.gateway, direct=lambda: direct or {})


async def finds(watchdog: Watchdog, *wanted: Kind, limit_s: float = 10) -> None:
    async with asyncio.timeout(limit_s):
        while {each.kind for each in await watchdog.look()} != set(wanted):
            await asyncio.sleep(0.1)


async def test_a_platform_that_is_well_has_no_findings(rig: Rig) -> None:
    watchdog = watchdog_of(rig)
    await finds(watchdog)
    await rig.gateway.rotation.hold("shop", rig.targets[0], BalancerState.DRAIN, by="ada", why="new kernel")
    await rig.gateway.rotation.hold("shop", rig.targets[1], BalancerState.OUT, by="ada", why="new kernel", force=True)
    for _ in range(5):
        assert await watchdog.look() == ()
        await asyncio.sleep(0.1)


async def test_a_node_that_was_never_told_of_a_withdrawal_is_told_by_the_watchdog(rig: Rig) -> None:
    """The control plane is made to believe that the node has what it was never sent."""
    publication, (host,) = rig.gateway.publication, ("shop",)
    deaf = publication.followers["node-1"]
    for channel in deaf.session.channels.values():
        channel.again.clear()
    watchdog, sent = watchdog_of(rig), deaf.session.count

    def believe() -> None:
        wanted = publication.snapshots["node-1"].of(Resource.ENDPOINTS)[host]
        endpoints = deaf.session.channels[Resource.ENDPOINTS]
        endpoints.known[host] = wanted.version
        endpoints.lacking.discard(host)

    publish = rig.gateway.rotation._publish

    def publish_and_believe() -> int:
        revision = publish()
        believe()
        return revision

    rig.gateway.rotation._publish = publish_and_believe
    await rig.gateway.rotation.take_out("shop", rig.targets[0], by="ada", why="it smokes")
    assert deaf.session.count == sent, "the node was told nothing"
    seen = [each.text for each in disagreement.follow((), await watchdog._view(), utc_now())]
    assert seen == [f"node node-1 still sends to {rig.targets[0]} of shop that is out"]

    async with asyncio.timeout(10):
        while not [each for each in watchdog._found if each.resent]:
            await watchdog.look()
            await asyncio.sleep(0.05)
    await finds(watchdog)
    async with rig.database.read() as connection:
        ((_, told),) = await audit.changes(connection, audit.Asked(who="watchdog"))
    assert (told.action, told.kind, told.name) == ("resend", "node", "node-1")
    assert "still sends to" in told.after["why"]


async def test_nodes_that_find_a_target_unhealthy_against_the_direct_check_are_a_finding(rig: Rig) -> None:
    host = rig.spec.virtual_hosts[0]
    named = tuple(replace(each, instance=InstanceName(f"shop-{number}")) for number, each in enumerate(host.targets))
    spec = replace(rig.spec, virtual_hosts=(replace(host, targets=named),))
    rig.declared.set(spec)
    good = {"shop-0": DirectCheck(ok=True, detail="status 200", since=utc_now())}
    watchdog = watchdog_of(rig, good)
    await finds(watchdog)
    rig.send(rig.targets[0], signal.SIGKILL)
    await finds(watchdog, Kind.FOUND_FAILING)
    (finding,) = watchdog.findings.value
    assert finding.text.startswith(f"every node finds {rig.targets[0]} of shop unhealthy (")
    assert set(watchdog.failing_since) == {(node, "shop", rig.targets[0]) for node in ("node-1", "node-2")}

    evidence = await inquire(watchdog, "shop", "shop-0")
    told = "\n".join(story(evidence, utc_now()))
    assert verdict(evidence).startswith(f"{rig.targets[0]} (shop-0) of shop is in rotation, but no node sends to it: ")
    assert "node node-1 sends nothing to it" in told
    assert "disagreement since" in told
    assert "direct check is good since" in told


async def test_a_node_that_is_gone_is_a_finding_until_it_is_back(rig: Rig) -> None:
    watchdog = watchdog_of(rig)
    rig.programs["node-2"].kill()
    rig.programs["node-2"].wait(timeout=5)
    await finds(watchdog, Kind.AWAY)
    rig.start_node(rig.spec.nodes[1])
    await finds(watchdog)


async def test_a_withdrawal_does_not_wait_for_a_node_that_is_gone(rig: Rig) -> None:
    rig.programs["node-2"].kill()
    rig.programs["node-2"].wait(timeout=5)
    async with asyncio.timeout(5):
        while rig.gateway.links()["node-2"].connected:
            await asyncio.sleep(0.02)
    started = asyncio.get_running_loop().time()
    fact = await rig.gateway.rotation.take_out("shop", rig.targets[0], by="ada", why="it smokes")
    assert asyncio.get_running_loop().time() - started < 1
    assert fact.pending == ("node-2",)
    assert set(fact.acknowledged) == {"node-1"}


async def test_the_story_of_a_target_that_ada_took_out(rig: Rig) -> None:
    watchdog = watchdog_of(rig)
    await rig.gateway.rotation.hold("shop", rig.targets[0], BalancerState.OUT, by="ada", why="it smokes")
    evidence = await inquire(watchdog, "shop", rig.targets[0])
    assert verdict(evidence) == f"{rig.targets[0]} of shop takes no new requests: held out by ada (it smokes)"
    told = story(evidence, utc_now())
    assert told[1].startswith("out since ")
    assert "by ada: it smokes (held by hand, until somebody releases it); acknowledged by node-1 after" in told[1]
    assert told[2] == "node node-1 does not know it"
    assert told[-1].endswith("UTC, ada: in -> out (held by hand): it smokes")
    other = await inquire(watchdog, "shop", rig.targets[1])
    assert verdict(other) == f"{rig.targets[1]} of shop takes requests from every node that answers"
