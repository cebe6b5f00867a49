"""An incident about a gateway node tells of every restart of it, whoever did it, also of one just before it opened."""

from datetime import datetime, timedelta

from stationmaster.core.facts import Alert, AlertFired, InstanceRestarted
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.runtime import outbox
from stationmaster.runtime.db import Database, utc_now


def at(seconds: float, zero: datetime) -> datetime:
    return zero + timedelta(seconds=seconds)


def fired(moment: datetime, node: str = "gateway-1") -> AlertFired:
    labels = {"alertname": "GatewayNodeDown", "node": node, "environment": "sample", "severity": "critical"}
    alert = Alert(fingerprint=node, labels=labels, summary="", url="http://127.0.0.1:1/", starts_at=moment)
    return AlertFired(at=moment, alert=alert, evidence="its connection broke off")


def restarted(moment: datetime, name: str = "gateway-1", by: str = "supervision") -> InstanceRestarted:
    return InstanceRestarted(at=moment, instance=name, by=by, why="its process was gone")


async def told(database: Database, *facts: AlertFired | InstanceRestarted, at_once: bool = False) -> list[str]:
    """Who restarted it, as the timeline of the first incident has it."""
    incidents = Incidents(database)
    for some in (facts,) if at_once else [(each,) for each in facts]:
        async with database.write() as connection:
            await outbox.append(connection, *some)
        while await outbox.drain(database, CONSUMER, incidents.handle):
            pass
    found = await incidents.find(1)
    assert found is not None
    return [entry.by for entry in found[1] if entry.kind == "instance.restarted"]


async def test_the_supervisors_restart_before_the_incident_belongs_to_it(database: Database) -> None:
    zero = utc_now()
    early = (restarted(at(-60, zero), by="long ago"), restarted(at(-1, zero)), restarted(at(-1, zero), "gateway-2"))
    assert await told(database, *early, fired(zero)) == ["supervision"]


async def test_a_restart_while_it_is_open_belongs_to_it_and_to_no_other_node(database: Database) -> None:
    zero = utc_now()
    later = (restarted(at(9, zero), by="run of a runbook"), restarted(at(9, zero), "gateway-2"))
    assert await told(database, fired(zero), *later) == ["run of a runbook"]


async def test_a_restart_that_was_written_before_it_was_handled_is_told_once(database: Database) -> None:
    zero = utc_now()
    assert await told(database, fired(zero), restarted(at(1, zero)), at_once=True) == ["supervision"]
