"""Writes what became of alerts: their clocks, and what fired and recovered as facts, in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import AlertFired, AlertRecovered
from stationmaster.monitor.alerting import store
from stationmaster.monitor.alerting.changes import Change
from stationmaster.monitor.alerting.states import Active, ActiveAlert, Phase, Step
from stationmaster.monitor.alerting.wording import (
    alert_of,
    fingerprint_of,
    fired_evidence,
    moment,
    recovered_evidence,
)
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.store import close_alert, open_alert
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database

log = structlog.get_logger("alerting")

_AT_ONCE = 100
_OVER = frozenset({Step.RESOLVED, Step.DROPPED})

Fact: TypeAlias = AlertFired | AlertRecovered


class AlertBook:
    """Several rules may give one and the same alert: it fires with the first and recovers with the last of them."""

    def __init__(self, database: Database, external_labels: Callable[[], Mapping[str, str]]) -> None:
        self._database = database
        self._external_labels = external_labels
        self._fingerprints: dict[tuple[str, Labels], str] = {}
        self._firing: Mapping[str, frozenset[str]] = {}

    async def load(self, now_ms: int) -> Mapping[str, Active]:
        """The alerts of every rule as they were written last. A moment in the future is taken for now: the clock was
        set back meanwhile, and no `for` may come to its end early."""
        async with self._database.read() as connection:
            kept = await store.kept_alerts(connection)
        self._fingerprints.clear()
        firing: dict[str, frozenset[str]] = {}
        found: dict[str, dict[Labels, ActiveAlert]] = {}
        for key, rows in kept.items():
            for row in rows:
                self._fingerprints[key, row.alert.labels] = row.fingerprint
                found.setdefault(key, {})[row.alert.labels] = _not_later(row.alert, now_ms)
                if row.alert.phase is Phase.FIRING:
                    firing[row.fingerprint] = firing.get(row.fingerprint, frozenset()) | {key}
        self._firing = firing
        return found

    async def write(self, changes: Sequence[Change]) -> None:
        """Many of them in several transactions, so that nobody waits long for the writer. Where one of those fails, the
        same changes may be written again: what stands there already makes no second fact."""
        for at in range(0, len(changes), _AT_ONCE):
            await self._write_some(changes[at : at + _AT_ONCE])

    async def _write_some(self, changes: Sequence[Change]) -> None:
        async with self._database.write() as connection:
            # Read here: whoever had the writer before has changed them.
            firing = dict(self._firing)
            fingerprints = [self._fingerprint(each) for each in changes]
            facts: list[Fact] = []
            await self._keep(connection, zip(changes, fingerprints, strict=True))
            for change, fingerprint in zip(changes, fingerprints, strict=True):
                facts += await self._write(connection, change, fingerprint, firing)
            await outbox.append(connection, *facts)
        for fact in facts:
            _tell(fact)
        self._firing = {fingerprint: keys for fingerprint, keys in firing.items() if keys}
        for change, fingerprint in zip(changes, fingerprints, strict=True):
            self._remember(change, fingerprint)

    async def rewrite(self, key: str, active: Active) -> None:
        """The alerts of a rule after the clock was set."""
        known = [(self._fingerprints.get((key, alert.labels), ""), alert) for alert in active.values()]
        kept = [store.Kept(rule=key, fingerprint=each, alert=alert) for each, alert in known if each]
        async with self._database.write() as connection:
            await store.keep(connection, kept)

    def _fingerprint(self, change: Change) -> str:
        labels = change.transition.alert.labels
        known = self._fingerprints.get((change.key, labels))
        return known or fingerprint_of(labels, self._external_labels())

    def _remember(self, change: Change, fingerprint: str) -> None:
        place = (change.key, change.transition.alert.labels)
        if change.transition.step in _OVER:
            self._fingerprints.pop(place, None)
        else:
            self._fingerprints[place] = fingerprint

    async def _keep(self, connection: AsyncConnection, changes: Iterable[tuple[Change, str]]) -> None:
        """What is over goes first: an alert that comes in place of another may have its fingerprint."""
        kept: list[store.Kept] = []
        for change, fingerprint in changes:
            if change.transition.step in _OVER:
                await store.forget(connection, change.key, fingerprint)
            else:
                alert = change.transition.alert
                kept.append(store.Kept(rule=change.key, fingerprint=fingerprint, alert=alert))
        await store.keep(connection, kept)

    async def _write(
        self, connection: AsyncConnection, change: Change, fingerprint: str, firing: dict[str, frozenset[str]]
    ) -> Sequence[Fact]:
        """The fact that the change makes, if it does."""
        if change.transition.step is Step.FIRED:
            firing[fingerprint] = firing.get(fingerprint, frozenset()) | {change.key}
            return await self._fire(connection, change, fingerprint)
        if change.transition.step is Step.RESOLVED:
            firing[fingerprint] = firing.get(fingerprint, frozenset()) - {change.key}
            return () if firing[fingerprint] else await _recover(connection, change, fingerprint)
        return ()

    async def _fire(self, connection: AsyncConnection, change: Change, fingerprint: str) -> Sequence[Fact]:
        alert = alert_of(change.transition.alert, change.rule, self._external_labels())
        if not await open_alert(connection, replace(alert, fingerprint=fingerprint)):
            return ()
        evidence = fired_evidence(change.transition.alert, change.rule)
        return (AlertFired(at=moment(change.at_ms), alert=alert, evidence=evidence),)


async def _recover(connection: AsyncConnection, change: Change, fingerprint: str) -> Sequence[Fact]:
    at = moment(change.at_ms)
    closed = await close_alert(connection, fingerprint, at)
    if closed is None:
        return ()
    evidence = change.why or recovered_evidence(change.transition.alert, change.rule, change.at_ms)
    return (AlertRecovered(at=at, alert=closed, evidence=evidence),)


def _tell(fact: Fact) -> None:
    alert = fact.alert
    if isinstance(fact, AlertFired):
        log.warning("alert fired", alert=alert.name, summary=alert.summary, rule=alert.rule)
    else:
        log.info("alert recovered", alert=alert.name, summary=alert.summary, evidence=fact.evidence)


def _not_later(alert: ActiveAlert, now_ms: int) -> ActiveAlert:
    return replace(
        alert,
        active_ms=min(alert.active_ms, now_ms),
        fired_ms=None if alert.fired_ms is None else min(alert.fired_ms, now_ms),
        held_ms=None if alert.held_ms is None else min(alert.held_ms, now_ms),
    )
