"""What somebody does by the link of a page: each act once, however often its button is pressed."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from stationmaster.core.problem import PlatformError
from stationmaster.incidents import moves, store
from stationmaster.incidents.acts import Acts
from stationmaster.incidents.doing import Ground
from stationmaster.incidents.escalate import Move
from stationmaster.incidents.life import Status
from stationmaster.incidents.talk.desk import Posting, Talk

NOTE = "by the link of a page"
_AGAIN = timedelta(seconds=60)
"""Acknowledging once more within so long is the same press of the button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLink:
    """Each says whether anything was done. `turn` is held by one act at a time."""

    ground: Ground
    talk: Talk
    turn: asyncio.Lock

    @property
    def acts(self) -> Acts:
        return Acts(self.ground)

    async def acknowledge(self, number: int, *, by: str) -> bool:
        async with self.turn:
            if await self._acknowledged(number, by):
                return False
            await self.acts.acknowledge(number, by=by, note=NOTE)
            return True

    async def escalate(self, number: int, level: int, *, by: str) -> bool:
        """`level` counts from 1."""
        async with self.turn:
            if await self._escalated(number, level):
                return False
            await self.acts.escalate(number, by=by, level=level, why=NOTE)
            return True

    async def give_update(self, number: int, after: int, *, by: str) -> bool:
        """Sends the draft, unless another update was given since the one of number `after`."""
        try:
            await self.talk.post(number, Posting(after=after), by=by)
        except PlatformError as refused:
            if refused.code != "update-given":
                raise
            return False
        return True

    async def resolve(self, number: int, *, by: str) -> bool:
        async with self.turn:
            async with self.ground.database.read() as connection:
                if (await store.known(connection, number)).status.is_over:
                    return False
            await self.acts.resolve(number, by=by, why=NOTE)
            return True

    async def _acknowledged(self, number: int, by: str) -> bool:
        async with self.ground.database.read() as connection:
            incident = await store.known(connection, number)
            history = await moves.history(connection, incident)
        theirs = [each.at for each in history.moves if each.move is Move.ACKNOWLEDGED and each.by == by]
        return (
            incident.status in (Status.ACKNOWLEDGED, Status.MITIGATED)
            and bool(theirs)
            and self.ground.clock.now() - max(theirs) < _AGAIN
        )

    async def _escalated(self, number: int, level: int) -> bool:
        async with self.ground.database.read() as connection:
            incident = await store.known(connection, number)
            history = await moves.history(connection, incident)
            reached = await moves.levels_of(connection, incident)
        asked = [each.level for each in history.moves if each.move is Move.ESCALATED and each.level is not None]
        return level - 1 in asked or any(each.level >= level - 1 and each.round == 0 for each in reached)
