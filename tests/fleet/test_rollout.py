"""Which process of a group is restarted next, and which have to wait."""

import pytest

from stationmaster.fleet.rollout import Await, Build, Member, Replace, Standing, next_in

UP, DOWN, UNKNOWN = Standing.UP, Standing.DOWN, Standing.UNKNOWN
CURRENT, STALE, GONE = Build.CURRENT, Build.STALE, Build.GONE


def group(*members: tuple[Build, Standing], busy: str = "") -> list[Member]:
    names = "abc"
    return [
        Member(name=names[at], build=build, standing=standing, busy=names[at] == busy)
        for at, (build, standing) in enumerate(members)
    ]


@pytest.mark.parametrize(
    ("members", "step"),
    [
        (group((CURRENT, UP), (CURRENT, DOWN)), None),
        (group((STALE, UP), (STALE, UP)), Replace(name="a")),
        (group((CURRENT, UP), (STALE, UP)), Replace(name="b")),
        (group((STALE, UP), (STALE, DOWN)), Replace(name="b")),
        (group((CURRENT, UNKNOWN), (STALE, UP)), Await(names=("a",), stale=("b",))),
        (group((CURRENT, DOWN), (STALE, UP)), Await(names=("a",), stale=("b",))),
        (group((GONE, DOWN), (STALE, UP)), Await(names=("a",), stale=("b",))),
        (group((STALE, UNKNOWN)), Await(names=("a",), stale=("a",))),
        (group((CURRENT, DOWN), (STALE, DOWN)), Replace(name="b")),
        (group((CURRENT, UP), (STALE, UP), busy="a"), None),
    ],
    ids=[
        "nothing is stale",
        "the first one first",
        "one after the other",
        "one that is down goes first",
        "a new one has to be seen well",
        "a new one that is down stops it",
        "one that is gone stops it",
        "one that was not seen yet is waited for",
        "what serves nobody may be restarted whatever the others do",
        "one at a time",
    ],
)
def test_the_next_step_of_a_rolling_restart(members: list[Member], step: Replace | Await | None) -> None:
    assert next_in(members) == step
