"""Prometheus' HTTP API: queries and what is known of series, for Grafana, promtool and whoever else speaks it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from itertools import islice
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from litestar import Controller, HttpMethod, Response, get, route
from litestar.params import PathParameter
from litestar.response import Stream

from stationmaster.access.roles import Role
from stationmaster.api.request import ApiRequest
from stationmaster.api.routes.given import GivenPlatform
from stationmaster.api.wire_prometheus import DescribedSaid, Failure, Stats, Timings
from stationmaster.core.problem import PlatformError
from stationmaster.monitor.promql.results import Fault, QueryError, Result
from stationmaster.monitor.query import asked as parameters
from stationmaster.monitor.query.answers import TRUNCATED, Pieces, limited, told
from stationmaster.monitor.query.asked import Asked, invalid, quoted
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.expressions import pretty
from stationmaster.monitor.query.queries import EARLIEST_MS, LATEST_MS, TERMS, Described, Queries, Steps, Terms, Window
from stationmaster.platform import Platform

T = TypeVar("T")

Answer: TypeAlias = Response[Any]
Handler: TypeAlias = Callable[[QueryDesk, Asked], Awaitable[Answer]]

READ: Final = {"role": Role.VIEWER, "basic": True}
"""Queries come as forms, too, and from programs that know no other login than HTTP's own."""

_BOTH: Final = [HttpMethod.GET, HttpMethod.POST]
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_STATUS: Final = {Fault.BAD_DATA: 400, Fault.EXECUTION: 422, Fault.TIMEOUT: 503, Fault.UNAVAILABLE: 503}
LabelName: TypeAlias = Annotated[str, PathParameter(description="As `job`.")]
_WHOLE_PIECES: Final = 4
"""A longer answer is sent piece by piece."""
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class PrometheusQueryRoutes(Controller):
    path = "/prometheus/api/v1"
    tags = ("prometheus",)
    opt = READ

    @route("/query", http_method=_BOTH, status_code=200, summary="What an expression gives at a moment")
    async def query(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _instant)

    @route("/query_range", http_method=_BOTH, status_code=200, summary="What an expression gives over a time")
    async def query_range(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _range)

    @route("/series", http_method=_BOTH, status_code=200, summary="Which series there are")
    async def series(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _series)

    @route("/labels", http_method=_BOTH, status_code=200, summary="Which names of labels there are")
    async def labels(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _label_names)

    @get("/label/{name:str}/values", summary="Which values a label has")
    async def label_values(self, request: ApiRequest, platform: GivenPlatform, name: LabelName) -> Answer:
        return await answered(request, platform, lambda desk, asked: _label_values(desk, asked, name))

    @get("/metadata", summary="What targets tell of their metrics")
    async def metadata(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _metadata)

    @route("/query_exemplars", http_method=_BOTH, status_code=200, summary="Exemplars: none are kept")
    async def query_exemplars(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _exemplars)

    @route("/format_query", http_method=_BOTH, status_code=200, summary="An expression, written in the usual way")
    async def format_query(self, request: ApiRequest, platform: GivenPlatform) -> Answer:
        return await answered(request, platform, _formatted)


async def answered(request: ApiRequest, platform: Platform, handler: Handler) -> Answer:
    """In the envelope of Prometheus, whether it could be done or not."""
    try:
        body = await request.body() if _is_form(request) else b""
        return await handler(desk_of(platform), parameters.read(request.scope["query_string"], body))
    except QueryError as error:
        text = f"{error.message}\nhint: {error.hint}" if error.hint else error.message
        failure = Failure(error_type=error.fault.value, error=text)
        return Response(msgspec.json.encode(failure), status_code=_STATUS[error.fault], media_type=_JSON)


def _is_form(request: ApiRequest) -> bool:
    return request.method == HttpMethod.POST and request.headers.get("content-type", "").startswith(_FORM)


def desk_of(platform: Platform) -> QueryDesk:
    if platform.desk is None:
        hint = "run the whole platform: `stationmaster up`"
        raise PlatformError("no-monitor", "this process answers no queries", hint=hint, status=503)
    return platform.desk


def success(data: object, warnings: tuple[str, ...] = ()) -> Answer:
    said = b',"warnings":' + msgspec.json.encode(warnings) if warnings else b""
    body = b'{"status":"success","data":' + msgspec.json.encode(data) + said + b"}"
    return Response(body, media_type=_JSON)


async def _instant(desk: QueryDesk, asked: Asked) -> Answer:
    at_ms = asked.moment_or("time", time.time_ns() // 1_000_000)
    query = asked.text("query")
    return await _worked(desk, asked, at_ms, lambda queries, terms: queries.instant(query, at_ms, terms))


async def _range(desk: QueryDesk, asked: Asked) -> Answer:
    steps = Steps(first_ms=asked.moment("start"), last_ms=asked.moment("end"), step_ms=_step(asked))
    if steps.last_ms < steps.first_ms:
        raise invalid("end", "end timestamp must not be before start time")
    most = TERMS.limits.steps
    if (steps.last_ms - steps.first_ms) // steps.step_ms > most:
        text = f"exceeded maximum resolution of {most:,} points per timeseries."
        raise QueryError(Fault.BAD_DATA, f"{text} Try decreasing the query resolution (?step=XX)")
    query = asked.text("query")
    return await _worked(desk, asked, steps.last_ms, lambda queries, terms: queries.over(query, steps, terms))


def _step(asked: Asked) -> int:
    found = asked.duration("step")
    if found <= 0:
        raise invalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer")
    return found


async def _worked(desk: QueryDesk, asked: Asked, at_ms: int, query: Callable[[Queries, Terms], Result]) -> Answer:
    terms, limit, stats = _terms(asked), asked.limit(), bool(asked.text("stats"))
    accepted = time.perf_counter()

    def work(queries: Queries, terms: Terms) -> tuple[list[bytes], Pieces]:
        """The first pieces are made here as well: no thread of the loop's pool is needed for a small answer."""
        begun = time.perf_counter()
        result = limited(_named(lambda: query(queries, terms)), limit)
        timings = _stats(accepted, begun) if stats else b""
        pieces = told(result, at_ms, timings)
        return list(islice(pieces, _WHOLE_PIECES)), pieces

    first, rest = await desk.ask(work, terms)
    if len(first) < _WHOLE_PIECES:
        return Response(b"".join(first), media_type=_JSON)
    return Stream(_streamed(first, rest), media_type=_JSON)


def _named(work: Callable[[], T]) -> T:
    """Prometheus names the parameter where the expression itself is at fault."""
    try:
        return work()
    except QueryError as error:
        if error.fault is not Fault.BAD_DATA:
            raise
        text = f'invalid parameter "query": {error.message}'
        raise QueryError(Fault.BAD_DATA, text, hint=error.hint) from error


async def _streamed(first: list[bytes], rest: Pieces) -> AsyncIterator[bytes]:
    for piece in first:
        yield piece
    while (piece := await asyncio.to_thread(next, rest, b"")) != b"":
        yield piece


def _terms(asked: Asked) -> Terms:
    limits, lookback_ms = TERMS.limits, TERMS.lookback_ms
    if asked.text("timeout"):
        limits = replace(limits, timeout_ms=max(0, min(limits.timeout_ms, asked.duration("timeout"))))
    if asked.text("lookback_delta"):
        lookback_ms = asked.duration("lookback_delta")
        if lookback_ms <= 0:
            raise invalid("lookback_delta", "it has to be longer than nothing")
    return Terms(limits=limits, lookback_ms=lookback_ms)


def _stats(accepted: float, begun: float) -> bytes:
    ended = time.perf_counter()
    timings = Timings(
        eval_total_time=ended - begun,
        result_sort_time=0,
        query_preparation_time=0,
        inner_eval_time=ended - begun,
        exec_queue_time=begun - accepted,
        exec_total_time=ended - accepted,
    )
    return msgspec.json.encode(Stats(timings=timings))


async def _series(desk: QueryDesk, asked: Asked) -> Answer:
    selectors = tuple(asked.every("match[]"))
    if not selectors:
        raise QueryError(Fault.BAD_DATA, "no match[] parameter provided")
    window, limit = _window(asked), asked.limit()

    def work(queries: Queries, _terms: Terms) -> tuple[int, bytes]:
        """Written here as well: there may be many."""
        found = queries.series(selectors, window)
        return len(found), b",".join([msgspec.json.encode(dict(labels)) for labels in found[: limit or None]])

    count, rows = await desk.ask(work)
    return success(msgspec.Raw(b"[" + rows + b"]"), _cut(count, limit))


async def _label_names(desk: QueryDesk, asked: Asked) -> Answer:
    selectors, window, limit = tuple(asked.every("match[]")), _window(asked), asked.limit()
    found = await desk.ask(lambda queries, _terms: queries.label_names(selectors, window))
    return success(found[: limit or None], _cut(len(found), limit))


async def _label_values(desk: QueryDesk, asked: Asked, name: str) -> Answer:
    if not _LABEL_NAME.fullmatch(name):
        raise QueryError(Fault.BAD_DATA, f"invalid label name: {quoted(name)}")
    selectors, window, limit = tuple(asked.every("match[]")), _window(asked), asked.limit()
    found = await desk.ask(lambda queries, _terms: queries.label_values(name, selectors, window))
    return success(found[: limit or None], _cut(len(found), limit))


def _cut(count: int, limit: int) -> tuple[str, ...]:
    return (TRUNCATED,) if 0 < limit < count else ()


def _window(asked: Asked) -> Window:
    return Window(first_ms=asked.moment_or("start", EARLIEST_MS), last_ms=asked.moment_or("end", LATEST_MS))


async def _metadata(desk: QueryDesk, asked: Asked) -> Answer:
    metric, limit, each_limit = asked.text("metric"), _number(asked, "limit"), _number(asked, "limit_per_metric")
    found = await desk.ask(lambda queries, _terms: queries.metadata(metric))
    kept = islice(found.items(), limit if limit >= 0 else None)
    rows = {name: [_described(each) for each in told[: each_limit if each_limit > 0 else None]] for name, told in kept}
    return success(rows)


def _number(asked: Asked, name: str) -> int:
    """-1: no limit."""
    text = asked.text(name)
    if text and not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise QueryError(Fault.BAD_DATA, f"{name} must be a number")
    return int(text) if text else -1


def _described(each: Described) -> DescribedSaid:
    return DescribedSaid(type=each.kind, help=each.help, unit=each.unit)


async def _exemplars(desk: QueryDesk, asked: Asked) -> Answer:
    window = _window(asked)
    if window.last_ms < window.first_ms:
        raise QueryError(Fault.BAD_DATA, "end timestamp must not be before start timestamp")
    query = asked.text("query")
    await desk.ask(lambda _queries, _terms: _named(lambda: pretty(query)))
    return success([])


async def _formatted(desk: QueryDesk, asked: Asked) -> Answer:
    query = asked.text("query")
    return success(await desk.ask(lambda _queries, _terms: _named(lambda: pretty(query))))
