"""Decides which services are down as a whole, or in a whole region, from the health of their instances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from stationmaster.core.facts import Alert
from stationmaster.monitor.rules import Health, Watched, fingerprint

SERVICE_DOWN = "ServiceDown"
REGION_DOWN = "ServiceRegionDown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An alert that should fire, and what speaks for it."""

    alert: Alert
    evidence: str


def outages(
    watched: Iterable[Watched], health: Mapping[str, Health], firing: Set[str], now: datetime
) -> dict[str, Outage]:
    """What should fire now, by fingerprint.

    A group of instances is down when each of them is, leaving aside those that somebody stopped on purpose; once it
    fires (`firing` holds its fingerprint), it does so until one of them is up again. A group of one instance has no
    alert of its own, as that of the instance says it all; nor has the only region of a service.
    """
    services: dict[str, list[Watched]] = defaultdict(list)
    for each in watched:
        services[each.instance.service].append(each)
    found = {}
    for members in services.values():
        regions: dict[str, list[Watched]] = defaultdict(list)
        for each in members:
            regions[each.instance.region].append(each)
        groups = [(members, ""), *((some, region) for region, some in regions.items() if len(regions) > 1)]
        for group, region in groups:
            outage = _outage(group, region, now)
            fires = outage.alert.fingerprint in firing
            if len(group) > 1 and _is_down([health.get(each.instance.name) for each in group], fires=fires):
                found[outage.alert.fingerprint] = outage
    return found


def _is_down(states: list[Health | None], *, fires: bool) -> bool:
    asked = [state for state in states if state is not Health.HELD]
    if not asked:
        return False
    return all(state is Health.DOWN for state in asked) or (fires and Health.UP not in asked)


def _outage(group: list[Watched], region: str, now: datetime) -> Outage:
    first = group[0]
    labels = {
        "alertname": REGION_DOWN if region else SERVICE_DOWN,
        "service": str(first.instance.service),
        "environment": first.environment,
        **({"region": region} if region else {}),
        "severity": "critical",
    }
    where = f"in region {region}" if region else "in all regions"
    urls = ", ".join(each.url for each in group[:3]) + (f" and {len(group) - 3} more" if len(group) > 3 else "")
    alert = Alert(
        fingerprint=fingerprint(labels),
        labels=labels,
        summary=f"Service: {first.instance.service} in env: {first.environment} is down {where}, "
        f"all of its {len(group)} instances there, urls are {urls}",
        url=first.url,
        starts_at=now,
    )
    names = ", ".join(each.instance.name for each in group[:10])
    return Outage(alert=alert, evidence=f"{len(group)} of {len(group)} instances are down: {names}")
