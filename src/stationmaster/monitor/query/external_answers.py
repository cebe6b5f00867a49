"""Reads what a Prometheus answers over its HTTP API."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from stationmaster.monitor.promql.results import (
    Matrix,
    Result,
    Scalar,
    Series,
    Text,
    Value,
    Vector,
    VectorSample,
)
from stationmaster.monitor.promql.samples import Labels

T = TypeVar("T")


class Reply(msgspec.Struct):
    """The envelope of every answer."""

    status: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    errorType: str = ""  # noqa: N815 as it stands on the wire
    error: str = ""
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()


class _Answer(msgspec.Struct):
    resultType: str  # noqa: N815 as it stands on the wire
    result: msgspec.Raw


class _One(msgspec.Struct):
    metric: Mapping[str, str]
    value: tuple[float, str] | None = None


class _Many(msgspec.Struct):
    metric: Mapping[str, str]
    values: Sequence[tuple[float, str]] = ()


class DescribedThere(msgspec.Struct):
    type: str
    help: str = ""
    unit: str = ""


class BuildThere(msgspec.Struct, rename="camel"):
    version: str = ""
    revision: str = ""
    branch: str = ""
    build_user: str = ""
    build_date: str = ""
    go_version: str = ""


def result_of(reply: Reply) -> Result:
    """Native histograms are left out, with a warning. Raises msgspec.DecodeError or ValueError for what is no such
    answer."""
    answer = msgspec.json.decode(reply.data, type=_Answer)
    value, left_out = _value(answer)
    lost = f"{left_out} series are native histograms and were left out"
    return Result(value=value, warnings=[*reply.warnings, *([lost] if left_out else [])], infos=reply.infos)


def labels_of(metric: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in metric.items() if value))


def _value(answer: _Answer) -> tuple[Value, int]:
    """And how many series have no float samples."""
    match answer.resultType:
        case "scalar":
            return Scalar(value=float(_read(answer.result, tuple[float, str])[1])), 0
        case "string":
            return Text(value=_read(answer.result, tuple[float, str])[1]), 0
        case "vector":
            rows = _read(answer.result, list[_One])
            samples = [_sample(each.metric, each.value) for each in rows if each.value is not None]
            return Vector(samples=samples), len(rows) - len(samples)
        case "matrix":
            many = _read(answer.result, list[_Many])
            series = [_series(each) for each in many if each.values]
            return Matrix(series=sorted(series, key=lambda each: each.labels)), len(many) - len(series)
        case other:
            raise ValueError(f"the result is a {other}")


def _sample(metric: Mapping[str, str], value: tuple[float, str]) -> VectorSample:
    return VectorSample(labels=labels_of(metric), value=float(value[1]), at_ms=round(value[0] * 1000))


def _series(each: _Many) -> Series:
    return Series(
        labels=labels_of(each.metric),
        times=np.array([round(at * 1000) for at, _ in each.values], dtype=np.int64),
        values=np.array([float(value) for _, value in each.values], dtype=np.float64),
    )


def _read(raw: msgspec.Raw, kind: Any) -> Any:
    return msgspec.json.decode(raw, type=kind)
