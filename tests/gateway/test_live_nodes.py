"""Among how many nodes bounds are divided."""

from collections.abc import Iterable

import pytest

from stationmaster.gateway.live_nodes import LiveNodes

EVERY = ("a", "b", "c")


def among(*story: tuple[float, Iterable[str]]) -> list[str]:
    """Who counts after a story of moments and the nodes connected then."""
    nodes = LiveNodes(began_s=0.0)
    counted: frozenset[str] = frozenset()
    for moment, connected in story:
        counted = nodes.among(EVERY, connected, moment)
    return sorted(counted)


@pytest.mark.parametrize(
    ("story", "expected"),
    [
        (((1, ()),), EVERY),
        (((1, "a"),), EVERY),
        (((1, "ab"), (11, "ab")), ("a", "b")),
        (((11, "abc"), (12, "ab")), EVERY),
        (((11, "abc"), (22, "ab")), ("a", "b")),
        (((11, "ab"), (22, "abc")), EVERY),
        (((11, "abc"), (40, ())), EVERY),
        (((11, "abz"), (12, "abz")), ("a", "b")),
    ],
)
def test_who_counts(story: tuple[tuple[float, Iterable[str]], ...], expected: Iterable[str]) -> None:
    assert among(*story) == sorted(expected)
