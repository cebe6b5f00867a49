"""Puts an alert where it belongs: into its incident, behind another alert, among those that are silent, or into an
incident of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import AlertFired, AlertJoined
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import group, held, inhibit, joining, linked, near, opening, store, troubles
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.group import Follow, Grouped, Hold, Join, Open, Seen, Terms
from stationmaster.incidents.inhibit import Source
from stationmaster.incidents.reach import Reach
from stationmaster.incidents.routing import route
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.store import Opening
from stationmaster.incidents.timeline import entry_of
from stationmaster.runtime import outbox

Silenced: TypeAlias = Callable[[Mapping[str, str], datetime], tuple[Silence, ...]]
"""The silences that cover an alert of these labels at that moment."""


def nothing_silenced(_labels: Mapping[str, str], _now: datetime) -> tuple[Silence, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    ground: Ground
    silenced: Silenced = nothing_silenced

    async def place(self, connection: AsyncConnection, fact: AlertFired, at: datetime) -> None:
        """`at` is the steady moment of the fact."""
        terms = terms_of(self.ground.declared.value)
        seen = await self._seen(connection, fact, terms)
        match group.place(fact.alert, fact.at, seen, terms):
            case Join(number=number):
                await self._again(connection, number, fact, at)
            case Hold(silences=silences):
                await held.hold(connection, fact, silences)
                return
            case Follow(number=number, source=source, why=why):
                await linked.record_alert(connection, number, fact.alert, inhibited_by=source)
                await self._joined(connection, number, fact, why, worked=False)
            case Grouped(number=number, why=why):
                await linked.record_alert(connection, number, fact.alert, worked=True)
                await self._joined(connection, number, fact, why, worked=True)
                await joining.bear(connection, number, fact, ground=self.ground, at=at)
            case Open(title=title):
                routed = route(self.ground.declared.value, fact.alert.labels)
                labels = terms.of_opening(fact.alert)
                opened = Opening(title=title, at=fact.at, chain_at=at, routed=routed, group=labels)
                await self._open(connection, fact, opened)
            case never:
                assert_never(never)
        await held.drop(connection, fact.alert.fingerprint)

    async def release(self, connection: AsyncConnection, at: datetime, limit: int = 50) -> int:
        """Places what no silence covers any more, the longest held first, and says how many alerts that were."""
        now = self.ground.clock.wall()
        found = [each for each in await held.all_held(connection) if not self.silenced(each.fired.alert.labels, now)]
        for each in found[:limit]:
            since = f"it fires since {each.fired.alert.starts_at:%Y-%m-%d %H:%M:%S UTC}, and was silenced until now"
            told = f"{each.fired.evidence}; {since}"
            await self.place(connection, replace(each.fired, at=now, evidence=told), at)
        return len(found[:limit])

    async def _seen(self, connection: AsyncConnection, fact: AlertFired, terms: Terms) -> Seen:
        """As much as is needed: what is active somewhere goes there, what is silent meets nobody."""
        alert = fact.alert
        known = await linked.known_of(connection, alert.fingerprint)
        silences = tuple(each.id for each in self.silenced(alert.labels, self.ground.clock.wall()))
        if silences or any(each.active for each in known):
            return Seen(known=known, silences=silences)
        sources: list[Source] = []
        for rule in inhibit.bearing(terms.rules, alert.labels):
            sources += await linked.firing_with(connection, inhibit.wanted(rule, alert.labels))
        found = await near.of(connection, terms.reach.grouped(alert), fact.at, terms)
        return Seen(known=known, sources=sources, near=found)

    async def _again(self, connection: AsyncConnection, number: int, fact: AlertFired, at: datetime) -> None:
        incident = await store.known(connection, number)
        await linked.fire_again(connection, number, fact.alert)
        await near.touch(connection, number, fact.at)
        await store.add_entry(connection, number, entry_of(fact))
        await opening.raise_labelled(connection, incident, fact.alert, at)
        await troubles.failed_again(connection, incident, fact.alert.fingerprint, at)

    async def _joined(
        self, connection: AsyncConnection, number: int, fact: AlertFired, why: str, *, worked: bool
    ) -> None:
        joined = AlertJoined(at=fact.at, incident=number, alert=fact.alert, why=why, worked=worked)
        await near.touch(connection, number, fact.at)
        await store.add_entry(connection, number, entry_of(fact))
        await outbox.append(connection, joined)

    async def _open(self, connection: AsyncConnection, fact: AlertFired, opened: Opening) -> None:
        directory = self.ground.directory()
        await opening.open_with(connection, opened, fact.alert, directory, first=entry_of(fact))


def terms_of(spec: PlatformSpec) -> Terms:
    settings = spec.incidents
    return Terms(
        group_by=settings.group_by,
        window_s=settings.group_window_s,
        rules=inhibit.rules_of(settings),
        reach=Reach.of(spec),
    )
