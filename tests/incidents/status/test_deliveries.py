"""What subscribers get: letters by a real SMTP server, posts to a real receiver, again after failures, with an end."""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import Message as Letter

import pytest
from sqlalchemy import select

from stationmaster.core.response import Smtp
from stationmaster.incidents.status import deliveries_store as rows
from stationmaster.incidents.status.deliveries_store import State, Subscriber, Way, deliveries
from stationmaster.incidents.status.words import PostStatus, Standing
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.notify.listening import HANG, Receiver, receiver
from tests.incidents.notify.test_mail import Box, served
from tests.incidents.status.world import API, ORDERS, PAYMENTS, PageWorld, alert, spec

URL = "https://status.example.org/status"


async def make(database: Database, port: int = 9) -> PageWorld:
    smtp = Smtp(host="127.0.0.1", port=port, sender="status@example.org", starttls=False)
    page = PageWorld(database, Cell(spec(smtp=smtp)))
    await page.pages.tick()
    return page


async def post(page: PageWorld, text: str = "Payments fail.") -> None:
    await page.fire(alert("payments"))
    await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, text, by="ada")


async def states(database: Database) -> list[tuple[str, int]]:
    async with database.read() as connection:
        found = await connection.execute(select(deliveries.c.state, deliveries.c.attempts).order_by(deliveries.c.id))
        return [(row.state, row.attempts) for row in found]


def text_of(letter: Letter) -> str:
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


async def test_an_address_is_asked_first_and_told_after_it_confirmed(
    database: Database, free_port: Callable[[], int]
) -> None:
    box, port = Box(), free_port()
    page = await make(database, port)
    subscribers = page.pages.subscribers
    async with served(box, port):
        await subscribers.ask(Way.EMAIL, "ada@Example.org", [PAYMENTS], from_address="192.0.2.1")
        await page.pages.deliveries.tick()
        await post(page)
        assert await page.pages.deliveries.tick() == 0
        [asked] = box.letters
        assert (asked["To"], asked["Subject"]) == ("ada@example.org", "[Sample] please confirm")
        assert asked["List-Unsubscribe"] is None
        found = re.search(rf"{URL}/confirm/(\S+)", text_of(asked))
        assert found is not None
        await subscribers.confirm(found[1])
        await page.pages.desk.post_update(1, PostStatus.IDENTIFIED, "A disk is full.", by="ada")
        assert await page.pages.deliveries.tick() == 1
        told = box.letters[1]
    assert told["Subject"] == "[Sample] Identified: Outage of Payments"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = re.fullmatch(rf"<{URL}/unsubscribe/(\S+)>", told["List-Unsubscribe"])
    assert leave is not None
    assert "A disk is full." in text_of(told)
    assert "payments-1" not in text_of(told)
    await subscribers.leave(leave[1])
    assert await subscribers.all() == []


async def test_an_address_that_is_asked_for_again_gets_no_flood(
    database: Database, free_port: Callable[[], int]
) -> None:
    box, port = Box(), free_port()
    page = await make(database, port)
    async with served(box, port):
        for _ in range(3):
            await page.pages.subscribers.ask(Way.EMAIL, "ada@example.org", [], from_address="192.0.2.1")
            await page.pages.deliveries.tick()
        assert len(box.letters) == 1
        page.world.passes(601)
        await page.pages.subscribers.ask(Way.EMAIL, "ada@example.org", [], from_address="192.0.2.2")
        await page.pages.deliveries.tick()
    assert len(box.letters) == 2


async def test_who_is_subscribed_is_told_so_and_is_asked_nothing(
    database: Database, free_port: Callable[[], int]
) -> None:
    box, port = Box(), free_port()
    page = await make(database, port)
    await page.pages.subscribers.add(Way.EMAIL, "ada@example.org", [ORDERS], by="test")
    async with served(box, port):
        await page.pages.subscribers.ask(Way.EMAIL, "ada@example.org", [], from_address="192.0.2.1")
        await page.pages.deliveries.tick()
    assert box.letters[0]["Subject"] == "[Sample] you are subscribed already"
    [kept] = await page.pages.subscribers.all()
    assert kept.components == (ORDERS,)


async def test_only_what_somebody_wants_to_hear_of_is_sent(database: Database, free_port: Callable[[], int]) -> None:
    page, port = await make(database), free_port()
    async with receiver(port) as got:
        await page.pages.subscribers.add(Way.WEBHOOK, got.url, [ORDERS, API], by="test")
        await post(page)
        assert await page.pages.deliveries.tick() == 0
    assert got.got == []


async def hook(page: PageWorld, got: Receiver) -> Subscriber:
    return await page.pages.subscribers.add(Way.WEBHOOK, got.url, [], by="test")


async def test_a_webhook_gets_what_statuspage_posts(database: Database, free_port: Callable[[], int]) -> None:
    page = await make(database)
    async with receiver(free_port()) as got:
        await hook(page, got)
        await post(page)
        await page.pages.refresh()
        while await page.pages.deliveries.tick():
            pass
    incident = next(body for _, body in got.got if "incident" in body)
    assert set(incident) == {"meta", "page", "incident"}
    assert incident["page"]["status_indicator"] == "critical"
    assert incident["incident"]["incident_updates"][0]["body"] == "Payments fail."
    assert incident["meta"]["unsubscribe"].startswith(f"{URL}/unsubscribe/")
    changed = next(body for _, body in got.got if "component_update" in body)
    update = changed["component_update"]
    assert (update["old_status"], update["new_status"]) == ("operational", "major_outage")
    assert changed["component"]["name"] == PAYMENTS


async def test_a_webhook_of_a_stranger_is_asked_first(database: Database) -> None:
    page = await make(database)
    await page.pages.subscribers.ask(Way.WEBHOOK, "https://hooks.example.org/x", [], from_address="192.0.2.1")
    [subscriber] = await page.pages.subscribers.all()
    assert (subscriber.confirmed_at, subscriber.inner) == (None, False)
    await post(page)
    async with database.read() as connection:
        found = (await connection.execute(select(deliveries.c.what))).scalars().all()
    assert found == ["confirm"]


async def test_what_fails_is_tried_again_with_growing_pauses(database: Database, free_port: Callable[[], int]) -> None:
    page = await make(database)
    async with receiver(free_port(), 503, 503, 200) as got:
        await hook(page, got)
        await post(page)
        await page.pages.deliveries.tick()
        assert set(await states(database)) == {("owed", 1)}
        assert await page.pages.deliveries.tick() == 0
        for wait_s in (11, 21, 41):
            page.world.passes(wait_s)
            await page.pages.deliveries.tick()
    assert {state for state, _ in await states(database)} == {"sent"}


async def test_a_receiver_and_a_mail_server_that_hang_hold_up_no_other_subscriber(
    database: Database, free_port: Callable[[], int]
) -> None:
    async with receiver(free_port(), HANG) as hung, receiver(free_port()) as well:
        page = await make(database, int(hung.url.split(":")[2].split("/")[0]))
        await hook(page, hung)
        await hook(page, well)
        await page.pages.subscribers.add(Way.EMAIL, "ada@example.org", [], by="test")
        await page.fire(alert("payments"))
        for number in range(20):
            await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, f"Update {number}", by="ada")
        task = asyncio.create_task(page.pages.deliveries.run())
        try:
            async with asyncio.timeout(60):
                while len(well.got) < 20:
                    await asyncio.sleep(0.05)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_what_is_refused_is_not_tried_again_and_counts(database: Database, free_port: Callable[[], int]) -> None:
    page = await make(database)
    async with receiver(free_port(), 410) as got:
        subscriber = await hook(page, got)
        await post(page)
        await page.pages.deliveries.tick()
        page.world.passes(4000)
        await page.pages.deliveries.tick()
    assert {state for state, _ in await states(database)} == {"failed"}
    async with database.read() as connection:
        kept = await rows.by_id(connection, subscriber.id)
    assert kept is not None
    assert kept.lost >= 1


async def test_a_subscriber_that_takes_nothing_is_let_go(database: Database, free_port: Callable[[], int]) -> None:
    page = await make(database)
    await page.fire(alert("payments"))
    async with receiver(free_port(), 404) as got:
        await hook(page, got)
        for number in range(12):
            await page.pages.desk.post_update(1, PostStatus.INVESTIGATING, f"Update {number}", by="ada")
            await page.pages.deliveries.tick()
    assert await page.pages.subscribers.all() == []
    assert len(got.got) == 10


async def test_what_was_being_sent_when_the_process_ended_is_sent_after_it(
    database: Database, free_port: Callable[[], int]
) -> None:
    page = await make(database)
    async with receiver(free_port()) as got:
        await hook(page, got)
        await post(page)
        async with database.write() as connection:
            keys = await rows.due(connection, Way.WEBHOOK, page.world.now, limit=10)
            claimed = await rows.claim(connection, keys)
        assert claimed
        page.restart()
        assert await page.pages.deliveries.tick() == 0
        await page.pages.deliveries.begin()
        assert await page.pages.deliveries.tick() == len(claimed)
    assert {state for state, _ in await states(database)} == {State.SENT.value}
    assert len(got.got) == len(claimed)


async def test_a_message_is_owed_once_whatever_is_done_again(database: Database) -> None:
    page = await make(database)
    subscriber = await page.pages.subscribers.add(Way.EMAIL, "ada@example.org", [], by="test")
    async with database.write() as connection:
        for _ in range(2):
            await rows.owe(connection, [subscriber.id], rows.What.POST, "key", page.world.now)
    assert await states(database) == [("owed", 0)]


async def test_thousands_are_owed_a_post_at_once(database: Database) -> None:
    page = await make(database)
    async with database.write() as connection:
        for number in range(3_000):
            about = () if number % 3 else (ORDERS,)
            one = Subscriber(
                id=f"s{number}",
                way=Way.EMAIL,
                address=f"a{number}@example.org",
                created_at=page.world.now,
                confirmed_at=page.world.now,
                components=about,
            )
            await rows.keep(connection, one)
    await post(page)
    async with database.read() as connection:
        assert await rows.counts(connection) == {"owed": 2_000}


async def test_an_unreachable_mail_server_keeps_letters_owed_for_a_day(database: Database) -> None:
    page = await make(database)
    await page.pages.subscribers.add(Way.EMAIL, "ada@example.org", [], by="test")
    await post(page)
    for _ in range(4):
        await page.pages.deliveries.tick()
        page.world.passes(3_601)
    assert [state for state, _ in await states(database)] == ["owed"]
    page.world.passes(86_400)
    await page.pages.deliveries.tick()
    assert [state for state, _ in await states(database)] == ["failed"]


async def test_who_does_not_confirm_is_forgotten(database: Database) -> None:
    page = await make(database)
    await page.pages.subscribers.ask(Way.EMAIL, "ada@example.org", [], from_address="192.0.2.1")
    await page.pages.subscribers.add(Way.EMAIL, "lin@example.org", [], by="test")
    page.world.now += timedelta(hours=25)
    await page.pages.subscribers.sweep()
    assert [each.address for each in await page.pages.subscribers.all()] == ["lin@example.org"]


@pytest.mark.parametrize("answer", [301, 307])
async def test_a_redirect_is_not_followed(database: Database, free_port: Callable[[], int], answer: int) -> None:
    page = await make(database)
    async with receiver(free_port(), answer, headers="location: http://127.0.0.1:1/\r\n") as got:
        await hook(page, got)
        await page.pages.desk.set(ORDERS, Standing.MAJOR, by="ada")
        await page.pages.refresh()
        await page.pages.deliveries.tick()
    assert {state for state, _ in await states(database)} == {"failed"}
    assert len(got.got) == 1
