import json
import math

import msgspec
import numpy as np
import pytest

from stationmaster.monitor.promql.results import Matrix, Result, Scalar, Series, Text, Value, Vector, VectorSample
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.answers import TRUNCATED, limited, told
from stationmaster.monitor.query.external_answers import Reply, result_of

UP: Labels = (("__name__", "up"), ("job", 'no"de\n<é>'))


def document(value: Value, **notes: list[str]) -> dict[str, object]:
    text = b"".join(told(Result(value=value, **notes), 1_500))
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def series(values: list[float], labels: Labels = UP, first_ms: int = 1_000) -> Series:
    times = np.arange(first_ms, first_ms + 500 * len(values), 500, dtype=np.int64)
    return Series(labels=labels, times=times, values=np.array(values))


@pytest.mark.parametrize(
    ("value", "kind", "result"),
    [
        (Scalar(value=1.0), "scalar", [1.5, "1"]),
        (Scalar(value=math.inf), "scalar", [1.5, "+Inf"]),
        (Text(value='say "a"'), "string", [1.5, 'say "a"']),
        (Vector(samples=[]), "vector", []),
        (
            Vector(samples=[VectorSample(labels=UP, value=math.nan, at_ms=1_500)]),
            "vector",
            [{"metric": {"__name__": "up", "job": 'no"de\n<é>'}, "value": [1.5, "NaN"]}],
        ),
        (Matrix(series=[]), "matrix", []),
        (
            Matrix(series=[series([1, 2.5]), series([3], ())]),
            "matrix",
            [
                {"metric": {"__name__": "up", "job": 'no"de\n<é>'}, "values": [[1, "1"], [1.5, "2.5"]]},
                {"metric": {}, "values": [[1, "3"]]},
            ],
        ),
    ],
)
def test_results_are_told_as_prometheus_tells_them(value: Value, kind: str, result: object) -> None:
    assert document(value) == {"status": "success", "data": {"resultType": kind, "result": result}}


def test_warnings_and_infos_stand_beside_the_data_each_once() -> None:
    found = document(Vector(samples=[]), warnings=["b", "a", "a"], infos=["c"])
    assert (found["warnings"], found["infos"]) == (["a", "b"], ["c"])


def test_statistics_stand_beside_the_result() -> None:
    text = b"".join(told(Result(value=Scalar(value=1)), 0, b'{"timings":{}}'))
    assert json.loads(text)["data"] == {"resultType": "scalar", "result": [0, "1"], "stats": {"timings": {}}}


def test_a_long_answer_comes_in_pieces_that_make_one_document() -> None:
    value = Matrix(series=[series([float(number)] * 1000, (("n", str(number)),)) for number in range(100)])
    pieces = list(told(Result(value=value), 0))
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 400_000
    assert len(json.loads(b"".join(pieces))["data"]["result"]) == 100


def test_a_limit_cuts_and_says_so() -> None:
    value = Matrix(series=[series([1.0], (("n", str(number)),)) for number in range(3)])
    cut = limited(Result(value=value, warnings=["w"]), 2)
    assert isinstance(cut.value, Matrix)
    assert (len(cut.value.series), list(cut.warnings)) == (2, ["w", TRUNCATED])
    assert limited(Result(value=value), 3).warnings == ()
    assert limited(Result(value=value), 0).warnings == ()
    assert limited(Result(value=Scalar(value=1)), 1).warnings == ()


@pytest.mark.parametrize(
    "value",
    [
        Scalar(value=-0.0),
        Text(value="é"),
        Vector(samples=[VectorSample(labels=UP, value=1e-9, at_ms=-1_001)]),
        Matrix(series=[series([1e300, -math.inf, 0.1])]),
    ],
)
def test_what_we_tell_is_read_back_as_it_was(value: Value) -> None:
    """By the reader of what a Prometheus answers."""
    reply = Reply(status="success", data=_raw(b"".join(told(Result(value=value), 1_500))))
    found = result_of(reply).value
    match value, found:
        case Matrix(), Matrix():
            assert [each.labels for each in found.series] == [each.labels for each in value.series]
            for ours, theirs in zip(value.series, found.series, strict=True):
                np.testing.assert_array_equal(ours.times, theirs.times)
                np.testing.assert_array_equal(ours.values, theirs.values)
        case _:
            assert found == value


def _raw(text: bytes) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(json.loads(text)["data"]).encode())
