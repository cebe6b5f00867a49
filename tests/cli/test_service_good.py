"""Which version of a service counts as the one that stood well last."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.api.wire_services import Deployment, ServiceVersion, ServiceVersions
from stationmaster.cli.service_good import good_of
from stationmaster.core.problem import PlatformError

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


def versions(*good_hours_ago: float | None) -> tuple[ServiceVersion, ...]:
    return tuple(
        ServiceVersion(
            number=number,
            command=("run",),
            executor="process",
            image="",
            env={},
            at=NOW,
            by="ada",
            why="",
            good_at=None if hours is None else NOW - timedelta(hours=hours),
            wanted=False,
        )
        for number, hours in enumerate(good_hours_ago, start=1)
    )


def service(wanted: int, phase: str, hours: float, *good: float | None, failed: int | None = None) -> ServiceVersions:
    deployment = Deployment(
        version=wanted,
        source="ordered",
        phase=phase,
        is_over=True,
        since=NOW - timedelta(hours=hours),
        by="ada",
        why="",
        failed=failed,
        told="",
    )
    return ServiceVersions(service="api", deployment=deployment, versions=versions(*good), instances=(), scale=3)


@pytest.mark.parametrize(
    ("found", "chosen", "why"),
    [
        (service(2, "good", 1, 50, 1), 1, "version 2, wanted now, is new"),
        (service(2, "good", 30, 50, 30), 2, "has stood well since"),
        (service(2, "rolling", 30, 50, None), 1, "is new"),
        (service(2, "stuck", 30, 50, None), 1, "is new"),
        (service(3, "good", 1, 20, 50, 1), 1, "is new"),
        (service(1, "rolled-back", 0.1, 50, 20, failed=2), 1, "it is being put back, from version 2"),
        (service(1, "baking", 0.1, None), 1, "no other version ever stood well"),
        (service(1, "good", 1, 1), 1, "no other version ever stood well"),
    ],
)
def test_the_wanted_version_is_left_only_while_it_is_new(found: ServiceVersions, chosen: int, why: str) -> None:
    last = good_of(found, NOW, DAY)
    assert last.version == chosen
    assert why in last.why


def test_a_service_that_never_ran_has_none() -> None:
    never = ServiceVersions(service="api", deployment=None, versions=(), instances=(), scale=3)
    with pytest.raises(PlatformError) as refused:
        good_of(never, NOW, DAY)
    assert refused.value.code == "no-versions"
