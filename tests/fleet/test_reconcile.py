"""Which processes are started now, and which not yet or not by the fleet."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.spec import Supervision
from stationmaster.fleet.inventory import Launch
from stationmaster.fleet.reconcile import Crashes, missing, surplus

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
NODE = Launch(name="gateway-1", argv=("envoy",), supervision=Supervision.RESTART)
KEYS = Launch(name="key-us-south", argv=("keys",), supervision=Supervision.RUNBOOK)


@pytest.mark.parametrize(
    ("alive", "launched", "started"),
    [
        (set(), set(), ["gateway-1", "key-us-south"]),
        ({"gateway-1", "key-us-south"}, {"gateway-1", "key-us-south"}, []),
        ({"key-us-south"}, {"gateway-1", "key-us-south"}, ["gateway-1"]),
        ({"gateway-1"}, {"gateway-1", "key-us-south"}, []),
        ({"gateway-1"}, {"gateway-1"}, ["key-us-south"]),
    ],
    ids=[
        "a first start starts all",
        "what lives is left alone",
        "a dead node is started again at once",
        "a dead instance waits for its runbook",
        "an instance never started in this boot is started",
    ],
)
def test_what_is_missing_is_started(alive: set[str], launched: set[str], started: list[str]) -> None:
    assert [each.name for each in missing((NODE, KEYS), alive, launched, {}, now=NOW)] == started


def test_a_process_that_keeps_dying_waits_twice_as_long_each_time_up_to_thirty_seconds() -> None:
    crashes, now, waits = Crashes(), NOW, []
    for _ in range(9):
        crashes = crashes.started(now)
        due = crashes.next_start()
        assert due is not None
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_minute_of_calm_forgets_earlier_crashes() -> None:
    crashes = Crashes(in_a_row=6, last_start=NOW).started(NOW + timedelta(seconds=61))
    assert crashes.in_a_row == 0


def test_a_process_is_not_started_before_its_delay_is_over() -> None:
    crashes = {"gateway-1": Crashes(in_a_row=2, last_start=NOW)}
    early, due = NOW + timedelta(seconds=1.9), NOW + timedelta(seconds=2)
    assert missing((NODE,), set(), set(), crashes, now=early) == ()
    assert missing((NODE,), set(), set(), crashes, now=due) == (NODE,)


def test_what_is_no_longer_declared_is_surplus() -> None:
    assert surplus((NODE,), {"gateway-1", "old"}) == ("old",)
