"""What people decide about a target wins over what is automatic, inside the declared bounds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stationmaster.core.facts import BalancerState, TargetChanged
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import HealingPolicy, PlatformSpec
from stationmaster.gateway.receipts import Receipts
from stationmaster.gateway.rotation import AUDITED_AS, Rotation
from stationmaster.runtime import audit
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_of
from tests.gateway.rig import declared

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
IN, OUT, DRAIN = BalancerState.IN, BalancerState.OUT, BalancerState.DRAIN


@pytest.fixture
def spec(free_port: Callable[[], int]) -> PlatformSpec:
    return declared(free_port, nodes=0, targets=3)


@pytest.fixture
def rotation(spec: PlatformSpec, database: Database) -> Rotation:
    return made(spec, database)


def made(spec: PlatformSpec, database: Database) -> Rotation:
    return Rotation(database, Cell(spec), Receipts(), lambda: 1)


def address(spec: PlatformSpec, number: int) -> str:
    return str(spec.virtual_hosts[0].targets[number].address)


@pytest.mark.parametrize("state", [OUT, DRAIN, IN])
async def test_nothing_automatic_changes_a_target_that_is_held(
    rotation: Rotation, spec: PlatformSpec, state: BalancerState
) -> None:
    target = address(spec, 0)
    await rotation.hold("shop", target, state, by="ada", why="new kernel")
    automatic = rotation.put_back if state is not IN else rotation.take_out
    with pytest.raises(PlatformError) as refusal:
        await automatic("shop", target, by="self-healing", why="it fails", incident=7)
    assert (refusal.value.code, refusal.value.status) == ("held-manually", 409)
    assert f"is held {state.value} by ada since" in refusal.value.message
    assert "new kernel" in refusal.value.message
    assert f"target auto shop {target}" in refusal.value.hint
    row = await rotation.row("shop", target)
    assert (row.state, row.manual, row.by, row.why) == (state, True, "ada", "new kernel")


async def test_who_wants_what_is_held_already_is_content(rotation: Rotation, spec: PlatformSpec) -> None:
    held = await rotation.hold("shop", address(spec, 0), OUT, by="ada", why="new kernel")
    assert await rotation.take_out("shop", address(spec, 0), by="runbook", why="step 2", incident=7) == held
    assert (await rotation.row("shop", address(spec, 0))).incident is None


async def test_a_hold_takes_over_from_what_was_automatic_and_a_release_ends_in_rotation(
    rotation: Rotation, spec: PlatformSpec, database: Database
) -> None:
    target = address(spec, 0)
    await rotation.take_out("shop", target, by="self-healing", why="it fails", incident=7)
    await rotation.hold("shop", target, OUT, by="ada", why="I look at it")
    with pytest.raises(PlatformError, match="held out by ada"):
        await rotation.put_back("shop", target, by="self-healing", why="all is quiet", incident=7)
    await rotation.hold("shop", target, IN, by="bob", why="it was the check")
    await rotation.release("shop", target, by="bob", why="done")
    await rotation.take_out("shop", target, by="self-healing", why="it fails", incident=8)
    facts = await facts_of(database, TargetChanged, LONG_AGO)
    assert [(fact.state, fact.manual, fact.by, fact.incident) for fact in facts] == [
        (OUT, False, "self-healing", 7),
        (OUT, True, "ada", None),
        (IN, True, "bob", None),
        (IN, False, "bob", None),
        (OUT, False, "self-healing", 8),
    ]


async def test_every_change_is_in_the_audit_trail(rotation: Rotation, spec: PlatformSpec, database: Database) -> None:
    target = address(spec, 0)
    await rotation.hold("shop", target, DRAIN, by="ada", why="new kernel")
    await rotation.hold("shop", target, DRAIN, by="bob", why="me too")
    await rotation.release("shop", target, by="ada", why="done")
    async with database.read() as connection:
        found = [each for _, each in await audit.changes(connection, audit.Asked(kind=AUDITED_AS))]
    assert [(each.who, each.action, each.name) for each in reversed(found)] == [
        ("ada", "drain", f"shop/{target}"),
        ("ada", "auto", f"shop/{target}"),
    ]
    assert found[0].before == {"state": "drain", "manual": True, "by": "ada", "why": "new kernel"}
    assert found[0].after == {"state": "in", "manual": False, "by": "ada", "why": "done"}


async def test_drained_and_withdrawn_targets_are_told_apart_to_the_plan(rotation: Rotation, spec: PlatformSpec) -> None:
    await rotation.hold("shop", address(spec, 0), DRAIN, by="ada", why="new kernel")
    await rotation.hold("shop", address(spec, 1), OUT, by="ada", why="new kernel")
    assert rotation.draining == {("shop", address(spec, 0))}
    assert rotation.withdrawn == {("shop", address(spec, 1))}


async def test_only_what_is_held_in_by_hand_is_forced_and_until_it_is_released(
    rotation: Rotation, spec: PlatformSpec, database: Database
) -> None:
    target = address(spec, 0)
    await rotation.take_out("shop", target, by="self-healing", why="it fails")
    await rotation.put_back("shop", target, by="self-healing", why="it is well")
    await rotation.hold("shop", address(spec, 1), OUT, by="ada", why="new kernel")
    assert rotation.forced == set()
    await rotation.hold("shop", target, IN, by="ada", why="the check is wrong")
    assert rotation.forced == {("shop", target)}
    later = made(spec, database)
    await later.recall()
    assert later.forced == {("shop", target)}
    await later.release("shop", target, by="ada", why="mended")
    assert later.forced == set()


@pytest.mark.parametrize("state", [OUT, DRAIN])
@pytest.mark.parametrize("force", [False, True])
async def test_the_last_target_never_leaves_not_even_by_force(
    rotation: Rotation, spec: PlatformSpec, state: BalancerState, force: bool
) -> None:
    await rotation.hold("shop", address(spec, 0), DRAIN, by="ada", why="new kernel")
    await rotation.hold("shop", address(spec, 1), OUT, by="ada", why="new kernel", force=True)
    with pytest.raises(PlatformError) as refusal:
        await rotation.hold("shop", address(spec, 2), state, by="ada", why="new kernel", force=force)
    assert refusal.value.code == "last-target"


async def test_more_than_the_declared_share_leaves_by_force_alone(spec: PlatformSpec, database: Database) -> None:
    rotation = made(replace(spec, healing=HealingPolicy(max_withdrawn_percent=50)), database)
    await rotation.hold("shop", address(spec, 0), OUT, by="ada", why="new kernel")
    with pytest.raises(PlatformError) as refusal:
        await rotation.hold("shop", address(spec, 1), DRAIN, by="ada", why="new kernel")
    assert refusal.value.code == "share-exceeded"
    assert "1 of 3 targets of shop would be left" in refusal.value.message
    assert "force" in refusal.value.hint
    await rotation.hold("shop", address(spec, 1), DRAIN, by="ada", why="new kernel", force=True)
    async with database.read() as connection:
        (_, newest), *_ = await audit.changes(connection, audit.Asked(kind=AUDITED_AS))
    assert newest.after["forced"] is True


async def test_a_target_that_drains_may_be_taken_out_whatever_the_share(rotation: Rotation, spec: PlatformSpec) -> None:
    await rotation.hold("shop", address(spec, 0), DRAIN, by="ada", why="new kernel")
    await rotation.hold("shop", address(spec, 1), DRAIN, by="ada", why="new kernel")
    fact = await rotation.hold("shop", address(spec, 1), OUT, by="ada", why="it is idle")
    assert fact.state is OUT


@pytest.mark.parametrize("why", ["", "  "])
async def test_a_change_by_hand_needs_a_reason(rotation: Rotation, spec: PlatformSpec, why: str) -> None:
    with pytest.raises(PlatformError, match="needs a reason"):
        await rotation.hold("shop", address(spec, 0), OUT, by="ada", why=why)


@pytest.mark.parametrize("why", ["", "  "])
async def test_what_is_left_to_what_is_automatic_needs_no_reason(
    rotation: Rotation, spec: PlatformSpec, why: str
) -> None:
    await rotation.hold("shop", address(spec, 0), OUT, by="ada", why="new kernel")
    fact = await rotation.release("shop", address(spec, 0), by="ada", why=why)
    assert (fact.state, fact.manual, fact.why) == (BalancerState.IN, False, "released")


async def test_a_hold_outlives_the_control_plane(rotation: Rotation, spec: PlatformSpec, database: Database) -> None:
    await rotation.hold("shop", address(spec, 0), DRAIN, by="ada", why="new kernel")
    later = made(spec, database)
    await later.recall()
    assert later.draining == {("shop", address(spec, 0))}
    assert later.state_of("shop", address(spec, 0)) is DRAIN
    with pytest.raises(PlatformError, match="held drain by ada"):
        await later.put_back("shop", address(spec, 0), by="fleet", why="it is back")
