"""Decides which blocks leave memory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stationmaster.monitor.series.rows import RowBlock
from stationmaster.monitor.series.stream import BLOCK_MS, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBounds:
    """Blocks stay for `raw_ms`, as long as all of them together are not larger than `most_bytes`. No more than
    `most_series` are known; from half of that on, those whose samples have left memory are forgotten early."""

    raw_ms: int = 2 * 3600 * 1000
    most_bytes: int = 2 << 30
    most_series: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """`now_ms` may have jumped; `trusted_ms` never runs faster than twice the true pace."""

    now_ms: int
    trusted_ms: int


Saved = Callable[[RowBlock], bool]


def seal_quiet(streams: Iterable[Stream], clocks: Clocks) -> None:
    """Streams that nobody writes any more have their last block sealed too."""
    for stream in streams:
        if stream.blocks and stream.blocks[-1].rows and stream.last_ms < clocks.trusted_ms - BLOCK_MS:
            stream.seal()


def leaving(
    streams: Iterable[Stream], saved: Saved, clocks: Clocks, bounds: MemoryBounds
) -> list[tuple[Stream, RowBlock]]:
    """Sealed blocks that are too old or too many, oldest first. What is not saved leaves only for want of room, or when
    it is too old by the trusted clock."""
    sealed = [(stream, block) for stream in streams for block in stream.blocks[:-1]]
    sealed.sort(key=lambda each: int(each[1].view.times[-1]))
    excess = sum(block.size_bytes for stream in streams for block in stream.blocks) - bounds.most_bytes
    found = []
    for stream, block in sealed:
        last_ms = int(block.view.times[-1])
        old_ms = (clocks.now_ms if saved(block) else clocks.trusted_ms) - bounds.raw_ms
        if last_ms < old_ms or excess > 0:
            found.append((stream, block))
            excess -= block.size_bytes
    return found


def too_large(streams: Iterable[Stream], bounds: MemoryBounds) -> list[Stream]:
    """Streams whose written blocks alone are beyond the bound, which only sealing helps; largest first."""
    heads = [(stream.blocks[-1].size_bytes, stream) for stream in streams if stream.blocks and stream.blocks[-1].rows]
    excess = sum(size for size, _ in heads) - bounds.most_bytes
    found = []
    for size, stream in sorted(heads, key=lambda each: each[0], reverse=True):
        if excess <= 0:
            break
        found.append(stream)
        excess -= size
    return found
