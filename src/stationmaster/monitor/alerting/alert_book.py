"""Writes what became of alerts: their clocks, and what fired and recovered as facts, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

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
        """All of them or none."""
        if not changes:
            return
        async with self._database.write() as connection:
            # Read here: whoever had the writer before has changed them.
            firing = dict(self._firing)
            fingerprints = [self._fingerprint(each) for each in changes]
            for change, fingerprint in zip(changes, fingerprints, strict=True):
                await self._write(connection, change, fingerprint, firing)
        self._firing = {fingerprint: keys for fingerprint, keys in firing.items() if keys}
        for change, fingerprint in zip(changes, fingerprints, strict=True):
            self._remember(change, fingerprint)

    async def rewrite(self, key: str, active: Active) -> None:
        """The alerts of a rule after the clock was set."""
        async with self._database.write() as connection:
            for alert in active.values():
                fingerprint = self._fingerprints.get((key, alert.labels), "")
                if fingerprint:
                    await store.keep(connection, store.Kept(rule=key, fingerprint=fingerprint, alert=alert))

    def _fingerprint(self, change: Change) -> str:
        labels = change.transition.alert.labels
        known = self._fingerprints.get((change.key, labels))
        return known or fingerprint_of(labels, self._external_labels())

    def _remember(self, change: Change, fingerprint: str) -> None:
        place = (change.key, change.transition.alert.labels)
        if change.transition.step in (Step.RESOLVED, Step.DROPPED):
            self._fingerprints.pop(place, None)
        else:
            self._fingerprints[place] = fingerprint

    async def _write(
        self, connection: AsyncConnection, change: Change, fingerprint: str, firing: dict[str, frozenset[str]]
    ) -> None:
        step, alert = change.transition.step, change.transition.alert
        if step in (Step.RESOLVED, Step.DROPPED):
            await store.forget(connection, change.key, fingerprint)
        else:
            await store.keep(connection, store.Kept(rule=change.key, fingerprint=fingerprint, alert=alert))
        if step is Step.FIRED:
            firing[fingerprint] = firing.get(fingerprint, frozenset()) | {change.key}
            await self._fire(connection, change, fingerprint)
        if step is Step.RESOLVED:
            firing[fingerprint] = firing.get(fingerprint, frozenset()) - {change.key}
            if not firing[fingerprint]:
                await _recover(connection, change, fingerprint)

    async def _fire(self, connection: AsyncConnection, change: Change, fingerprint: str) -> None:
        alert = alert_of(change.transition.alert, change.rule, self._external_labels())
        if await open_alert(connection, replace(alert, fingerprint=fingerprint)):
            evidence = fired_evidence(change.transition.alert, change.rule)
            at = moment(change.at_ms)
            await outbox.append(connection, AlertFired(at=at, alert=alert, evidence=evidence))
            log.warning("alert fired", alert=alert.name, summary=alert.summary, rule=alert.rule)


async def _recover(connection: AsyncConnection, change: Change, fingerprint: str) -> None:
    at = moment(change.at_ms)
    closed = await close_alert(connection, fingerprint, at)
    if closed is not None:
        evidence = change.why or recovered_evidence(change.transition.alert, change.rule, change.at_ms)
        await outbox.append(connection, AlertRecovered(at=at, alert=closed, evidence=evidence))
        log.info("alert recovered", alert=closed.name, summary=closed.summary, evidence=evidence)


def _not_later(alert: ActiveAlert, now_ms: int) -> ActiveAlert:
    return replace(
        alert,
        active_ms=min(alert.active_ms, now_ms),
        fired_ms=None if alert.fired_ms is None else min(alert.fired_ms, now_ms),
        held_ms=None if alert.held_ms is None else min(alert.held_ms, now_ms),
    )
