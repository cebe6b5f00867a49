"""Prometheus' HTTP API beside a real Prometheus that has the same samples: every field of every answer."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.monitoring import ExternalPrometheus
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.external import ExternalQueries
from stationmaster.monitor.query.told import Told
from stationmaster.runtime.db import Database
from stationmaster.runtime.serve import Asgi
from tests.api.only_queries import make_app, served
from tests.monitor.differential.real import RealPrometheus, needed, running

NOW = 1_760_000_000
ODD = [0.1, 1e-7, 1e21, 123456789.125, float("inf"), float("-inf"), float("nan"), -0.0, 5e-324, 1e16]
TOLD = Told(groups=list, targets=list, flags=dict, retention=lambda: "15d")
COMMON: dict[str, Any] = {"start": NOW - 150, "end": NOW, "step": "15s"}


def samples() -> dict[Labels, list[tuple[int, float]]]:
    moments = [(NOW - 150 + 15 * number) * 1000 + 7 for number in range(11)]
    found: dict[Labels, list[tuple[int, float]]] = {
        (("__name__", "odd"), ("which", "number")): list(zip(moments, [*ODD, 1.0], strict=True)),
        (("__name__", "late"),): [(moments[5], 1.0), (moments[7], 2.0)],
    }
    for job, rate in (("api", 3.7), ('d"b\\<é>', 0.25)):
        counter = (("__name__", "requests_total"), ("job", job))
        found[counter] = [(at, 1000 + number * rate) for number, at in enumerate(moments)]
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Iterator[RealPrometheus]:
    with running(tmp_path_factory.mktemp("prometheus"), free_port()) as server:
        server.write(samples().items())
        yield server


@pytest.fixture
async def access(database: Database, tmp_path: Path) -> Access:
    made = Access(database, StateDir(tmp_path / "state"))
    await made.start()
    return made


@pytest.fixture
async def token(access: Access) -> str:
    _row, token = await access.machines.create("grafana", Role.VIEWER, None, by="test")
    return token


@pytest.fixture
async def app(access: Access, real: RealPrometheus) -> AsyncIterator[Asgi]:
    queries = ExternalQueries(ExternalPrometheus(url=real.url))
    desk = QueryDesk(lambda: queries, TOLD)
    yield make_app(access, desk)
    desk.close()
    queries.close()


@pytest.fixture
async def ours(app: Asgi, token: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),
        base_url="http://control/prometheus",
        headers={"authorization": f"Bearer {token}"},
    ) as client:
        yield client


SAME: list[tuple[str, dict[str, Any]]] = [
    ("query", {"query": "requests_total", "time": NOW + 1}),
    ("query", {"query": "requests_total", "time": f"{NOW}.5"}),
    ("query", {"query": "requests_total", "time": "2025-10-09T08:53:21.25Z"}),
    ("query", {"query": "requests_total", "time": "2025-10-09T10:53:21+02:00"}),
    ("query", {"query": "nothing_of_that_name", "time": NOW}),
    ("query", {"query": "odd[3m]", "time": NOW + 1}),
    ("query", {"query": "1e21 + 0.5", "time": NOW}),
    ("query", {"query": "-1 / 0", "time": 0}),
    ("query", {"query": "0 / 0", "time": "-1.5"}),
    ("query", {"query": "1e-7", "time": NOW + 0.0015}),
    ("query", {"query": '"say \\"é\\" <b>"', "time": NOW}),
    ("query", {"query": "sum by (job) (rate(requests_total[1m]))", "time": NOW, "timeout": "10s"}),
    ("query", {"query": "requests_total", "time": NOW, "lookback_delta": "1s"}),
    ("query", {"query": "requests_total", "time": "yesterday"}),
    ("query", {"query": "requests_total", "time": NOW, "timeout": "soon"}),
    ("query", {"query": "requests_total", "time": NOW, "timeout": "1e300"}),
    ("query", {"time": NOW}),
    ("query", {"query": "requests_total * on () requests_total", "time": NOW}),
    ("query_range", {"query": "requests_total", **COMMON}),
    ("query_range", {"query": "odd", **COMMON}),
    ("query_range", {"query": "late", **COMMON, "step": 7}),
    ("query_range", {"query": "rate(requests_total[1m])", **COMMON, "step": "0.5"}),
    ("query_range", {"query": "time()", "start": "0.123", "end": "1.123", "step": "0.25"}),
    ("query_range", {"query": "requests_total", "start": NOW, "end": NOW, "step": 1}),
    ("query_range", {"query": '"text"', **COMMON}),
    ("query_range", {"query": "requests_total[1m]", **COMMON}),
    ("query_range", {"query": "requests_total", **COMMON, "start": NOW + 1}),
    ("query_range", {"query": "requests_total", **COMMON, "step": "0"}),
    ("query_range", {"query": "requests_total", **COMMON, "step": "-15"}),
    ("query_range", {"query": "requests_total", **COMMON, "step": "x"}),
    ("query_range", {"query": "requests_total", **COMMON, "start": 0, "step": 1}),
    ("query_range", {"query": "up", "start": 0, "end": 11_000, "step": 1}),
    ("query_range", {"query": "up", "start": 0, "end": 11_001, "step": 1}),
    ("query_range", {"query": "requests_total", "start": NOW}),
    ("query_range", {"query": "sum(", **COMMON}),
    ("series", {"match[]": ["requests_total", '{which="number"}'], "start": NOW - 300, "end": NOW + 1}),
    ("series", {"match[]": '{job=~"a.*"}'}),
    ("series", {"match[]": "nothing_of_that_name"}),
    ("series", {"match[]": "requests_total", "start": NOW - 9000, "end": NOW - 8000}),
    ("series", {}),
    ("series", {"match[]": "{"}),
    ("series", {"match[]": "up", "start": "x"}),
    ("labels", {}),
    ("labels", {"start": NOW - 300, "end": NOW}),
    ("labels", {"match[]": "odd"}),
    ("labels", {"match[]": "nothing_of_that_name"}),
    ("label/job/values", {}),
    ("label/__name__/values", {"match[]": '{job="api"}'}),
    ("label/nothing/values", {}),
    ("label/a-b/values", {}),
    ("metadata", {}),
    ("metadata", {"metric": "requests_total", "limit": 1}),
    ("metadata", {"limit": "x"}),
    ("query_exemplars", {"query": "requests_total", "start": NOW - 60, "end": NOW}),
    ("query_exemplars", {"query": "requests_total", "start": NOW, "end": NOW - 60}),
    ("format_query", {"query": 'sum  by(job)(rate( requests_total {job = "a"}[5m] ))'}),
    ("rules", {}),
    ("rules", {"type": "alert"}),
    ("rules", {"type": "x"}),
    ("alerts", {}),
    ("targets", {}),
    ("targets", {"state": "active"}),
    ("status/buildinfo", {}),
]

_ONLY_READ = ("label/", "metadata", "rules", "alerts", "targets", "status/")


@pytest.mark.parametrize(("path", "asked"), SAME)
async def test_it_answers_as_prometheus_does(
    ours: httpx.AsyncClient, real: RealPrometheus, path: str, asked: dict[str, Any]
) -> None:
    answers = [(await ours.get(f"/api/v1/{path}", params=asked), real.get(path, **asked))]
    if not path.startswith(_ONLY_READ):
        answers.append((await ours.post(f"/api/v1/{path}", data=asked), real.ask(path, **asked)))
    for found, theirs in answers:
        assert found.headers["content-type"] == theirs.headers["content-type"]
        assert (found.status_code, plain(found, real)) == (theirs.status_code, plain(theirs, real))


_NAMED = re.compile(r'^invalid parameter "query": ')
"""Since 3.0 the parameter is named by every path, before by some."""


def plain(answer: httpx.Response, real: RealPrometheus) -> Any:
    """Without the address of the server that was asked in turn. Numbers are compared as they are written."""
    found = answer.json(parse_float=str, parse_int=str)
    if "error" in found:
        found["error"] = found["error"].replace(f"{real.url}: ", "").partition("\nhint")[0]
        found["error"] = _NAMED.sub("", _NAMED.sub("", found["error"]))
    if isinstance(found.get("data"), dict):
        found["data"].pop("droppedTargetCounts", None)
    return found


async def test_statistics_are_told_where_they_are_asked_for(ours: httpx.AsyncClient, real: RealPrometheus) -> None:
    asked: dict[str, Any] = {"query": "requests_total", "time": NOW, "stats": "all"}
    found = (await ours.get("/api/v1/query", params=asked)).json()["data"]["stats"]["timings"]
    assert found.keys() == real.get("query", **asked).json()["data"]["stats"]["timings"].keys()
    assert found["execTotalTime"] >= found["evalTotalTime"] > 0


async def test_grafana_s_requests_are_answered(ours: httpx.AsyncClient) -> None:
    """What its data source sends: the probe of a new source, the builder's lists, a panel, an annotation."""
    assert (await ours.get("/api/v1/status/buildinfo")).json()["data"]["version"]
    probe = await ours.post("/api/v1/query", data={"query": "1+1", "time": str(NOW)})
    assert probe.json()["data"] == {"resultType": "scalar", "result": [NOW, "2"]}
    window = {"start": str(NOW - 3600), "end": str(NOW)}
    names = await ours.get("/api/v1/label/__name__/values", params=window)
    assert names.json()["data"] == ["late", "odd", "requests_total"]
    matched = {**window, "match[]": '{__name__="requests_total"}'}
    assert (await ours.get("/api/v1/labels", params=matched)).json()["data"] == ["__name__", "job"]
    assert (await ours.post("/api/v1/labels", data=matched)).json()["data"] == ["__name__", "job"]
    assert len((await ours.get("/api/v1/series", params=matched)).json()["data"]) == 2
    assert (await ours.get("/api/v1/metadata", params={"limit_per_metric": 1})).json()["status"] == "success"
    panel = {"query": "sum(rate(requests_total[1m0s]))", **window, "step": "15", "timeout": "30s"}
    rows = (await ours.post("/api/v1/query_range", data=panel)).json()["data"]["result"]
    assert [row["metric"] for row in rows] == [{}]
    heatmap = await ours.post("/api/v1/query_exemplars", data={"query": "requests_total", **window})
    assert heatmap.json() == {"status": "success", "data": []}


@pytest.mark.parametrize(
    "command",
    [
        ["query", "instant", "{}", "requests_total"],
        ["query", "range", f"--start={NOW - 100}", f"--end={NOW}", "--step=15s", "{}", "sum(requests_total)"],
        ["query", "series", "--match=requests_total", "{}"],
        ["query", "labels", "{}", "job"],
    ],
)
async def test_promtool_says_of_us_what_it_says_of_prometheus(
    app: Asgi, token: str, real: RealPrometheus, free_port: Callable[[], int], command: list[str]
) -> None:
    async with served(app, free_port) as address:
        ours = await promtool([each.replace("{}", f"http://any:{token}@{address}") for each in command])
    theirs = await promtool([each.replace("{}", real.url) for each in command])
    assert ours[0] == theirs[0] == 0, ours[1]
    assert ours[1] == theirs[1]


async def test_promtool_tells_our_refusals(app: Asgi, token: str, free_port: Callable[[], int]) -> None:
    async with served(app, free_port) as address:
        code, said = await promtool(["query", "instant", f"http://any:{token}@{address}", "sum("])
    assert code == 1
    assert "unclosed left parenthesis" in said


async def promtool(command: list[str]) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        needed("promtool"), *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


@pytest.mark.parametrize("path", ["query", "labels", "status/flags", "rules"])
async def test_the_token_may_be_the_password_of_basic_authentication(app: Asgi, token: str, path: str) -> None:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
        url = f"/prometheus/api/v1/{path}"
        assert (await client.get(url)).status_code == 401
        assert (await client.get(url, params={"query": "1"}, auth=("grafana", token))).status_code == 200
        assert (await client.get(url, auth=("grafana", token + "x"))).status_code == 401
        assert (await client.get(url, auth=(token, ""))).status_code == 401
        assert (await client.get(url, headers={"authorization": "Basic %%%"})).status_code == 401
        assert (await client.get("/api/v1/whoami", auth=("grafana", token))).status_code == 401
