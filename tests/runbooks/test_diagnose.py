"""What the diagnosis makes of evidence: tables over the causes of a troubleshooting guide."""

from dataclasses import replace
from pathlib import Path

import pytest

from stationmaster.core.facts import Alert, DiagnosisMade, SuspectedCause
from stationmaster.runbooks.diagnosis.plan import arranged, first_change, looked_at_once
from stationmaster.runbooks.diagnosis.rank import NOTHING, Evidence, Looked, Number, Ranking, rank
from stationmaster.runbooks.diagnosis.signs import measure_shown, suspects_of
from stationmaster.runbooks.diagnosis.suspects import Suspect
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.plan.planned import Plan, PlannedKind, is_of
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.request import RunRequest
from stationmaster.runbooks.rules.table import Measure
from stationmaster.runbooks.run import Entry, Signals
from tests.runbooks.world import MOMENT

GUIDE = """---
title: Gateway guide
service: api-gateway
---

# Gateway guide

## Common Issues

### 1. 503 Service Unavailable Errors

**Symptoms:**
- Clients receiving 503 errors
- High error rates in monitoring
- Load balancer health checks failing

**Diagnosis Steps:**

1. **Check upstreams:**
   ```bash
   cat upstreams
   ```

**Resolution Steps:**

1. **Scale up:**
   ```bash
   touch scaled
   ```

### 2. High Latency Issues

**Symptoms:**
- Response times > 2 seconds
- Slow database queries

**Diagnosis Steps:**

1. **Check the pool:**
   ```bash
   cat pool <pool-name>
   ```

**Resolution Steps:**

1. **Widen the pool:**
   ```bash
   touch widened
   ```

### 3. Authentication Failures

**Symptoms:**
- 401 Unauthorized errors
- JWT token validation failures
- "too many sessions" in the log

**Diagnosis Steps:**

1. **Check the log:**
   ```bash
   cat auth.log
   ```

**Resolution Steps:**

1. **Restart it:**
   ```bash
   touch restarted
   ```
"""
ERRORS, SLOW, REFUSED = "503 Service Unavailable Errors", "High Latency Issues", "Authentication Failures"
VALUES = {"api": "orders", "service": "sample"}


def alert(name: str, summary: str = "") -> Alert:
    labels = {"alertname": name, "api": "orders"}
    return Alert(fingerprint="f", labels=labels, summary=summary, url="", starts_at=MOMENT)


def guide() -> Runbook:
    return read_runbook(GUIDE, file="guide.md").runbook


def suspects(name: str, summary: str = "") -> tuple[Suspect, ...]:
    return suspects_of(guide(), alert(name, summary), VALUES)


def evidence(found: tuple[Suspect, ...], **numbers: float) -> Evidence:
    """Numbers by a word of the measure; what is not named has no series."""
    gauges = [sign.gauge for each in found for sign in each.signs if sign.gauge is not None]
    answers = {
        gauge.query: tuple(
            Number(value=value, of="api orders")
            for word, value in numbers.items()
            if word in gauge.name.replace(" ", "_")
        )
        for gauge in gauges
    }
    return Evidence(answers=answers)


WELL = {"error_rate": 0.0, "response_time": 0.1, "refused": 0.0, "down": 1.0}


@pytest.mark.parametrize(
    ("name", "summary", "numbers", "likely", "ruled_out"),
    [
        ("UpstreamErrors", "orders answers 503", {}, ERRORS, set()),
        ("UpstreamErrors", "orders answers 503", WELL, ERRORS, {SLOW, REFUSED}),
        ("HighLatency", "", {**WELL, "response_time": 4.0}, SLOW, {ERRORS, REFUSED}),
        ("AuthenticationFailures", "", {**WELL, "refused": 0.9}, REFUSED, {ERRORS, SLOW}),
        ("Odd", "orders: share of 401 Unauthorized answers", WELL, REFUSED, {ERRORS, SLOW}),
        ("Odd", "something", WELL, "", set()),
        ("Odd", "something", {}, "", set()),
        ("Odd", "something", {**WELL, "error_rate": 0.2}, ERRORS, {SLOW, REFUSED}),
        ("Odd", "something", {**WELL, "down": 0.0}, ERRORS, {SLOW, REFUSED}),
        ("Odd", "something", {**WELL, "error_rate": 0.04}, "", set()),
        ("Odd", "something", {"error_rate": 0.2, "response_time": 3.0}, "", set()),
        ("UpstreamErrors", "", {**WELL, "response_time": 3.0}, ERRORS, {REFUSED}),
        ("Odd", "something", {**WELL, "response_time": float("nan")}, "", set()),
    ],
)
def test_the_likely_cause_is_the_one_for_which_most_speaks(
    name: str, summary: str, numbers: dict[str, float], likely: str, ruled_out: set[str]
) -> None:
    found = suspects(name, summary)
    ranking = rank(found, evidence(found, **numbers))
    assert (ranking.likely, {each.title for each in ranking.causes if each.ruled_out}) == (likely, ruled_out)
    assert not likely or ranking.causes[0].title == likely
    assert likely or ranking.why == NOTHING


def test_each_cause_says_what_speaks_for_and_against_it_and_what_could_not_be_looked_at() -> None:
    found = suspects("UpstreamErrors")
    first, slow, refused = rank(found, evidence(found, **{**WELL, "error_rate": 0.43})).causes
    assert first.speaks_for == (
        "“Clients receiving 503 errors”: the alert UpstreamErrors tells of it "
        "(error rate of api orders is 43%, above 5% would be bad)",
    )
    assert first.speaks_against == (
        "“Load balancer health checks failing”: nothing is: the checks pass (instance down)",
    )
    assert slow.speaks_against == (
        "“Response times > 2 seconds”: response time p95 of api orders is 0.1s, above 2s would be bad",
    )
    assert slow.unseen == ("“Slow database queries”: nothing here measures it",)
    assert refused.unseen == ('“"too many sessions" in the log”: no check shows it',)


def test_what_nobody_answers_is_said_and_speaks_for_nothing() -> None:
    found = suspects("Odd")
    gauges = [sign.gauge for each in found for sign in each.signs if sign.gauge is not None]
    ranking = rank(found, Evidence(answers={each.query: "no store" for each in gauges}))
    assert ranking.likely == ""
    assert all(not each.speaks_for and not each.speaks_against for each in ranking.causes)
    assert "“401 Unauthorized errors”: no store" in {text for each in ranking.causes for text in each.unseen}


def looked(step: str, output: str = "", verdict: Verdict = Verdict.PASSED, *, expects: bool = False) -> Looked:
    return Looked(step=step, title="look", verdict=verdict, why="saw it", output=output, expects=expects)


@pytest.mark.parametrize(
    ("seen", "likely"),
    [
        (looked("3.1.1", "FATAL: Too many sessions"), REFUSED),
        (looked("3.1.1", "too many sessions", Verdict.REFUSED), ""),
        (looked("2.1.1", verdict=Verdict.FAILED, expects=True), SLOW),
        (looked("2.1.1", verdict=Verdict.FAILED), ""),
        (looked("9.9", verdict=Verdict.FAILED, expects=True), ""),
        (looked("9.9", "likely cause: high latency issues of the pool"), SLOW),
        (looked("9.9", "likely cause: the sale"), "the sale"),
    ],
)
def test_what_checks_show_counts_where_it_was_judged_or_says_a_symptoms_words(seen: Looked, likely: str) -> None:
    assert rank(suspects("Odd"), Evidence(looked=(seen,))).likely == likely


def test_another_alert_about_the_same_speaks_for_a_cause() -> None:
    found = suspects("Odd")
    ranking = rank(found, Evidence(firing={Measure.LATENCY.value: "HighLatency"}))
    assert (ranking.likely, ranking.why) == (SLOW, "“Response times > 2 seconds”: HighLatency fires too")


def test_a_document_without_causes_has_the_one_that_its_check_prints_or_none() -> None:
    printed = looked("1.6", "some words\nlikely cause: an instance is slow by itself\n")
    assert rank((), Evidence(looked=(looked("1.1"), printed))) == Ranking(
        likely="an instance is slow by itself", why="step 1.6 says so"
    )
    assert rank((), Evidence(looked=(looked("1.1"),))).likely == ""


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("Clients receiving 503 errors", Measure.ERROR_RATE),
        ("High error rates", Measure.ERROR_RATE),
        ("Response times > 2 seconds", Measure.LATENCY),
        ("401 Unauthorized errors", Measure.CLIENT_ERROR_RATE),
        ("JWT token validation failures", Measure.CLIENT_ERROR_RATE),
        ("Upstream service down", Measure.INSTANCE_DOWN),
        ("Load balancer health checks failing", Measure.INSTANCE_DOWN),
        ("High memory/CPU usage", Measure.CPU),
        ("Database connection errors", None),
        ("Slow database queries", None),
        ("DNS resolution failures", None),
        ("Pods in Pending state", None),
        ("OAuth integration issues", None),
    ],
)
def test_symptoms_are_signs_of_what_the_platform_measures(text: str, measure: Measure | None) -> None:
    assert measure_shown(text) is measure


def plan(folder: Path, name: str = "UpstreamErrors") -> Plan:
    request = RunRequest(runbook=guide(), cwd=folder, requested_by="test")
    return replace(plan_alone(request), suspects=suspects(name))


def made(likely: str, *ruled_out: str) -> DiagnosisMade:
    causes = tuple(SuspectedCause(title=each, speaks_against=("it is fast",), ruled_out=True) for each in ruled_out)
    return DiagnosisMade(at=MOMENT, incident=1, run="run-1", runbook="g", likely=likely, why="", causes=causes)


def test_reads_whose_values_are_known_are_looked_at_at_once_also_behind_changes(tmp_path: Path) -> None:
    assert [each.command for each in looked_at_once(plan(tmp_path))] == ["cat upstreams", "cat auth.log"]


def test_remedies_of_ruled_out_causes_are_left_out_and_the_likely_ones_come_first(tmp_path: Path) -> None:
    steps = arranged(plan(tmp_path), made(REFUSED, SLOW)).steps
    kinds = [(each.command, each.kind) for each in steps]
    assert kinds == [
        ("cat auth.log", PlannedKind.CHECK),
        ("touch restarted", PlannedKind.ACTION),
        ("cat upstreams", PlannedKind.CHECK),
        ("touch scaled", PlannedKind.ACTION),
        ("cat pool <pool-name>", PlannedKind.CHECK),
        ("touch widened", PlannedKind.NEEDLESS),
    ]
    assert steps[-1].why == "“High Latency Issues” is ruled out: it is fast"


def test_without_a_likely_cause_the_document_is_walked_as_it_stands(tmp_path: Path) -> None:
    whole = plan(tmp_path)
    assert arranged(whole, made("")) == whole
    assert arranged(whole, made("the sale")) == whole


def test_the_proposed_remedy_is_the_change_that_the_run_comes_to_first(tmp_path: Path) -> None:
    whole = plan(tmp_path)
    for likely, command in ((ERRORS, "touch scaled"), (REFUSED, "touch restarted"), ("", "touch scaled")):
        step = first_change(arranged(whole, made(likely, SLOW)), {}, Signals(), MOMENT, {})
        assert step is not None
        assert step.command == command


def test_a_change_whose_value_nobody_knows_is_not_proposed(tmp_path: Path) -> None:
    text = GUIDE.replace("touch scaled", "touch <wanted-name>")
    runbook = read_runbook(text, file="guide.md").runbook
    whole = plan_alone(RunRequest(runbook=runbook, cwd=tmp_path, requested_by="test"))
    step = first_change(whole, {}, Signals(), MOMENT, {})
    assert step is not None
    assert step.command == "touch widened"
    seen: dict[str, Entry] = {}
    found = first_change(whole, seen, Signals(), MOMENT, {"wanted_name": "three", "wanted-name": "three"})
    assert found is not None
    assert found.command == "touch <wanted-name>"


@pytest.mark.parametrize(
    ("name", "numbers", "likely", "ruled_out"),
    [
        ("UpstreamErrors", WELL, ERRORS, {SLOW, REFUSED}),
        ("HighLatency", {**WELL, "response_time": 4.0}, SLOW, {ERRORS, REFUSED}),
        ("AuthenticationFailures", {**WELL, "refused": 0.9}, REFUSED, {ERRORS, SLOW}),
    ],
)
def test_the_seed_about_the_gateway_answers_each_alert_with_its_own_section(
    seeds: Path, tmp_path: Path, name: str, numbers: dict[str, float], likely: str, ruled_out: set[str]
) -> None:
    (file,) = seeds.glob("004_*.txt")
    runbook = read_runbook(file.read_text("utf-8"), file=file.name).runbook
    found = suspects_of(runbook, alert(name), VALUES)
    ranking = rank(found, evidence(found, **numbers))
    assert (ranking.likely, {each.title for each in ranking.causes if each.ruled_out}) == (likely, ruled_out)
    whole = replace(plan_alone(RunRequest(runbook=runbook, cwd=tmp_path, requested_by="test")), suspects=found)
    told = replace(made(likely), causes=ranking.causes)
    others = {address for each in found if each.title != likely for address in each.remedy}
    steps = arranged(whole, told).steps
    for step in steps:
        if any(is_of(step.key, address) for address in others):
            assert step.kind is PlannedKind.NEEDLESS, step.key
    remedy = next(each.remedy for each in found if each.title == likely)
    first = first_change(replace(whole, steps=steps), {}, Signals(), MOMENT, {"new_secret": "x", "new-secret": "x"})
    assert first is None or not any(is_of(first.key, address) for address in others)
    assert likely == SLOW or (first is not None and any(is_of(first.key, address) for address in remedy))


def test_the_seed_about_an_api_names_no_cause_where_nothing_measures_its_symptoms(seeds: Path) -> None:
    (file,) = seeds.glob("003_*.txt")
    runbook = read_runbook(file.read_text("utf-8"), file=file.name).runbook
    found = suspects_of(runbook, alert("APIServiceDown"), VALUES)
    ranking = rank(found, evidence(found, usage=0.1))
    assert ranking.likely in {"", "Network Issues"}
    assert "“Pods in Pending state”: nothing here measures it" in {
        text for each in ranking.causes for text in each.unseen
    }
