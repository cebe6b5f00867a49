"""Pages of a list that changes between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import RegisteredConsumer
from stationmaster.doctor.paging import name_of, page_of


def consumers(*names: str) -> list[RegisteredConsumer]:
    return [RegisteredConsumer(username=name, apis=()) for name in names]


@given(st.lists(st.text(min_size=1), unique=True, max_size=40), st.integers(1, 50))
def test_the_pages_hold_every_entry_once_in_order(names: list[str], size: int) -> None:
    entries, seen, offset = consumers(*names), [], ""
    while True:
        page = page_of(entries, size, offset)
        assert len(page.entries) <= size
        seen += [name_of(each) for each in page.entries]
        offset = page.offset
        if not offset:
            break
    assert seen == names


def test_what_comes_or_goes_between_two_pages_shifts_nothing() -> None:
    offset = page_of(consumers("a", "b", "c", "d"), 2, "").offset
    for now in (("x", "a", "b", "c", "d"), ("b", "c", "d"), ("a", "b", "c", "d"), ("a", "c", "d")):
        assert [name_of(each) for each in page_of(consumers(*now), 2, offset).entries] == ["c", "d"]
    assert page_of([], 2, offset).entries == []


@pytest.mark.parametrize("offset", ["x", "é", "AAAA", "LTEgYQ", "MCBh", "OTk5OTk5OTk5OTk5IGE"])
def test_an_offset_that_nobody_gave_is_refused(offset: str) -> None:
    with pytest.raises(PlatformError) as refused:
        page_of(consumers("a"), 1, offset)
    assert refused.value.code == "bad-offset"


def test_a_hundred_thousand_entries_are_paged_at_once() -> None:
    entries = consumers(*(f"user-{number}" for number in range(100_000)))
    offset, pages = "", 0
    while True:
        page = page_of(entries, 1000, offset)
        pages, offset = pages + 1, page.offset
        if not offset:
            break
    assert pages == 100
