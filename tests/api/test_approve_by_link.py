"""Risky steps that wait for a yes on the page of their incident: shown whole, answered once, never for another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest

from stationmaster.incidents.links import Link
from stationmaster.runbooks import store
from stationmaster.runbooks.consent import store as approvals_store
from stationmaster.runbooks.consent.approvals import Approvals
from stationmaster.runbooks.consent.store import Approval
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from tests.api.only_incidents import client_of
from tests.incidents.test_incidents import alert, fired
from tests.incidents.world import World, spec

DIGEST = "a" * 64
EVIL = "rm <b>'\"</b>"


def asked(now: datetime, *, incident: int = 1, people: int = 1, step: str = "3.1") -> Approval:
    return Approval(
        run=f"run-{incident}",
        step=step,
        number=1,
        incident=incident,
        runbook="Slow",
        title="Make room",
        command=EVIL,
        risk="destroy" if people > 1 else "change",
        why="it changes",
        digest=DIGEST,
        people=people,
        asked_at=now,
        expires_at=now + timedelta(minutes=15),
    )


@dataclass(frozen=True, slots=True)
class Served:
    world: World
    api: httpx.AsyncClient
    approvals: Approvals

    def link(self, incident: int = 1, who: str = "engineer") -> str:
        clock = self.world.incidents.clock
        return f"/i/{self.world.incidents.links.token(Link(incident=incident, who=who), clock.now())}"

    async def ask(self, approval: Approval) -> None:
        database = self.world.database
        run = store.Run(
            id=approval.run,
            incident=approval.incident,
            fingerprint="f",
            alert_at=approval.asked_at,
            runbook="Slow",
            file="slow.md",
            digest="d",
            why="",
            plan=None,
            started_at=approval.asked_at,
        )
        async with database.write() as connection:
            if await store.find_run(connection, run.id) is None:
                await store.create_run(connection, run)
            await approvals_store.write(connection, approval)

    async def answer(self) -> tuple[bool | None, tuple[str, ...]]:
        (found,) = await self.approvals.of_incident(1)
        return found.allowed, found.by


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    world = World(database, Cell(spec()))
    world.now = utc_now()
    other = replace(alert("f2", "shop-1"), labels={**alert("f2", "shop-1").labels, "service": "shop"})
    await world.facts(fired(0, alert()), fired(0, other))
    async with client_of(world.incidents) as api:
        yield Served(world, api, Approvals(database=database))


async def test_the_page_shows_what_waits_and_the_yes_is_given_after_a_second_look(served: Served) -> None:
    await served.ask(asked(utc_now()))
    link = served.link()
    shown = (await served.api.get(link)).text
    assert "rm &lt;b&gt;" in shown
    assert EVIL not in shown
    look = await served.api.get(f"{link}/approve/run-1/3.1")
    assert (look.status_code, "Allow it as engineer" in look.text) == (200, True)
    assert await served.answer() == (None, ()), "looking answers nothing"
    done = await served.api.post(f"{link}/approve/run-1/3.1/{DIGEST}")
    assert done.status_code == 303
    assert await served.answer() == (True, ("engineer",))
    after = await served.api.get(done.headers["location"])
    assert "The step is allowed" in after.text
    assert "Waits for a yes" not in after.text


async def test_the_step_can_be_left_out(served: Served) -> None:
    await served.ask(asked(utc_now()))
    await served.api.post(f"{served.link()}/approve/run-1/3.1/{DIGEST}/deny")
    assert await served.answer() == (False, ("engineer",))


async def test_a_second_press_and_another_command_change_nothing(served: Served) -> None:
    await served.ask(asked(utc_now()))
    link = f"{served.link()}/approve/run-1/3.1"
    assert (await served.api.post(f"{link}/{'b' * 64}")).status_code == 409
    assert await served.answer() == (None, ())
    assert (await served.api.post(f"{link}/{DIGEST}")).status_code == 303
    assert (await served.api.post(f"{link}/{DIGEST}/deny")).status_code == 404
    assert await served.answer() == (True, ("engineer",))


async def test_a_link_that_is_for_looking_or_of_another_incident_answers_nothing(served: Served) -> None:
    await served.ask(asked(utc_now()))
    for link, status in ((served.link(who=""), 403), (served.link(incident=2), 404), ("/i/forged", 404)):
        assert (await served.api.post(f"{link}/approve/run-1/3.1/{DIGEST}")).status_code == status
    assert await served.answer() == (None, ())


async def test_what_destroys_is_not_allowed_by_a_link(served: Served) -> None:
    await served.ask(asked(utc_now(), people=2))
    link = f"{served.link()}/approve/run-1/3.1"
    assert "stm approval allow run-1 3.1" in (await served.api.get(link)).text
    assert (await served.api.post(f"{link}/{DIGEST}")).status_code == 403
    assert await served.answer() == (None, ())
    await served.api.post(f"{link}/{DIGEST}/deny")
    assert (await served.answer())[0] is False, "anybody who was paged may stop it"


async def test_a_question_that_is_over_is_not_shown(served: Served) -> None:
    past = utc_now() - timedelta(hours=1)
    await served.ask(replace(asked(past), expires_at=past + timedelta(minutes=15)))
    assert "Waits for a yes" not in (await served.api.get(served.link())).text
    assert (await served.api.get(f"{served.link()}/approve/run-1/3.1")).status_code == 404
