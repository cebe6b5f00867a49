"""Whatever fires, recovers, is silenced, worked, merged or split in whatever order, with processes that die in between:
what fires is in one open incident or held, incidents end when they have to, instances are told quiet when they are."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.core.facts import (
    AlertJoined,
    Fact,
    IncidentOpened,
    InstanceQuiet,
    RunDeclined,
    RunEnded,
    RunStarted,
)
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.group import title_of
from stationmaster.runtime.db import metadata, open_database
from tests.incidents.grouping import Ground, alert, down, silence

ALERTS = (
    down("keys", "eu"),
    down("keys", "us"),
    down("orders", "eu"),
    alert("ServiceDown", service="keys", severity="critical"),
    alert("UpstreamErrors", api="shop", severity="warning"),
    alert("HighLatency", service="keys"),
    alert("AlwaysOn"),
)
DERIVED = {ALERTS[4].fingerprint: "orders", ALERTS[5].fingerprint: "keys"}
WHAT = ["fire", "fire", "fire", "recover", "recover", "silence", "unsilence", "work", "end", "merge", "split", "kill"]
STORY = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 6), st.integers(0, 90)), min_size=20, max_size=45)


class Story:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.firing: dict[str, int] = {}
        self.pending: list[tuple[int, str]] = []
        self.started: list[tuple[int, str]] = []

    async def happens(self, what: str, at: int) -> list[Fact]:
        ground, which = self.ground, ALERTS[self.meant(what, at)]
        match what:
            case "fire" if which.fingerprint not in self.firing:
                self.firing[which.fingerprint] = ALERTS.index(which)
                return await ground.fires(which)
            case "recover" if which.fingerprint in self.firing:
                del self.firing[which.fingerprint]
                return await ground.recovers(which)
            case "silence":
                ground.silences += (silence(str(len(ground.silences)), 150, ground.now, **_matcher(at)),)
            case "unsilence":
                ground.silences = ground.silences[1:]
            case "work" if self.pending:
                number, key = self.pending.pop(0)
                if at % 2:
                    declined = RunDeclined(at=ground.now, incident=number, why="none", fingerprint=key)
                    return await ground.tell(declined)
                self.started.append((number, key))
                run = f"run-{number}-{len(self.started)}"
                begun = RunStarted(at=ground.now, incident=number, run=run, runbook="r", why="w", fingerprint=key)
                return await ground.tell(begun)
            case "end" if self.started:
                number, key = self.started.pop(at % len(self.started))
                outcome = "cured" if at % 2 else "escalated"
                ended = RunEnded(at=ground.now, incident=number, run="r", outcome=outcome, detail="", fingerprint=key)
                return await ground.tell(ended)
            case "merge" | "split":
                await self._divided(what, at)
            case "kill":
                ground.restart()
        return await ground.settle()

    def meant(self, what: str, at: int) -> int:
        """One that fires recovers, one that does not fires, where there is one."""
        fires = [each for each in range(len(ALERTS)) if ALERTS[each].fingerprint in self.firing]
        some = {"recover": fires, "fire": [each for each in range(len(ALERTS)) if each not in fires]}.get(what, [])
        return some[at % len(some)] if some else at

    async def _divided(self, what: str, at: int) -> None:
        acts, numbers = self.ground.incidents.acts, await self.ground.open_numbers()
        try:
            if what == "merge" and len(numbers) > 1:
                await acts.merge(numbers[at % len(numbers)], into=numbers[(at + 1) % len(numbers)], by="ada")
            elif what == "split" and numbers:
                number = numbers[at % len(numbers)]
                mine = [each.fingerprint for each in await self.ground.rows() if each.number == number]
                await acts.split(number, fingerprints=sorted(mine)[:1], by="ada")
        except PlatformError as refused:
            if refused.code not in {"not-splittable", "not-mergeable"}:
                raise

    def follows(self, facts: list[Fact]) -> None:
        """Runbooks look for something for whatever they are told of."""
        for fact in facts:
            if isinstance(fact, IncidentOpened) or (isinstance(fact, AlertJoined) and fact.worked):
                self.pending.append((fact.incident, fact.alert.fingerprint))


def _matcher(at: int) -> dict[str, str]:
    labels = ALERTS[at].labels
    return {"instance": labels["instance"]} if "instance" in labels else {"alertname": labels["alertname"]}


async def busy(ground: Ground) -> set[tuple[int, str]]:
    rows = await ground.rows()
    return {
        (each.number, each.instance) for each in rows if each.open and each.instance and (each.firing or each.worked)
    }


async def all_is_where_it_belongs(story: Story) -> None:
    ground = story.ground
    rows, held = await ground.rows(), await ground.held()
    for key in story.firing:
        where = [each.number for each in rows if each.fingerprint == key and each.open and each.firing]
        assert len(where) == (0 if key in held else 1), (key, where, held)
    assert held <= story.firing.keys()
    assert not [each for each in rows if each.firing and each.fingerprint not in story.firing]
    live = {each.number for each in rows if each.firing or each.worked}
    kept = set()
    for each in await ground.incidents.all():
        if each.kept_open:
            kept.add(each.number)
        assert each.status.is_over == (each.number not in live | kept), (each.number, each.status)


def nothing_opened_while_inhibited(what: str, at: int, facts: list[Fact], before: dict[str, int]) -> None:
    """`before`: what fired and was in an incident."""
    service = DERIVED.get(ALERTS[at].fingerprint) if what == "fire" else None
    sources = [ALERTS[each] for each in before.values() if ALERTS[each].name in {"ServiceInstanceDown", "ServiceDown"}]
    if service is not None and any(each.labels["service"] == service for each in sources):
        assert not [fact for fact in facts if isinstance(fact, IncidentOpened)]
        joined = [fact for fact in facts if isinstance(fact, AlertJoined)]
        assert not [fact for fact in joined if fact.worked], [title_of(fact.alert.labels) for fact in joined]


def quiet_in(facts: list[Fact]) -> list[tuple[int, str]]:
    return sorted((fact.incident, fact.instance) for fact in facts if isinstance(fact, InstanceQuiet))


async def played(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "story.db")
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        story = Story(Ground(database))
        for what, at, seconds in steps:
            story.ground.passes(seconds)
            while await story.ground.incidents.release():
                pass
            story.follows(await story.ground.settle())
            await all_is_where_it_belongs(story)
            was_busy, held = await busy(story.ground), await story.ground.held()
            placed = {key: each for key, each in story.firing.items() if key not in held}
            meant = story.meant(what, at)
            facts = await story.happens(what, at)
            story.follows(facts)
            await all_is_where_it_belongs(story)
            nothing_opened_while_inhibited(what, meant, facts, placed)
            if what not in {"merge", "split"}:
                merged = {each.number for each in await story.ground.incidents.all() if each.merged_into}
                told = [each for each in quiet_in(facts) if each[0] not in merged]
                assert told == sorted(was_busy - await busy(story.ground)), (what, at)
        await all_ends(story)
        await database.close()


async def all_ends(story: Story) -> None:
    """When all recovers and all is worked, nothing stays open but what somebody keeps."""
    ground = story.ground
    while story.firing:
        story.follows(await story.happens("recover", 0))
    while story.pending or story.started:
        story.follows(await story.happens("end" if story.started else "work", 1))
    assert await ground.held() == set()
    assert [
        each.number for each in await ground.incidents.all() if not each.status.is_over and not each.kept_open
    ] == []


@settings(max_examples=15, deadline=None)
@given(STORY)
def test_what_fires_is_in_one_incident_or_held_and_everything_ends(story: list[tuple[str, int, int]]) -> None:
    asyncio.run(played(story))
