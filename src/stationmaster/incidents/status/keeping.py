"""Brings what is written of components and maintenance in line with what is the case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import silences_store
from stationmaster.incidents.silences import Silence
from stationmaster.incidents.status import store
from stationmaster.incidents.status.deliveries_store import owe_change
from stationmaster.incidents.status.ids import id_of
from stationmaster.incidents.status.leaks import leaks
from stationmaster.incidents.status.neutral import listed
from stationmaster.incidents.status.posting import parts_of
from stationmaster.incidents.status.standing import Hold, Suffering, derived, effective
from stationmaster.incidents.status.store import Affected, Maintenance
from stationmaster.incidents.status.suffering import suffering
from stationmaster.incidents.status.uptime import Span
from stationmaster.incidents.status.windows import Window, in_maintenance, next_edge, touched
from stationmaster.incidents.status.words import Standing

_MOST = 300
_RECENT = timedelta(days=5)
"""As long as silences are kept after their end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is written, and what is the case."""

    felt: Sequence[Suffering]
    holds: Mapping[str, Hold]
    standings: Mapping[str, Span]
    maintenances: Sequence[Maintenance]
    silences: Sequence[Silence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`standings`: how components stand from now on; None: it is on the page no longer."""

    standings: Mapping[str, Standing | None]
    maintenances: Sequence[Maintenance]

    def __bool__(self) -> bool:
        return bool(self.standings or self.maintenances)


async def look(connection: AsyncConnection, now: datetime) -> Found:
    return Found(
        felt=await suffering(connection),
        holds=await store.all_holds(connection),
        standings=await store.current_standings(connection),
        maintenances=await store.newest_maintenances(connection, _MOST),
        silences=await silences_store.ending_after(connection, now - _RECENT),
    )


def changes(found: Found, spec: PlatformSpec, now: datetime) -> Changes:
    planned = _planned(found, spec, now)
    windows = windows_of(found, planned)
    return Changes(standings=_standings(found, spec, windows, now), maintenances=planned)


def windows_of(found: Found, planned: Sequence[Maintenance]) -> list[Window]:
    newer = {each.window.id: each.window for each in planned}
    return [*newer.values(), *(each.window for each in found.maintenances if each.window.id not in newer)]


async def apply(connection: AsyncConnection, wanted: Changes, found: Found, now: datetime) -> None:
    for each in wanted.maintenances:
        await store.keep_maintenance(connection, each)
    for name, standing in wanted.standings.items():
        await store.stand(connection, name, standing, now)
        before = found.standings.get(name)
        if standing is not None and before is not None:
            changed = Affected(name=name, before=before.standing, after=standing)
            await owe_change(connection, changed, id_of(name, now.isoformat()), now)
    await store.release_ended(connection, now)


def edge(found: Found, windows: Sequence[Window], now: datetime) -> datetime | None:
    """When something changes although nothing happens."""
    ends = [each.until for each in found.holds.values() if each.until is not None and each.until > now]
    begins = next_edge(windows, now)
    return min([*ends, *([begins] if begins is not None else [])], default=None)


def _standings(
    found: Found, spec: PlatformSpec, windows: Sequence[Window], now: datetime
) -> dict[str, Standing | None]:
    parts = parts_of(spec)
    wanted: dict[str, Standing | None] = {
        each.name: effective(
            derived(each, found.felt, parts),
            found.holds.get(each.name),
            in_maintenance=in_maintenance(each.name, windows, now),
            now=now,
        )
        for each in spec.status_page.components
    }
    gone: dict[str, Standing | None] = dict.fromkeys(name for name in found.standings if name not in wanted)
    written = {name: span.standing for name, span in found.standings.items()}
    return gone | {name: standing for name, standing in wanted.items() if written.get(name) is not standing}


def _planned(found: Found, spec: PlatformSpec, now: datetime) -> list[Maintenance]:
    """Maintenance windows of silences as the page shows them, as far as that is not written yet."""
    known = {each.silence: each for each in found.maintenances if each.silence is not None}
    wanted = [_from_silence(each, known.get(each.id), spec, now) for each in found.silences]
    return [each for each in wanted if each is not None and each not in found.maintenances]


def _from_silence(silence: Silence, known: Maintenance | None, spec: PlatformSpec, now: datetime) -> Maintenance | None:
    """The name of the window is public, its comment and matchers are not."""
    components = touched(silence, spec)
    if known is None and (not components or silence.ends_at <= now):
        return None
    title = silence.name
    if not title or leaks(title, spec):
        title = f"Maintenance of {listed(components)}"
    if known is None:
        window = Window(
            id=id_of("silence", silence.id),
            title=title,
            components=components,
            starts_at=silence.starts_at,
            ends_at=silence.ends_at,
            created_at=now,
            updated_at=now,
        )
        return Maintenance(window=window, silence=silence.id)
    window = replace(known.window, title=title, components=components or known.window.components)
    window = replace(window, starts_at=silence.starts_at, ends_at=max(silence.starts_at, silence.ends_at))
    return known if window == known.window else replace(known, window=replace(window, updated_at=now))
