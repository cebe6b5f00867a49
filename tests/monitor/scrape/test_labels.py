"""Whose word counts where a target and its declaration have the same label."""

import pytest

from stationmaster.core.address import Address
from stationmaster.monitor.scrape.labels import joined, known_of
from stationmaster.monitor.scrape.target import ScrapeTarget

KNOWN = {"job": "ours", "instance": "one"}


@pytest.mark.parametrize(
    ("told", "honor", "expected"),
    [
        ({"__name__": "up"}, False, {"__name__": "up", "job": "ours", "instance": "one"}),
        ({"job": "theirs"}, False, {"job": "ours", "exported_job": "theirs", "instance": "one"}),
        ({"job": ""}, False, {"job": "ours", "instance": "one"}),
        (
            {"job": "theirs", "exported_job": "older"},
            False,
            {"job": "ours", "exported_job": "older", "exported_exported_job": "theirs", "instance": "one"},
        ),
        (
            {"job": "a", "instance": "b"},
            False,
            {"job": "ours", "instance": "one", "exported_job": "a", "exported_instance": "b"},
        ),
        ({"job": "theirs"}, True, {"job": "theirs", "instance": "one"}),
        ({"job": ""}, True, {"instance": "one"}),
        ({"a": ""}, False, KNOWN),
    ],
)
def test_labels_are_joined_as_prometheus_does(told: dict[str, str], honor: bool, expected: dict[str, str]) -> None:
    found = joined(told, KNOWN, honor=honor)
    assert dict(found) == expected
    assert list(found) == sorted(found)


def test_declared_labels_may_name_another_instance() -> None:
    target = ScrapeTarget(
        job="j", instance="i", address=Address(host="h", port=1), labels=(("instance", "other"), ("team", "a"))
    )
    assert known_of(target) == {"job": "j", "instance": "other", "team": "a"}
