"""What nodes did with a target between two looks is told in their own order."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.gateway.chronicle import Chronicle
from stationmaster.gateway.targets import Sighting

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
WHERE = ("shop", "127.0.0.1:8081")
SICK = ("it fails its health check",)


def told(*looks: Sighting | None) -> list[str]:
    """`None` stands for a node that does not answer."""
    chronicle = Chronicle()
    for second, look in enumerate(looks):
        chronicle.note({"g-1": None if look is None else {WHERE: look}}, NOW + timedelta(seconds=second))
    return [f"{each.at.second} {each.by}: {each.text}" for each in chronicle.of(*WHERE)]


@pytest.mark.parametrize(
    ("looks", "story"),
    [
        ((Sighting(), Sighting(succeeded=9)), []),
        ((Sighting(failing=SICK),), []),
        (
            (Sighting(), Sighting(failing=SICK), Sighting(failing=SICK), Sighting()),
            ["1 g-1: sends nothing to it any more: it fails its health check", "3 g-1: sends to it again"],
        ),
        (
            (Sighting(), Sighting(failing=SICK), None, Sighting()),
            ["1 g-1: sends nothing to it any more: it fails its health check", "3 g-1: sends to it again"],
        ),
        (
            (Sighting(connect_failures=1), Sighting(connect_failures=3, failed=2)),
            ["1 g-1: 2 connections to it were refused; the requests went to other targets where that is safe"],
        ),
        (
            (Sighting(), Sighting(failed=1, timed_out=2)),
            ["1 g-1: 3 requests failed there; they went to other targets where that is safe"],
        ),
        ((Sighting(failed=7), Sighting(failed=0)), []),
    ],
)
def test_what_changed_between_two_looks(looks: tuple[Sighting | None, ...], story: list[str]) -> None:
    assert told(*looks) == story


def test_targets_that_a_node_no_longer_has_begin_anew() -> None:
    chronicle = Chronicle()
    chronicle.note({"g-1": {WHERE: Sighting(failing=SICK)}}, NOW)
    chronicle.note({"g-1": {}}, NOW)
    chronicle.note({"g-1": {WHERE: Sighting()}}, NOW)
    assert chronicle.of(*WHERE) == ()
