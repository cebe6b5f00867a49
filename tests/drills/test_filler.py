"""A drill takes up the room of a state folder within its bounds, and gives all of it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.drills import filler as module
from stationmaster.drills.filler import NAME, Filler
from stationmaster.runtime.space import Space, space_of

LIMIT = 4 * 1024**2


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "stationmaster.db").write_bytes(b"x" * 500_000)
    yield tmp_path
    Filler(tmp_path, tmp_path / "logs").give_back()


def test_the_room_that_is_left_is_really_taken_by_a_log_and_given_back(state: Path) -> None:
    filler = Filler(state, state / "logs")
    before = space_of(state)
    filler.fill(LIMIT)
    full = space_of(state)
    assert 0.95 < full.taken_bytes / LIMIT < 1, "nearly all that the folder may take"
    assert full.fullness(LIMIT) > 0.9 > before.fullness(LIMIT)
    assert (state / "logs" / NAME).exists()
    assert (filler.give_back(), filler.give_back()) == (True, False)
    assert space_of(state).taken_bytes == before.taken_bytes


def test_a_folder_that_is_full_already_takes_no_more(state: Path) -> None:
    assert Filler(state, state / "logs").fill(300_000) == 0


@pytest.mark.parametrize(
    ("free_bytes", "disk_bytes", "limit_bytes"),
    [
        pytest.param(2 * 1024**3, 5 * 1024**3, 4 * 1024**3, id="others on the disk keep a gigabyte"),
        pytest.param(900 * 1024**3, 1000 * 1024**3, None, id="a whole disk of this size is never filled"),
    ],
)
def test_more_than_a_drill_may_take_is_refused_and_nothing_is_written(
    state: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, disk_bytes: int, limit_bytes: int | None
) -> None:
    seen = Space(taken_bytes=1000, free_bytes=free_bytes, disk_bytes=disk_bytes)
    monkeypatch.setattr(module, "space_of", lambda _folder: seen)
    with pytest.raises(PlatformError, match="which a drill may not") as refused:
        Filler(state, state / "logs").fill(limit_bytes)
    assert "state_limit" in refused.value.hint
    assert not (state / "logs").exists()


@pytest.mark.parametrize(
    ("taken", "free", "limit", "fullness"),
    [
        (50, 500, 100, 0.5),
        (95, 500, 100, 0.95),
        (5, 50, 100, 0.95),
        (5, 50, None, 0.95),
        (5, 1000, None, 0.0),
    ],
)
def test_a_folder_is_as_full_as_the_nearer_of_its_bound_and_its_disk(
    taken: int, free: int, limit: int | None, fullness: float
) -> None:
    space = Space(taken_bytes=taken, free_bytes=free, disk_bytes=1000)
    assert space.fullness(limit) == pytest.approx(fullness)
