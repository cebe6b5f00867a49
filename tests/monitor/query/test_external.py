"""A Prometheus of the users': a real one, and servers that behave badly."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from stationmaster.core.monitoring import ExternalPrometheus
from stationmaster.monitor.promql.results import (
    Fault,
    Matrix,
    QueryError,
    QueryLimits,
    Scalar,
    Text,
    Vector,
    VectorSample,
)
from stationmaster.monitor.query.external import ExternalQueries
from stationmaster.monitor.query.queries import Steps, Terms, Window
from tests.monitor.differential.real import RealPrometheus, running

NOW_MS = 1_760_000_000_000
UP = (("__name__", "up"), ("job", "api"))
DOWN = (("__name__", "up"), ("job", "db"))
WINDOW = Window(first_ms=NOW_MS - 3_600_000, last_ms=NOW_MS)
ONE = {"status": "success", "data": {"resultType": "scalar", "result": [0, "1"]}}
BUILD = {"status": "success", "data": {"version": "2.42.0+ds"}}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[RealPrometheus]:
    with running(tmp_path_factory.mktemp("prometheus"), free_port()) as server:
        server.write([(UP, [(NOW_MS - 15_000, 1.0), (NOW_MS, 0.5)]), (DOWN, [(NOW_MS, float("inf"))])])
        yield server


@pytest.fixture
def queries(real: RealPrometheus) -> Iterator[ExternalQueries]:
    made = ExternalQueries(ExternalPrometheus(url=real.url))
    yield made
    made.close()


def test_a_real_server_answers_with_every_kind_of_value(queries: ExternalQueries) -> None:
    assert queries.instant("1.5", NOW_MS).value == Scalar(value=1.5)
    assert queries.instant('"a"', NOW_MS).value == Text(value="a")
    found = queries.instant("sort(up)", NOW_MS + 1).value
    assert found == Vector(
        samples=[
            VectorSample(labels=UP, value=0.5, at_ms=NOW_MS + 1),
            VectorSample(labels=DOWN, value=float("inf"), at_ms=NOW_MS + 1),
        ]
    )
    over = queries.over("up", Steps(first_ms=NOW_MS - 15_000, last_ms=NOW_MS, step_ms=15_000)).value
    assert isinstance(over, Matrix)
    assert [(each.labels, each.times.tolist(), each.values.tolist()) for each in over.series] == [
        (UP, [NOW_MS - 15_000, NOW_MS], [1.0, 0.5]),
        (DOWN, [NOW_MS], [float("inf")]),
    ]


def test_a_real_server_tells_of_its_series(queries: ExternalQueries) -> None:
    assert queries.series(["up"], WINDOW) == [UP, DOWN]
    assert queries.series(['up{job="api"}', 'up{job=~"a.*"}'], WINDOW) == [UP]
    assert queries.label_names([], Window()) == ["__name__", "job"]
    assert queries.label_values("job", ["up"], WINDOW) == ["api", "db"]
    assert queries.label_values("job", [], Window()) == ["api", "db"]
    assert queries.metadata() == {}
    assert queries.build().version.startswith("2.")


def test_a_real_server_s_refusal_comes_with_its_address(queries: ExternalQueries, real: RealPrometheus) -> None:
    with pytest.raises(QueryError, match="parse error: unclosed left parenthesis") as refused:
        queries.instant("sum(", NOW_MS)
    assert refused.value.fault is Fault.BAD_DATA
    assert refused.value.message.startswith(real.url)
    with pytest.raises(QueryError, match="many-to-many") as refused:
        queries.instant("up * on() up", NOW_MS)
    assert refused.value.fault is Fault.EXECUTION


def test_what_the_server_s_version_lacks_is_named_before_it_is_asked(queries: ExternalQueries) -> None:
    with pytest.raises(QueryError) as refused:
        queries.instant("limitk(1, double_exponential_smoothing(up[5m], 0.1, 0.1))", NOW_MS)
    assert "Prometheus 2.42 does not know double_exponential_smoothing (since 3.0), limitk" in refused.value.message
    assert "holt_winters" in refused.value.hint
    assert queries.instant("count(holt_winters(up[5m], 0.1, 0.1))", NOW_MS).value == Vector(
        samples=[VectorSample(labels=(), value=1.0, at_ms=NOW_MS)]
    )


class Script:
    """Answers of a made-up server, the last one again and again; what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception, build: object = BUILD) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)
        self._build = build

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("buildinfo"):
            return httpx.Response(200, json=self._build)
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def against(script: Script, **server: object) -> ExternalQueries:
    declared = ExternalPrometheus(url="http://me:secret@metrics.test/base/", **server)  # type: ignore[arg-type]
    return ExternalQueries(declared, transport=httpx.MockTransport(script))


def test_a_server_that_is_overloaded_is_asked_again() -> None:
    script = Script(httpx.Response(503, text="busy"), httpx.ConnectError("no route"), httpx.Response(200, json=ONE))
    assert against(script).instant("1", 0).value == Scalar(value=1.0)
    assert len(script.asked) == 3
    assert str(script.asked[0].url) == "http://metrics.test/base/api/v1/query"
    assert script.asked[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_no_try_is_made_for_which_there_is_no_time() -> None:
    script = Script(httpx.Response(503, text="busy"))
    begun = time.monotonic()
    with pytest.raises(QueryError, match="answers 503"):
        against(script).instant("1", 0, Terms(limits=QueryLimits(timeout_ms=1)))
    assert time.monotonic() - begun < 1.5
    assert len(script.asked) <= 3


@pytest.mark.parametrize(
    ("answer", "fault", "message", "hint"),
    [
        (httpx.Response(401, text="who?"), Fault.EXECUTION, "answers 401", "token-file"),
        (httpx.Response(404, text="?"), Fault.EXECUTION, "answers 404", "/api/v1"),
        (httpx.Response(302, headers={"location": "https://m/x"}), Fault.EXECUTION, "answers 302", "https://m/x"),
        (httpx.Response(200, text="<html>"), Fault.EXECUTION, "answers 200", "what listens"),
        (httpx.Response(200, json={"status": "success", "data": []}), Fault.EXECUTION, "cannot be read", "listens"),
        (httpx.Response(502, text="bad gateway"), Fault.UNAVAILABLE, "answers 502", "listens"),
        (httpx.ConnectError("refused"), Fault.UNAVAILABLE, "does not answer: refused", "prometheus.url"),
        (httpx.ReadTimeout("slow"), Fault.TIMEOUT, "did not answer in time", "timeout"),
        (
            httpx.Response(503, json={"status": "error", "errorType": "timeout", "error": "query timed out"}),
            Fault.TIMEOUT,
            "query timed out",
            "",
        ),
        (
            httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "many-to-many"}),
            Fault.EXECUTION,
            "many-to-many",
            "",
        ),
        (
            httpx.Response(500, json={"status": "error", "errorType": "internal", "error": "disk"}),
            Fault.UNAVAILABLE,
            "disk",
            "",
        ),
    ],
)
def test_what_goes_wrong_there_is_told_with_the_url_and_without_the_password(
    answer: httpx.Response | Exception, fault: Fault, message: str, hint: str
) -> None:
    with pytest.raises(QueryError) as refused:
        against(Script(answer)).instant("1", 0)
    assert refused.value.fault is fault
    assert refused.value.message.startswith("http://metrics.test/base")
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert "secret" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("build", [{"status": "success", "data": {"version": "main-1234"}}, {"error": "no such page"}])
def test_a_program_of_another_version_scheme_is_asked_whatever_the_query(build: object) -> None:
    script = Script(httpx.Response(200, json=ONE), build=build)
    assert against(script).instant("limitk(1, up)", 0).value == Scalar(value=1.0)


def test_native_histograms_are_left_out_and_told() -> None:
    rows = [
        {"metric": {"a": "1"}, "value": [1.5, "NaN"]},
        {"metric": {"a": "2"}, "histogram": [1.5, {"count": "1", "sum": "1"}]},
    ]
    data = {"status": "success", "data": {"resultType": "vector", "result": rows}, "warnings": ["slow"]}
    found = against(Script(httpx.Response(200, json=data))).instant("h", 0)
    assert isinstance(found.value, Vector)
    assert [each.labels for each in found.value.samples] == [(("a", "1"),)]
    assert list(found.warnings) == ["slow", "1 series are native histograms and were left out"]


def test_the_token_is_read_for_every_request(tmp_path: Path) -> None:
    token = tmp_path / "token"
    script = Script(httpx.Response(200, json=ONE))
    queries = against(script, token_file=token)
    with pytest.raises(QueryError, match="cannot be read") as refused:
        queries.instant("1", 0)
    assert refused.value.fault is Fault.UNAVAILABLE
    for text in ("first", "second"):
        token.write_text(f"{text}\n", "utf-8")
        queries.instant("1", 0)
    assert [each.headers["authorization"] for each in script.asked] == ["Bearer first", "Bearer second"]


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stationmaster.monitor.query.external._BODY_LIMIT", 1000)
    script = Script(httpx.Response(200, content=json.dumps(ONE).encode() + b" " * 2000))
    with pytest.raises(QueryError, match="more than 1,000 bytes"):
        against(script).instant("1", 0)
