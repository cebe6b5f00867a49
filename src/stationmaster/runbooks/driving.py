"""Works a run from where its journal stands to its end, move by move."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from stationmaster.runbooks.course import Move, next_moves, settled_steps
from stationmaster.runbooks.hands import Hands
from stationmaster.runbooks.run import Finish, Signals, Wait
from stationmaster.runbooks.worked import Worked


async def _nothing_heard() -> Signals:
    return Signals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Driving:
    """`parallel` is how many independent reads run at once; `hear` says what was heard from outside; `rest` waits
    until a moment, or less."""

    worked: Worked
    hands: Hands
    parallel: int = 1
    hear: Callable[[], Awaitable[Signals]] = _nothing_heard
    rest: Callable[[datetime], Awaitable[None]] | None = None

    async def to_end(self) -> Finish:
        worked, settled = self.worked, 0
        rest = self.rest or self.hands.wait
        while True:
            worked.signals = replace(await self.hear(), worse=worked.worse)
            plan, entries, given, now = worked.plan, worked.entries, worked.given, worked.now()
            settled = settled_steps(plan, entries, given, now, before=settled)
            moves = next_moves(
                plan, entries, given, now, signals=worked.signals, parallel=self.parallel, settled=settled
            )
            match moves[0]:
                case Finish() as finish:
                    return finish
                case Wait(until=until):
                    await rest(until)
                case _ if len(moves) == 1:
                    await self.hands.make(moves[0])
                case _:
                    await _together(self.hands, moves)


async def _together(hands: Hands, moves: tuple[Move, ...]) -> None:
    """Reads that are independent of each other; the first that breaks ends the others."""
    tasks = [asyncio.create_task(hands.make(move)) for move in moves]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
