"""The guard counts in the store, lets no two runs exceed a budget, and looks at what callers get."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from stationmaster.core.changes import ApiReading, ChangeBegan, ChangeEnded, ChangeWorsened
from stationmaster.core.facts import EscalationAsked, RunEnded
from stationmaster.core.spec import HealingPolicy, PlatformSpec
from stationmaster.healing.bounds import Allowed, Busy, Change, Refused
from stationmaster.healing.decide import TargetView
from stationmaster.healing.guard import Guard
from stationmaster.healing.touched import Touched, touched
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now
from tests.healing.test_touched import SPEC

RESTART = touched([("stm", "instance", "restart", "keys-1")], SPEC, "")


@dataclass
class Callers:
    """What callers get, as the test says."""

    good_percent: float = 99.0
    asked: list[float] = field(default_factory=list)

    async def __call__(self, apis: Sequence[str], within_s: float) -> Sequence[ApiReading]:
        self.asked.append(within_s)
        return [ApiReading(api=each, requests=500, good_percent=self.good_percent, p95_ms=20.0) for each in apis]


async def no_targets() -> Sequence[TargetView]:
    return ()


def guarded(database: Database, callers: Callers | None = None, **policy: object) -> Guard:
    spec = replace(SPEC, healing=replace(HealingPolicy(), **policy))  # type: ignore[arg-type]
    guard = Guard(database=database, spec=lambda: spec, targets=no_targets)
    if callers is not None:
        guard.measure = callers
    return guard


def change(run: str = "run-1", step: str = "3", attempt: int = 1, touches: Touched = RESTART) -> Change:
    return Change(run=run, step=step, attempt=attempt, touches=touches)


async def test_what_was_counted_counts_for_the_next_process_as_well(database: Database) -> None:
    assert isinstance(await guarded(database, max_restarts_per_hour=1).begin(change(), incident=1), Allowed)
    later = guarded(database, max_restarts_per_hour=1, one_change_at_a_time=False)
    assert isinstance(await later.begin(change("run-2"), incident=2), Refused)
    assert isinstance(await later.begin(change(), incident=1), Allowed), "the same attempt once more, after a crash"
    assert isinstance(await later.begin(change(attempt=2), incident=1), Refused)
    assert len(await outbox.facts_of(database, ChangeBegan, utc_now() - timedelta(hours=1))) == 1


async def test_many_runs_at_once_stay_within_the_budget(database: Database) -> None:
    guard = guarded(database, max_restarts_per_hour=3, one_change_at_a_time=False)
    found = await asyncio.gather(*(guard.begin(change(f"run-{each}"), incident=each) for each in range(12)))
    assert sum(isinstance(each, Allowed) for each in found) == 3
    assert len(await outbox.facts_of(database, ChangeBegan, utc_now() - timedelta(hours=1))) == 3


async def test_a_yes_passes_the_bound_once_and_is_counted(database: Database) -> None:
    guard = guarded(database, max_restarts_per_hour=0, one_change_at_a_time=False)
    assert isinstance(await guard.begin(change(), incident=1), Refused)
    assert isinstance(await guard.begin(change(), incident=1, overridden=True), Allowed)
    assert isinstance(await guard.begin(change(attempt=2), incident=1), Refused)
    (fact,) = await outbox.facts_of(database, ChangeBegan, utc_now() - timedelta(hours=1))
    assert fact.restarts == ("keys-1",)
    assert fact.counts


async def test_the_second_run_waits_until_the_change_of_the_first_is_verified(database: Database) -> None:
    guard = guarded(database)
    await guard.begin(change(), incident=1)
    assert isinstance(await guard.begin(change("run-2"), incident=2), Busy)
    assert isinstance(await guard.begin(change("run-2"), incident=2, waits=False), Allowed)
    assert isinstance(await guard.begin(change("run-3"), incident=2), Busy)
    await guard.ended(change(), incident=1)
    await guard.ended(change("run-2"), incident=2)
    assert isinstance(await guard.begin(change("run-3"), incident=2), Allowed)


async def test_instances_that_are_down_together_are_started_together(database: Database) -> None:
    guard = guarded(database)
    guard.down = lambda: frozenset({"keys-1", "keys-2"})
    other = touched([("stm", "instance", "restart", "keys-2")], SPEC, "")
    deploy = touched([("stm", "service", "rollback", "keys")], SPEC, "")
    assert isinstance(await guard.begin(change(), incident=1), Allowed)
    assert isinstance(await guard.begin(change("run-2", touches=other), incident=2), Allowed)
    assert isinstance(await guard.begin(change("run-3"), incident=3), Busy), "the same one twice"
    assert isinstance(await guard.begin(change("run-4", touches=deploy), incident=4), Busy)
    guard.down = lambda: frozenset({"keys-2"})
    later = change("run-5", touches=touched([("docker", "restart", "keys-2")], SPEC, ""))
    await guard.ended(change("run-2", touches=other), incident=2)
    assert isinstance(await guard.begin(later, incident=5), Allowed), "the first was down when it was begun"


async def test_a_run_that_is_over_holds_nobody_up(database: Database) -> None:
    guard = guarded(database)
    await guard.begin(change(), incident=1)
    async with database.write() as connection:
        over = RunEnded(at=utc_now(), incident=1, run="run-1", outcome="aborted", detail="")
        await outbox.append(connection, over)
    assert isinstance(await guard.begin(change("run-2"), incident=2), Allowed)


async def test_worse_numbers_are_told_escalated_and_stop_the_run(database: Database) -> None:
    callers = Callers()
    guard = guarded(database, callers)
    since = utc_now()
    await guard.begin(change(), incident=7)
    assert await guard.worse_after(change(), since=since, incident=7, wait=False) == ""
    callers.good_percent = 40.0
    why = await guard.worse_after(change(), since=since, incident=7, wait=True)
    assert why == "tokens: 40.0 % of 500 requests are good, 99.0 % before"
    (told,) = await outbox.facts_of(database, ChangeWorsened, since)
    assert (told.incident, told.step, told.why) == (7, "3", why)
    (asked,) = await outbox.facts_of(database, EscalationAsked, since)
    assert (asked.level, why in asked.why) == (2, True)
    judged = await guard.look(change(step="4"))
    assert isinstance(judged, Refused)
    assert why in judged.why[0]
    assert isinstance(await guard.look(replace(change(step="3b"), takes_back=True)), Allowed)
    assert isinstance(await guarded(database, one_change_at_a_time=False).look(change("run-2")), Allowed)


async def test_numbers_are_compared_with_those_before_the_first_change(database: Database) -> None:
    callers = Callers()
    guard = guarded(database, callers)
    since = utc_now()
    await guard.begin(change(), incident=7)
    callers.good_percent = 50.0
    await guard.begin(change(step="4"), incident=7)
    callers.good_percent = 49.0
    assert "99.0 % before" in await guard.worse_after(change(step="4"), since=since, incident=7, wait=False)


async def test_nothing_is_compared_with_a_time_when_all_was_well(database: Database) -> None:
    callers = Callers()
    guard = guarded(database, callers)
    await guard.begin(change(), incident=7, failing_since=utc_now() - timedelta(seconds=5))
    assert callers.asked[0] < 10


async def test_who_does_not_want_to_stop_compares_nothing(database: Database) -> None:
    callers = Callers()
    guard = guarded(database, callers, stop_when_worse=False)
    await guard.begin(change(), incident=7)
    assert await guard.worse_after(change(), since=utc_now(), incident=7, wait=True) == ""
    assert callers.asked == []


async def test_what_serves_nobody_is_neither_counted_nor_told(database: Database) -> None:
    guard = guarded(database, max_actions_per_hour=0)
    note = change(touches=touched([("stm", "incident", "note", "3", "-m", "x")], SPEC, "keys"))
    back = change(touches=touched([("stm", "target", "auto", "keys-host", "keys-1")], SPEC, "keys"))
    for each in (note, back):
        assert isinstance(await guard.begin(each, incident=1), Allowed)
        await guard.ended(each, incident=1)
    since: datetime = utc_now() - timedelta(hours=1)
    assert not await outbox.facts_of(database, ChangeBegan, since)
    assert not await outbox.facts_of(database, ChangeEnded, since)


async def test_a_node_is_restarted_only_while_another_one_serves(database: Database) -> None:
    async def one() -> frozenset[str]:
        return frozenset({"gw-1"})

    guard = Guard(database=database, spec=lambda: SPEC, targets=no_targets, serving=one)
    for name, expected in (("gw-1", Refused), ("gw-2", Allowed)):
        node = change(run=name, touches=touched([("stm", "instance", "restart", name)], SPEC, "gateway"))
        assert isinstance(await guard.begin(node, incident=1), expected)


async def test_an_empty_platform_binds_as_the_defaults_say(database: Database) -> None:
    guard = Guard(database=database, spec=lambda: PlatformSpec(environment="test"), targets=no_targets)
    assert guard.policy_of("nobody") == HealingPolicy()
