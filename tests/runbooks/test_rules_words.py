"""What words around a limit mean: of which measure they speak, how bad it is, how long it has to hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.runbooks.rules.promql import read_expression
from stationmaster.runbooks.rules.prose import holds_ms, severity_word, window
from stationmaster.runbooks.rules.subjects import is_foreign, measure_of, words_of
from stationmaster.runbooks.rules.table import WAYS, Measure


@pytest.mark.parametrize(
    ("words", "measure"),
    [
        ("error rate", Measure.ERROR_RATE),
        ("http 5xx error rate", Measure.ERROR_RATE),
        ("failed requests", Measure.ERROR_RATE),
        ("401 errors", Measure.CLIENT_ERROR_RATE),
        ("success rate", Measure.SUCCESS_RATE),
        ("5 minute rolling success rate", Measure.SUCCESS_RATE),
        ("api response time", Measure.LATENCY),
        ("average request latency", Measure.LATENCY),
        ("cpu utilization", Measure.CPU),
        ("node's cpu utilization", Measure.NODE_CPU),
        ("memory usage", Measure.MEMORY),
        ("available memory", Measure.MEMORY_FREE),
        ("disk usage", Measure.DISK_USED),
        ("free disk space", Measure.DISK_FREE),
        ("throughput", Measure.REQUEST_RATE),
        ("open connections", Measure.CONNECTIONS),
        ("api capacity alert", Measure.CAPACITY),
        ("upstream service down", Measure.SERVICE_DOWN),
        ("service instance is down", Measure.INSTANCE_DOWN),
        ("gateway is unreachable", Measure.SERVICE_DOWN),
        ("replication lag", None),
        ("pagerduty gitaly latency", None),
        ("guest cpu run-queue length", None),
        ("etcd database size", None),
        ("", None),
    ],
)
def test_words_speak_of(words: str, measure: Measure | None) -> None:
    assert measure_of(words) is measure


def test_every_measure_but_capacity_has_a_way_and_every_way_a_reason() -> None:
    assert {way.measure for way in WAYS} == set(Measure) - {Measure.CAPACITY}
    assert all(way.why and way.reads for way in WAYS)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.measure.name}-{way.unit}")
def test_every_way_is_an_expression_that_reads_what_it_says(way: object) -> None:
    assert way in WAYS
    (found,) = (each for each in WAYS if each is way)
    for only, more in (("", ""), ('{a="b"}', ',a="b"')):
        text = f"{found.expr} > 1" + (f" and {found.guard}" if found.guard else "")
        filled = text.replace("$WINDOW", "5m").replace("$QUANTILE", "0.9").replace("$ONLY", only).replace("$AND", more)
        read = read_expression(filled)
        assert set(read.metrics) == set(found.reads)
        assert read.compares


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("HighAPIResponseTime", "high api response time"),
        ("APIServiceDown", "api service down"),
        ("High5xxRate", "high 5xx rate"),
        ("disk_full", "disk full"),
    ],
)
def test_a_name_is_taken_apart(name: str, words: str) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("name", "about", "foreign"),
    [
        ("KubeClientErrors", (), True),
        ("KubeAPILatencyHigh", (), True),
        ("CheckoutErrors", ("checkout",), False),
        ("HighErrorRate", (), False),
        ("PetstoreBroken", (), False),
    ],
)
def test_a_name_may_speak_of_something_else(name: str, about: tuple[str, ...], foreign: bool) -> None:
    assert is_foreign(name, about) is foreign


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("severity: high", "warning"),
        ("Severity | P1", "critical"),
        ("High error rate (P1)", "critical"),
        ("SEV-2: slow", "warning"),
        ("Warning: CPU usage > 80%", "warning"),
        ("**Critical** when full", "critical"),
        ("a high error rate", ""),
        ("see the page for more info", ""),
        ("Info: nothing to do", "info"),
    ],
)
def test_running_text_has_a_severity_only_in_words_that_mean_one(text: str, severity: str) -> None:
    assert severity_word(text) == severity


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CPU > 80% for 5m", 300_000),
        ("above 80 % for more than five minutes", 300_000),
        ("down for at least an hour", 3_600_000),
        ("for 2 days", 172_800_000),
        ("CPU > 80%", None),
        ("look for 5xx", None),
    ],
)
def test_how_long_it_holds(text: str, expected: int | None) -> None:
    assert holds_ms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("over the last 10 minutes", "600s"),
        ("5 minute rolling success rate", "300s"),
        ("within 1h", "3600s"),
        ("over 5 requests", None),
        ("in 2 seconds", None),
    ],
)
def test_over_how_long_it_is_measured(text: str, expected: str | None) -> None:
    assert window(text) == expected


@given(st.text(max_size=400))
def test_no_text_breaks_the_readers_of_words(text: str) -> None:
    measure_of(text)
    is_foreign(text, (text,))
    severity_word(text)
    holds_ms(text)
    window(text)


@given(st.text(alphabet="(){}[]+-*/ab1<>=! \"',orandbyun$_:5m", max_size=200))
def test_no_expression_breaks_the_reader(text: str) -> None:
    try:
        found = read_expression(text)
    except ValueError as error:
        said = str(error)
    else:
        said = " ".join(found.metrics) or "reads nothing"
    assert said
