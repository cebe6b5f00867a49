"""Ways to cut one block of samples into several that hold the same samples."""

import random

import numpy as np

from stationmaster.monitor.promql.samples import MISSING, Block
from tests.monitor.promql.scripts import Splitting


def at_random(seed: int) -> Splitting:
    """Cuts by series, then each part by time: in stretches, or row by row at random; some samples become blocks of
    their own, so that the rest has holes."""
    rng = random.Random(seed)

    def split(block: Block) -> list[Block]:
        parts = [part for group in _by_series(block, rng) for part in _by_time(group, rng)]
        parts = [piece for part in parts for piece in _by_sample(part, rng)]
        rng.shuffle(parts)
        return parts

    return split


def _by_series(block: Block, rng: random.Random) -> list[Block]:
    columns = list(range(len(block.series)))
    rng.shuffle(columns)
    cuts = (
        sorted(rng.sample(range(1, len(columns)), min(len(columns) - 1, rng.randint(0, 3)))) if len(columns) > 1 else []
    )
    groups = [columns[start:end] for start, end in zip([0, *cuts], [*cuts, len(columns)], strict=True)]
    return [Block(times=block.times, values=block.values[:, group], series=block.series[group]) for group in groups]


def _by_time(block: Block, rng: random.Random) -> list[Block]:
    rows = len(block.times)
    parts = rng.randint(1, 3)
    if rng.random() < 0.5:
        owner = np.sort(np.array([rng.randrange(parts) for _ in range(rows)]))
    else:
        owner = np.array([rng.randrange(parts) for _ in range(rows)])
    chosen = [np.flatnonzero(owner == part) for part in range(parts)]
    return [
        Block(times=block.times[pick], values=block.values[pick], series=block.series) for pick in chosen if len(pick)
    ]


def _by_sample(block: Block, rng: random.Random) -> list[Block]:
    if rng.random() < 0.5:
        return [block]
    taken = np.array([[rng.random() < 0.2 for _ in block.series] for _ in block.times])
    rest, away = block.values.copy(), block.values.copy()
    rest[taken], away[~taken] = MISSING, MISSING
    return [Block(times=block.times, values=values, series=block.series) for values in (rest, away)]
