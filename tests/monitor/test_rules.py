"""The transitions of one instance's health, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Address, HealthCheck, Instance, PlatformSpec, Service
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.rules import (
    Fired,
    Health,
    Recovered,
    WatchState,
    alert_of,
    begin,
    fingerprint,
    resume,
    step,
    watched_of,
)

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHECK = HealthCheck(path="/healthz", down_after=2, up_after=2)
GOOD, BAD = "+", "-"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def answer(kind: str, now: datetime) -> ProbeAnswer:
    detail = "status 200" if kind == GOOD else "connection refused"
    return ProbeAnswer(ok=kind == GOOD, detail=detail, latency_ms=1.5, at=now)


def play(answers: str, check: HealthCheck, state: WatchState | None = None, every_s: float = 1.0) -> tuple[str, Health]:
    """Plays answers one after the other; the transitions come back as F (fired), R (recovered) and . (none)."""
    state = state or begin(START)
    seen = ""
    for number, kind in enumerate(answers, 1):
        state, transition = step(state, answer(kind, at(number * every_s)), check, at(number * every_s))
        seen += "F" if isinstance(transition, Fired) else "R" if isinstance(transition, Recovered) else "."
    return seen, state.health


@pytest.mark.parametrize(
    ("answers", "transitions", "health"),
    [
        ("+", ".", Health.UP),
        ("-", ".", Health.UNKNOWN),
        ("+-", "..", Health.UP),
        ("+--", "..F", Health.DOWN),
        ("+-+-+-", "......", Health.UP),
        ("+----", "..F..", Health.DOWN),
        ("+--+", "..F.", Health.DOWN),
        ("+--++", "..F.R", Health.UP),
        ("+--+-+-", "..F....", Health.DOWN),
        ("+--+-++", "..F...R", Health.UP),
        ("+--++--", "..F.R.F", Health.DOWN),
        ("--+--", "....F", Health.DOWN),
    ],
)
def test_an_alert_fires_once_when_an_instance_falls_and_recovers_once_when_it_is_back(
    answers: str, transitions: str, health: Health
) -> None:
    assert play(answers, CHECK) == (transitions, health)


@pytest.mark.parametrize(
    ("down_after", "up_after", "answers", "transitions"),
    [(1, 1, "+-+", ".FR"), (3, 1, "+---+", "...FR"), (1, 3, "+-+++", ".F..R")],
)
def test_the_thresholds_are_those_of_the_check(down_after: int, up_after: int, answers: str, transitions: str) -> None:
    assert play(answers, replace(CHECK, down_after=down_after, up_after=up_after))[0] == transitions


def test_failures_of_an_instance_never_seen_up_count_only_after_the_grace() -> None:
    assert play("-" * 12, CHECK) == ("..........F.", Health.DOWN)


def test_a_good_answer_ends_the_grace() -> None:
    assert play("+--", CHECK, every_s=0.1) == ("..F", Health.DOWN)


def test_a_clock_that_jumps_back_does_not_prolong_the_grace() -> None:
    late = replace(begin(START), since=START + timedelta(hours=1))
    assert play("--", CHECK, late) == (".F", Health.DOWN)


@pytest.mark.parametrize(("answers", "transitions"), [("---", "..."), ("++", ".R"), ("+-++", "...R")])
def test_an_alert_that_fired_before_a_restart_does_not_fire_again_but_recovers(answers: str, transitions: str) -> None:
    (watched,) = watched_of(spec())
    assert play(answers, CHECK, resume(alert_of(watched, START)))[0] == transitions


def test_the_evidence_names_the_last_answers_in_words() -> None:
    state = begin(START)
    for number, kind in enumerate("+--", 1):
        state, transition = step(state, answer(kind, at(number)), CHECK, at(number))
    assert isinstance(transition, Fired)
    assert transition.evidence == (
        "status 200 (at 03:04:06.000 after 2 ms), then connection refused (2 times, last at 03:04:08.000 after 2 ms)"
    )


def test_the_evidence_stays_short_however_long_the_instance_was_up() -> None:
    state = begin(START)
    for number in range(1000):
        state, _ = step(state, answer(GOOD, at(number)), CHECK, at(number))
    assert len(state.answers) == 5
    assert state.since == START


def test_an_alert_names_service_environment_region_instance_and_url() -> None:
    (watched,) = watched_of(spec())
    alert = alert_of(watched, START)
    assert alert.labels == {
        "alertname": "ServiceInstanceDown",
        "service": "keys",
        "environment": "lab",
        "region": "eu-de",
        "instance": "keys-1",
        "severity": "critical",
    }
    assert alert.url == "http://127.0.0.1:8888/healthz"
    assert alert.summary == "Service: keys in env: lab is down, url is http://127.0.0.1:8888/healthz"
    assert alert.starts_at == START


def test_a_fingerprint_depends_on_the_labels_alone() -> None:
    (watched,) = watched_of(spec())
    assert alert_of(watched, START).fingerprint == alert_of(watched, at(9)).fingerprint
    assert fingerprint({"a": "b", "c": "d"}) == fingerprint({"c": "d", "a": "b"})
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


def test_a_fingerprint_is_the_same_in_every_process_so_that_stored_alerts_are_found_again() -> None:
    assert fingerprint({"alertname": "x"}) == "cd12ddddc8defa2b"


def test_services_without_a_check_are_not_watched() -> None:
    (service,) = spec().services
    assert watched_of(PlatformSpec(environment="lab", services=(replace(service, health=None),))) == ()


def spec() -> PlatformSpec:
    name = ServiceName("keys")
    address = Address(host="127.0.0.1", port=8888)
    instance = Instance(name=InstanceName("keys-1"), service=name, region="eu-de", address=address)
    service = Service(name=name, port=8888, health=CHECK, instances=(instance,))
    return PlatformSpec(environment="lab", services=(service,))
