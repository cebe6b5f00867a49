"""What a diagnosis asks the rest of the platform: numbers from the metrics, and what else is not well."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from stationmaster.core.facts import Alert
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.correlate import correlate
from stationmaster.incidents.life import OPEN
from stationmaster.incidents.linked import incident_alerts
from stationmaster.incidents.reach import Reach
from stationmaster.incidents.relations import cases
from stationmaster.incidents.store import incidents
from stationmaster.monitor.loop import InstanceHealth
from stationmaster.monitor.promql.results import QueryError, QueryLimits, Scalar, Vector
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.queries import Terms
from stationmaster.monitor.rules import Health
from stationmaster.runbooks.diagnosis.diagnosing import Answer, Around
from stationmaster.runbooks.diagnosis.rank import Number
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

_TERMS = Terms(limits=QueryLimits(timeout_ms=4000))
_MOST_ALERTS, _MOST_NAMED = 200, 20
_SUBJECTS = ("instance", "node", "api", "virtual_host", "service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`health` is of every instance that is checked; `desk` answers queries."""

    database: Database
    declared: Cell[PlatformSpec]
    health: Callable[[], Mapping[str, InstanceHealth]]
    desk: Callable[[], QueryDesk]

    async def ask(self, query: str) -> Answer:
        """The numbers at this moment."""
        at_ms = time.time_ns() // 1_000_000
        try:
            found = await self.desk().ask(lambda queries, terms: queries.instant(query, at_ms, terms), _TERMS)
        except QueryError as error:
            return f"the metrics do not say it: {error.message}"
        match found.value:
            case Vector(samples=samples):
                return tuple(Number(value=each.value, of=_of(each.labels)) for each in samples)
            case Scalar(value=value):
                return (Number(value=value),)
            case _:
                return ()

    async def around(self, incident: int, fingerprint: str, labels: Mapping[str, str]) -> Around:
        """Other alerts that fire, those about the same apart; instances that are down; what incidents share."""
        reach = Reach.of(self.declared.value)
        async with self.database.read() as connection:
            firing = incident_alerts.c
            wanted = (
                select(firing.incident, firing.fingerprint, firing.labels, firing.summary, firing.starts_at)
                .join(incidents, incidents.c.number == firing.incident)
                .where(firing.firing, incidents.c.status.in_([each.value for each in OPEN]))
                .order_by(firing.incident.desc(), firing.fingerprint)
                .limit(_MOST_ALERTS)
            )
            rows = (await connection.execute(wanted)).all()
            known = await cases(connection)
        others = [
            (row.incident, _alert(row.fingerprint, row.labels, row.summary, row.starts_at))
            for row in rows
            if row.fingerprint != fingerprint
        ]
        shared = correlate(known, reach).get(incident, ())
        own = _subject(labels)
        told = [f"{', '.join(f'#{one}' for one in each.numbers)}: {each.cause} ({each.why})" for each in shared]
        told += self._others(own, others)
        same = tuple(each for number, each in others if number == incident or _same(each.labels, labels, reach))
        return Around(alerts=same, affected=tuple(dict.fromkeys(told))[:_MOST_NAMED])

    def _others(self, own: str, others: list[tuple[int, Alert]]) -> Iterator[str]:
        named = {own}
        for number, alert in others:
            subject = _subject(alert.labels)
            if subject not in named:
                named.add(subject)
                yield f"{subject or alert.name}: {alert.name} fires (#{number})"
        for name, each in sorted(self.health().items()):
            if each.state is Health.DOWN and f"instance {name}" not in named:
                yield f"instance {name}: it is down ({each.detail})"


def _of(labels: Labels) -> str:
    found = dict(labels)
    return next((f"{name} {found[name]}" for name in _SUBJECTS if found.get(name)), "")


def _subject(labels: Mapping[str, str]) -> str:
    return next((f"{name} {labels[name]}" for name in _SUBJECTS if labels.get(name)), "")


def _same(one: Mapping[str, str], other: Mapping[str, str], reach: Reach) -> bool:
    """Of the same API, or of one service."""
    if one.get("api") and one.get("api") == other.get("api"):
        return True
    return bool(reach.services_of(one) & reach.services_of(other))


def _alert(fingerprint: str, labels: Mapping[str, str], summary: str, starts_at: datetime) -> Alert:
    return Alert(fingerprint=fingerprint, labels=labels, summary=summary, url="", starts_at=starts_at)
