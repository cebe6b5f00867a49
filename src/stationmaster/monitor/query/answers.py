"""Results of queries as the JSON text of Prometheus' HTTP API, in pieces."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias, assert_never

import msgspec

from stationmaster.monitor.promql.results import Matrix, Result, Scalar, Series, Text, Value, Vector
from stationmaster.monitor.promql.samples import Labels, Millis
from stationmaster.monitor.query.numbers import all_shortest, plain, seconds, shortest

Pieces: TypeAlias = Iterator[bytes]

TRUNCATED = "results truncated due to limit"
_PIECE_CHARACTERS = 256 * 1024


def limited(result: Result, limit: int) -> Result:
    """At most `limit` series, where it is not 0; says so in a warning."""
    match result.value:
        case Vector(samples=samples) if 0 < limit < len(samples):
            kept: Value = Vector(samples=samples[:limit])
        case Matrix(series=series) if 0 < limit < len(series):
            kept = Matrix(series=series[:limit])
        case _:
            return result
    return replace(result, value=kept, warnings=[*result.warnings, TRUNCATED])


def told(result: Result, at_ms: int, stats: bytes = b"") -> Pieces:
    """The whole document; `at_ms` is the moment of an instant query, `stats` a JSON object or empty."""
    kind, rows = _rows(result.value, at_ms)
    head = f'{{"status":"success","data":{{"resultType":"{kind}","result":'
    tail = b',"stats":' + stats if stats else b""
    yield from _pieces(_joined(head, rows, isinstance(result.value, Vector | Matrix)))
    yield tail + b"}" + _notes(result) + b"}"


def _rows(value: Value, at_ms: int) -> tuple[str, Iterable[str]]:
    match value:
        case Scalar():
            return "scalar", [f'[{shortest(at_ms / 1000)},"{plain(value.value)}"]']
        case Text():
            return "string", [f"[{shortest(at_ms / 1000)},{_text(value.value)}]"]
        case Vector():
            return "vector", _vector(value)
        case Matrix():
            return "matrix", _matrix(value.series)
        case _:
            assert_never(value)


def _joined(head: str, rows: Iterable[str], listed: bool) -> Iterator[str]:
    yield head + ("[" if listed else "")
    for number, row in enumerate(rows):
        yield f",{row}" if number else row
    if listed:
        yield "]"


def _vector(value: Vector) -> Iterator[str]:
    at_ms, moment = None, ""
    for each in value.samples:
        if each.at_ms != at_ms:
            at_ms, moment = each.at_ms, seconds(each.at_ms)
        yield f'{{"metric":{_metric(each.labels)},"value":[{moment},"{shortest(each.value)}"]}}'


def _matrix(series: Sequence[Series]) -> Iterator[str]:
    times: Millis | None = None
    moments: list[str] = []
    for each in series:
        if each.times is not times:
            times, moments = each.times, [f"[{seconds(at_ms)}," for at_ms in each.times.tolist()]
        samples = [f'{at}"{value}"]' for at, value in zip(moments, all_shortest(each.values), strict=True)]
        yield f'{{"metric":{_metric(each.labels)},"values":[{",".join(samples)}]}}'


def _metric(labels: Labels) -> str:
    return msgspec.json.encode(dict(labels)).decode()


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()


def _notes(result: Result) -> bytes:
    notes = {name: sorted(set(said)) for name, said in (("warnings", result.warnings), ("infos", result.infos)) if said}
    return b"".join(b',"%s":%s' % (name.encode(), msgspec.json.encode(said)) for name, said in notes.items())


def _pieces(texts: Iterable[str]) -> Pieces:
    """Of a size that is worth a hop between threads."""
    held: list[str] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= _PIECE_CHARACTERS:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()
