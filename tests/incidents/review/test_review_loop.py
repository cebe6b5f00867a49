"""Reviews are drafted once, tasks are told of once, whatever happens to the process."""

import shutil
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from stationmaster.core.facts import Fact, FaultInjected, RunDeclined
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.acts import Edit
from stationmaster.incidents.life import Status
from stationmaster.incidents.notify.receipt import failed, refused
from stationmaster.incidents.review import tasks_store
from stationmaster.incidents.review.durations import By
from stationmaster.incidents.review.proposals import Kind
from stationmaster.incidents.review.store import DRAFTER
from stationmaster.incidents.review.tasks_store import State
from stationmaster.incidents.review.worked import AfterTask, Work
from stationmaster.runtime import audit
from stationmaster.runtime.db import Database, metadata, open_database
from tests.incidents.review.desk_world import Desk, KilledError
from tests.incidents.review.test_reminders import run
from tests.incidents.test_incidents import NOW, alert, at, fired, recovered, run_ended, run_started

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REVIEW = "Write and finish the review"
STORY: tuple[Fact, ...] = (
    fired(2, alert()),
    run_started(3),
    recovered(60, alert()),
    run_ended(61),
)
WORK = Work(runs=(run(AfterTask(text="Tell customers", due_s=3600, group="Within 1 hour")),))


async def resolved(desk: Desk) -> None:
    await desk.facts(*STORY)


async def test_an_incident_that_is_resolved_gets_a_draft_and_its_tasks(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    shown = await desk.reviews.show(1)
    assert [(each.number, each.by) for each in shown.versions] == [(1, DRAFTER)]
    assert shown.versions[0].text.startswith("# Review of incident #1: ServiceInstanceDown")
    assert [(each.text, each.due_at - at(61)) for each in shown.tasks] == [
        ("Tell customers", HOUR),
        (REVIEW, DAY),
    ]
    assert {each.owner for each in shown.tasks} == {"engineer"}
    found = await desk.incidents.find(1)
    assert found is not None
    assert [each.kind for each in found[1]].count("review.drafted") == 1


async def test_nothing_is_drafted_while_it_is_open_nor_for_what_was_merged(database: Database) -> None:
    desk = Desk(database)
    other = alert("f2", "key-eu-de")
    await desk.facts(fired(2, alert()), fired(3, other))
    assert await desk.reviews.all() == []
    with pytest.raises(PlatformError, match="no review"):
        await desk.reviews.show(1)
    await desk.incidents.acts.merge(2, into=1, by="lin")
    await desk.facts(
        recovered(60, alert()),
        recovered(61, other),
        *(RunDeclined(at=at(62), incident=number, why="none") for number in (1, 2)),
    )
    assert [each.incident for each in await desk.reviews.all()] == [1]


async def test_what_people_wrote_stays_whatever_is_drafted_later(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    await desk.reviews.write(1, "what we know", by="lin", instead_of=1)
    with pytest.raises(PlatformError, match="version 2 was written meanwhile"):
        await desk.reviews.write(1, "too late", by="ada", instead_of=1)
    await desk.incidents.acts.reopen(1, by="lin")
    await desk.settle()
    await desk.incidents.acts.resolve(1, by="lin")
    await desk.settle()
    shown = await desk.reviews.show(1)
    assert [each.text for each in shown.versions][1:] == ["what we know"]
    assert "opened again once" in (await desk.reviews.draft(1)).text


async def test_after_a_reopening_due_times_count_from_the_newest_end_and_nobody_is_told_meanwhile(
    database: Database,
) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    await desk.incidents.acts.reopen(1, by="lin")
    await desk.passes(2 * DAY)
    assert desk.sent == []
    await desk.incidents.acts.resolve(1, by="lin")
    await desk.tick()
    shown = await desk.reviews.show(1)
    assert {each.text: each.due_at - shown.review.resolved_at for each in shown.tasks} == {
        "Tell customers": HOUR,
        REVIEW: DAY,
    }


async def test_reminders_come_before_at_and_after_the_due_time_until_it_is_done(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    await desk.passes(4 * DAY)
    told = [(hours, title) for hours, _, title, _ in desk.sent if title == REVIEW]
    assert told == [(22, REVIEW), (25, REVIEW), (49, REVIEW), (73, REVIEW)]
    assert {address for _, address, _, _ in desk.sent} == {"engineer@example.org"}
    assert {each.text for each in desk.reviews.overdue.value} == {"Tell customers", REVIEW}
    assert "task 1 (engineer) was due 2026-11-22 03:01 UTC: Write and finish the review" in desk.reviews.troubles()[1]
    for each in await desk.reviews.tasks(done=False):
        await desk.reviews.do_task(each.id, by="lin")
    before = len(desk.sent)
    await desk.passes(2 * DAY)
    assert (len(desk.sent), desk.reviews.troubles()) == (before, ())


async def test_reminders_end_after_two_weeks_and_the_task_still_shows(database: Database) -> None:
    desk = Desk(database)
    await resolved(desk)
    await desk.passes(30 * DAY, step=6 * HOUR)
    mine = [each for each in desk.sent if each[2] == REVIEW]
    assert len(mine) == 2 + 14
    assert REVIEW in {each.text for each in desk.reviews.overdue.value}


async def test_another_owner_is_told_and_the_one_before_no_more(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    await desk.passes(2 * HOUR)
    (late, _) = await desk.reviews.tasks(done=False)
    await desk.reviews.edit_task(late.id, by="lin", owner="manager")
    desk.sent.clear()
    await desk.tick()
    assert [(address, title) for _, address, title, _ in desk.sent] == [("manager@example.org", "Tell customers")]
    await desk.reviews.edit_task(late.id, by="lin", due_at=NOW + 9 * DAY)
    await desk.passes(DAY)
    assert [title for _, _, title, _ in desk.sent].count("Tell customers") == 1


async def test_what_cannot_be_sent_is_tried_again_and_what_is_refused_is_not(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    desk.answer = failed("no route")
    await desk.passes(HOUR + timedelta(minutes=2), step=timedelta(minutes=1))
    assert len(desk.sent) > 2
    desk.answer = refused("no such address")
    await desk.passes(timedelta(minutes=20), step=timedelta(minutes=1))
    count = len(desk.sent)
    await desk.passes(HOUR, step=timedelta(minutes=1))
    assert len(desk.sent) == count
    async with database.read() as connection:
        states = [each.state for each in await tasks_store.reminders_of(connection, 2)]
    assert states[-1] is State.FAILED


async def test_finishing_by_any_way_reviews_the_incident_and_does_its_task(database: Database) -> None:
    desk = Desk(database, work=WORK)
    await resolved(desk)
    await desk.reviews.finish(1, by="lin", why="all said")
    found = await desk.incidents.find(1)
    shown = await desk.reviews.show(1)
    assert found is not None
    assert found[0].status is Status.REVIEWED
    assert (shown.review.finished_by, [each.done_by for each in shown.tasks]) == ("lin", ["", "lin"])
    await desk.reviews.finish(1, by="lin")


async def test_an_incident_that_is_reviewed_without_its_review_finishes_that(database: Database) -> None:
    desk = Desk(database)
    await resolved(desk)
    await desk.incidents.acts.review(1, by="ada")
    await desk.settle()
    shown = await desk.reviews.show(1)
    assert (shown.review.finished_by, shown.tasks[0].done_by) == ("ada", "ada")


async def test_every_change_of_a_task_stands_in_the_audit_trail(database: Database) -> None:
    desk = Desk(database)
    await desk.facts(fired(0, alert()))
    made = await desk.reviews.add_task(1, " raise  the limit ", due_at=NOW + DAY, by="lin")
    assert (made.text, made.owner, made.source) == ("raise the limit", "lin", "lin")
    await desk.reviews.edit_task(made.id, by="ada", owner="engineer")
    await desk.reviews.do_task(made.id, by="ada")
    await desk.reviews.do_task(made.id, by="ada")
    with pytest.raises(PlatformError, match="is done"):
        await desk.reviews.edit_task(made.id, by="ada", text="other")
    await desk.reviews.reopen_task(made.id, by="lin")
    async with database.read() as connection:
        found = await audit.changes(connection, audit.Asked(kind="task"))
    assert [(each.who, each.action) for _, each in reversed(found)] == [
        ("lin", "create"),
        ("ada", "edit"),
        ("ada", "done"),
        ("lin", "reopen"),
    ]
    assert found[-2][1].before["owner"] == "lin"


async def test_a_task_by_hand_of_an_open_incident_is_told_of_as_well(database: Database) -> None:
    desk = Desk(database)
    await desk.facts(fired(0, alert()))
    await desk.reviews.add_task(1, "call them", due_at=NOW + HOUR, by="engineer")
    await desk.passes(2 * HOUR, step=timedelta(minutes=10))
    assert [title for _, _, title, _ in desk.sent] == ["call them", "call them"]


async def test_a_drill_is_left_out_of_the_durations_unless_asked_for(database: Database) -> None:
    desk = Desk(database)
    drilled = FaultInjected(at=at(-1), drill="monday", instance="key-us-south", fault="kill")
    await desk.facts(drilled)
    await resolved(desk)
    await desk.facts(fired(500, replace(alert("f2", "key-eu-de"), starts_at=at(490))))
    (real,) = await desk.reviews.stats(NOW - DAY, By.SERVICE)
    (both,) = await desk.reviews.stats(NOW - DAY, By.SERVICE, drills=True)
    assert ([each.number for each in real.incidents], [each.number for each in both.incidents]) == ([2], [1, 2])
    assert (both.incidents[0].detect_s, both.incidents[0].resolve_s, both.incidents[1].detect_s) == (3, 62, 10)
    assert "It was a drill (monday)." in (await desk.reviews.show(1)).versions[0].text


async def _summary(desk: Desk) -> dict[str, Any]:
    shown = await desk.reviews.show(1)
    found = await desk.incidents.find(1)
    return {
        "versions": [each.by for each in shown.versions],
        "tasks": [(each.key, each.due_at) for each in shown.tasks],
        "lines": [each.kind for each in (found[1] if found else ())],
    }


async def _lived(desk: Desk) -> list[str]:
    """The whole story, in which the process may die once and is started again; gives what was sent."""
    facts = [partial(desk.facts, *STORY)]
    moments = [partial(desk.at, NOW + hours * HOUR) for hours in (2, 25, 49)]
    for step in [*facts, *moments]:
        try:
            await step()
        except KilledError:
            desk.fate.left = None
            desk.start()
            await desk.reminding.sender.begin()
            await desk.tick()
    return [key for _, _, _, key in desk.sent]


async def test_killed_at_any_point_everything_is_drafted_once_and_nothing_is_told_twice(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    fresh = tmp_path_factory.mktemp("fresh") / "test.db"
    made = open_database(fresh)
    async with made.write() as connection:
        await connection.run_sync(metadata.create_all)
    await made.close()

    async def whole(left: int | None) -> tuple[dict[str, Any], list[str], int]:
        database = open_database(Path(shutil.copy(fresh, tmp_path_factory.mktemp("lived"))))
        # What dies is the process, never the machine: nothing has to reach the disk.
        event.listen(database.writer.sync_engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
        desk = Desk(database, work=WORK)
        desk.fate.left = left
        sent = await _lived(desk)
        result = await _summary(desk), sent, desk.fate.points
        await database.close()
        return result

    summary, sent, points = await whole(None)
    assert points > 30
    assert len(sent) == len(set(sent)) == 4
    for left in range(points):
        found, told, _ = await whole(left)
        assert found == summary, left
        assert len(told) == len(set(told)), left
        assert set(told) <= set(sent), left
        assert len(set(sent) - set(told)) <= 1, left


async def test_a_severity_that_is_changed_later_is_that_of_the_review(database: Database) -> None:
    desk = Desk(database)
    await desk.facts(fired(0, alert()))
    await desk.incidents.acts.edit(1, Edit(severity="info"), by="lin")
    await desk.facts(recovered(9, alert()), RunDeclined(at=at(10), incident=1, why="none"))
    shown = await desk.reviews.show(1)
    assert (shown.review.severity, list(shown.tasks)) == ("info", [])


async def test_a_draft_that_fails_holds_no_other_up(database: Database) -> None:
    desk = Desk(database, broken=frozenset({1}))
    other = alert("f2", "key-eu-de")
    over = [RunDeclined(at=at(3), incident=number, why="none") for number in (1, 2)]
    with pytest.raises(ValueError, match="no work for 1"):
        await desk.facts(fired(1, alert()), fired(2, other), *over, recovered(4, alert()), recovered(5, other))
    with pytest.raises(ValueError, match="no work for 1"):
        await desk.settle()
    assert [(each.incident, each.drafted_at is not None) for each in await desk.reviews.all()] == [
        (2, True),
        (1, False),
    ]
    desk.broken = frozenset()
    await desk.settle()
    assert all(each.drafted_at for each in await desk.reviews.all())


async def test_only_the_longest_overdue_are_told_in_words(database: Database) -> None:
    desk = Desk(database)
    await desk.facts(fired(0, alert()))
    for number in range(7):
        await desk.reviews.add_task(1, f"thing {number}", due_at=NOW + HOUR * number, by="engineer")
    await desk.passes(DAY, step=6 * HOUR)
    told = desk.reviews.troubles()
    assert [each.rsplit(": ", 1)[1] for each in told[:5]] == [f"thing {number}" for number in range(5)]
    assert told[5:] == ("2 more tasks are overdue: `stm review tasks`",)


@pytest.mark.parametrize(
    ("why", "kinds"),
    [
        ("none of 10 runbooks names ServiceInstanceDown or quotes one like it", [Kind.NO_RUNBOOK]),
        ("'Key service' cannot be run: the alert is about key-9", []),
        ("2 runs of this incident are under way already", []),
    ],
)
async def test_a_runbook_is_proposed_only_where_there_was_none(database: Database, why: str, kinds: list[Kind]) -> None:
    desk = Desk(database, work=Work(home=("/r", "books")))
    await desk.facts(fired(2, alert()), RunDeclined(at=at(3), incident=1, why=why, fingerprint="f1"))
    await desk.facts(recovered(60, alert()))
    found = await desk.reviews.proposals(1)
    assert [each.kind for changed in found for each in changed.proposals] == kinds
    assert all("alert: ServiceInstanceDown" in each.diff for each in found)
