"""From facts to incidents: opening, joining, timelines and the end."""

from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.facts import (
    Alert,
    AlertFired,
    AlertRecovered,
    BalancerState,
    EscalationAsked,
    Fact,
    FaultInjected,
    IncidentOpened,
    IncidentRecovered,
    IncidentResolved,
    InstanceRestarted,
    NoteAdded,
    RunDeclined,
    RunEnded,
    RunStarted,
    RunStepEnded,
    TargetChanged,
)
from stationmaster.core.response import IncidentSettings
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.group import OpenIncident, is_over
from stationmaster.incidents.life import Status
from stationmaster.incidents.loop import CONSUMER, Incidents
from stationmaster.incidents.timeline import entry_of
from stationmaster.runtime import outbox
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database

APART = PlatformSpec(environment="sample", incidents=IncidentSettings(group_by=("...",)))
"""Every alert opens an incident of its own."""
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def alert(fingerprint: str = "f1", instance: str = "key-us-south") -> Alert:
    labels = {
        "alertname": "ServiceInstanceDown",
        "service": "api_key_service",
        "environment": "sample",
        "region": "us-south",
        "instance": instance,
        "severity": "critical",
    }
    url = "http://127.0.0.1:8888/api/auth/healthz"
    return Alert(fingerprint=fingerprint, labels=labels, summary=f"{instance} is down", url=url, starts_at=NOW)


def fired(seconds: float, which: Alert) -> AlertFired:
    return AlertFired(at=at(seconds), alert=which, evidence="connection refused")


def recovered(seconds: float, which: Alert) -> AlertRecovered:
    return AlertRecovered(at=at(seconds), alert=which, evidence="status 200")


def run_started(seconds: float) -> RunStarted:
    return RunStarted(at=at(seconds), incident=1, run="r1", runbook="Key service", why="exact match")


def run_ended(seconds: float, outcome: str = "cured") -> RunEnded:
    return RunEnded(at=at(seconds), incident=1, run="r1", outcome=outcome, detail="")


async def told(database: Database, *facts: Fact) -> Incidents:
    """Incidents that have handled these facts and everything that followed from them."""
    incidents = Incidents(database, Cell(APART))
    for fact in facts:
        async with database.write() as connection:
            await outbox.append(connection, fact)
        while await outbox.drain(database, CONSUMER, incidents.handle):
            pass
    return incidents


async def test_an_alert_opens_an_incident_named_after_what_fails(database: Database) -> None:
    incidents = await told(database, fired(0, alert()))
    (incident,) = await incidents.all()
    assert incident.title == "ServiceInstanceDown: key-us-south (api_key_service, us-south)"
    assert (incident.status, incident.severity, incident.number) == (Status.TRIGGERED, "critical", 1)


async def test_the_same_alert_joins_and_another_instance_opens_its_own(database: Database) -> None:
    incidents = await told(database, fired(0, alert()), fired(1, alert()), fired(2, alert("f2", "key-eu-de")))
    assert [each.number for each in await incidents.all()] == [2, 1]
    opened = [fact for fact in await outbox.facts_since(database, NOW) if isinstance(fact, IncidentOpened)]
    assert [fact.incident for fact in opened] == [1, 2]


@pytest.mark.parametrize(
    "story",
    [
        [run_started(1), recovered(2, alert()), run_ended(3)],
        [run_started(1), run_ended(2), recovered(3, alert())],
        [run_started(1), run_ended(2, "escalated"), recovered(300, alert())],
        [RunDeclined(at=at(1), incident=1, why="no match"), recovered(300, alert())],
    ],
    ids=[
        "recovered, then the run ends",
        "the run ends, then recovered",
        "escalated, and somebody mended it",
        "no runbook",
    ],
)
async def test_an_incident_is_resolved_when_all_is_well_and_nobody_works_on_it(
    database: Database, story: list[Fact]
) -> None:
    incidents = await told(database, fired(0, alert()), *story[:-1])
    assert [each.status for each in await incidents.all()] == [Status.TRIGGERED]
    await told(database, story[-1])
    (incident,) = await incidents.all()
    assert incident.status is Status.RESOLVED
    assert incident.resolved_at == story[-1].at


async def test_recovery_is_told_once_and_resolution_once(database: Database) -> None:
    await told(database, fired(0, alert()), run_started(1), recovered(2, alert()), run_ended(3))
    facts = [type(fact) for fact in await outbox.facts_since(database, NOW)]
    assert facts.count(IncidentRecovered) == 1
    assert facts.count(IncidentResolved) == 1


async def test_a_failure_after_the_end_opens_a_new_incident(database: Database) -> None:
    incidents = await told(
        database, fired(0, alert()), run_started(1), recovered(2, alert()), run_ended(3), fired(9, alert())
    )
    assert [(each.number, each.status) for each in await incidents.all()] == [
        (2, Status.TRIGGERED),
        (1, Status.RESOLVED),
    ]


async def test_a_note_of_the_same_key_is_written_once(database: Database) -> None:
    note = NoteAdded(at=at(1), incident=1, key="healing:t", by="self-healing", text="removed")
    incidents = await told(database, fired(0, alert()), note, note)
    found = await incidents.find(1)
    assert found is not None
    assert [entry.text for entry in found[1] if entry.kind == "note"] == ["removed"]


async def test_an_unknown_number_is_no_incident(database: Database) -> None:
    assert await Incidents(database).find(17) is None


TOLD: list[tuple[Fact, str, str]] = [
    (fired(0, alert()), "alert.fired", "key-us-south is down: connection refused"),
    (recovered(0, alert()), "alert.recovered", "recovered, http://127.0.0.1:8888/api/auth/healthz: status 200"),
    (IncidentOpened(at=NOW, incident=1, title="T", alert=alert()), "incident.opened", "incident #1 opened: T"),
    (IncidentRecovered(at=NOW, incident=1), "incident.recovered", "every alert has recovered"),
    (IncidentResolved(at=NOW, incident=1), "incident.resolved", "incident #1 resolved"),
    (
        TargetChanged(
            at=NOW,
            virtual_host="v",
            target="t",
            state=BalancerState.OUT,
            by="x",
            why="down",
            acknowledged={"n2": 12.4, "n1": 8.0},
            pending=("n3",),
        ),
        "target.out",
        "target t taken out of v: down; acknowledged by n1 after 8 ms, n2 after 12 ms; waiting for n3",
    ),
    (
        TargetChanged(at=NOW, virtual_host="v", target="t", state=BalancerState.IN, by="x", why="up", acknowledged={}),
        "target.in",
        "target t put back into v: up; acknowledged by no node",
    ),
    (run_started(0), "run.started", "runbook “Key service”: exact match"),
    (
        RunStepEnded(at=NOW, incident=1, run="r", step="1.6", title="curl", verdict="failed", detail="refused"),
        "run.step",
        "step 1.6 curl: failed — refused",
    ),
    (RunDeclined(at=NOW, incident=1, why="none"), "run.declined", "no runbook is worked: none"),
    (run_ended(0), "run.ended", "run ended: cured"),
    (
        EscalationAsked(at=NOW, incident=1, level=2, why="unknown command", contact="@ops"),
        "escalation",
        "level 2 (@ops) has to look: unknown command",
    ),
    (
        InstanceRestarted(at=NOW, instance="k", by="runbook", why="step 3", incident=1),
        "instance.restarted",
        "k restarted: step 3",
    ),
    (FaultInjected(at=NOW, drill="d", instance="k", fault="kill"), "fault.injected", "kill of k, on purpose"),
]


@pytest.mark.parametrize(("fact", "kind", "text"), TOLD, ids=[type(fact).__name__ for fact, _, _ in TOLD])
def test_every_fact_is_said_in_one_line(fact: Fact, kind: str, text: str) -> None:
    entry = entry_of(fact)
    assert (entry.kind, entry.text) == (kind, text)


@pytest.mark.parametrize(
    ("firing", "worked", "kept_open", "over"),
    [
        (True, False, False, False),
        (False, True, False, False),
        (False, False, True, False),
        (False, False, False, True),
    ],
)
def test_an_incident_is_over_when_nothing_fires_and_nobody_works_on_it_or_keeps_it(
    firing: bool, worked: bool, kept_open: bool, over: bool
) -> None:
    assert is_over(OpenIncident(number=1, firing=firing, worked=worked, kept_open=kept_open)) is over
