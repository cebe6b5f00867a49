"""Which faults make an incident happen once more, from what its bundle tells, and what is left out and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stationmaster.core.drills import Fault, FaultKind
from stationmaster.core.spec import ExecutorKind, PlatformSpec
from stationmaster.drills.replay import Replay, Told, replay_of
from stationmaster.drills.replay_reading import alerts_in
from stationmaster.manifest.read import load

SAMPLE = Path(__file__).parents[2] / "src" / "stationmaster" / "sample" / "platform.yaml"
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)
REFUSED = "status 200 (3 times, last at 10:00:00 after 5 ms), then connection refused (2 times)"
HANGS = "status 200 (at 10:00:00 after 5 ms), then no answer within 1000 ms (2 times)"
OTHER = "status 200 (3 times), then body does not contain 'operational' (2 times)"
BROKEN = "status 200 (3 times), then status 502 (2 times)"


@pytest.fixture(scope="module")
def spec() -> PlatformSpec:
    return load(SAMPLE)


def told(
    name: str, *, evidence: str = "", summary: str = "", at_s: float = 0, injected: str = "", **labels: str
) -> Told:
    return Told(
        name=name,
        labels={"alertname": name, **labels},
        summary=summary or f"{name} of something",
        evidence=evidence,
        began_s=at_s,
        ended_s=at_s + 20,
        injected=injected,
    )


def faults(found: Replay) -> list[tuple[str, str]]:
    return [(each.fault.kind.value, each.fault.of) for each in found.made]


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [(REFUSED, "kill"), (HANGS, "hang"), (OTHER, "wrong-body"), (BROKEN, "errors"), ("it fired before", "kill")],
)
def test_an_instance_breaks_as_its_last_answers_say(spec: PlatformSpec, evidence: str, kind: str) -> None:
    found = replay_of(7, [told("ServiceInstanceDown", instance="key-us-east", evidence=evidence)], spec)
    assert faults(found) == [(kind, "key-us-east")]
    assert (found.drill.name, found.drill.api, found.drill.spared, found.drill.cured) == (
        "replay-7",
        "keys",
        True,
        True,
    )
    assert found.expected == ("ServiceInstanceDown",)


def test_errors_answer_with_the_status_of_then(spec: PlatformSpec) -> None:
    found = replay_of(7, [told("ServiceInstanceDown", instance="sample-1", evidence=BROKEN)], spec)
    assert found.made[0].fault.status == 502


def test_what_was_broken_on_purpose_is_broken_in_the_same_way(spec: PlatformSpec) -> None:
    alert = told("ServiceInstanceDown", instance="sample-1", evidence=HANGS, injected="slow")
    assert faults(replay_of(7, [alert], spec)) == [("slow", "sample-1")]


def test_a_whole_service_dies_but_for_what_an_alert_of_its_own_tells(spec: PlatformSpec) -> None:
    alerts = [
        told("ServiceDown", service="api_key_service", at_s=3),
        told("ServiceInstanceDown", instance="key-eu-de", evidence=HANGS),
    ]
    found = replay_of(7, alerts, spec)
    assert sorted(faults(found)) == [("hang", "key-eu-de"), ("kill", "key-us-east"), ("kill", "key-us-south")]
    assert not found.drill.spared, "nobody is left to answer"
    assert {each.fault.of: each.at_s for each in found.made} == {"key-eu-de": 0, "key-us-south": 3, "key-us-east": 3}
    assert not found.left


def test_a_region_takes_its_own_instances_alone(spec: PlatformSpec) -> None:
    found = replay_of(7, [told("ServiceRegionDown", service="api_key_service", region="eu-de")], spec)
    assert faults(found) == [("kill", "key-eu-de")]


@pytest.mark.parametrize(
    ("evidence", "kind", "spared"),
    [
        ("gateway-1: no answer within 2000 ms; the node takes connections and does not answer", "hang", False),
        ("its connection to the control plane broke off", "kill", True),
    ],
)
def test_a_gateway_node_dies_or_hangs(spec: PlatformSpec, evidence: str, kind: str, spared: bool) -> None:
    found = replay_of(7, [told("GatewayNodeDown", node="gateway-1", evidence=evidence)], spec)
    assert faults(found) == [(kind, "gateway-1")]
    assert found.drill.spared is spared


@pytest.mark.parametrize(
    ("alert", "wanted"),
    [
        (
            told("UpstreamErrors", api="sample", summary="UpstreamErrors: API sample: error rate 37.6% (> 5%)"),
            Fault(kind=FaultKind.ABORT, of="sample", status=503, percent=38),
        ),
        (
            told("HighLatency", api="sample", summary="HighLatency: API sample: response time 4.845s (> 2s)"),
            Fault(kind=FaultKind.DELAY, of="sample", delay_ms=4845),
        ),
        (
            told("AuthenticationFailures", api="sample", summary="refused: 61% (> 5%)"),
            Fault(kind=FaultKind.ABORT, of="sample", status=401, percent=61),
        ),
        (
            told(
                "ErrorBudgetBurn",
                api="sample",
                objective="availability-99.9-7d",
                summary="API sample burns its error budget 100 times as fast as it may (99.9% over 7d)",
            ),
            Fault(kind=FaultKind.ABORT, of="sample", status=503, percent=10),
        ),
        (
            told(
                "GatewayWayDown",
                node="gateway-1",
                service="sample_api",
                evidence="gateway-1: status 504; 3 of 3 answer",
            ),
            Fault(kind=FaultKind.ABORT, of="sample", status=504),
        ),
    ],
    ids=lambda each: each.name if isinstance(each, Told) else "",
)
def test_what_is_about_an_api_happens_at_the_gateway(spec: PlatformSpec, alert: Told, wanted: Fault) -> None:
    found = replay_of(7, [alert], spec)
    assert [each.fault for each in found.made] == [wanted]
    assert (found.drill.api, found.drill.cured, found.drill.spared) == ("sample", False, False)


def test_a_delay_is_no_longer_than_a_fault_may_stand(spec: PlatformSpec) -> None:
    short = replace(spec, drills=replace(spec.drills, longest_s=2))
    found = replay_of(7, [told("HighLatency", api="sample", summary="response time 90s (> 2s)")], short)
    assert (found.made[0].fault.delay_ms, found.drill.for_s) == (2000, 2.0)


def test_what_follows_from_a_fault_is_not_made_as_well(spec: PlatformSpec) -> None:
    alerts = [
        told("GatewayWayDown", node="gateway-1", service="sample_api", evidence="status 503"),
        told("ErrorBudgetBurn", api="sample", at_s=9),
        told("UpstreamErrors", api="sample", summary="error rate 50%", at_s=4),
    ]
    found = replay_of(7, alerts, spec)
    assert [(each.fault.kind, each.fault.percent, each.alert) for each in found.made] == [
        (FaultKind.ABORT, 50, "UpstreamErrors")
    ]
    assert {each.why for each in found.left} == {"it follows from the fault of sample"}


def test_errors_of_an_api_whose_instances_are_broken_are_not_made_as_well(spec: PlatformSpec) -> None:
    alerts = [
        told("UpstreamErrors", api="sample", service="gateway", summary="error rate 51%", at_s=60),
        *(told("ServiceInstanceDown", instance=f"sample-{each}", evidence=REFUSED) for each in (1, 2, 3)),
        told("ServiceDown", service="sample_api", at_s=1),
    ]
    found = replay_of(7, alerts, spec)
    assert faults(found) == [("kill", "sample-1"), ("kill", "sample-2"), ("kill", "sample-3")]
    assert [each.why for each in found.left] == [
        "it follows from the fault of sample-1, sample-2, sample-3",
        "it follows from the fault of sample-1",
    ]


@pytest.mark.parametrize(
    ("alert", "why"),
    [
        (told("ServiceInstanceDown", instance="orders-9"), "there is no instance 'orders-9' here"),
        (told("GatewayNodeDown", node="edge-4"), "there is no gateway node 'edge-4' here"),
        (told("ServiceDown", service="orders"), "nothing runs 'orders' here"),
        (told("HighLatency", api="orders", summary="3s"), "no API here is the one of 'orders'"),
        (told("QueueTooLong"), "no fault is known that makes QueueTooLong fire"),
    ],
    ids=lambda each: each.name if isinstance(each, Told) else "",
)
def test_what_cannot_be_made_here_is_left_and_says_why(spec: PlatformSpec, alert: Told, why: str) -> None:
    found = replay_of(7, [alert], spec)
    assert not found.made
    assert [each.why for each in found.left] == [why]


def test_containers_have_no_stand_ins(spec: PlatformSpec) -> None:
    services = tuple(replace(each, executor=ExecutorKind.DOCKER) for each in spec.services)
    alert = told("ServiceInstanceDown", instance="sample-1", evidence=OTHER)
    found = replay_of(7, [alert], replace(spec, services=services))
    assert [each.why for each in found.left] == [
        "sample-1 is a container, and containers have no stand-ins (wrong-body)"
    ]
    hung = replay_of(7, [replace(alert, evidence=HANGS)], replace(spec, services=services))
    assert faults(hung) == [("hang", "sample-1")]


def test_alerts_of_others_are_sent_again_and_break_nothing(spec: PlatformSpec) -> None:
    alert = replace(told("QueueTooLong", at_s=2), foreign=True, source="webhook")
    found = replay_of(7, [alert], spec)
    assert (found.made, found.again, found.left, found.expected) == ((), (alert,), (), ("QueueTooLong",))
    assert found.drill.cured


def fact(kind: str, at_s: float, **body: Any) -> tuple[str, dict[str, Any]]:
    at = (AT + timedelta(seconds=at_s)).isoformat()
    return "fact", {"id": 1, "at": at, "kind": kind, "body": body}


def row(name: str, key: str, at_s: float, ends_s: float | None, **labels: str) -> tuple[str, dict[str, Any]]:
    return "incident_alert", {
        "fingerprint": key,
        "labels": {"alertname": name, **labels},
        "summary": f"{name}!",
        "starts_at": (AT + timedelta(seconds=at_s)).isoformat(),
        "ends_at": None if ends_s is None else (AT + timedelta(seconds=ends_s)).isoformat(),
    }


def test_a_bundle_tells_when_each_alert_fired_and_by_what() -> None:
    records = [
        row("QueueTooLong", "b", 5, None),
        row("ServiceInstanceDown", "a", 0, 30, instance="sample-1"),
        fact("FaultInjected", -600, instance="sample-1", fault="slow", drill="old"),
        fact("FaultInjected", -1, instance="sample-1", fault="hang", drill="x"),
        fact("FaultInjected", -1, instance="sample-2", fault="kill", drill="x"),
        fact("AlertFired", 0, alert={"fingerprint": "a", "rule": ""}, evidence=HANGS),
        fact("AlertFired", 5, alert={"fingerprint": "b", "rule": "webhook"}, evidence="told by webhook"),
        fact("AlertFired", 9, alert={"fingerprint": "z", "rule": ""}, evidence="of another incident"),
    ]
    first, second = alerts_in(records)
    assert (first.name, first.began_s, first.ended_s, first.injected, first.foreign) == (
        "ServiceInstanceDown", 0, 30, "hang", False,
    )  # fmt: skip
    assert (second.name, second.began_s, second.ended_s, second.foreign, second.source) == (
        "QueueTooLong", 5, None, True, "webhook",
    )  # fmt: skip
    assert alerts_in([]) == ()
