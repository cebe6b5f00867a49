"""Our own runbooks: each alert that the platform raises has exactly one, which can be worked unattended."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from stationmaster.core.facts import Alert
from stationmaster.core.spec import PlatformSpec
from stationmaster.joining.signals import RAISED
from stationmaster.manifest.read import load
from stationmaster.runbooks.about import values_about
from stationmaster.runbooks.bind import InventoryView, Unbound, bind
from stationmaster.runbooks.match import Match, choose
from stationmaster.runbooks.plan.alone import plan_alone
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.reader import read_runbook
from stationmaster.runbooks.request import RunRequest
from stationmaster.runbooks.risk import Risk
from stationmaster.runbooks.rules.derive import rules_of
from stationmaster.runbooks.rules.derived import Known
from stationmaster.runbooks.unattended import SAFE
from stationmaster.runbooks.values import Source

SAMPLE = Path(__file__).parents[2] / "src" / "stationmaster" / "sample"
FILES = sorted((SAMPLE / "runbooks").glob("*.md"))
BOOKS = tuple(read_runbook(each.read_text("utf-8"), file=each.name).runbook for each in FILES)
SPEC: PlatformSpec = load(SAMPLE / "platform.yaml")

API = {"api": "sample", "service": "sample_api"}
BURNT = {**API, "objective": "availability-99.9-7d"}
WORKED = [
    ("GatewayNodeDown", {"node": "gateway-1"}, "Gateway node is down"),
    ("GatewayWayDown", {"node": "gateway-1"}, "The way to or from a gateway node is down"),
    ("GatewayWayDown", {"node": "gateway-1", "service": "sample_api"}, "The way to or from a gateway node is down"),
    ("ApiUnreachable", {"node": "gateway-1", **API}, "An API cannot be reached through a node"),
    ("ServiceDown", {"service": "api_key_service"}, "Key service is down, in a region or in all"),
    (
        "ServiceRegionDown",
        {"service": "api_key_service", "region": "eu-de"},
        "Key service is down, in a region or in all",
    ),
    ("ServiceDown", {"service": "sample_api"}, "Service is down, in a region or in all"),
    ("ErrorBudgetBurn", BURNT, "An API burns its error budget"),
    ("ScrapeTargetDown", {"job": "gateway", "instance": "127.0.0.1:9901"}, "Metrics are missing"),
    ("MetricsMissing", {"rule": "UpstreamErrors", "metric": "up"}, "Metrics are missing"),
    ("RuleEvaluationFailing", {"rule": "UpstreamErrors"}, "Metrics are missing"),
    ("UpstreamErrors", {"api": "sample", "service": "gateway"}, "An API answers 503"),
    ("HighLatency", {"api": "sample", "service": "gateway"}, "Answers are slow"),
    ("AuthenticationFailures", {"api": "sample", "service": "gateway"}, "Callers are refused with 401"),
    ("StoreFull", {"service": "control"}, "The store is full"),
    ("ControlPlaneDown", {"service": "control"}, "The control plane is down"),
    ("CertificateExpiring", {"service": "gateway"}, "A certificate is about to expire, or has expired"),
    ("CertificateExpired", {"service": "gateway"}, "A certificate is about to expire, or has expired"),
]
BOUND = [
    ("api_key_service", "key-eu-de", "Key service instance is down"),
    ("sample_api", "sample-1", "Service instance is down"),
    ("doctor", "doctor", "Doctor is down"),
]
WATCHED = {"UpstreamErrors", "HighLatency", "AuthenticationFailures", "StoreFull"}
"""Alerts whose rules come from thresholds of the runbooks themselves."""


def alert(name: str, labels: dict[str, str]) -> Alert:
    url = "http://127.0.0.1:8000/sample/healthz" if "node" in labels else ""
    url = "http://127.0.0.1:8888/api/auth/healthz" if name.startswith("Service") else url
    labels = {"alertname": name, "environment": "sample", "severity": "critical", **labels}
    return Alert(fingerprint=name, labels=labels, summary="", url=url, starts_at=datetime.now(UTC))


def chosen(fired: Alert) -> Runbook:
    found = choose(fired, BOOKS)
    assert isinstance(found, Match), found.why
    return found.runbook


def planned(fired: Alert) -> Plan:
    """As `Unattended` plans it."""
    return plan_alone(
        RunRequest(
            runbook=chosen(fired),
            cwd=Path("/"),
            requested_by="runbooks",
            values={**values_about(fired, SPEC), "state": "/var/lib/stationmaster"},
            labels={**fired.labels, **({"url": fired.url} if fired.url else {})},
            inventory=InventoryView.of(SPEC),
            policy=SAFE,
        )
    )


def unknown(step: PlannedStep) -> list[str]:
    return [each.written for each in step.places if each.source is Source.ASKED]


CASES = pytest.mark.parametrize(("name", "labels", "title"), WORKED, ids=lambda each: str(each)[:50])


@CASES
def test_each_alert_has_exactly_one_best_runbook(name: str, labels: dict[str, str], title: str) -> None:
    fired = alert(name, labels)
    assert chosen(fired).title == title
    assert isinstance(bind(fired, InventoryView.of(SPEC)), Unbound), "it would be worked for one instance alone"


@pytest.mark.parametrize(("service", "instance", "title"), BOUND)
def test_an_instance_that_is_down_is_worked_by_the_engine_that_knows_it(
    service: str, instance: str, title: str
) -> None:
    fired = alert("ServiceInstanceDown", {"service": service, "instance": instance})
    assert chosen(fired).title == title
    assert not isinstance(bind(fired, InventoryView.of(SPEC)), Unbound)


def test_every_alert_that_the_platform_raises_is_among_these() -> None:
    assert {name for name, _, _ in WORKED} | {"ServiceInstanceDown"} >= RAISED | WATCHED


def test_no_runbook_names_an_alert_that_nothing_raises() -> None:
    foreign = {"CertificateExpiring", "ControlPlaneDown"}
    assert {each for book in BOOKS for each in book.match.alerts} <= RAISED | WATCHED | foreign


def test_limits_of_the_runbooks_are_watched() -> None:
    known = Known(
        environment="sample",
        services=frozenset(each.name for each in SPEC.services),
        apis=frozenset(each.name for each in SPEC.apis),
        raised=RAISED,
    )
    assert {rule.name for group in rules_of(BOOKS, known).groups for rule in group.rules} == WATCHED


@CASES
def test_nothing_is_refused_for_a_value_that_the_platform_could_know(
    name: str, labels: dict[str, str], title: str
) -> None:
    fired = alert(name, labels)
    plan = planned(fired)
    assert {step.key: unknown(step) for step in plan.steps if unknown(step)} == {}, title
    assert [step.key for step in plan.steps if step.refusal] == []


@CASES
def test_a_diagnosis_reads_and_ends_with_a_likely_cause_in_words(name: str, labels: dict[str, str], title: str) -> None:
    fired = alert(name, labels)
    naming = [step for step in planned(fired).steps if "likely cause:" in step.script]
    assert len(naming) == 1, title
    assert naming[0].risk is Risk.READ
    assert naming[0].kind is PlannedKind.CHECK
    assert not naming[0].expectations, "its words are shown, so nothing is expected of them"
    assert naming[0].script.count("likely cause:") >= 3


@CASES
def test_at_most_one_approval_is_asked_and_every_change_is_verified(
    name: str, labels: dict[str, str], title: str
) -> None:
    fired = alert(name, labels)
    plan = planned(fired)
    asking = [step.key for step in plan.steps if step.asks.startswith("a yes")]
    assert len(asking) <= 1, (title, asking)
    changes = [step.key for step in plan.steps if step.effect is Effect.COMMAND and step.risk is not Risk.READ]
    last = [step.health for step in plan.steps if step.key > changes[-1]] if changes else [True]
    assert any(last), f"{title} ends without a check of {changes}"


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.file)
def test_each_has_whom_to_call_what_to_say_and_what_is_left_to_do(book: Runbook) -> None:
    if book.file == "key-service-instance-down.md":
        return
    assert book.knowledge.escalation, book.file
    assert book.knowledge.messages, book.file
    assert book.knowledge.tasks, book.file


def test_a_gateway_node_is_not_stopped_unasked() -> None:
    fired = alert("UpstreamErrors", {"api": "sample", "service": "gateway"})
    asking = [step for step in planned(fired).steps if step.asks.startswith("a yes")]
    assert [step.script.split(" --reason")[0] for step in asking] == ["stm node stop <worst-node>"]
