"""Which tasks are left behind, whose they are, and when somebody is reminded."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from stationmaster.core.response import (
    Contact,
    ContactKind,
    EscalationPolicy,
    Layer,
    Level,
    PageTarget,
    PolicyName,
    QuietHours,
    Responder,
    ResponderName,
    Schedule,
    ScheduleName,
    TargetKind,
)
from stationmaster.incidents.pages import Directory
from stationmaster.incidents.review import reminders
from stationmaster.incidents.review.reminders import Occasion
from stationmaster.incidents.review.worked import AfterTask, WorkedFile, WorkedRun
from tests.incidents.world import LADDER, QUIET, channel, person, spec

ZERO = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUTY = PageTarget(kind=TargetKind.SCHEDULE, name="primary")
SCHEDULE = Schedule(
    name=ScheduleName("primary"),
    time_zone="UTC",
    layers=(
        Layer(
            name="week",
            responders=(ResponderName("manager"), ResponderName("engineer")),
            starts=date(2026, 11, 2),
            handoff=time(9),
        ),
    ),
)


def run(*tasks: AfterTask, outcome: str = "escalated") -> WorkedRun:
    file = WorkedFile(file="/r/a.md", root="/r", path="a.md", text="", tasks=tasks)
    return WorkedRun(
        id="run-1", runbook="A", digest="", outcome=outcome, detail="", started_at=ZERO, ended_at=ZERO, file=file
    )


def texts(severity: str, *runs: WorkedRun) -> list[tuple[str, float]]:
    return [(each.text, each.due_after / HOUR) for each in reminders.wanted(severity, runs)]


def test_a_runbook_says_what_is_to_be_done_and_the_review_is_due_by_severity() -> None:
    found = run(AfterTask(text="Tell customers", due_s=3600), AfterTask(text="Add a test", group="Within a week"))
    assert texts("critical", found) == [
        ("Write and finish the review", 24),
        ("Tell customers", 1),
        ("Add a test", 168),
    ]


@pytest.mark.parametrize(
    ("severity", "runs", "tasks"),
    [
        ("critical", (), [("Write and finish the review", 24), ("Write a runbook that answers this alert", 168)]),
        ("warning", (run(outcome="cured"),), [("Write and finish the review", 168)]),
        (
            "nobody-knows",
            (run(),),
            [("Write and finish the review", 72), ("Take up what the review proposes for the runbook", 168)],
        ),
        ("info", (run(),), []),
    ],
)
def test_where_no_runbook_says_it_the_platform_does(
    severity: str, runs: tuple[WorkedRun, ...], tasks: list[tuple[str, float]]
) -> None:
    assert texts(severity, *runs) == tasks


def test_two_runs_of_the_same_runbook_leave_its_tasks_once() -> None:
    found = run(AfterTask(text="Tell customers", due_s=3600))
    assert len(reminders.wanted("info", (found, found))) == 1


def directory(quiet: QuietHours | None = None) -> Directory:
    made = spec(LADDER, channel())
    people = tuple(replace(each, quiet_hours=quiet) for each in made.responders)
    return Directory.of(replace(made, responders=people, schedules=(SCHEDULE,)))


def policy(*targets: PageTarget) -> EscalationPolicy:
    return EscalationPolicy(name=PolicyName("p"), levels=tuple(Level(targets=(each,)) for each in targets))


@pytest.mark.parametrize(
    ("acknowledged_by", "chain", "owner"),
    [
        ("lin", policy(DUTY), "lin"),
        ("", policy(DUTY), "manager"),
        ("", policy(PageTarget(kind=TargetKind.CHANNEL, name="ops"), person("director")), "director"),
        ("", policy(person("gone")), ""),
        ("", None, ""),
    ],
)
def test_a_task_is_whose_acknowledged_or_is_on_duty(
    acknowledged_by: str, chain: EscalationPolicy | None, owner: str
) -> None:
    assert reminders.owner_of(acknowledged_by, chain, directory(), ZERO) == owner


def test_reminders_come_before_at_and_daily_after_and_end() -> None:
    found = reminders.moments(ZERO, ZERO + DAY, "lin")
    assert [each.occasion for each in found[:3]] == [Occasion.SOON, Occasion.DUE, Occasion.LATE]
    assert found[0].at == ZERO + DAY - timedelta(hours=2.4)
    assert [each.at for each in found[2:]] == [ZERO + DAY * (2 + day) for day in range(reminders.MOST_DAYS)]
    assert len({each.key for each in found}) == len(found)


def test_a_task_that_is_due_at_once_has_nothing_before() -> None:
    assert reminders.moments(ZERO, ZERO + timedelta(minutes=5), "lin")[0].occasion is Occasion.DUE


@pytest.mark.parametrize(
    ("after", "occasion"),
    [
        (HOUR, None),
        (DAY - HOUR, Occasion.SOON),
        (DAY, Occasion.DUE),
        (2.5 * DAY, Occasion.LATE),
        (90 * DAY, Occasion.LATE),
    ],
)
def test_only_the_last_moment_that_has_come_is_owed(after: timedelta, occasion: Occasion | None) -> None:
    found = reminders.owed(ZERO, ZERO + DAY, "lin", ZERO + after)
    assert (None if found is None else found.occasion) is occasion


def test_another_owner_or_due_time_makes_other_reminders() -> None:
    keys = {
        reminders.owed(ZERO, due, who, ZERO + 3 * DAY)
        for due, who in ((ZERO + DAY, "lin"), (ZERO + DAY, "ada"), (ZERO + 2 * DAY, "lin"))
    }
    assert len({each.key for each in keys if each}) == 3


def test_the_owner_is_told_after_quiet_hours_by_a_contact_that_can_be_read() -> None:
    (told,) = reminders.whom("engineer", ["ops"], directory(QUIET), ZERO)
    assert (told.to, told.contact.name, told.at) == ("engineer", "mail", ZERO + 4 * HOUR)


@pytest.mark.parametrize("owner", ["", "a machine"])
def test_what_is_nobodys_is_told_to_the_channels(owner: str) -> None:
    (told,) = reminders.whom(owner, ["ops", "gone"], directory(), ZERO)
    assert (told.to, told.contact.kind) == ("ops", ContactKind.SLACK)


def test_nobody_is_told_by_what_a_program_takes_for_an_alert() -> None:
    contact = Contact(name="pd", kind=ContactKind.PAGERDUTY)
    only = Responder(name=ResponderName("solo"), contacts=(contact,))
    found = Directory.of(replace(spec(), responders=(only,)))
    assert reminders.whom("solo", [], found, ZERO) == ()
