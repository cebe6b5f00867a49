"""Decides what becomes of an alert that is sent once more as it was: only its time is new, and nobody has to hear."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from stationmaster.incidents.intake.decide import Kept, Told
from stationmaster.incidents.intake.flapping import Flaps, FlapTerms
from stationmaster.incidents.intake.foreign import Ended, ForeignAlert

_MOST = 20_000


def repeated(kept: Kept, given: ForeignAlert | Ended, now: datetime, terms: FlapTerms) -> Kept | None:
    """What `heard` makes of it, by a shorter way; None where more may have to be decided or told."""
    before = kept.given
    if not isinstance(given, ForeignAlert) or not known_to_fire(kept) or not _is_steady(kept.flaps, now, terms):
        return None
    if (given.source, given.url, given.is_timeout) != (before.source, before.url, before.is_timeout):
        return None
    if given.labels != before.labels or given.annotations != before.annotations or given.starts_at < before.starts_at:
        return None
    end = given.ends_at
    if end is not None and end <= now:
        return None
    if end is not None and before.ends_at is not None and not before.is_timeout:
        end = max(end, before.ends_at)
    merged = ForeignAlert(
        key=before.key,
        source=before.source,
        labels=before.labels,
        annotations=before.annotations,
        url=before.url,
        starts_at=before.starts_at,
        ends_at=end,
        is_timeout=before.is_timeout,
    )
    return Kept(given=merged, firing=True, told=Told.FIRED, updated_at=now, flaps=kept.flaps, due_at=end)


def known_to_fire(kept: Kept) -> bool:
    return kept.firing and kept.told is Told.FIRED and kept.ended_at is None


def _is_steady(flaps: Flaps, now: datetime, terms: FlapTerms) -> bool:
    """Nothing of its changes is forgotten now, and none lies ahead."""
    changes = flaps.changes
    return not flaps.flapping and (not changes or (changes[0] > now - terms.window and changes[-1] <= now))


@dataclass(slots=True)
class Remembered:
    """Alerts as they stand in the store, so that what is sent every minute need not be read: those of which incidents
    know that they fire, and which nothing but a decision of the desk changes."""

    most: int = _MOST
    _kept: dict[str, Kept] = field(default_factory=dict)

    def of(self, keys: Iterable[str]) -> dict[str, Kept]:
        return {key: found for key in keys if (found := self._kept.get(key)) is not None}

    def keep(self, several: Iterable[Kept]) -> None:
        """Only what is committed. The ones that were kept first make room."""
        for each in several:
            if known_to_fire(each):
                self._kept[each.given.key] = each
        while len(self._kept) > self.most:
            del self._kept[next(iter(self._kept))]

    def forget(self, keys: Iterable[str]) -> None:
        """What is about to be written: it counts again when that is committed."""
        for key in keys:
            self._kept.pop(key, None)
