"""How bad a component is, by table; and what goes before what."""

from datetime import timedelta

import pytest

from stationmaster.core.names import ServiceName
from stationmaster.core.response import Component, Urgency
from stationmaster.incidents.status.standing import (
    TABLE,
    Extent,
    Gravity,
    Hold,
    Parts,
    Suffering,
    derived,
    effective,
    extent,
    gravity,
)
from stationmaster.incidents.status.words import Impact, Standing, headline, standing_of
from tests.incidents.world import ZERO

WELL, POOR, BAD, OUT = Standing.OPERATIONAL, Standing.DEGRADED, Standing.PARTIAL, Standing.MAJOR
FOUR = frozenset({"a", "b", "c", "d"})
PARTS = Parts(instances={"orders": FOUR, "one": frozenset({"x"})}, nodes=frozenset({"n1", "n2"}))
COMPONENT = Component(name="Shop", services=(ServiceName("orders"), ServiceName("one")), apis=("buy",))


def hurt(service: str = "orders", *, severity: str = "critical", low: bool = False, **more: str) -> Suffering:
    urgency = Urgency.LOW if low else Urgency.HIGH
    return Suffering(incident=1, severity=severity, urgency=urgency, service=service, **more)


@pytest.mark.parametrize(
    ("down", "whole", "expected"),
    [
        (["a"], FOUR, Extent.LITTLE),
        (["a", "a"], FOUR, Extent.LITTLE),
        (["a", "b"], FOUR, Extent.PART),
        (["a", "b", "c"], FOUR, Extent.PART),
        (["a", "b", "c", "d"], FOUR, Extent.WHOLE),
        ([""], FOUR, Extent.WHOLE),
        (["a", ""], FOUR, Extent.WHOLE),
        (["gone"], FOUR, Extent.LITTLE),
        (["a"], frozenset(), Extent.WHOLE),
        (["x"], frozenset({"x"}), Extent.WHOLE),
    ],
)
def test_how_much_of_a_service_is_down(down: list[str], whole: frozenset[str], expected: Extent) -> None:
    assert extent(down, whole) is expected


def test_the_table_knows_every_case_and_more_is_never_better() -> None:
    assert set(TABLE) == {(each, urgency) for each in Gravity for urgency in Urgency}
    for row in TABLE.values():
        ranks = [row[each].rank for each in Extent]
        assert ranks == sorted(ranks)
    for urgency in Urgency:
        for each in Extent:
            ranks = [TABLE[kind, urgency][each].rank for kind in Gravity]
            assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("suffering", "expected"),
    [
        ([], WELL),
        ([hurt(instance="a")], POOR),
        ([hurt(instance="a"), hurt(instance="b")], BAD),
        ([hurt(instance=each) for each in "abcd"], OUT),
        ([hurt()], OUT),
        ([hurt("one", instance="x")], OUT),
        ([hurt("one", instance="x", low=True)], BAD),
        ([hurt(instance=each, severity="warning") for each in "abcd"], BAD),
        ([hurt(instance=each, severity="warning", low=True) for each in "abcd"], POOR),
        ([hurt(severity="info")], WELL),
        ([hurt(severity="nobody knows")], OUT),
        ([hurt("other")], WELL),
        ([hurt("orders", api="buy", node="n1")], BAD),
        ([hurt("orders", api="buy", node="n1"), hurt("orders", api="buy", node="n2")], OUT),
        ([hurt("orders", api="sell", node="n1")], WELL),
        ([hurt(instance="a"), *(hurt(instance=each, severity="warning") for each in "bcd")], BAD),
    ],
)
def test_a_component_is_as_bad_as_its_worst_part(suffering: list[Suffering], expected: Standing) -> None:
    assert derived(COMPONENT, suffering, PARTS) is expected


@pytest.mark.parametrize(
    ("severity", "expected"),
    [("Critical", Gravity.CRITICAL), ("", Gravity.CRITICAL), (" WARN ", Gravity.WARNING), ("info", Gravity.INFO)],
)
def test_severities_are_understood(severity: str, expected: Gravity) -> None:
    assert gravity(severity) is expected


def _hold(minutes: float | None) -> Hold:
    until = None if minutes is None else ZERO + timedelta(minutes=minutes)
    return Hold(component="Shop", standing=POOR, at=ZERO, by="ada", until=until)


@pytest.mark.parametrize(
    ("hold", "maintenance", "expected"),
    [
        (None, False, OUT),
        (None, True, Standing.MAINTENANCE),
        (_hold(None), True, POOR),
        (_hold(1), False, POOR),
        (_hold(0), True, Standing.MAINTENANCE),
    ],
)
def test_by_hand_goes_before_maintenance_and_that_before_incidents(
    hold: Hold | None, maintenance: bool, expected: Standing
) -> None:
    assert effective(OUT, hold, in_maintenance=maintenance, now=ZERO) is expected


@pytest.mark.parametrize("text", ["partial", "Partial Outage", "partial_outage", "partial-outage"])
def test_a_standing_may_be_written_in_words(text: str) -> None:
    assert standing_of(text) is BAD


def test_maintenance_alone_is_no_outage() -> None:
    assert headline(Impact.NONE, [WELL, Standing.MAINTENANCE]) == "Service Under Maintenance"
    assert headline(Impact.NONE, [WELL]) == "All Systems Operational"
    assert headline(Impact.CRITICAL, [OUT, Standing.MAINTENANCE]) == "Major System Outage"
