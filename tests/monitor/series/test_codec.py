"""What is packed comes back bit by bit, and what was damaged is noticed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.promql.samples import MISSING_BITS, NORMAL_NAN_BITS, STALE_BITS, Floats
from stationmaster.monitor.series import codec

ODD = (
    MISSING_BITS,
    STALE_BITS,
    NORMAL_NAN_BITS,
    0x7FF8_0000_0000_0000,
    0xFFF8_0000_0000_0001,
    0x7FF0_0000_0000_0000,
    0xFFF0_0000_0000_0000,
    0x8000_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x4340_0000_0000_0000,
    0xC340_0000_0000_0001,
)
"""Bits of holes, markers, NaNs, infinities, -0, the smallest number, and whole numbers at the end of what is exact."""

whole = st.integers(-(2**54), 2**54).map(lambda number: int(np.float64(number).view(np.uint64)))
bits = st.one_of(st.sampled_from(ODD), whole, st.integers(0, 2**64 - 1))


@st.composite
def tables(draw: st.DrawFn) -> Floats:
    rows, columns = draw(st.integers(1, 9)), draw(st.integers(0, 6))
    drawn = [draw(st.lists(bits, min_size=rows, max_size=rows)) for _ in range(columns)]
    return np.array(drawn, dtype=np.uint64).reshape(columns, rows).T.copy().view(np.float64)


def same(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and bool((one.view(np.uint64) == other.view(np.uint64)).all())


@given(tables())
def test_a_part_of_a_block_comes_back_bit_by_bit(table: Floats) -> None:
    if table.shape[1]:
        assert same(codec.unpack_values(codec.pack_values(table)), table)


@given(tables())
def test_rows_come_back_bit_by_bit_each_by_the_one_before(table: Floats) -> None:
    before, read = None, None
    for row in table:
        read = codec.unpack_row(codec.pack_row(row, before), len(row), read)
        assert same(read, row)
        before = row


def test_a_row_may_be_wider_than_the_one_before() -> None:
    before, row = np.array([1.0, 2.0]), np.array([1.0, 3.0, 4.0])
    assert same(codec.unpack_row(codec.pack_row(row, before), 3, before), row)


@given(st.lists(st.integers(-(2**62), 2**62)))
def test_whole_numbers_come_back(numbers: list[int]) -> None:
    assert codec.unpack_whole(codec.pack_whole(np.array(numbers, dtype=np.int64))).tolist() == numbers


@given(st.lists(st.tuples(st.text(), st.text())).map(tuple))
def test_labels_come_back(labels: tuple[tuple[str, str], ...]) -> None:
    assert codec.unpack_labels(codec.pack_labels(labels)) == labels


@given(st.data())
def test_a_changed_byte_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    table = np.arange(24.0).reshape(6, 4) ** 1.5
    packed = bytearray(codec.pack_values(table))
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    try:
        read = codec.unpack_values(bytes(packed))
    except codec.DamagedError:
        return
    assert same(read, table), "zlib keeps bits in its head and tail that do not matter"


def test_labels_that_were_changed_are_refused() -> None:
    packed = bytearray(codec.pack_labels((("__name__", "up"), ("job", "node"))))
    packed[-1] ^= 1
    with pytest.raises(codec.DamagedError):
        codec.unpack_labels(bytes(packed))


def test_typical_samples_take_about_a_byte() -> None:
    generator = np.random.default_rng(7)
    counters = generator.integers(0, 40, (120, 200)).cumsum(axis=0).astype(np.float64)
    constant = np.tile(generator.random(200), (120, 1))
    gauges = np.round(generator.random((120, 20)).cumsum(axis=0), 3)
    table = np.concatenate([counters, constant, gauges], axis=1)
    assert len(codec.pack_values(table)) < 1.0 * table.size
