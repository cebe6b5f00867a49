"""Whom an alert leads to."""

import pytest

from stationmaster.core.names import ServiceName
from stationmaster.core.response import (
    ChannelName,
    EscalationPolicy,
    IncidentSettings,
    LabelMatch,
    Level,
    PolicyName,
    Route,
    Urgency,
)
from stationmaster.core.spec import PlatformSpec, Service
from stationmaster.incidents.routing import matches, route, urgency_of, written

SHOP, NIGHT, ALL = (
    EscalationPolicy(name=PolicyName(name), levels=(Level(targets=()),)) for name in ("shop", "night", "all")
)
SPEC = PlatformSpec(
    environment="lab",
    services=(Service(name=ServiceName("shop"), port=80, escalation_policy=SHOP.name),),
    escalation_policies=(SHOP, NIGHT, ALL),
    incidents=IncidentSettings(
        policy=ALL.name,
        channels=(ChannelName("ops"),),
        routes=(
            Route(
                matches=(LabelMatch(name="severity", value="warning|info", is_regex=True),),
                policy=NIGHT.name,
                channels=(ChannelName("web"), ChannelName("ops")),
            ),
            Route(matches=(LabelMatch(name="team", value="nobody"),), policy=None, urgency=Urgency.LOW),
        ),
    ),
)


@pytest.mark.parametrize(
    ("labels", "policy", "urgency", "channels"),
    [
        ({"service": "shop", "severity": "critical"}, SHOP, Urgency.HIGH, ("ops",)),
        ({"service": "shop", "severity": "warning"}, NIGHT, Urgency.LOW, ("web", "ops")),
        ({"service": "other"}, ALL, Urgency.HIGH, ("ops",)),
        ({"team": "nobody"}, None, Urgency.LOW, ("ops",)),
    ],
)
def test_the_first_route_that_fits_then_the_service_then_everybody(
    labels: dict[str, str], policy: EscalationPolicy | None, urgency: Urgency, channels: tuple[str, ...]
) -> None:
    found = route(SPEC, labels)
    assert (found.policy, found.urgency, found.channels) == (policy, urgency, channels)
    assert found.why


@pytest.mark.parametrize(
    ("condition", "labels", "holds"),
    [
        (LabelMatch(name="a", value="x"), {"a": "x"}, True),
        (LabelMatch(name="a", value=""), {}, True),
        (LabelMatch(name="a", value="x", is_equal=False), {}, True),
        (LabelMatch(name="a", value="x|y", is_regex=True), {"a": "xy"}, False),
        (LabelMatch(name="a", value="x.y", is_regex=True), {"a": "x\ny"}, True),
        (LabelMatch(name="a", value="x.*", is_regex=True, is_equal=False), {"a": "xyz"}, False),
    ],
)
def test_a_match_is_that_of_alertmanager(condition: LabelMatch, labels: dict[str, str], holds: bool) -> None:
    assert matches((condition,), labels) is holds


def test_what_says_nothing_of_its_severity_is_urgent() -> None:
    assert [urgency_of({"severity": each}) for each in ("", "critical", "page", "Warning", "info")] == [
        Urgency.HIGH,
        Urgency.HIGH,
        Urgency.HIGH,
        Urgency.LOW,
        Urgency.LOW,
    ]


def test_matches_are_written_as_they_are_read() -> None:
    assert written(LabelMatch(name="a", value='x"y\\', is_regex=True, is_equal=False)) == 'a!~"x\\"y\\\\"'
    assert written(LabelMatch(name="a", value="x")) == 'a="x"'
