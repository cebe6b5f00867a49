"""Keeps alerts in step with a decision that names all that should fire at this moment."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from stationmaster.core.facts import Alert
from stationmaster.monitor.ledger import Change, Closing, Ledger, Opening
from stationmaster.monitor.regions import Outage

Why: TypeAlias = Callable[[Alert], str]
"""What is well now that an alert does not hold any more."""


class Standing:
    """The alerts of some names; nobody else writes any of these names."""

    def __init__(self, ledger: Ledger, names: frozenset[str]) -> None:
        self.ledger = ledger
        self.names = names
        self.firing: dict[str, Alert] = {}

    def take_up(self, firing: list[Alert]) -> None:
        """Goes on from what fires as the store has it."""
        self.firing = {alert.fingerprint: alert for alert in firing if alert.name in self.names}

    async def settle(self, wanted: Mapping[str, Outage], now: datetime, why: Why) -> None:
        """Fires what is wanted and does not fire, ends what fires and is not wanted."""
        opened = {key: each for key, each in wanted.items() if key not in self.firing}
        ended = {key: each for key, each in self.firing.items() if key not in wanted}
        if not opened and not ended:
            return
        changes: list[Change] = [Opening(alert=each.alert, evidence=each.evidence) for each in opened.values()]
        changes += [Closing(fingerprint=key, at=now, why=why(alert)) for key, alert in ended.items()]
        await self.ledger.write(*changes)
        kept = {key: each for key, each in self.firing.items() if key not in ended}
        self.firing = kept | {key: each.alert for key, each in opened.items()}
