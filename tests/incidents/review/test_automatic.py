"""Reviews that need nobody are completed by the platform, which says so; all others are left to people."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from stationmaster.core.facts import DiagnosisMade, Fact, FaultInjected, RunDeclined
from stationmaster.core.response import AutomaticReview, ReviewPolicy
from stationmaster.incidents.life import Status
from stationmaster.incidents.review import tasks_store
from stationmaster.incidents.review.automatic import (
    Closed,
    Complete,
    LeaveToPeople,
    Steadiness,
    Verdict,
    WaitUntil,
    decide,
)
from stationmaster.incidents.review.completing import Completing
from stationmaster.incidents.review.durations import Measured
from stationmaster.incidents.review.evidence import Concerned, Evidence, Kept
from stationmaster.incidents.review.own_tasks import OwnTask, own_task
from stationmaster.incidents.review.store import DRAFTER
from stationmaster.incidents.review.worked import AfterTask, Work
from stationmaster.incidents.timeline import Entry
from stationmaster.runtime.db import Database
from tests.incidents.review.desk_world import Desk, Fate, KilledError
from tests.incidents.review.test_reminders import run
from tests.incidents.test_incidents import NOW, alert, at, fired, recovered, run_ended, run_started

DRILLS, KNOWN = ReviewPolicy(steady_s=60), ReviewPolicy(automatic=AutomaticReview.KNOWN_CAUSE, steady_s=60)
NEVER = ReviewPolicy(automatic=AutomaticReview.NEVER)
DRILLED = FaultInjected(at=at(0), drill="monday", instance="key-us-south", fault="kill")
STORY: tuple[Fact, ...] = (fired(2, alert()), run_started(3), recovered(60, alert()), run_ended(61))
WORK = Work(
    runs=(
        replace(
            run(
                AfterTask(text="Document incident timeline"),
                AfterTask(text="Collect relevant logs and metrics"),
                AfterTask(text="Verify all systems are stable"),
                AfterTask(text="Identify root cause"),
                AfterTask(text="Notify stakeholders"),
            ),
            outcome="cured",
        ),
    )
)
WELL = Steadiness(well=("key-us-south answers its check",))
KEPT = Evidence(logs=(Kept(name="key-us-south", text="# started\n```\nready"),), numbers=("sample: 100 requests",))


@dataclass
class Platform:
    """What the other rooms say when they are asked."""

    checks: Steadiness = WELL
    evidence: Evidence = KEPT
    asked: Concerned | None = None

    async def checks_of(self, concerned: Concerned) -> Steadiness:
        self.asked = concerned
        return self.checks

    async def evidence_of(self, concerned: Concerned) -> Evidence:
        return self.evidence


def desk_of(database: Database, policy: ReviewPolicy = DRILLS) -> Desk:
    desk = Desk(database, work=WORK)
    desk.declared.set(replace(desk.declared.value, reviews=policy))
    return desk


def completing(desk: Desk, platform: Platform) -> Completing:
    asking = replace(desk.reviews, checks_of=platform.checks_of, evidence_of=platform.evidence_of)
    return Completing(asking)


async def look(desk: Desk, mind: Completing, seconds: float) -> int:
    await desk.at(at(seconds))
    done = await mind.tick()
    await desk.settle()
    return done


async def status(desk: Desk, number: int = 1) -> Status:
    found = await desk.incidents.find(number)
    assert found is not None
    return found[0].status


async def lines(desk: Desk, kind: str, number: int = 1) -> list[Entry]:
    found = await desk.incidents.find(number)
    assert found is not None
    return [each for each in found[1] if each.kind == kind]


async def test_a_drills_incident_is_reviewed_when_all_was_well_for_long_enough(database: Database) -> None:
    desk, platform = desk_of(database), Platform()
    await desk.facts(DRILLED, *STORY)
    mind = completing(desk, platform)
    assert [await look(desk, mind, each) for each in (62, 100, 120)] == [0, 0, 0]
    assert await status(desk) is Status.RESOLVED
    assert await look(desk, mind, 122) == 1
    assert await status(desk) is Status.REVIEWED
    (said,) = await lines(desk, "incident.reviewed")
    assert said.by == DRAFTER
    assert said.text == (
        "reviewed automatically, read by nobody: the cause is a fault that was injected on purpose by the drill "
        "monday, 4 task(s) done, 1 task(s) not needed in a drill; no task is left"
    )
    shown = await desk.reviews.show(1)
    assert (shown.review.finished_by, [each.by for each in shown.versions]) == (DRAFTER, [DRAFTER, DRAFTER])
    assert {each.text: each.done_by for each in shown.tasks} == {
        "Write and finish the review": DRAFTER,
        "Document incident timeline": DRAFTER,
        "Collect relevant logs and metrics": DRAFTER,
        "Verify all systems are stable": DRAFTER,
        "Identify root cause": DRAFTER,
        "Notify stakeholders": "not needed: a drill",
    }
    assert platform.asked is not None
    assert platform.asked.instances == {"key-us-south"}
    assert platform.asked.services == {"api_key_service"}
    assert await look(desk, mind, 200) == 0, "once"


async def test_the_review_says_that_nobody_read_it_what_was_done_and_what_was_not(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    await look(desk, completing(desk, Platform()), 200)
    text = (await desk.reviews.show(1)).versions[-1].text
    assert "## Completed automatically\n\nNobody has read this review." in text
    assert "- Known: a fault that was injected on purpose by the drill monday" in text
    assert "### Looked at\n\n- key-us-south answers its check" in text
    assert "- Document incident timeline: the timeline is in the review" in text
    assert "### Not needed: a drill\n\n- Notify stakeholders\n" in text
    assert "### Not done, left to people\n\n- nothing" in text
    assert "- sample: 100 requests" in text
    assert "    # started\n    ```\n    ready" in text, "indented: no line of a log is Markdown"
    open_items = text.split("## Action items")[1].split("##")[0]
    assert "Notify stakeholders" not in open_items
    assert "Document incident timeline" not in open_items


async def test_what_somebody_added_to_a_drills_incident_stays_open_and_what_its_runbook_wants_is_never_reminded_of(
    database: Database,
) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    await desk.reviews.add_task(1, "Show the team", due_at=at(86_400), by="lin", owner="engineer")
    assert await look(desk, completing(desk, Platform()), 200) == 1
    assert [each.text for each in await desk.reviews.tasks(done=False)] == ["Show the team"]
    text = (await desk.reviews.show(1)).versions[-1].text
    assert "### Not done, left to people\n\n- Show the team (engineer, due" in text
    await desk.at(at(30 * 86_400))
    await desk.settle()
    assert {title for _, _, title, _ in desk.sent} == {"Show the team"}


async def test_a_known_cause_that_no_drill_made_leaves_to_people_what_only_they_can_do(database: Database) -> None:
    desk = desk_of(database, KNOWN)
    found = DiagnosisMade(at=at(4), incident=1, run="run-1", runbook="Key service", likely="It died", why="so")
    await desk.facts(*STORY[:2], found, *STORY[2:])
    assert await look(desk, completing(desk, Platform()), 200) == 1
    assert [each.text for each in await desk.reviews.tasks(done=False)] == ["Notify stakeholders"]


async def test_what_is_not_well_is_waited_for_and_left_to_people_after_an_hour(database: Database) -> None:
    desk, platform = desk_of(database), Platform(checks=Steadiness(unwell=("key-us-south is down",)))
    await desk.facts(DRILLED, *STORY)
    mind = completing(desk, platform)
    assert [await look(desk, mind, each) for each in (122, 130, 3000)] == [0, 0, 0]
    assert await lines(desk, "review.left") == []
    assert await look(desk, mind, 61 + 60 + 3600) == 0
    assert [each.text for each in await lines(desk, "review.left")] == [
        "the review is left to people: key-us-south is down"
    ]
    platform.checks = WELL
    assert await look(desk, mind, 61 + 60 + 3606) == 0
    assert await status(desk) is Status.RESOLVED


async def test_what_recovers_in_time_is_reviewed(database: Database) -> None:
    desk, platform = desk_of(database), Platform(checks=Steadiness(unwell=("key-us-south is down",)))
    await desk.facts(DRILLED, *STORY)
    mind = completing(desk, platform)
    assert await look(desk, mind, 122) == 0
    platform.checks = WELL
    assert await look(desk, mind, 130) == 1


async def test_where_nothing_checks_what_it_was_about_it_is_left_to_people(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    assert await look(desk, completing(desk, Platform(checks=Steadiness())), 130) == 0
    (said,) = await lines(desk, "review.left")
    assert said.text.endswith("nothing checks what the incident was about")


async def test_what_failed_again_is_left_to_people_and_so_is_the_second_failure(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    mind = completing(desk, Platform())
    again = replace(alert("f9"), starts_at=at(100))
    await desk.facts(fired(100, again))
    assert await look(desk, mind, 130) == 0
    (said,) = await lines(desk, "review.left")
    assert "it failed again: key-us-south is down" in said.text
    await desk.facts(RunDeclined(at=at(101), incident=2, why="none"), recovered(160, again))
    assert await look(desk, mind, 400) == 0
    assert await status(desk, 2) is Status.RESOLVED


async def test_real_incidents_are_left_to_people_without_a_word(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(*STORY)
    assert await look(desk, completing(desk, Platform()), 300) == 0
    assert await status(desk) is Status.RESOLVED
    assert await lines(desk, "review.left") == []
    assert {each.done_at for each in (await desk.reviews.show(1)).tasks} == {None}


async def test_a_known_cause_is_enough_where_that_is_declared(database: Database) -> None:
    diagnosed = DiagnosisMade(
        at=at(4), incident=1, run="run-1", runbook="Key service", likely="The process died", why="nothing listens"
    )
    for policy, reviewed in ((DRILLS, 0), (KNOWN, 1)):
        desk = desk_of(database, policy)
        if policy is DRILLS:
            await desk.facts(STORY[0], STORY[1], diagnosed, *STORY[2:])
        assert await look(desk, completing(desk, Platform()), 300) == reviewed
    (said,) = await lines(desk, "incident.reviewed")
    assert "the cause is The process died (nothing listens)" in said.text


async def test_a_cause_that_no_check_confirmed_is_not_known(database: Database) -> None:
    desk = desk_of(database, KNOWN)
    desk.work = Work(runs=(replace(WORK.runs[0], outcome="escalated"),))
    diagnosed = DiagnosisMade(at=at(4), incident=1, run="run-1", runbook="Key service", likely="It died", why="so")
    await desk.facts(*STORY[:2], diagnosed, *STORY[2:])
    assert await look(desk, completing(desk, Platform()), 300) == 0


async def test_what_somebody_wrote_or_did_stays_theirs(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    await desk.reviews.write(1, "I saw it", by="lin")
    assert await look(desk, completing(desk, Platform()), 300) == 0
    (said,) = await lines(desk, "review.left")
    assert said.text.endswith("somebody has written in it")


async def test_missing_logs_leave_the_task_that_asks_for_them(database: Database) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    gone = Evidence(numbers=("sample: 100 requests",), missing=("the log of key-us-south: no such file",))
    assert await look(desk, completing(desk, Platform(evidence=gone)), 300) == 1
    tasks = {each.text: each.done_by for each in (await desk.reviews.show(1)).tasks}
    assert tasks["Collect relevant logs and metrics"] == ""
    assert "the log of key-us-south: no such file" in (await desk.reviews.show(1)).versions[-1].text


@pytest.mark.parametrize("point", range(6))
async def test_a_process_that_dies_anywhere_reviews_once_and_wholly(database: Database, point: int) -> None:
    desk = desk_of(database)
    await desk.facts(DRILLED, *STORY)
    await desk.at(at(300))
    desk.fate = Fate(left=point)
    desk.start()
    try:
        await completing(desk, Platform()).tick()
        await desk.settle()
    except KilledError:
        pass
    desk.fate = Fate()
    desk.start()
    await look(desk, completing(desk, Platform()), 400)
    shown = await desk.reviews.show(1)
    assert await status(desk) is Status.REVIEWED
    assert len(await lines(desk, "incident.reviewed")) == 1
    assert (shown.review.finished_by, len(shown.versions)) == (DRAFTER, 2)
    async with database.read() as connection:
        assert await tasks_store.find(connection, done=False) == []


MEASURED = Measured(
    number=1, service="s", severity="critical", environment="e", began_at=at(0), detected_at=at(2),
    acknowledged_at=None, mitigated_at=at(60), resolved_at=at(61), drill="monday",
)  # fmt: skip
CLOSED = Closed(status=Status.RESOLVED, resolved_at=at(61), measured=MEASURED, lines=())
CAUSE = Complete("a fault that was injected on purpose by the drill monday", drill="monday")
LATER = timedelta(seconds=300)
BY_LIN = Entry(at=at(9), kind="incident.acknowledged", by="lin", text="acknowledged")
BY_RUN = replace(BY_LIN, by="runbook run-7")


@pytest.mark.parametrize(
    ("closed", "policy", "verdict"),
    [
        (CLOSED, DRILLS, CAUSE),
        (CLOSED, NEVER, LeaveToPeople()),
        (CLOSED, ReviewPolicy(steady_s=600), WaitUntil(at(661))),
        (replace(CLOSED, status=Status.REVIEWED), DRILLS, LeaveToPeople()),
        (replace(CLOSED, measured=replace(MEASURED, drill="")), DRILLS, LeaveToPeople()),
        (replace(CLOSED, measured=replace(MEASURED, drill="")), KNOWN, LeaveToPeople()),
        (replace(CLOSED, measured=replace(MEASURED, detected_at=at(601))), DRILLS, LeaveToPeople()),
        (
            replace(CLOSED, same_fault=(replace(MEASURED, number=2, resolved_at=at(1)), MEASURED)),
            DRILLS,
            LeaveToPeople(),
        ),
        (replace(CLOSED, same_fault=(replace(MEASURED, number=2, resolved_at=at(50)), MEASURED)), DRILLS, CAUSE),
        (replace(CLOSED, lines=(BY_LIN,)), DRILLS, LeaveToPeople("lin had a hand in the incident")),
        (replace(CLOSED, lines=(BY_RUN,)), DRILLS, CAUSE),
        (replace(CLOSED, untouched=False), DRILLS, LeaveToPeople("somebody has written in it")),
        (
            replace(CLOSED, measured=replace(MEASURED, reopened=1)),
            DRILLS,
            LeaveToPeople("the incident was opened again"),
        ),
    ],
)
def test_whose_review_is_completed_is_a_table(closed: Closed, policy: ReviewPolicy, verdict: Verdict) -> None:
    assert decide(closed, policy, NOW + LATER) == verdict


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Verify all systems are stable", OwnTask.STEADY),
        ("Document timeline of events", OwnTask.TIMELINE),
        ("Document incident timeline", OwnTask.TIMELINE),
        ("Collect relevant logs and metrics.", OwnTask.EVIDENCE),
        ("Identify root cause", OwnTask.CAUSE),
        ("Conduct post-incident review", None),
        ("Document timeline of events and send it to customers", None),
        ("Verify all systems are stable with the vendor", None),
        ("Notify stakeholders", None),
        ("Identify root cause of the vendor's outage", None),
    ],
)
def test_a_task_is_the_platforms_own_only_when_it_asks_for_nothing_else(text: str, kind: OwnTask | None) -> None:
    assert own_task(text) is kind
