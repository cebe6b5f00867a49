"""A drill passed where the platform itself worked it, in time, and nobody lost what something healthy could answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pytest

from stationmaster.api.wire import IncidentSummary, TimelineEntry
from stationmaster.api.wire_drills import DrillFault, DrillShown, FaultShown
from stationmaster.api.wire_incidents import IncidentAlert, IncidentStory
from stationmaster.cli.load import Load
from stationmaster.cli.report import DrillReport, report_of

ZERO = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
WORKED = (
    (1.0, "alert.fired", "shop-1 is down"),
    (1.1, "run.started", "runbook “Down”: it names the alert"),
    (1.2, "run.step", "step 1 Ask it: whether it is well.: failed — saw connection refused"),
    (3.0, "instance.restarted", "shop-1 restarted: it is down"),
    (5.0, "alert.recovered", "recovered"),
    (5.1, "run.ended", "run ended: cured"),
    (5.2, "incident.resolved", "incident #7 resolved"),
)
DECLINED = (
    (1.0, "alert.fired", "shop-1 is down"),
    (1.1, "run.declined", "no runbook is worked: none of 3 runbooks names ServiceInstanceDown"),
    (5.0, "alert.recovered", "recovered"),
    (5.2, "incident.resolved", "incident #7 resolved"),
)
REFUSED = (
    *WORKED[:2],
    (1.2, "run.step", "step 1 Ask it.: refused — nobody allows it"),
    *WORKED[4:],
)
BY_ITS_END = (*WORKED[:4], (61.0, "alert.recovered", "recovered"), (61.2, "incident.resolved", "resolved"))


def drill(*, cured: bool = True, kind: str = "hang") -> DrillShown:
    fault = DrillFault(kind=kind, of="shop-1", delay_ms=0, status=503, percent=100, sticky=False)
    return DrillShown(
        name="shop-instance-hangs",
        what="shop-1 hangs",
        faults=(fault,),
        for_s=60,
        api="",
        url_paths=(),
        spared=True,
        cured=cured,
        last_at=None,
        last_passed=None,
    )


def story(lines: tuple[tuple[float, str, str], ...], *, reviewed_after_s: float | None = None) -> IncidentStory:
    timeline = tuple(
        TimelineEntry(at=ZERO + timedelta(seconds=after_s), kind=kind, by="somebody", text=text)
        for after_s, kind, text in lines
    )
    over = any(kind == "incident.resolved" for _, kind, _ in lines)
    labels = {"alertname": "ServiceInstanceDown", "instance": "shop-1"}
    alert = IncidentAlert(
        fingerprint="f", labels=labels, summary="", firing=False, starts_at=ZERO, ends_at=ZERO, worked=False
    )
    shown = IncidentSummary(
        number=7,
        title="shop-1",
        status="resolved" if over else "triggered",
        severity="critical",
        service="shop",
        environment="test",
        opened_at=ZERO,
        resolved_at=ZERO + timedelta(seconds=lines[-1][0]) if over else None,
    )
    reviewed = None if reviewed_after_s is None else ZERO + timedelta(seconds=reviewed_after_s)
    return IncidentStory(incident=shown, timeline=timeline, alerts=(alert,), reviewed_at=reviewed)


def report(
    shown: DrillShown, *stories: IncidentStory, restarts: Mapping[str, datetime] = MappingProxyType({})
) -> DrillReport:
    fault = FaultShown(
        id="1", drill=shown.name, kind=shown.faults[0].kind, of="shop-1", by="ada", began_at=ZERO, ends_at=ZERO,
        undone_at=None, detail="",
    )  # fmt: skip
    with Load((), rate=1) as load:
        return report_of(shown, [fault], stories, load, steady=True, restarts=restarts)


@pytest.mark.parametrize(
    ("lines", "cured", "passed"),
    [
        pytest.param(WORKED, True, True, id="mended and resolved"),
        pytest.param(WORKED[:-1], True, False, id="what can be mended has to be resolved"),
        pytest.param(WORKED[:3], False, True, id="of what only its end mends it is enough that it was worked on"),
        pytest.param(DECLINED, True, False, id="resolved, and no runbook was worked"),
        pytest.param(DECLINED, False, False, id="known, and no runbook was worked"),
        pytest.param(REFUSED, True, False, id="every step was refused"),
        pytest.param(BY_ITS_END, True, False, id="the end of the fault mended it, not the platform"),
    ],
)
def test_a_drill_passes_where_the_platform_worked_it(
    lines: tuple[tuple[float, str, str], ...], cured: bool, passed: bool
) -> None:
    assert report(drill(cured=cured), story(lines)).passed is passed


def test_a_drill_of_which_nobody_knew_fails() -> None:
    made = report(drill(cured=False))
    assert (made.passed, made.diagnosis, made.resolved_s) == (False, "none", None)


def test_what_its_supervisor_started_again_before_any_check_missed_it_needs_no_incident() -> None:
    back = {"shop-1": ZERO + timedelta(seconds=0.8)}
    made = report(drill(kind="kill"), restarts=back)
    assert (made.passed, made.supervised, made.restarted_s, made.incidents) == (True, True, 0.8, ())
    known = report(drill(kind="kill"), story(DECLINED), restarts=back)
    assert (known.passed, known.supervised) == (False, False), "where there is an incident, it has to be worked"


def test_a_killed_process_may_be_back_whenever_it_is_resolved() -> None:
    assert report(drill(kind="kill"), story(BY_ITS_END)).passed is True


def test_the_report_says_what_nobody_covered_and_when_each_stage_was_reached() -> None:
    made = report(drill(), story(DECLINED, reviewed_after_s=9.5))
    assert made.uncovered == ("no runbook is worked: none of 3 runbooks names ServiceInstanceDown",)
    assert (made.detected_s, made.resolved_s, made.reviewed_s) == (1.0, 5.2, 9.5)
    assert report(drill(), story(WORKED)).restarted_s == 3.0
    assert report(drill(), story(REFUSED)).left[0].why == "nobody allows it"


def test_an_incident_that_names_the_place_and_no_cause_is_open_and_not_right() -> None:
    assert report(drill(), story(WORKED)).diagnosis == "open"
    said = (*WORKED[:2], (1.3, "diagnosis", "likely cause: its process hangs (one check)"), *WORKED[2:])
    made = report(drill(), story(said))
    assert (made.diagnosis, made.cause) == ("right", "its process hangs (one check)")
