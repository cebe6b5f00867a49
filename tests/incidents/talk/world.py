"""A small platform on virtual time that owes news."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import EscalationPolicy, PolicyName
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.notify.receipt import Receipt
from stationmaster.incidents.talk.desk import Talk
from stationmaster.incidents.talk.loop import Updates
from stationmaster.incidents.talk.moments import Template
from stationmaster.incidents.talk.store import Update
from tests.incidents.world import PLAIN, World, channel, spec

QUIET_LADDER = EscalationPolicy(name=PolicyName("plain"), levels=PLAIN.levels[:1], acknowledged_s=None)


def owing_spec(every_s: int = 900, policy: EscalationPolicy = QUIET_LADDER) -> PlatformSpec:
    """One page, one channel, and news every so often."""
    found = spec(policy, channel())
    return replace(found, incidents=replace(found.incidents, update_every_s=every_s))


@dataclass(slots=True)
class TalkWorld(World):
    """`posted` is what stands on the status page; `refuses` what it says instead of taking anything."""

    templates: Sequence[Template] = ()
    posted: list[tuple[int, str, str, str]] = field(default_factory=list)
    refuses: str = ""
    texts: list[str] = field(default_factory=list)
    updates: Updates = field(init=False)

    def _start(self) -> None:
        # Zero-argument super() knows nothing of a class that was made anew with slots.
        World._start(self)
        self.incidents = replace(self.incidents, messages=self._messages, publish=self._publish)
        self.updates = Updates(self.incidents.talk)

    @property
    def talk(self) -> Talk:
        return self.incidents.talk

    async def _messages(self, _number: int) -> Sequence[Template]:
        return self.templates

    async def _publish(self, update: Update) -> None:
        if self.refuses:
            raise PlatformError("refused", self.refuses)
        self.posted.append((update.incident, update.word.value, update.public_text, update.by))

    async def _send(self, claimed: Claimed) -> Receipt:
        self.texts.append(claimed.owed.page.why)
        return await World._send(self, claimed)

    async def restart(self) -> None:
        await World.restart(self)
        await self.updates.begin()

    async def settle(self) -> None:
        await World.settle(self)
        await self.updates.settle()

    async def tick(self) -> None:
        await self.settle()
        await self.updates.tick()
        await World.tick(self)
