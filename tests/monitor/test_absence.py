"""What is told of a control plane that died, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.absence import Absence, ending_of, outage_of

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
SPEC = PlatformSpec(environment="lab")


def away(seconds: float) -> Absence:
    return Absence(since=NOW - timedelta(seconds=seconds), until=NOW, ending="its end")


@pytest.mark.parametrize(
    ("seconds", "severity", "said"),
    [
        (0.4, "info", "0.4 s"),
        (29.9, "info", "29.9 s"),
        (30, "warning", "30.0 s"),
        (119, "warning", "119.0 s"),
        (299, "warning", "5 min"),
        (300, "critical", "5 min"),
        (7200, "critical", "120 min"),
        (-5, "info", "0.0 s"),
    ],
)
def test_the_longer_nobody_watched_the_worse_it_is(seconds: float, severity: str, said: str) -> None:
    alert = outage_of(away(seconds), SPEC).alert
    assert (alert.name, alert.labels["severity"]) == ("ControlPlaneDown", severity)
    assert f"was away for {said} in env: lab, url is http://" in alert.summary


def test_one_that_dies_over_and_over_is_one_failure_and_a_worse_one_is_another() -> None:
    first, second, worse = (outage_of(away(each), SPEC).alert.fingerprint for each in (1, 20, 4000))
    assert first == second != worse


def test_it_says_when_it_was_seen_last_and_how_it_ended() -> None:
    assert outage_of(away(2), SPEC).evidence == "its last sign of life was at 03:04:03 UTC; its end"


@pytest.mark.parametrize(
    ("status", "said"), [(-9, "its supervisor saw it end by signal 9"), (1, "it ended with status 1")]
)
def test_the_end_of_a_process_in_words(status: int, said: str) -> None:
    assert ending_of(status) == said
