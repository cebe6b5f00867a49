"""Reads and runs test scripts in the format of Prometheus' own: `load`, `eval`, `expect`, `clear`."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stationmaster.monitor.promql.engine import instant, over
from stationmaster.monitor.promql.held import HeldBlocks
from stationmaster.monitor.promql.notation import metric_labels, milliseconds, sequence, series_line, split_line
from stationmaster.monitor.promql.quoting import unquoted
from stationmaster.monitor.promql.results import Matrix, QueryError, Result, Scalar, Text, Vector
from stationmaster.monitor.promql.samples import MISSING, Block, Labels, LabelTable, holes, stale

Splitting = Callable[[Block], list[Block]]
Expected = tuple[Labels, list[float]]


class MismatchError(AssertionError):
    """A case whose result is not the expected one."""


@dataclass(frozen=True, kw_only=True)
class Load:
    step_ms: int
    series: dict[Labels, list[float]]


@dataclass(frozen=True, kw_only=True)
class Clear:
    pass


@dataclass(frozen=True, kw_only=True)
class Expectation:
    kind: str
    how: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One `eval`; `step_ms` 0 is an instant query."""

    line: int
    query: str
    first_ms: int
    last_ms: int
    step_ms: int = 0
    expected: list[str] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)

    def asks(self, kind: str) -> Expectation | None:
        return next((one for one in self.expectations if one.kind == kind), None)


Command = Load | Clear | Case

_EVAL = re.compile(r"eval(?:_(?P<old>fail|warn|info|ordered))?\s+(?P<rest>.*)$")
_INSTANT = re.compile(r"instant\s+(?:at\s+(?P<at>\S+)\s+)?(?P<query>.*)$")
_RANGE = re.compile(r"range\s+from\s+(?P<first>\S+)\s+to\s+(?P<last>\S+)\s+step\s+(?P<step>\S+)\s+(?P<query>.*)$")
_EXPECT = re.compile(r"expect\s+(?P<kind>string|range vector|\w+)\s*(?:(?P<how>msg|regex):)?\s*(?P<text>.*)$")


def read(path: Path) -> list[Command]:
    """The commands of a script."""
    lines = [line for line in enumerate(path.read_text().splitlines(), 1) if not line[1].lstrip().startswith("#")]
    commands: list[Command] = []
    block: list[tuple[int, str]] = []
    for number, line in [*lines, (0, "")]:
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            commands.extend(_commands(block))
            block = []
    return commands


def _commands(block: list[tuple[int, str]]) -> Iterator[Command]:
    starts = [place for place, (_, line) in enumerate(block) if re.match(r"(clear|load|eval)", line)]
    for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
        number, head = block[start]
        body = [line for _, line in block[start + 1 : end]]
        if head.startswith("clear"):
            yield Clear()
        elif head.startswith("load"):
            yield _load(head, body)
        else:
            yield _case(number, head, body)


def _load(head: str, body: list[str]) -> Load:
    series = {}
    for line in body:
        metric, samples = split_line(line)
        if "{{" not in samples:  # native histograms are no part of the engine
            labels, values = series_line(f"{metric} {samples}")
            series[labels] = values
    return Load(step_ms=milliseconds(head.split()[1]), series=series)


def _case(number: int, head: str, body: list[str]) -> Case:
    match = _EVAL.match(head)
    if match is None:
        raise ValueError(f"line {number}: {head}")
    expectations = [Expectation(kind=match["old"])] if match["old"] else []
    results = []
    for line in body:
        told = _EXPECT.match(line)
        if told is not None:
            expectations.append(Expectation(kind=told["kind"], how=told["how"] or "", text=told["text"]))
        else:
            results.append(line)
    rest = match["rest"]
    if (one := _INSTANT.match(rest)) is not None:
        at = milliseconds(one["at"] or "0")
        return Case(
            line=number, query=one["query"], first_ms=at, last_ms=at, expected=results, expectations=expectations
        )
    many = _RANGE.match(rest)
    if many is None:
        raise ValueError(f"line {number}: {head}")
    return Case(
        line=number,
        query=many["query"],
        first_ms=milliseconds(many["first"]),
        last_ms=milliseconds(many["last"]),
        step_ms=milliseconds(many["step"]),
        expected=results,
        expectations=expectations,
    )


class Storage:
    """The series that a script has loaded, in blocks as the splitting makes them."""

    def __init__(self, splitting: Splitting) -> None:
        self._splitting = splitting
        self.clear()

    def clear(self) -> None:
        self.source = HeldBlocks(LabelTable(), [])
        self._blocks: list[Block] = []

    def load(self, command: Load) -> None:
        rows = max(map(len, command.series.values()), default=0)
        if not rows:
            return
        values = np.full((rows, len(command.series)), MISSING)
        for column, samples in enumerate(command.series.values()):
            values[: len(samples), column] = samples
        table = self.source.table
        series = np.array([table.intern(labels) for labels in command.series], dtype=np.int64)
        times = np.arange(rows, dtype=np.int64) * command.step_ms
        for part in self._splitting(Block(times=times, values=values, series=series)):
            if not holes(part.values).all():
                self._blocks.append(part)
        self.source = HeldBlocks(table, self._blocks)


def whole(block: Block) -> list[Block]:
    return [block]


def run(case: Case, storage: Storage) -> None:
    """Evaluates a case; MismatchError says what is wrong."""
    source = storage.source
    try:
        if case.step_ms:
            result = over(source, case.query, case.first_ms, case.last_ms, case.step_ms)
        else:
            result = instant(source, case.query, case.first_ms)
    except QueryError as error:
        _check_failure(case, error)
        return
    if case.asks("fail") is not None:
        raise MismatchError(f"expected a failure, got {result.value}")
    _check_remarks(case, result)
    _check_value(case, result)
    if not case.step_ms and isinstance(result.value, Vector) and case.asks("ordered") is None:
        _check_middle_step(case, storage)


def _check_failure(case: Case, error: QueryError) -> None:
    wanted = case.asks("fail")
    if wanted is None:
        raise MismatchError(f"failed: {error.message}")
    if (wanted.how == "msg" and wanted.text != error.message) or (
        wanted.how == "regex" and not re.search(wanted.text, error.message)
    ):
        raise MismatchError(f"failed with {error.message!r}, not {wanted.text!r}")


def _check_remarks(case: Case, result: Result) -> None:
    for kind, told in (("warn", result.warnings), ("info", result.infos)):
        wanted = case.asks(kind)
        if wanted is not None and not any(_says(wanted, one) for one in told):
            raise MismatchError(f"expected {kind} {wanted.text!r}, got {list(told)}")
        if case.asks(f"no_{kind}") is not None and told:
            raise MismatchError(f"unexpected {kind}: {list(told)}")


def _says(wanted: Expectation, told: str) -> bool:
    if wanted.how == "regex":
        return re.search(wanted.text, told) is not None
    return wanted.how != "msg" or wanted.text == told


def _check_value(case: Case, result: Result) -> None:
    text, ranged = case.asks("string"), case.asks("range vector")
    match result.value:
        case Text(value=value):
            if text is None or unquoted(text.text) != value:
                raise MismatchError(f"unexpected string {value!r}")
        case Scalar(value=value):
            if len(case.expected) != 1 or not close(float(case.expected[0]), value):
                raise MismatchError(f"expected {case.expected}, got {value}")
        case Vector(samples=samples):
            wanted = [(labels, values[0]) for labels, values in _expected(case.expected)]
            got = [(sample.labels, sample.value) for sample in samples]
            _compare_vectors(wanted, got, ordered=case.asks("ordered") is not None)
        case Matrix() as matrix:
            times = _range_times(ranged.text) if ranged is not None else (case.first_ms, case.last_ms, case.step_ms)
            _compare_matrices(_expected(case.expected), matrix, times)


def _check_middle_step(case: Case, storage: Storage) -> None:
    """An instant query gives what a range query gives at the same step."""
    minute = 60_000
    if "start()" in case.query or "end()" in case.query:
        return
    matrix = over(storage.source, case.query, case.first_ms - minute, case.first_ms + minute, minute).value
    if not isinstance(matrix, Matrix):
        raise MismatchError("a range query gives a matrix")
    got = [
        (series.labels, float(value))
        for series in matrix.series
        for at, value in zip(series.times, series.values, strict=True)
        if at == case.first_ms
    ]
    wanted = [(labels, values[0]) for labels, values in _expected(case.expected)]
    _compare_vectors(wanted, got, ordered=False)


def _range_times(text: str) -> tuple[int, int, int]:
    match = re.match(r"from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)", text)
    if match is None:
        raise ValueError(text)
    return milliseconds(match[1]), milliseconds(match[2]), milliseconds(match[3])


def _expected(lines: Sequence[str]) -> list[Expected]:
    found = []
    for line in lines:
        metric, samples = split_line(line)
        if "{{" in samples:
            raise MismatchError(f"expects a native histogram: {line}")
        found.append((metric_labels(metric), sequence(samples)))
    return found


def _compare_vectors(wanted: list[tuple[Labels, float]], got: list[tuple[Labels, float]], *, ordered: bool) -> None:
    if not ordered:
        wanted, got = sorted(wanted, key=lambda one: one[0]), sorted(got, key=lambda one: one[0])
    alike = len(wanted) == len(got) and all(
        one[0] == other[0] and close(one[1], other[1]) for one, other in zip(wanted, got, strict=True)
    )
    if not alike:
        raise MismatchError(f"expected {wanted}, got {got}")


def _compare_matrices(wanted: list[Expected], matrix: Matrix, times: tuple[int, int, int]) -> None:
    first, last, step = times
    moments = list(range(first, last + 1, step))
    for labels, values in wanted:
        samples = {at: value for at, value in zip(moments, values, strict=False) if not holes(np.array([value]))[0]}
        series = next((one for one in matrix.series if one.labels == labels), None)
        got = {} if series is None else dict(zip(series.times.tolist(), series.values.tolist(), strict=True))
        if samples.keys() != got.keys() or not all(close(samples[at], got[at]) for at in samples):
            raise MismatchError(f"expected {labels} {samples}, got {got}")
    extra = {series.labels for series in matrix.series} - {labels for labels, _ in wanted}
    if extra:
        raise MismatchError(f"unexpected series {extra}")


def close(one: float, other: float) -> bool:
    """Equal but for errors of rounding; NaN equals NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other) and not stale(np.array([one, other])).any()
    return one == other or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-15)


def outcomes(path: Path, splitting: Splitting = whole) -> Iterator[tuple[Case, str]]:
    """Every case of a script with what is wrong with it; empty: nothing."""
    storage = Storage(splitting)
    for command in read(path):
        match command:
            case Clear():
                storage.clear()
            case Load():
                storage.load(command)
            case Case():
                try:
                    run(command, storage)
                except MismatchError as mismatch:
                    yield command, str(mismatch)
                else:
                    yield command, ""
