"""The transitions of one instance's health, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from stationmaster.core.names import InstanceName, ServiceName
from stationmaster.core.spec import Address, CheckKind, HealthCheck, Instance, PlatformSpec, Service
from stationmaster.monitor.answer import ProbeAnswer
from stationmaster.monitor.rules import (
    Fired,
    Health,
    Recovered,
    WatchState,
    alert_of,
    begin,
    fingerprint,
    lasting,
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
    state = state or begin(START, 0.0)
    seen = ""
    for number, kind in enumerate(answers, 1):
        state, transition = step(state, answer(kind, at(number * every_s)), check, number * every_s)
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


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_wall_clock_that_jumps_neither_prolongs_the_grace_nor_ends_it(jump: timedelta) -> None:
    state = begin(START, 1000.0)
    seen = ""
    for number in range(1, 13):
        moment = at(number) + (jump if number > 3 else timedelta(0))
        state, transition = step(state, answer(BAD, moment), CHECK, 1000.0 + number)
        seen += "F" if isinstance(transition, Fired) else "."
    assert seen == "..........F."


@pytest.mark.parametrize(("age_s", "transitions"), [(0, "....."), (8, "..F.."), (300, ".F..."), (-300, ".F...")])
def test_the_grace_counts_from_the_start_of_the_instance(age_s: float, transitions: str) -> None:
    assert play("-----", CHECK, begin(START, 0.0, START - timedelta(seconds=age_s)))[0] == transitions


@pytest.mark.parametrize(("answers", "transitions"), [("---", "..."), ("++", ".R"), ("+-++", "...R")])
def test_an_alert_that_fired_before_a_restart_does_not_fire_again_but_recovers(answers: str, transitions: str) -> None:
    (watched,) = watched_of(spec())
    assert play(answers, CHECK, resume(alert_of(watched, START)))[0] == transitions


def test_the_evidence_names_the_last_answers_in_words() -> None:
    state = begin(START, 0.0)
    for number, kind in enumerate("+--", 1):
        state, transition = step(state, answer(kind, at(number)), CHECK, float(number))
    assert isinstance(transition, Fired)
    assert transition.evidence == (
        "status 200 (at 03:04:06.000 after 2 ms), then connection refused (2 times, last at 03:04:08.000 after 2 ms)"
    )


def test_the_evidence_stays_short_however_long_the_instance_was_up() -> None:
    state = begin(START, 0.0)
    for number in range(1000):
        state, _ = step(state, answer(GOOD, at(number)), CHECK, float(number))
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
    url = "http://127.0.0.1:8888/healthz"
    assert alert.summary == f"Service: keys in env: lab is down, url is {url}, instance is keys-1"
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


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        (CheckKind.HTTPS, "https://127.0.0.1:8888/healthz"),
        (CheckKind.TCP, "tcp://127.0.0.1:8888"),
        (CheckKind.GRPC, "grpc://127.0.0.1:8888/"),
        (CheckKind.DNS, "dns://127.0.0.1:8888/"),
        (CheckKind.POSTGRESQL, "postgresql://127.0.0.1:8888"),
        (CheckKind.COMMAND, "command://127.0.0.1:8888"),
    ],
)
def test_every_kind_of_check_has_a_url(kind: CheckKind, url: str) -> None:
    (watched,) = watched_of(spec())
    assert replace(watched, check=replace(CHECK, kind=kind)).url == url


def test_the_placeholders_of_a_command_are_filled_once() -> None:
    (service,) = spec().services
    command = ("check", "{address}", "--port={port}", "{instance}/{service}@{region}", "{other}", "{host}")
    health = replace(CHECK, kind=CheckKind.COMMAND, command=command)
    (watched,) = watched_of(PlatformSpec(environment="lab", services=(replace(service, health=health),)))
    filled = ("check", "127.0.0.1:8888", "--port=8888", "keys-1/keys@eu-de", "{other}", "127.0.0.1")
    assert watched.check.command == filled


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a second"),
        (-60, "less than a second"),
        (3, "3 s"),
        (192, "3 min 12 s"),
        (3600, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_a_time_span_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == words


def spec() -> PlatformSpec:
    name = ServiceName("keys")
    address = Address(host="127.0.0.1", port=8888)
    instance = Instance(name=InstanceName("keys-1"), service=name, region="eu-de", address=address)
    service = Service(name=name, port=8888, health=CHECK, instances=(instance,))
    return PlatformSpec(environment="lab", services=(service,))
