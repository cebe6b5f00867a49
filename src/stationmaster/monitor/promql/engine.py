"""The face of the query engine: a query at one moment, or over a stretch of time."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from stationmaster.monitor.promql.context import Budget, Context, Notes
from stationmaster.monitor.promql.evaluator import Evaluator
from stationmaster.monitor.promql.frames import Computed, Frame, Line, Spoken, relabelled
from stationmaster.monitor.promql.label_sets import nameless
from stationmaster.monitor.promql.nodes import Kind
from stationmaster.monitor.promql.ordering import in_order
from stationmaster.monitor.promql.parsed import Parsed, parse, too_deep
from stationmaster.monitor.promql.results import (
    Fault,
    Matrix,
    QueryError,
    QueryLimits,
    Result,
    Scalar,
    Series,
    Text,
    Value,
    Vector,
    VectorSample,
)
from stationmaster.monitor.promql.samples import Floats, Labels, Millis, Source

__all__ = ["LOOKBACK_MS", "Parsed", "instant", "over", "parse"]

LOOKBACK_MS: Final = 300_000
"""How old a sample may be and still be the value of its series."""

_DEFAULT_LIMITS: Final = QueryLimits()
_MOST_REMARKS: Final = 10


def instant(
    source: Source,
    query: str | Parsed,
    at_ms: int,
    limits: QueryLimits = _DEFAULT_LIMITS,
    *,
    lookback_ms: int = LOOKBACK_MS,
) -> Result:
    """What the query gives at one moment; QueryError where it is refused, fails or takes too long."""
    asked = _Asked(source=source, query=query, limits=limits, lookback_ms=lookback_ms, last_ms=at_ms)
    return asked.answered(np.array([at_ms], dtype=np.int64), _at_one_moment)


def over(
    source: Source,
    query: str | Parsed,
    first_ms: int,
    last_ms: int,
    step_ms: int,
    limits: QueryLimits = _DEFAULT_LIMITS,
    *,
    lookback_ms: int = LOOKBACK_MS,
) -> Result:
    """What the query gives at `first_ms`, one step later and so on until `last_ms`; a `Matrix`, also of a scalar."""
    if step_ms <= 0:
        message = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise QueryError(Fault.BAD_DATA, message)
    if last_ms < first_ms:
        raise QueryError(Fault.BAD_DATA, "end timestamp must not be before start time")
    if (last_ms - first_ms) // step_ms + 1 > limits.steps:
        message = f"exceeded maximum resolution of {limits.steps} points per timeseries"
        raise QueryError(Fault.BAD_DATA, message, hint="Try decreasing the query resolution (?step=XX)")
    asked = _Asked(source=source, query=query, limits=limits, lookback_ms=lookback_ms, last_ms=last_ms)
    return asked.answered(np.arange(first_ms, last_ms + 1, step_ms, dtype=np.int64), _over_steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    source: Source
    query: str | Parsed
    limits: QueryLimits
    lookback_ms: int
    last_ms: int

    def answered(self, times: Millis, told: Callable[[Evaluator, Context, Parsed], Value]) -> Result:
        """Once more where label sets were forgotten meanwhile: series may have lost theirs in the midst of it."""
        table = self.source.table
        before = table.forgettings
        try:
            found = self._answered(times, told)
        except QueryError:
            if table.forgettings == before:
                raise
        else:
            if table.forgettings == before:
                return found
        return self._answered(times, told)

    def _answered(self, times: Millis, told: Callable[[Evaluator, Context, Parsed], Value]) -> Result:
        parsed = parse(self.query, self.limits) if isinstance(self.query, str) else self.query
        notes = Notes(query=parsed.text)
        with ExitStack() as stack:
            memory = stack.enter_context(parsed.memory(self.source.table))
            stack.enter_context(np.errstate(all="ignore"))
            context = Context(
                source=self.source,
                times=times,
                outer_first_ms=int(times[0]),
                outer_last_ms=self.last_ms,
                lookback_ms=self.lookback_ms,
                memory=memory,
                budget=Budget(self.limits),
                notes=notes,
            )
            try:
                value = told(Evaluator(parsed.constants), context, parsed)
            except MemoryError as error:
                message = "query needs more memory than there is"
                raise QueryError(Fault.EXECUTION, message, hint="Ask for less at a time.") from error
            except RecursionError as error:
                raise too_deep() from error
        return Result(value=value, warnings=_few(notes.warnings, "warning"), infos=_few(notes.infos, "info"))


def _few(remarks: dict[str, None], kind: str) -> tuple[str, ...]:
    first = tuple(remarks)[:_MOST_REMARKS]
    rest = len(remarks) - len(first)
    return (*first, f"{rest} more {kind} annotations omitted") if rest else first


def _at_one_moment(evaluator: Evaluator, context: Context, parsed: Parsed) -> Value:
    if parsed.kind is Kind.MATRIX:
        return _raw(evaluator, context, parsed)
    found = evaluator.value(context, parsed.root)
    match found:
        case Spoken():
            return Text(value=found.value)
        case Line():
            return Scalar(value=float(found.values[0]))
        case Frame():
            return _vector(context, _settled(context, parsed, found))


def _over_steps(evaluator: Evaluator, context: Context, parsed: Parsed) -> Value:
    if parsed.kind in {Kind.MATRIX, Kind.STRING}:
        message = f'invalid expression type "{parsed.kind.value}" for range query, must be Scalar or instant Vector'
        raise QueryError(Fault.BAD_DATA, message)
    found: Computed = evaluator.value(context, parsed.root)
    if not isinstance(found, Frame):
        values = found.values if isinstance(found, Line) else np.empty(0)
        return Matrix(series=(Series(labels=(), times=context.times, values=values),))
    frame = _settled(context, parsed, found)
    series = [_series(context, frame, column) for column in range(len(frame.ids)) if frame.present[:, column].any()]
    return Matrix(series=in_order(series, key=lambda one: one.labels))


def _settled(context: Context, parsed: Parsed, frame: Frame) -> Frame:
    """Names dropped that were to be dropped."""
    book = context.book
    if not frame.nameless.any():
        return frame
    bare = context.memory.mapped((parsed, "bare"), frame.ids, lambda number: book.number(nameless(book.labels(number))))
    return relabelled(frame, np.where(frame.nameless, bare, frame.ids), np.zeros(len(bare), dtype=bool))


def _vector(context: Context, frame: Frame) -> Vector:
    book, at_ms = context.book, int(context.times[0])
    there = np.flatnonzero(frame.present[0])
    pairs = zip(frame.ids[there].tolist(), frame.values[0, there].tolist(), strict=True)
    return Vector(
        samples=[VectorSample(labels=book.labels(number), value=value, at_ms=at_ms) for number, value in pairs]
    )


def _series(context: Context, frame: Frame, column: int) -> Series:
    there = frame.present[:, column]
    labels = context.book.labels(int(frame.ids[column]))
    if there.all():
        return Series(labels=labels, times=context.times, values=np.ascontiguousarray(frame.values[:, column]))
    return Series(labels=labels, times=context.times[there], values=frame.values[there, column])


def _raw(evaluator: Evaluator, context: Context, parsed: Parsed) -> Matrix:
    """The samples themselves that a range selector selects."""
    found = evaluator.windows(context, parsed.root)
    collected: list[Series] = []
    for stack in found.stacks():
        times = np.broadcast_to(stack.times[:, 0], (len(stack.times), len(stack.series)))
        counts = np.broadcast_to(stack.counts[0], (len(stack.series),))
        for column, number in enumerate(found.ids[stack.series]):
            count = int(counts[column])
            if count:
                labels = context.book.labels(int(number))
                if found.nameless[stack.series[column]]:
                    labels = nameless(labels)
                collected.append(_copied(labels, times[:count, column], stack.values[:count, 0, column]))
    ordered = in_order(collected, key=lambda series: series.labels)
    if any(one.labels == other.labels for one, other in pairwise(ordered)):
        raise QueryError(Fault.EXECUTION, "vector cannot contain metrics with the same labelset")
    return Matrix(series=ordered)


def _copied(labels: Labels, times: Millis, values: Floats) -> Series:
    return Series(labels=labels, times=times.copy(), values=values.copy())
