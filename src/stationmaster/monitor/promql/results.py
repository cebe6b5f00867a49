"""What a query gives, what it may cost, and how it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from stationmaster.monitor.promql.samples import Floats, Labels, Millis


class Fault(Enum):
    """Why a query gave nothing, in the words of Prometheus' HTTP API (`errorType`)."""

    BAD_DATA = "bad_data"
    EXECUTION = "execution"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"


class QueryError(Exception):
    """A query that was refused or failed; `message` says why, `hint` what to do next."""

    def __init__(self, fault: Fault, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLimits:
    """The most that one query may take; `timeout_ms` counts from its start, `samples` are those held at once."""

    timeout_ms: int = 30_000
    series: int = 500_000
    samples: int = 50_000_000
    steps: int = 11_000
    length: int = 16_384
    depth: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSample:
    labels: Labels
    value: float
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vector:
    """At most one sample a label set; `sort` and its kin decide the order, else it is that of the series."""

    samples: Sequence[VectorSample]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Samples of one label set, holes left out; `times` in milliseconds, as long as `values`."""

    labels: Labels
    times: Millis
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Ordered by label set."""

    series: Sequence[Series]


Value: TypeAlias = Scalar | Text | Vector | Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`warnings` and `infos` as Prometheus tells them."""

    value: Value
    warnings: Sequence[str] = ()
    infos: Sequence[str] = ()
