"""Prometheus' HTTP API over our own store and engine: what is told, who may ask, how much at once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from stationmaster.access.loop import Access
from stationmaster.access.roles import Role
from stationmaster.config import StateDir
from stationmaster.core.address import Address
from stationmaster.core.rules import AlertingRule, RecordingRule, RuleGroup
from stationmaster.monitor.promql.results import Matrix, Result, Series
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.desk import QueryDesk
from stationmaster.monitor.query.own import OwnQueries
from stationmaster.monitor.query.queries import TERMS, Steps, Terms
from stationmaster.monitor.query.scraped import targets_told
from stationmaster.monitor.query.told import AlertTold, GroupTold, RuleTold, Told
from stationmaster.monitor.scrape.state import ScrapeHealth, TargetState
from stationmaster.monitor.scrape.target import ScrapeTarget
from stationmaster.monitor.series.store import MetricMetadata, SeriesStore
from stationmaster.runtime.db import Database
from tests.api.only_queries import make_app

NOW = 1_760_000_000
AT = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)

ALERTING = AlertingRule(
    name="HighErrorRate",
    expr="errors > 5",
    for_ms=60_000,
    keep_firing_ms=5_000,
    labels={"severity": "page"},
    annotations={"summary": "too many"},
)
RECORDING = RecordingRule(name="job:errors:rate", expr="sum(errors)", labels={"team": "a"})
ALERT = AlertTold(
    labels=(("alertname", "HighErrorRate"), ("severity", "page")),
    annotations={"summary": "too many"},
    state="firing",
    active_at=AT,
    value=12.5,
)
GROUPS = [
    GroupTold(
        group=RuleGroup(name="errors", file="rules.yml", rules=(ALERTING, RECORDING), labels={"team": "b"}, limit=7),
        interval_ms=15_000,
        evaluation_s=0.25,
        last_evaluation=AT,
        rules=[
            RuleTold(rule=ALERTING, health="ok", alerts=[replace(ALERT, state="pending"), ALERT], last_evaluation=AT),
            RuleTold(rule=RECORDING, health="err", last_error="too slow"),
        ],
    ),
    GroupTold(group=RuleGroup(name="none", file="other.yml", rules=()), interval_ms=60_000, rules=[]),
]
TARGET = ScrapeTarget(
    job="api",
    instance="api-1",
    address=Address(host="127.0.0.1", port=9000),
    labels=(("region", "eu"),),
    interval_ms=15_000,
    timeout_ms=1_500,
)
STATES = [
    TargetState(target=TARGET, last_at=AT, duration_s=0.02, health=ScrapeHealth.DOWN, error="refused"),
    TargetState(target=replace(TARGET, instance="api-0")),
]
TOLD = Told(
    groups=lambda: GROUPS,
    targets=lambda: targets_told(STATES),
    flags=lambda: {"query.max-concurrency": "20"},
    retention=lambda: "15d",
)


class Slow:
    """Queries that wait until they are released."""

    def __init__(self, queries: OwnQueries) -> None:
        self._queries = queries
        self.release = threading.Event()

    def instant(self, query: str, at_ms: int, terms: Terms = TERMS) -> Result:
        self.release.wait(20)
        return self._queries.instant(query, at_ms, terms)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queries, name)


class Wide:
    """Queries that give a great many samples."""

    def over(self, _query: str, steps: Steps, _terms: Terms = TERMS) -> Result:
        times = np.arange(steps.first_ms, steps.last_ms + 1, steps.step_ms, dtype=np.int64)
        values = np.full(len(times), 0.125)
        return Result(
            value=Matrix(series=[Series(labels=_numbered(n), times=times, values=values) for n in range(300)])
        )


def _numbered(number: int) -> Labels:
    return (("n", str(number)),)


@pytest.fixture
def store() -> SeriesStore:
    made = SeriesStore(now_ms=lambda: NOW * 1000)
    ids = {made.table.intern((("__name__", "up"), ("job", f"job-{number}"))): 1.0 for number in range(3)}
    ids[made.table.intern((("__name__", "errors"), ("job", "job-0")))] = 0.5
    for number in range(5):
        made.append("stream", (NOW - 60 + number * 15) * 1000, ids)
    made.describe({"errors": MetricMetadata(kind="gauge", help="Errors."), "up": MetricMetadata(kind="gauge")})
    return made


@pytest.fixture
async def access(database: Database, tmp_path: Path) -> Access:
    made = Access(database, StateDir(tmp_path / "state"))
    await made.start()
    return made


@pytest.fixture
async def token(access: Access) -> str:
    _row, token = await access.machines.create("grafana", Role.VIEWER, None, by="test")
    return token


def client(access: Access, desk: QueryDesk | None, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=make_app(access, desk)),
        base_url="http://control/prometheus/api/v1",
        headers={"authorization": f"Bearer {token}"},
    )


@pytest.fixture
async def api(access: Access, token: str, store: SeriesStore) -> AsyncIterator[httpx.AsyncClient]:
    queries = OwnQueries(store)
    desk = QueryDesk(lambda: queries, TOLD)
    async with client(access, desk, token) as made:
        yield made
    desk.close()


async def data(api: httpx.AsyncClient, path: str, **asked: Any) -> Any:
    answer = await api.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_queries_are_answered_from_our_own_samples(api: httpx.AsyncClient) -> None:
    assert await data(api, "/query", query="sum(up)", time=NOW) == {
        "resultType": "vector",
        "result": [{"metric": {}, "value": [NOW, "3"]}],
    }
    over = await data(api, "/query_range", query="errors", start=NOW - 30, end=NOW, step=15)
    assert over["result"] == [
        {
            "metric": {"__name__": "errors", "job": "job-0"},
            "values": [[NOW - 30, "0.5"], [NOW - 15, "0.5"], [NOW, "0.5"]],
        }
    ]
    assert (await data(api, "/query", query="up", time=NOW + 20, lookback_delta="10s"))["result"] == []


async def test_series_and_labels_are_told(api: httpx.AsyncClient) -> None:
    selected: Mapping[str, Sequence[str]] = {"match[]": ['up{job=~".*-[01]"}', "errors"]}
    assert len(await data(api, "/series", **selected)) == 3
    assert await data(api, "/labels") == ["__name__", "job"]
    assert await data(api, "/label/job/values", **selected) == ["job-0", "job-1"]
    assert await data(api, "/label/__name__/values") == ["errors", "up"]
    assert await data(api, "/series", **{"match[]": "up", "end": NOW - 3600}) == []


async def test_metadata_are_told(api: httpx.AsyncClient) -> None:
    errors = {"type": "gauge", "help": "Errors.", "unit": ""}
    assert await data(api, "/metadata") == {"errors": [errors], "up": [{"type": "gauge", "help": "", "unit": ""}]}
    assert await data(api, "/metadata", metric="errors") == {"errors": [errors]}
    assert await data(api, "/metadata", limit=1) == {"errors": [errors]}
    assert await data(api, "/metadata", metric="nothing") == {}


@pytest.mark.parametrize(
    ("path", "asked", "count"),
    [
        ("/query", {"query": "up", "time": NOW}, 3),
        ("/query_range", {"query": "up", "start": NOW - 15, "end": NOW, "step": 15}, 3),
        ("/series", {"match[]": "up"}, 3),
        ("/labels", {}, 2),
        ("/label/job/values", {}, 3),
    ],
)
async def test_a_limit_cuts_every_list_and_says_so(
    api: httpx.AsyncClient, path: str, asked: dict[str, Any], count: int
) -> None:
    def rows(answer: httpx.Response) -> int:
        found = answer.json()["data"]
        return len(found["result"] if isinstance(found, dict) else found)

    whole = await api.get(path, params={**asked, "limit": count})
    assert rows(whole) == count
    assert "warnings" not in whole.json()
    cut = await api.get(path, params={**asked, "limit": 1})
    assert (rows(cut), cut.json()["warnings"]) == (1, ["results truncated due to limit"])


@pytest.mark.parametrize(
    ("path", "asked", "status", "kind", "text"),
    [
        ("/query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": '),
        ("/query", {"query": "up * on () up"}, 422, "execution", "many-to-many"),
        ("/query", {"query": "up", "timeout": "0.0001"}, 503, "timeout", "query timed out in query queue"),
        ("/query", {"query": "(" * 20_000 + "up" + ")" * 20_000}, 400, "bad_data", "query"),
        ("/query", {"query": 'up{job=~"*"}'}, 400, "bad_data", "query"),
        ("/query_range", {"query": "up", "start": 0, "end": 1e9, "step": 1}, 400, "bad_data", "11,000 points"),
        ("/series", {"match[]": "rate(up[5m])"}, 400, "bad_data", "this is no series selector"),
        ("/series", {"match[]": "up offset 5m"}, 400, "bad_data", "this is no series selector"),
        ("/labels", {"match[]": "{"}, 400, "bad_data", "match[]"),
    ],
)
async def test_refusals_are_told_in_prometheus_words(
    api: httpx.AsyncClient, path: str, asked: dict[str, Any], status: int, kind: str, text: str
) -> None:
    answer = await api.post(path, data={"time": NOW, **asked})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    found = answer.json()
    assert (found["status"], found["errorType"]) == ("error", kind)
    assert text in found["error"]


async def test_a_hint_stands_on_a_line_of_its_own(api: httpx.AsyncClient) -> None:
    error = (await api.get("/series", params={"match[]": "rate(up[5m])"})).json()["error"]
    assert error.splitlines()[1].startswith("hint: ")


async def test_too_many_queries_at_once_are_refused_and_the_others_go_on(
    access: Access, token: str, store: SeriesStore
) -> None:
    slow = Slow(OwnQueries(store))
    desk = QueryDesk(lambda: slow, TOLD, at_once=2)
    async with client(access, desk, token) as api:
        asked = {"query": "up", "time": str(NOW)}
        first = [asyncio.ensure_future(api.get("/query", params=asked)) for _ in range(2)]
        while desk.under_way < 2:
            await asyncio.sleep(0.005)
        refused = await api.get("/query", params=asked)
        assert (refused.status_code, refused.json()["errorType"]) == (503, "unavailable")
        assert "2 queries are under way" in refused.json()["error"]
        slow.release.set()
        assert [each.status_code for each in await asyncio.gather(*first)] == [200, 200]
    desk.close()


async def test_a_very_long_answer_is_sent_piece_by_piece(access: Access, token: str) -> None:
    desk = QueryDesk(Wide, TOLD)  # type: ignore[arg-type]
    async with client(access, desk, token) as api:
        asked = {"query": "wide", "start": "0", "end": "1000", "step": "1"}
        async with api.stream("POST", "/query_range", data=asked) as answer:
            assert "content-length" not in answer.headers
            await answer.aread()
            rows = answer.json()["data"]["result"]
    assert len(rows) == 300
    assert {len(row["values"]) for row in rows} == {1001}
    desk.close()


async def test_rules_are_told_with_their_alerts(api: httpx.AsyncClient) -> None:
    groups = (await data(api, "/rules"))["groups"]
    assert [each["name"] for each in groups] == ["errors", "none"]
    assert {key: groups[0][key] for key in ("file", "interval", "limit", "evaluationTime", "lastEvaluation")} == {
        "file": "rules.yml",
        "interval": 15.0,
        "limit": 7,
        "evaluationTime": 0.25,
        "lastEvaluation": "2025-10-09T08:53:20Z",
    }
    alerting, recording = groups[0]["rules"]
    assert [each["state"] for each in alerting.pop("alerts")] == ["pending", "firing"]
    assert alerting == {
        "type": "alerting",
        "name": "HighErrorRate",
        "state": "firing",
        "query": "errors > 5",
        "duration": 60.0,
        "keepFiringFor": 5.0,
        "labels": {"severity": "page", "team": "b"},
        "annotations": {"summary": "too many"},
        "health": "ok",
        "evaluationTime": 0.0,
        "lastEvaluation": "2025-10-09T08:53:20Z",
    }
    assert recording == {
        "type": "recording",
        "name": "job:errors:rate",
        "query": "sum(errors)",
        "labels": {"team": "a"},
        "health": "err",
        "lastError": "too slow",
        "evaluationTime": 0.0,
        "lastEvaluation": "0001-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"type": "alert"}, {"errors": ["HighErrorRate"], "none": []}),
        ({"type": "record"}, {"errors": ["job:errors:rate"], "none": []}),
        ({"rule_name[]": "HighErrorRate"}, {"errors": ["HighErrorRate"]}),
        ({"rule_name[]": "no such"}, {}),
        ({"rule_group[]": "none"}, {}),
        ({"file[]": "rules.yml"}, {"errors": ["HighErrorRate", "job:errors:rate"]}),
        ({"file[]": ["other.yml"]}, {}),
    ],
)
async def test_rules_are_chosen(api: httpx.AsyncClient, asked: dict[str, Any], found: dict[str, list[str]]) -> None:
    groups = (await data(api, "/rules", **asked))["groups"]
    assert {each["name"]: [rule["name"] for rule in each["rules"]] for each in groups} == found


async def test_alerts_may_be_left_out_of_the_rules(api: httpx.AsyncClient) -> None:
    groups = (await data(api, "/rules", exclude_alerts="true"))["groups"]
    assert "alerts" not in groups[0]["rules"][0]


async def test_alerts_are_told(api: httpx.AsyncClient) -> None:
    assert (await data(api, "/alerts"))["alerts"][1] == {
        "labels": {"alertname": "HighErrorRate", "severity": "page"},
        "annotations": {"summary": "too many"},
        "state": "firing",
        "activeAt": "2025-10-09T08:53:20Z",
        "value": "1.25e+01",
    }


async def test_targets_are_told(api: httpx.AsyncClient) -> None:
    fresh, failed = (await data(api, "/targets"))["activeTargets"]
    assert (fresh["health"], fresh["lastScrape"], fresh["lastError"]) == ("unknown", "0001-01-01T00:00:00Z", "")
    assert failed == {
        "discoveredLabels": {
            "__address__": "127.0.0.1:9000",
            "__metrics_path__": "/metrics",
            "__scheme__": "http",
            "job": "api",
            "region": "eu",
        },
        "labels": {"instance": "api-1", "job": "api", "region": "eu"},
        "scrapePool": "api",
        "scrapeUrl": "http://127.0.0.1:9000/metrics",
        "globalUrl": "http://127.0.0.1:9000/metrics",
        "lastError": "refused",
        "lastScrape": "2025-10-09T08:53:20Z",
        "lastScrapeDuration": 0.02,
        "health": "down",
        "scrapeInterval": "15s",
        "scrapeTimeout": "1s500ms",
    }
    assert (await data(api, "/targets", state="dropped"))["activeTargets"] == []
    assert (await data(api, "/targets", scrapePool="other"))["activeTargets"] == []


async def test_the_process_is_told_of(api: httpx.AsyncClient) -> None:
    build = await data(api, "/status/buildinfo")
    assert int(build["version"].partition(".")[0]) >= 3
    assert build["branch"] == "stationmaster"
    runtime = await data(api, "/status/runtimeinfo")
    assert (runtime["startTime"], runtime["storageRetention"]) == ("2026-11-21T03:00:00Z", "15d")
    assert runtime["GOMAXPROCS"] >= 1
    assert await data(api, "/status/flags") == {"query.max-concurrency": "20"}
    assert (await api.get("http://control/prometheus/-/healthy")).text == "Prometheus Server is Healthy.\n"
    assert (await api.get("http://control/prometheus/-/ready")).text == "Prometheus Server is Ready.\n"


async def test_without_a_monitor_the_paths_say_so(access: Access, token: str) -> None:
    async with client(access, None, token) as api:
        for path in ("/query", "/rules", "/status/flags", "http://control/prometheus/-/ready"):
            answer = await api.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "no-monitor")
