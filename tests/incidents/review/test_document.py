"""What stands in the draft of a review."""

from dataclasses import replace
from datetime import timedelta

from stationmaster.incidents.review.document import Action, Impact, Material, draft, matters
from stationmaster.incidents.review.durations import Measured
from stationmaster.incidents.review.lessons import PageSent, lessons
from stationmaster.incidents.review.worked import Requests, Work, WorkedRun, WorkedStep
from stationmaster.incidents.timeline import Entry
from tests.incidents.review.test_reminders import run
from tests.incidents.test_incidents import NOW, at

MEASURED = Measured(
    number=7,
    service="api_key_service",
    severity="critical",
    environment="sample",
    began_at=at(0),
    detected_at=at(2),
    acknowledged_at=at(722),
    mitigated_at=at(900),
    resolved_at=at(1000),
)
LINES = (
    Entry(at=at(2), kind="alert.fired", by="monitor", text="key-us-south is down: connection refused | 3 times"),
    Entry(at=at(2), kind="incident.routed", by="incidents", text="escalation policy api"),
    Entry(at=at(3), kind="page.sent", by="pages", text="page sent to engineer"),
    Entry(at=at(4), kind="run.step", by="runbooks", text="step 1 Look: passed: fine"),
    Entry(at=at(5), kind="run.step", by="runbooks", text="step 2 Look: failed: nothing there"),
    Entry(at=at(6), kind="note", by="diagnosis", text="Likely cause: the disk is full\nmore of it"),
    Entry(at=at(7), kind="target.out", by="healing", text="127.0.0.1:8888 taken out of keys"),
    Entry(at=at(1000), kind="incident.resolved", by="incidents", text="incident #7 resolved"),
)


def step(key: str, **values: object) -> WorkedStep:
    made = WorkedStep(key=key, title="Look", kind="check", command="uptime")
    return replace(made, **values)  # type: ignore[arg-type]


RUN: WorkedRun = replace(
    run(),
    ended_at=NOW + timedelta(seconds=40),
    started_at=NOW,
    steps=(
        step("2", verdict="failed", detail="nothing there"),
        step("3", verdict="passed", judged=False),
        step("4", verdict="refused", detail="not runnable here: kubectl not found on PATH"),
    ),
)
PAGE = PageSent(to="engineer", due_at=at(2), sent_at=at(2))


def material(*, requests: Requests | None = None, zone: str = "UTC") -> Material:
    impact = Impact(services=("api_key_service",), apis=("sample",), instances=("key-us-south",), requests=requests)
    return Material(
        number=7,
        title="ServiceInstanceDown: <b>key</b>",
        summary="key-us-south is down",
        severity="critical",
        environment="sample",
        measured=MEASURED,
        lines=LINES,
        impact=impact,
        lessons=lessons(MEASURED, LINES, (PAGE,), Work(runs=(RUN,))),
        actions=(Action(text="Tell customers", owner="lin", due_at=at(4600)),),
        zone=zone,
    )


def section(text: str, title: str) -> list[str]:
    return [line for line in text.split(f"## {title}\n", 1)[1].split("\n## ", maxsplit=1)[0].splitlines() if line]


def test_every_part_is_there_in_its_order() -> None:
    titles = [line[3:] for line in draft(material()).splitlines() if line.startswith("## ")]
    assert titles == [
        "Summary",
        "Impact",
        "Timeline",
        "Durations",
        "Detection",
        "Root cause",
        "What went well",
        "What went badly",
        "Action items",
    ]


def test_the_timeline_has_the_lines_that_matter_in_one_zone() -> None:
    rows = section(draft(material(zone="Europe/Berlin")), "Timeline")
    assert rows[0] == "Times in Europe/Berlin."
    assert rows[3] == (
        "| 2026-11-21 04:00:02 | +2.0 s | monitor | key-us-south is down: connection refused \\| 3 times |"
    )
    assert [row.rsplit("| ", 1)[1] for row in rows[4:8]] == [
        "step 2 Look: failed: nothing there |",
        "Likely cause: the disk is full |",
        "127.0.0.1:8888 taken out of keys |",
        "incident #7 resolved |",
    ]
    assert rows[-1] == "3 more lines: `stm incident show 7`"


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    text = draft(replace(material(), lines=()))
    assert "unknown" in section(text, "Impact")[-1]
    assert section(text, "Root cause") == ["- Unknown: nothing that was recorded names a cause. Write it here."]
    assert "Components of the status page: none known" in text


def test_failed_requests_are_told_where_the_gateway_counted_them() -> None:
    counted = Requests(total=200, failed=3, by_api=(("sample", 150, 3), ("other", 50, 0)))
    found = section(draft(material(requests=counted)), "Impact")
    assert found[-2:] == ["- Failed requests: 3 of 200 (1.50%), as the gateway counted them", "  - sample: 3 of 150"]


def test_a_cause_that_was_named_is_proposed_and_by_whom() -> None:
    assert section(draft(material()), "Root cause") == [
        "- Proposed, by diagnosis: Likely cause: the disk is full more of it"
    ]


def test_what_went_well_and_badly_follows_from_the_facts() -> None:
    text = draft(material())
    assert section(text, "What went well") == [
        "- detected after 2.0 s",
        "- the first target was out of the balancer after 7.0 s",
        "- resolved without anybody's hand",
    ]
    assert section(text, "What went badly") == [
        "- the page to engineer was unanswered for 12 min",
        "- the runbook “A” did not cure it (escalated)",
        "- step 2 of “A” failed: nothing there",
        "- step 3 of “A” had no expectation: nobody could judge it",
        "- step 4 of “A” was not done: not runnable here: kubectl not found on PATH",
    ]


def test_a_cure_and_a_quick_answer_went_well() -> None:
    cured = Work(runs=(replace(RUN, outcome="cured", steps=()),))
    quick = replace(MEASURED, acknowledged_at=at(10))
    found = lessons(quick, (), (PAGE,), cured)
    assert found.well[1:] == (
        "acknowledged after 8.0 s",
        "resolved without anybody's hand",
        "the runbook “A” cured it within 40 s",
    )
    assert found.badly == ()


def test_nothing_is_praised_where_the_beginning_of_the_fault_is_unknown() -> None:
    unknown = replace(MEASURED, detected_at=MEASURED.began_at)
    text = draft(replace(material(), measured=unknown))
    told = lessons(unknown, (), (), Work())
    assert not any("detected" in each for each in (*told.well, *told.badly))
    assert "When the fault began is unknown" in text
    assert "| Detected | – |" in text


def test_a_page_that_nobody_got_and_a_late_detection_went_badly() -> None:
    late = replace(MEASURED, detected_at=at(400), reopened=2)
    lapsed = Entry(at=at(1), kind="page.lapsed", by="pages", text="the acknowledgement of lin ran out")
    found = lessons(late, (lapsed,), (replace(PAGE, sent_at=None, failed=True),), Work())
    assert found.badly == (
        "detected only after 6 min 40 s",
        "resolved too early: it was opened again 2 time(s)",
        "the acknowledgement of lin ran out",
        "the page to engineer could not be delivered",
    )


def test_action_items_can_be_ticked_off() -> None:
    assert section(draft(material()), "Action items") == ["- [ ] Tell customers (lin, due 2026-11-21 04:16)"]


def test_titles_and_texts_bring_no_markup_of_their_own() -> None:
    first = draft(material()).splitlines()[0]
    assert first == "# Review of incident #7: ServiceInstanceDown: &lt;b>key&lt;/b>"


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    lines = tuple(Entry(at=at(each), kind="note", by="lin", text=f"note {each}") for each in range(500))
    text = draft(replace(material(), lines=lines))
    assert "note 0 |" in text
    assert "note 499 |" in text
    assert "440 more lines" in text
    assert all(map(matters, lines))
