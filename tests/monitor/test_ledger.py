"""Alerts and their facts: once a transition, many in one transaction, nothing lost when one fails or is cancelled."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import Alert, AlertFired, AlertRecovered
from stationmaster.monitor import ledger as ledger_file
from stationmaster.monitor import store
from stationmaster.monitor.ledger import Closing, Ledger, Opening
from stationmaster.monitor.rules import fingerprint
from stationmaster.runtime.db import Database
from stationmaster.runtime.outbox import facts_since

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def opening(number: int = 1) -> Opening:
    labels = {"alertname": "X", "instance": f"shop-{number}"}
    alert = Alert(
        fingerprint=fingerprint(labels), labels=labels, summary=f"shop-{number} is down", url="u", starts_at=START
    )
    return Opening(alert=alert, evidence="connection refused")


def closing(number: int = 1, after_s: float = 192) -> Closing:
    at = START + timedelta(seconds=after_s)
    return Closing(fingerprint=opening(number).fingerprint, at=at, why="status 200")


async def told(database: Database) -> list[str]:
    facts = await facts_since(database, START)
    return [
        f"{'+' if isinstance(fact, AlertFired) else '-'}{fact.alert.labels['instance']}"
        for fact in facts
        if isinstance(fact, AlertFired | AlertRecovered)
    ]


async def test_an_alert_fires_once_and_recovers_once(database: Database) -> None:
    ledger = Ledger(database)
    for change in (closing(), opening(), opening(), closing(), closing(), opening()):
        await ledger.write(change)
    assert await told(database) == ["+shop-1", "-shop-1", "+shop-1"]


async def test_a_recovery_tells_why_how_long_it_lasted_and_what_it_was(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.write(opening())
    await ledger.write(closing())
    fact = (await facts_since(database, START))[-1]
    assert isinstance(fact, AlertRecovered)
    assert fact.evidence == "status 200; it lasted 3 min 12 s: shop-1 is down"


async def test_changes_of_one_alert_in_one_call_are_written_in_their_order(database: Database) -> None:
    await Ledger(database).write(opening(), closing(), opening(), closing(), opening(2))
    assert [each for each in await told(database) if each.endswith("1")] == ["+shop-1", "-shop-1", "+shop-1", "-shop-1"]


async def test_two_thousand_alerts_at_once_take_few_transactions_and_less_than_a_second_of_work(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = []
    real = ledger_file.record

    async def counted(connection: AsyncConnection, changes: Sequence[Opening | Closing]) -> object:
        transactions.append(len(changes))
        return await real(connection, changes)

    monkeypatch.setattr(ledger_file, "record", counted)
    ledger = Ledger(database)
    began = time.process_time()
    await asyncio.gather(*(ledger.write(opening(number)) for number in range(2000)))
    assert time.process_time() - began < 1
    assert sum(transactions) == 2000
    assert len(transactions) < 20
    assert len(await told(database)) == 2000
    async with database.read() as connection:
        assert len(await store.firing_alerts(connection)) == 2000


async def test_whoever_waits_learns_of_a_failure_and_may_try_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ledger_file.record

    async def full(*_: object) -> object:
        raise OSError("disk full")

    ledger = Ledger(database)
    monkeypatch.setattr(ledger_file, "record", full)
    outcomes = await asyncio.gather(*(ledger.write(opening(number)) for number in range(5)), return_exceptions=True)
    assert all(isinstance(each, OSError) for each in outcomes)
    monkeypatch.setattr(ledger_file, "record", real)
    await ledger.write(opening(0))
    assert await told(database) == ["+shop-0"]


async def test_a_writer_that_is_cancelled_does_not_take_others_with_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, inside, go_on = ledger_file.record, asyncio.Event(), asyncio.Event()

    async def held(connection: AsyncConnection, changes: Sequence[Opening | Closing]) -> object:
        inside.set()
        await go_on.wait()
        return await real(connection, changes)

    monkeypatch.setattr(ledger_file, "record", held)
    ledger = Ledger(database)
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(ledger.write(opening(number))) for number in range(3)]
    await inside.wait()
    tasks[0].cancel()
    go_on.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in outcomes] == [asyncio.CancelledError, type(None), type(None)]
    assert sorted(set(await told(database)) - {"+shop-0"}) == ["+shop-1", "+shop-2"]
    await ledger.write(opening(0))
    assert sorted(await told(database)) == ["+shop-0", "+shop-1", "+shop-2"]


async def test_many_fingerprints_are_found_and_closed_in_pieces(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.write(*(opening(number) for number in range(1200)))
    await ledger.write(*(closing(number) for number in range(0, 1200, 2)))
    async with database.read() as connection:
        firing = await store.firing_alerts(connection)
    assert [alert.labels["instance"] for alert in firing] == [f"shop-{number}" for number in range(1, 1200, 2)]


async def test_a_wall_clock_that_went_back_does_not_make_a_negative_time(database: Database) -> None:
    ledger = Ledger(database)
    await ledger.write(opening())
    await ledger.write(replace(closing(), at=START))
    fact = (await facts_since(database, START))[-1]
    assert isinstance(fact, AlertRecovered)
    assert "it lasted less than a second" in fact.evidence
