"""A named cause is held against what was really broken."""

from datetime import UTC, datetime

import pytest

from stationmaster.api.wire import TimelineEntry
from stationmaster.cli.drill_causes import judged, named
from stationmaster.core.drills import FaultKind

AT = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)


def entry(kind: str, text: str) -> TimelineEntry:
    return TimelineEntry(at=AT, kind=kind, by="runbooks", text=text)


@pytest.mark.parametrize(
    ("kind", "cause", "verdict"),
    [
        (FaultKind.HANG, "its process hangs: it holds its address and answers nothing", "right"),
        (FaultKind.HANG, "the route was taken away or changed", "wrong"),
        (FaultKind.KILL, "its process died, and the platform has started it again", "right"),
        (FaultKind.KILL, "a rate limit refuses the check", "wrong"),
        (FaultKind.DELAY, "the way through the gateway is slow, while every instance is fast", "right"),
        (FaultKind.DELAY, "requests wait for a connection; too few targets", "wrong"),
        (FaultKind.ABORT, "gateway nodes answer by themselves though every target is well", "right"),
        (FaultKind.BAD_ROTATION, "the gateway refuses everybody: a rule, a fault, or the signing key", "right"),
        (FaultKind.METRICS_GONE, "it tells no metrics where it is asked for them", "right"),
        (FaultKind.DISK_FULL, "a log has grown beyond 100 MB", "right"),
        (FaultKind.DISK_FULL, "another process holds its address", "wrong"),
        (FaultKind.CONTROL_KILL, "it is over; the control plane was started again", "right"),
        (FaultKind.KILL, "", "open"),
    ],
)
def test_a_cause_that_fits_is_right(kind: FaultKind, cause: str, verdict: str) -> None:
    assert judged(cause, [kind.value], knows_place=True) == verdict
    assert judged(cause, [kind.value], knows_place=False) == "wrong"


def test_every_kind_of_fault_can_be_judged() -> None:
    for kind in FaultKind:
        assert judged("nothing of the sort", [kind.value], knows_place=True) == "wrong"


def test_a_whole_diagnosis_is_believed_before_a_step() -> None:
    of_step = entry("run.step", "step 1.2 Name it.: passed — ran a script: saw 'likely cause: the disk' (tried twice)")
    of_run = entry("diagnosis", "likely cause: the key (two checks)\ncheck: 1.1 passed")
    assert named([of_step]) == "the disk"
    assert named([of_step, of_run]).startswith("the key")
    assert named([entry("note", "likely cause: me")]) == ""


def test_that_it_is_over_is_a_cause_only_where_no_other_is_named() -> None:
    over = entry("diagnosis", "likely cause: it is over; every check passes")
    other = entry("run.step", "step 1.7 Name it: passed — saw 'likely cause: gateway nodes answer by themselves'")
    assert named([over, other]) == "gateway nodes answer by themselves"
    assert named([over]).startswith("it is over")
    died = entry("diagnosis", "likely cause: it is over: the process died and was started again")
    assert named([died, other]) == "it is over: the process died and was started again"
