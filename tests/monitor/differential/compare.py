"""Says in what two answers to one query differ."""

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from stationmaster.monitor.promql import engine
from stationmaster.monitor.promql.results import Fault, Matrix, QueryError, Result, Scalar, Text, Vector
from stationmaster.monitor.promql.samples import Labels, Source
from stationmaster.monitor.query.external_answers import Reply, result_of
from stationmaster.monitor.query.queries import Steps
from tests.monitor.differential.real import RealPrometheus

RELATIVE = 1e-9
ABSOLUTE = 1e-11
"""What may be left of numbers that cancel each other."""

Rows: TypeAlias = Mapping[Labels, Mapping[int, float]]
Answer: TypeAlias = Rows | float | str | Fault
"""A refusal is its kind."""


def ours(source: Source, query: str, when: int | Steps) -> Answer:
    def asked() -> Result:
        if isinstance(when, int):
            return engine.instant(source, query, when)
        return engine.over(source, query, when.first_ms, when.last_ms, when.step_ms)

    return _answer(asked)


def theirs(server: RealPrometheus, query: str, when: int | Steps) -> Answer:
    def asked() -> Result:
        if isinstance(when, int):
            answer = server.ask("query", query=query, time=when / 1000)
        else:
            moments = {"start": when.first_ms / 1000, "end": when.last_ms / 1000, "step": when.step_ms / 1000}
            answer = server.ask("query_range", query=query, **moments)
        reply = msgspec.json.decode(answer.content, type=Reply)
        if reply.status == "error":
            raise QueryError(Fault(reply.errorType), reply.error)
        return result_of(reply)

    return _answer(asked)


def _answer(asked: Callable[[], Result]) -> Answer:
    try:
        value = asked().value
    except QueryError as error:
        return error.fault
    match value:
        case Scalar() | Text():
            return value.value
        case Vector():
            return {each.labels: {each.at_ms: each.value} for each in value.samples}
        case Matrix():
            return {
                each.labels: dict(zip(each.times.tolist(), each.values.tolist(), strict=True)) for each in value.series
            }


def difference(found: Answer, expected: Answer) -> str:
    """Empty where they agree."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        return _rows(found, expected)
    if isinstance(found, float) and isinstance(expected, float):
        return "" if same(found, expected) else f"{found!r} for {expected!r}"
    return "" if found == expected else f"{_short(found)} for {_short(expected)}"


def _rows(found: Rows, expected: Rows) -> str:
    for labels in sorted(expected.keys() - found.keys()):
        return f"no series {dict(labels)}"
    for labels in sorted(found.keys() - expected.keys()):
        return f"a series too many: {dict(labels)}"
    for labels, samples in sorted(expected.items()):
        ours = found[labels]
        for at_ms in sorted(samples.keys() ^ ours.keys()):
            return f"{dict(labels)} at {at_ms}: {ours.get(at_ms)} for {samples.get(at_ms)}"
        for at_ms, value in samples.items():
            if not same(ours[at_ms], value):
                return f"{dict(labels)} at {at_ms}: {ours[at_ms]!r} for {value!r}"
    return ""


def same(found: float, expected: float) -> bool:
    """To nine digits; NaN and the infinite ones exactly."""
    if math.isnan(found) or math.isnan(expected):
        return math.isnan(found) and math.isnan(expected)
    return found == expected or math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _short(answer: Answer) -> str:
    return f"{len(answer)} series" if isinstance(answer, Mapping) else repr(answer)
