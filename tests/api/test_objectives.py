"""Objectives over REST: how they stand, what is computed for them, and what is said where nothing can be told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from litestar import Litestar
from litestar.di import Provide

from stationmaster.api.routes.objectives import ObjectiveRoutes
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.promql.results import Fault, QueryError, Result, Vector, VectorSample
from stationmaster.runtime.problems import platform_problem
from stationmaster.runtime.serve import Asgi
from tests.monitor.objectives.declared import BOUNDS_S, objective, platform

PATH = "/api/v1/objectives"
RECORDED = {
    "slo:period_error_budget_remaining:ratio": 0.75,
    "slo:current_burn_rate:ratio": 2.5,
    "slo:time_until_empty:seconds": 86_400.0,
    "slo:sli_error:ratio_rate30d": 0.0005,
}


@dataclass(frozen=True, slots=True)
class Watching:
    """As much of a platform as these routes need."""

    spec: PlatformSpec
    objectives: Objectives | None


async def recorded(query: str) -> Result:
    """What the rules have written for the objective of 99.9 %; nothing for others."""
    labels = (("api", "pets"), ("objective", "availability-99.9-30d"))
    samples: Sequence[VectorSample] = ()
    if query in RECORDED:
        samples = (VectorSample(labels=labels, value=RECORDED[query], at_ms=0),)
    return Result(value=Vector(samples=samples))


async def away(query: str) -> Result:
    raise QueryError(Fault.UNAVAILABLE, "prometheus does not answer", hint="start it")


@asynccontextmanager
async def client(watching: Watching) -> AsyncIterator[httpx.AsyncClient]:
    app: Asgi = Litestar(
        route_handlers=[ObjectiveRoutes],
        dependencies={"platform": Provide(lambda: watching, sync_to_thread=False)},
        exception_handlers={PlatformError: platform_problem},
        logging_config=None,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://control") as opened:
        yield opened


def watching(spec: PlatformSpec) -> Watching:
    return Watching(spec, Objectives(declared=lambda: spec, ask=recorded, bounds_s=BOUNDS_S))


async def test_every_objective_is_listed_with_its_budget() -> None:
    spec = platform(objective(), objective(99, 7, latency_ms=300), objective(99, 7, latency_ms=1))
    async with client(watching(spec)) as api:
        told = (await api.get(PATH)).json()
    by_name = {each["objective"]: each for each in told["objectives"]}
    assert by_name["availability-99.9-30d"] == {
        "api": "pets",
        "service": "petstore",
        "objective": "availability-99.9-30d",
        "line": "99.9% over 30d",
        "standing": "met",
        "good": 0.9995,
        "budget_left": 0.75,
        "burn_rate": 2.5,
        "empty_in_s": 86_400.0,
    }
    assert by_name["latency-300ms-99-7d"]["standing"] == "unknown"
    assert by_name["latency-300ms-99-7d"]["budget_left"] is None
    assert [each["code"] for each in told["problems"]] == ["objective-rounded", "objective-unmeasured"]
    assert {(each["file"], each["line"]) for each in told["problems"]} == {("platform.yaml", 12)}


async def test_an_api_is_explained_with_its_levels_and_rules() -> None:
    async with client(watching(platform(objective(), objective(99, 7, latency_ms=1)))) as api:
        told = (await api.get(f"{PATH}/pets")).json()
    (explained,) = told["explained"]
    assert (explained["line"], explained["at_line"]) == ("99.9% over 30d", 12)
    assert [(each["severity"], each["burn_rate"]) for each in explained["levels"]] == [
        ("critical", 14.4),
        ("critical", 6.0),
        ("warning", 3.0),
        ("warning", 1.0),
    ]
    assert explained["levels"][0]["outage_told_s"] == pytest.approx(51.84)
    assert {"record": "slo:error_budget:ratio", "alert": "", "expr": "vector(0.001)"} in explained["rules"]
    assert sum(each["alert"] == "ErrorBudgetBurn" for each in explained["rules"]) == 4
    assert [each["code"] for each in told["problems"]] == ["objective-unmeasured"]


@pytest.mark.parametrize(
    ("name", "code"), [("nobody", "unknown-api"), ("pets", "no-objective")], ids=["unknown", "without"]
)
async def test_an_api_that_promises_nothing_is_a_problem_with_a_hint(name: str, code: str) -> None:
    async with client(watching(platform())) as api:
        answer = await api.get(f"{PATH}/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.json()["hint"]


async def test_metrics_that_cannot_be_asked_are_a_503_with_the_reason() -> None:
    spec = platform(objective())
    broken = Watching(spec, Objectives(declared=lambda: spec, ask=away, bounds_s=BOUNDS_S))
    for each in (broken, Watching(spec, None)):
        async with client(each) as api:
            answer = await api.get(PATH)
        assert answer.status_code == 503
        assert answer.json()["hint"]
    assert answer.json()["code"] == "no-monitor"
