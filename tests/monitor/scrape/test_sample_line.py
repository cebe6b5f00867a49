"""Every rule of a line of an exposition."""

import math

import pytest

from stationmaster.monitor.scrape.sample_line import BrokenLineError, Format, read_line


@pytest.mark.parametrize(
    ("line", "labels", "value", "bare"),
    [
        ("up 1", {"__name__": "up"}, 1.0, True),
        ("up\t1", {"__name__": "up"}, 1.0, True),
        ("up   1  ", {"__name__": "up"}, 1.0, True),
        ("up{} 1", {"__name__": "up"}, 1.0, True),
        ('up {a="b"} 1', {"__name__": "up", "a": "b"}, 1.0, True),
        ('up{a="b"}1', {"__name__": "up", "a": "b"}, 1.0, True),
        ('up{ a = "b" , c = "d" , } 1', {"__name__": "up", "a": "b", "c": "d"}, 1.0, True),
        ('up{a="x y # {}"} 1', {"__name__": "up", "a": "x y # {}"}, 1.0, True),
        (r'up{a="\"\\\n\t"} 1', {"__name__": "up", "a": '"\\\n\\t'}, 1.0, True),
        ('up{a=""} 1', {"__name__": "up", "a": ""}, 1.0, True),
        ('up{a="ä☃"} 1', {"__name__": "up", "a": "ä☃"}, 1.0, True),
        (":rule:sum 1", {"__name__": ":rule:sum"}, 1.0, True),
        ("up -1.5e-3", {"__name__": "up"}, -0.0015, True),
        ("up +Inf", {"__name__": "up"}, math.inf, True),
        ("up -inf", {"__name__": "up"}, -math.inf, True),
        ("up .5", {"__name__": "up"}, 0.5, True),
        ("up 5.", {"__name__": "up"}, 5.0, True),
        ("up 1 1700000000000", {"__name__": "up"}, 1.0, False),
        ('up_bucket{le="1"} 3 # {trace_id="a b"} 0.5 1700000000.1', {"__name__": "up_bucket", "le": "1"}, 3.0, False),
        ("up_bucket 3 1700000000 # {} 0.5", {"__name__": "up_bucket"}, 3.0, False),
        ('{"http.requests", "status.code"="200"} 1', {"__name__": "http.requests", "status.code": "200"}, 1.0, True),
    ],
)
def test_a_line_is_read(line: str, labels: dict[str, str], value: float, bare: bool) -> None:
    found = read_line(line.encode())
    assert (found.labels, found.value, found.bare) == (labels, value, bare)


def test_timestamps_of_openmetrics_are_seconds() -> None:
    assert read_line(b"up 1 1700000000.5", Format.OPENMETRICS).bare is False
    with pytest.raises(BrokenLineError, match="is no number"):
        read_line(b"up 1 now", Format.OPENMETRICS)


def test_a_number_that_is_none_is_read_as_one() -> None:
    assert math.isnan(read_line(b"up NaN").value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"up", "a value is expected"),
        (b"up ", "a value is expected"),
        (b"1up 1", "a metric name is expected"),
        (b"-up 1", "a metric name is expected"),
        (b"{} 1", "a metric name is expected"),
        (b'{a="b"} 1', "a metric name is expected"),
        (b"up one", "'one' is no number"),
        (b"up 1_000", "'1_000' is no number"),
        (b"up 0x1p3", "'0x1p3' is no number"),
        (b"up 1 2 3", "a value is expected"),
        (b"up 1 now", "'now' is no timestamp"),
        (b"up 1 # nothing", "a value is expected"),
        (b"up{a=b} 1", "a quoted value is expected for the label 'a'"),
        (b'up{a="b} 1', "a quoted value is expected"),
        (b'up{a="b" 1', "a comma or a closing brace"),
        (b'up{a="b",,} 1', "a label name is expected"),
        (b'up{a="b" c="d"} 1', "a comma or a closing brace"),
        (b'up{1a="b"} 1', "a label name is expected"),
        (b"up{a} 1", "'=' is expected"),
        (b'up{a="b",a="c"} 1', "the label 'a' stands twice"),
        (b'up{a="\xff"} 1', "invalid UTF-8"),
        (b"up 1\r", "is no number"),
        (b" up 1", "a metric name is expected"),
        (b"up 1e400", "'1e400' is out of range"),
        (b"up -1e999", "'-1e999' is out of range"),
        (b"up 1 1.5", "'1.5' is no timestamp"),
        (b"up 1 -1", "'-1' is no timestamp"),
        (b"up{", "a label name is expected"),
        (b'up{"other"} 1', "'=' is expected after the label name 'other'"),
    ],
)
def test_a_broken_line_is_refused_with_the_reason(line: bytes, why: str) -> None:
    with pytest.raises(BrokenLineError) as refused:
        read_line(line)
    assert why in refused.value.why
    assert refused.value.line == line
