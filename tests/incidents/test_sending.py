"""What becomes of a message that was sent, and that a receiver which hangs holds up nobody else."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused
from stationmaster.incidents.sending import Again, CutOff, Ending, GivenUp, Patience, Sent, Tried, after_cut_off, ending
from stationmaster.incidents.sending_lanes import Lanes

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENCE = Patience(first_wait_s=5, longest_wait_s=300, tried_for=timedelta(hours=1), most_attempts=10)


def tried(attempts: int, ago_s: float = 0) -> Tried:
    return Tried(attempts=attempts, since=NOW - timedelta(seconds=ago_s))


def after(seconds: float, detail: str = "503") -> Again:
    return Again(at=NOW + timedelta(seconds=seconds), detail=detail)


@pytest.mark.parametrize(
    ("before", "receipt", "how"),
    [
        (tried(1), delivered("250 ok"), Sent(detail="250 ok")),
        (tried(1), refused("no such channel"), GivenUp(detail="no such channel")),
        (tried(1), failed("503"), after(5)),
        (tried(4), failed("503"), after(40)),
        (tried(9), failed("503"), after(300)),
        (tried(1), failed("503", retry_after_s=60), after(60)),
        (tried(10), failed("503"), GivenUp(detail="503")),
        (tried(2, ago_s=3_600), failed("503"), GivenUp(detail="503")),
        (tried(10, ago_s=9_999), delivered(), Sent(detail="")),
    ],
)
def test_what_becomes_of_a_message(before: Tried, receipt: Receipt, how: Ending) -> None:
    assert ending(PATIENCE, before, receipt, NOW) == how


def test_what_was_cut_off_is_sent_again_until_it_was_tried_enough_or_never() -> None:
    assert after_cut_off(PATIENCE, tried(1), NOW) == Again(at=NOW, doubtful=True)
    assert isinstance(after_cut_off(PATIENCE, tried(10), NOW), GivenUp)
    never = Patience(first_wait_s=5, longest_wait_s=300, cut_off=CutOff.NEVER)
    found = after_cut_off(never, tried(1), NOW)
    assert isinstance(found, GivenUp)
    assert found.cut_off


@pytest.mark.parametrize(
    ("before", "wait_s"),
    [
        (tried(1), 0),
        (tried(1, ago_s=9_999), 0),
        (tried(3), 0),
        (tried(4), 40),
        (tried(9, ago_s=9_999), 300),
        (tried(10), 300),
        (tried(10, ago_s=9_999), None),
    ],
)
def test_time_without_a_process_gives_up_nothing_and_what_ends_it_again_and_again_gets_pauses(
    before: Tried, wait_s: float | None
) -> None:
    patience = Patience(first_wait_s=5, longest_wait_s=300, tried_for=timedelta(hours=1))
    found = after_cut_off(patience, before, NOW)
    if wait_s is None:
        assert isinstance(found, GivenUp)
    else:
        assert found == Again(at=NOW + timedelta(seconds=wait_s), doubtful=True)


@pytest.mark.parametrize("together", [True, False])
async def test_those_behind_a_message_that_was_not_taken_are_tried_only_where_they_may_fare_better(
    together: bool,
) -> None:
    lanes = Lanes(most_to_one=2, fails_together=together, limit_s=60)
    asked, go_on = [], asyncio.Event()

    async def hang(number: int) -> Receipt:
        asked.append(number)
        await go_on.wait()
        return failed("503")

    tasks = [asyncio.create_task(lanes.in_turn("one", lambda number=each: hang(number))) for each in range(5)]  # type: ignore[misc]
    async with asyncio.timeout(30):
        while len(asked) < 2:
            await asyncio.sleep(0)
        assert (lanes.full(), lanes.sending) == (frozenset({"one"}), 2)

        async def well() -> Receipt:
            return delivered()

        assert await lanes.in_turn("another", well) == delivered()
        go_on.set()
        found = await asyncio.gather(*tasks)
    assert {each.delivery for each in found} == {failed("").delivery}
    assert len(asked) == (2 if together else 5)
    assert (lanes.full(), lanes.sending) == (frozenset(), 0)


async def test_a_sending_without_an_answer_ends_at_its_limit() -> None:
    async def hang() -> Receipt:
        await asyncio.Event().wait()
        return delivered()

    lanes = Lanes(most_to_one=1, fails_together=True, limit_s=0.05)
    assert await lanes.in_turn("one", hang) == failed("no answer within 0.05 s")
    assert lanes.sending == 0
