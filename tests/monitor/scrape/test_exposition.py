"""Bodies are read as Prometheus reads them, the second time as the first."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.monitor.promql.samples import NORMAL_NAN_BITS, Labels, LabelTable
from stationmaster.monitor.scrape.exposition import Exposition, ExpositionError, ExpositionReader
from stationmaster.monitor.scrape.families import Family
from stationmaster.monitor.scrape.sample_line import Format

KNOWN = {"job": "j", "instance": "i"}


def reader() -> ExpositionReader:
    return ExpositionReader(LabelTable(), KNOWN)


def found(reader: ExpositionReader, read: Exposition) -> dict[Labels, int]:
    """Bits of the value by label set."""
    labels = [reader._table.labels(number) for number in read.ids.tolist()]
    assert len(set(labels)) == len(labels)
    return dict(zip(labels, read.values.view(np.uint64).tolist(), strict=True))


def read_anew(body: bytes, form: Format = Format.TEXT) -> dict[Labels, int]:
    fresh = reader()
    return found(fresh, fresh.read(body, form))


def expected(samples: Iterable[tuple[str, dict[str, str], float]]) -> dict[Labels, float]:
    told: dict[Labels, float] = {}
    for name, labels, value in samples:
        given = {**labels, "__name__": name, **KNOWN}
        told.setdefault(tuple(sorted((each, text) for each, text in given.items() if text)), value)
    return told


def same(bits: dict[Labels, int], values: dict[Labels, float]) -> bool:
    read = {labels: float(np.array([each], dtype=np.uint64).view(np.float64)[0]) for labels, each in bits.items()}
    return read.keys() == values.keys() and all(
        read[labels] == value or (math.isnan(read[labels]) and math.isnan(value)) for labels, value in values.items()
    )


label_values = st.text(max_size=8)
numbers = st.one_of(st.floats(), st.integers(-(2**60), 2**60).map(float))


@given(st.dictionaries(st.tuples(label_values, label_values), numbers, max_size=8))
def test_what_the_client_of_prometheus_writes_is_read_back(values: dict[tuple[str, str], float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("a_gauge", 'Help with "quotes", \\ and\nlines', ["x", "y"], registry=registry)
    for (x, y), value in values.items():
        gauge.labels(x, y).set(value)
    body = generate_latest(registry)
    wanted = expected(("a_gauge", {"x": x, "y": y}, value) for (x, y), value in values.items())
    one = reader()
    for _ in range(2):
        assert same(found(one, one.read(body)), wanted)
    assert one.families["a_gauge"] == Family(kind="gauge", help='Help with "quotes", \\ and\nlines')


def registry_with_everything() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("jobs", "Jobs", ["kind"], registry=registry).labels("a b").inc(3)
    Histogram("latency_seconds", "Latency", registry=registry, buckets=(0.1, 1, 10)).observe(0.5)
    Summary("size_bytes", "Size", registry=registry).observe(12)
    Info("build", "Build", registry=registry).info({"version": '1.0 "x"'})
    Gauge("odd", "Odd", ["n"], registry=registry).labels("nan").set(float("nan"))
    return registry


def test_all_kinds_are_read_as_the_parser_of_the_client_reads_them() -> None:
    body = generate_latest(registry_with_everything())
    samples = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    ]
    one = reader()
    assert same(found(one, one.read(body)), expected(samples))
    assert one.families["latency_seconds"].kind == "histogram"
    assert one.families["jobs_total"].kind == "counter"


def test_openmetrics_is_read_and_has_to_be_whole() -> None:
    body: bytes = generate_openmetrics(registry_with_everything())  # type: ignore[no-untyped-call]
    read = {dict(labels)["__name__"] for labels in read_anew(body, Format.OPENMETRICS)}
    assert {"jobs_total", "latency_seconds_bucket", "size_bytes_count", "build_info", "odd"} <= read
    for broken in (body[: len(body) // 2], body[:-6], body[:-1], body + b"more 1\n", b""):
        with pytest.raises(ExpositionError, match=r"EOF"):
            reader().read(broken, Format.OPENMETRICS)


lines = st.sampled_from(
    [
        "a 1",
        "a 2",
        'a{x="1"} 3',
        'a{x="1",y="2"} 4',
        'a{y="2",x="1"} 5',
        'a{x="1 2"} 6',
        'a{x="1 3"}\t7',
        'a{x="1 3"}\t8',
        "b 1 1700000000000",
        "b 2 1800000000000",
        "b 3",
        "b 4 ",
        "b\t5",
        'c 6 # {trace="x"} 7',
        'c 8 # {trace="x"} 9 1700000000',
        "c 1e3",
        "c Inf",
        "c NAN",
        "c 1e400",
        " c 1",
        "",
        "   ",
        "# a comment",
        " # another",
        "# TYPE a gauge",
        "d{} 1",
        "d 2",
    ]
)


@settings(max_examples=300)
@given(st.lists(st.lists(lines, max_size=8), max_size=6))
def test_a_reader_that_remembers_reads_as_one_that_does_not(bodies: list[list[str]]) -> None:
    one = reader()
    for body in bodies:
        raw = "\n".join(body).encode()
        assert outcome(one, raw) == outcome(reader(), raw)


def outcome(of: ExpositionReader, body: bytes) -> dict[Labels, int] | str:
    try:
        return found(of, of.read(body))
    except ExpositionError as error:
        return str(error)


@given(st.lists(st.text(st.sampled_from('a{}="\\ \t1.eE+-_#,nN\r')), max_size=4))
def test_no_body_breaks_the_reader_in_another_way_than_it_says(body: list[str]) -> None:
    one = reader()
    raw = "\n".join(["ok 1", *body]).encode()
    assert outcome(one, raw) == outcome(one, raw)


def test_equal_bodies_give_the_same_array_of_ids() -> None:
    one = reader()
    first, second = one.read(b"a 1\nb 2\n"), one.read(b"a 3\nb 4\n")
    assert first.ids is second.ids
    assert second.values.tolist() == [3.0, 4.0]


def test_of_a_series_that_stands_twice_the_first_counts_and_it_is_told() -> None:
    one = reader()
    for _ in range(2):
        read = one.read(b'a{x="1",y="2"} 1\nb 5\na{y="2",x="1"} 2\n')
        assert (read.told, read.twice, dict(read.example)["__name__"]) == (3, 1, "a")
        assert read.values.tolist() == [1.0, 5.0]


def test_a_nan_has_the_bits_of_a_nan_that_was_sent() -> None:
    one = reader()
    for text in (b"a NaN\n", b"a nan\n", b"a NaN\n"):
        assert one.read(text).values.view(np.uint64).tolist() == [NORMAL_NAN_BITS]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"up 1\ndown\n", "line 2: a value is expected after the name and labels: down"),
        (b"# x\n\nup 1_0\n", "line 3: '1_0' is no number: up 1_0"),
        (b"up 1\n# TYPE up strange\n", "line 2: invalid metric type 'strange': # TYPE up strange"),
        (b'up{a="' + b"x" * 500 + b"} 1", "line 1: a quoted value is expected for the label 'a': up{a=\"xxx"),
        (b"<html>\n", "line 1: a metric name is expected: <html>"),
    ],
)
def test_a_broken_line_fails_the_body_and_is_shown(body: bytes, reason: str) -> None:
    one = reader()
    one.read(b"up 1\ndown 1\n")
    with pytest.raises(ExpositionError) as refused:
        one.read(body)
    assert str(refused.value).startswith(reason)
    assert len(str(refused.value)) < 250


def test_more_samples_than_the_limit_are_refused() -> None:
    assert reader().read(b"a 1\nb 2\n", most_samples=2).told == 2
    with pytest.raises(ExpositionError, match="3 samples are more than the limit of 2"):
        reader().read(b"a 1\nb 2\nc 3\n", most_samples=2)


def test_lines_that_come_no_more_are_forgotten() -> None:
    one = reader()
    for number in range(30):
        one.read("".join(f'a{{n="{number}-{n}"}} 1\n' for n in range(100)).encode())
    assert len(one._known) <= 1300
