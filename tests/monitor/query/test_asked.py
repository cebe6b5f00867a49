from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.monitor.promql.results import Fault, QueryError
from stationmaster.monitor.query.asked import Asked, duration_ms, moment_ms, read
from stationmaster.monitor.query.expressions import span_text
from stationmaster.monitor.query.queries import EARLIEST_MS, LATEST_MS


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("0", 0),
        ("1760000000", 1_760_000_000_000),
        ("1760000000.123", 1_760_000_000_123),
        ("1.7600000001239e9", 1_760_000_000_124),
        ("1760000000.0006", 1_760_000_000_001),
        ("1760000000.0004", 1_760_000_000_000),
        ("-1.5", -1_500),
        (".5", 500),
        ("2025-10-09T08:53:20Z", 1_760_000_000_000),
        ("2025-10-09T08:53:20.1239Z", 1_760_000_000_123),
        ("2025-10-09T10:53:20+02:00", 1_760_000_000_000),
        ("1969-12-31T23:59:59.5Z", -500),
        ("-292273086-05-16T16:47:06Z", EARLIEST_MS),
        ("292277025-08-18T07:12:54.999999999Z", LATEST_MS),
        ("2025-10-09T08:53:20", None),
        ("2025-02-30T08:53:20Z", None),
        ("yesterday", None),
        ("", None),
        ("nan", None),
        ("Inf", None),
        ("1_000", None),
        ("1e300", None),
        ("9e99999", None),
        ("１", None),
    ],
)
def test_moments_are_seconds_or_rfc_3339(text: str, at_ms: int | None) -> None:
    assert moment_ms(text) == at_ms


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("15", 15_000),
        ("0.5", 500),
        ("0.0004", 0),
        ("-3", -3_000),
        ("15s", 15_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("2w", 1_209_600_000),
        ("1y", 31_536_000_000),
        ("1m500ms", 60_500),
        ("0", 0),
        ("0s", 0),
        ("", None),
        ("30m1h", None),
        ("-5m", None),
        ("1.5h", None),
        ("1e300", None),
        ("999999999999y", None),
        ("soon", None),
    ],
)
def test_durations_are_seconds_or_spans(text: str, ms: int | None) -> None:
    assert duration_ms(text) == ms


@given(st.integers(min_value=0, max_value=10**12))
def test_a_span_that_is_written_reads_back(ms: int) -> None:
    assert duration_ms(span_text(ms)) == ms


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0s"), (90_000, "1m30s"), (86_400_000, "1d"), (15 * 86_400_000, "15d"), (14 * 86_400_000, "2w")],
)
def test_spans_are_written_as_prometheus_does(ms: int, text: str) -> None:
    assert span_text(ms) == text


def test_a_form_goes_before_the_query_string() -> None:
    asked = read(b"query=old&match[]=a", urlencode({"query": "new", "match[]": ["b", "c"]}, doseq=True).encode())
    assert asked.text("query") == "new"
    assert asked.every("match[]") == ["b", "c", "a"]
    assert (asked.text("absent"), asked.every("absent")) == ("", ())


@pytest.mark.parametrize("body", [b"query=%ff", b"\xff", b"&".join([b"a=1"] * 10_001)])
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(QueryError, match="error parsing form values") as refused:
        read(b"", body)
    assert refused.value.fault is Fault.BAD_DATA


@pytest.mark.parametrize(
    ("method", "text", "message"),
    [
        ("moment", 'a"b', 'invalid parameter "x": cannot parse "a\\"b" to a valid timestamp'),
        ("duration", "soon", 'invalid parameter "x": cannot parse "soon" to a valid duration'),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(method: str, text: str, message: str) -> None:
    with pytest.raises(QueryError) as refused:
        getattr(Asked({"x": [text]}), method)("x")
    assert refused.value.message == message


@pytest.mark.parametrize(("text", "limit"), [("", 0), ("0", 0), ("7", 7), ("+7", 7)])
def test_no_limit_is_nought(text: str, limit: int) -> None:
    assert Asked({"limit": [text]}).limit() == limit


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "9" * 19])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match='invalid parameter "limit"'):
        Asked({"limit": [text]}).limit()
