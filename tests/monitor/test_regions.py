"""When a service is down as a whole, or in a region, as a table."""

from datetime import UTC, datetime

import pytest

from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Address, HealthCheck, Instance
from stationmaster.monitor.regions import outages
from stationmaster.monitor.rules import Health, Watched

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STATES = {"u": Health.UP, "d": Health.DOWN, "h": Health.HELD, "?": Health.UNKNOWN}


def watched(service: str, region: str, number: int) -> Watched:
    name = InstanceName(f"{service}-{region}-{number}")
    address = Address(host="127.0.0.1", port=9000 + number)
    instance = Instance(name=name, service=ServiceName(service), region=region, address=address)
    return Watched(environment="lab", instance=instance, check=HealthCheck())


def alerts(regions: dict[str, str], firing: frozenset[str] = frozenset()) -> dict[str, str]:
    """The alerts by fingerprint, for instances whose states are given as letters by region."""
    members = [watched("shop", region, number) for region, row in regions.items() for number in range(len(row))]
    health = {
        f"shop-{region}-{number}": STATES[letter]
        for region, row in regions.items()
        for number, letter in enumerate(row)
    }
    found = outages(members, health, firing, NOW)
    return {key: f"{each.alert.name} {each.alert.labels.get('region', '')}".strip() for key, each in found.items()}


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ({"a": "uu", "b": "uu"}, []),
        ({"a": "ud", "b": "uu"}, []),
        ({"a": "dd", "b": "uu"}, ["ServiceRegionDown a"]),
        ({"a": "dd", "b": "ud"}, ["ServiceRegionDown a"]),
        ({"a": "dd", "b": "dd"}, ["ServiceDown", "ServiceRegionDown a", "ServiceRegionDown b"]),
        ({"a": "ddd"}, ["ServiceDown"]),
        ({"a": "d"}, []),
        ({"a": "d", "b": "u", "c": "u"}, []),
        ({"a": "d", "b": "d", "c": "d"}, ["ServiceDown"]),
        ({"a": "dh", "b": "u"}, ["ServiceRegionDown a"]),
        ({"a": "hh", "b": "u"}, []),
        ({"a": "d?", "b": "u"}, []),
        ({"a": "", "b": ""}, []),
    ],
)
def test_a_group_is_down_when_all_of_it_is(regions: dict[str, str], expected: list[str]) -> None:
    assert sorted(alerts(regions).values()) == expected


def test_what_fires_goes_on_until_one_is_up_again() -> None:
    firing = frozenset(alerts({"a": "dd", "b": "dd"}))
    assert len(alerts({"a": "d?", "b": "??"}, firing)) == 3
    assert sorted(alerts({"a": "du", "b": "d?"}, firing).values()) == ["ServiceRegionDown b"]
    assert alerts({"a": "hh", "b": "hh"}, firing) == {}


def test_an_alert_names_service_environment_region_instances_and_urls() -> None:
    (outage,) = outages(
        [watched("shop", "a", number) for number in range(5)],
        {f"shop-a-{number}": Health.DOWN for number in range(5)},
        frozenset(),
        NOW,
    ).values()
    assert outage.alert.labels == {
        "alertname": "ServiceDown",
        "service": "shop",
        "environment": "lab",
        "severity": "critical",
    }
    assert outage.alert.summary == (
        "Service: shop in env: lab is down in all regions, all of its 5 instances there, urls are "
        "http://127.0.0.1:9000/, http://127.0.0.1:9001/, http://127.0.0.1:9002/ and 2 more"
    )
    assert outage.evidence.startswith("5 of 5 instances are down: shop-a-0, ")
