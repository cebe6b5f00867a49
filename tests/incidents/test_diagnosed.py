"""Word of a diagnosis reaches those who were told of the incident: with their page, or right after it."""

from dataclasses import replace
from datetime import timedelta

from stationmaster.core.facts import (
    Alert,
    AlertFired,
    ApprovalAsked,
    CheckMade,
    DiagnosisMade,
    ProposedRemedy,
    SuspectedCause,
)
from stationmaster.core.response import Channel
from stationmaster.incidents.claims import Claimed
from stationmaster.incidents.links import new_links
from stationmaster.incidents.notify.every import Every
from stationmaster.incidents.notify.message import Message, body
from stationmaster.incidents.notify.receipt import Receipt, delivered
from stationmaster.incidents.notify.slack import document as slack
from stationmaster.incidents.notify.webhook import document as webhook
from stationmaster.incidents.paper import What
from stationmaster.incidents.telling import Telling
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.world import LADDER, ZERO, World, channel, spec

ALERT = Alert(
    fingerprint="f",
    labels={"alertname": "UpstreamErrors", "api": "orders", "severity": "critical"},
    summary="orders answers 503",
    url="",
    starts_at=ZERO,
)
MADE = DiagnosisMade(
    at=ZERO,
    incident=1,
    run="run-1",
    runbook="Guide",
    likely="503 Service Unavailable Errors",
    why="“503 errors”: the alert UpstreamErrors tells of it",
    causes=(
        SuspectedCause(title="503 Service Unavailable Errors", speaks_for=("“503 errors”: the alert tells of it",)),
        SuspectedCause(title="High Latency Issues", speaks_against=("it is fast",), ruled_out=True),
    ),
    checks=(CheckMade(step="1.1", title="Look", verdict="passed", detail="saw 'well'"),),
    unseen=("step 1.2 Look: kubectl not found on PATH",),
    affected=("api billing: HighErrorRate fires (#2)",),
)
ASKING = replace(MADE, proposed=ProposedRemedy(step="1.3", title="Scale", command="scale up", asks="a yes"))
ASKED = ApprovalAsked(
    at=ZERO,
    incident=1,
    run="run-1",
    step="1.3",
    command="scale up",
    risk="change",
    why="it scales",
    expires_at=ZERO + timedelta(minutes=15),
)
FIRED = AlertFired(at=ZERO, alert=ALERT, evidence="503")


def world(database: Database, *channels: Channel) -> World:
    return World(database, Cell(spec(LADDER, *channels)))


class Ear:
    """Keeps what is told, in the words of the message."""

    def __init__(self, world: World) -> None:
        self.heard: list[tuple[What, str, Message]] = []
        links, declared = new_links(), world.declared
        self.telling = Telling(
            every=Every(notifiers={}), links=links, spec=lambda: declared.value, now=lambda: world.now
        )
        world.answer = self.hear

    def hear(self, claimed: Claimed) -> Receipt:
        self.heard.append((claimed.owed.what, claimed.owed.page.to.name, self.telling.message(claimed)))
        return delivered()

    def told(self, what: What) -> list[str]:
        return [name for each, name, _ in self.heard if each is what]

    def message(self, what: What) -> Message:
        return next(message for each, _, message in self.heard if each is what)


async def test_whoever_was_paged_before_hears_of_the_diagnosis_once(database: Database) -> None:
    whole = world(database, channel())
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    assert ear.told(What.PAGE) == ["engineer"]
    assert ear.message(What.PAGE).diagnosis == ""
    await whole.facts(MADE)
    await whole.facts(MADE)
    await whole.tick()
    assert sorted(ear.told(What.DIAGNOSIS)) == ["engineer", "ops"]
    message = ear.message(What.DIAGNOSIS)
    assert message.diagnosis.splitlines() == [
        "likely cause: 503 Service Unavailable Errors (“503 errors”: the alert UpstreamErrors tells of it)",
        "not “High Latency Issues”: it is fast",
        "also not well: api billing: HighErrorRate fires (#2)",
        "check: 1.1 Look: passed, saw 'well'",
        "not looked at: step 1.2 Look: kubectl not found on PATH",
    ]
    assert await whole.lines("diagnosis") == [message.diagnosis]


async def test_a_page_that_was_not_sent_yet_carries_the_diagnosis_itself(database: Database) -> None:
    whole = world(database, channel())
    ear = Ear(whole)
    await whole.facts(FIRED, MADE)
    await whole.tick()
    assert ear.told(What.DIAGNOSIS) == []
    for what in (What.PAGE, What.OPENED):
        assert ear.message(what).diagnosis.startswith("likely cause: 503 Service Unavailable Errors")


async def test_a_remedy_that_waits_for_a_yes_is_one_message_with_its_diagnosis_and_one_link(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.facts(ASKING)
    await whole.tick()
    assert ear.told(What.DIAGNOSIS) == [], "it waits a moment for the question"
    await whole.facts(ASKED)
    await whole.until(1)
    assert (ear.told(What.APPROVAL), ear.told(What.DIAGNOSIS)) == (["engineer"], [])
    message = ear.message(What.APPROVAL)
    assert message.diagnosis.startswith("likely cause: 503 Service Unavailable Errors")
    assert "proposed: step 1.3 `scale up`; it waits for a yes" in message.diagnosis
    assert message.approve == f"{message.acknowledge}/approve/run-1/1.3"
    assert f"Allow or leave out: {message.approve}" in body(message)
    assert webhook(message, "hook")["commonAnnotations"]["diagnosis"].startswith("likely cause")
    assert webhook(message, "hook")["commonAnnotations"]["approve"] == message.approve
    blocks = slack(message)["blocks"]
    assert any("*Diagnosis*\nlikely cause" in each.get("text", {}).get("text", "") for each in blocks)
    assert blocks[-1]["elements"][0]["url"] == message.approve


async def test_the_word_of_a_diagnosis_goes_out_by_itself_where_nothing_is_asked_in_time(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.facts(ASKING)
    await whole.until(0.2, step_s=1)
    assert ear.told(What.DIAGNOSIS) == ["engineer"]
    assert ear.message(What.DIAGNOSIS).approve == ""


async def test_of_an_incident_that_somebody_acknowledged_they_alone_hear(database: Database) -> None:
    whole = world(database, channel())
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.until(16)
    assert set(ear.told(What.PAGE)) == {"engineer", "manager"}
    await whole.incidents.acts.acknowledge(1, by="manager")
    await whole.facts(MADE)
    await whole.tick()
    assert sorted(ear.told(What.DIAGNOSIS)) == ["manager", "ops"]


async def test_who_acknowledged_without_being_paged_hears_by_their_first_contact(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.incidents.acts.acknowledge(1, by="director")
    await whole.facts(MADE)
    await whole.tick()
    assert ear.told(What.DIAGNOSIS) == ["director"]


async def test_nobody_hears_of_the_diagnosis_of_what_is_over(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.facts(ASKING)
    await whole.incidents.acts.resolve(1, by="engineer")
    await whole.until(1)
    await whole.facts(replace(MADE, run="run-1-2"))
    await whole.until(2)
    assert ear.told(What.DIAGNOSIS) == []


async def test_each_run_of_an_incident_tells_its_own(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.facts(MADE, replace(MADE, run="run-1-2", likely="High Latency Issues", why=""))
    await whole.tick()
    found = [message.diagnosis.splitlines()[0] for what, _, message in ear.heard if what is What.DIAGNOSIS]
    assert [each.partition(" (")[0] for each in found] == [
        "likely cause: 503 Service Unavailable Errors",
        "likely cause: High Latency Issues",
    ]


async def test_nobody_is_told_again_what_another_run_has_said_already(database: Database) -> None:
    whole = world(database)
    ear = Ear(whole)
    await whole.facts(FIRED)
    await whole.tick()
    await whole.facts(MADE, replace(MADE, run="run-1-2"), replace(ASKING, run="run-1-3"))
    await whole.until(1)
    assert ear.told(What.DIAGNOSIS) == ["engineer"], "what the third asks for comes with its question"
    assert len(await whole.lines("diagnosis")) == 3
    await whole.facts(replace(ASKED, run="run-1-3"))
    await whole.until(2)
    assert ear.told(What.APPROVAL) == ["engineer"]
    assert ear.message(What.APPROVAL).diagnosis.startswith("likely cause: 503 Service Unavailable Errors")


async def test_nobody_is_told_again_what_their_page_has_said_already(database: Database) -> None:
    whole = world(database, channel())
    ear = Ear(whole)
    await whole.facts(FIRED, MADE)
    await whole.tick()
    assert ear.message(What.PAGE).diagnosis.startswith("likely cause: 503 Service Unavailable Errors")
    await whole.facts(replace(MADE, run="run-1-2"))
    await whole.until(1)
    assert ear.told(What.DIAGNOSIS) == []
    await whole.facts(replace(MADE, run="run-1-3", likely="High Latency Issues"))
    await whole.until(2)
    assert sorted(ear.told(What.DIAGNOSIS)) == ["engineer", "ops"]
