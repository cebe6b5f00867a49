"""The bounds joined to runs, and what callers get read from the platform's own series."""

from collections.abc import Mapping
from dataclasses import dataclass

from stationmaster.core.names import ApiName, VirtualHostName
from stationmaster.core.spec import Api, HealingPolicy, Objective, PlatformSpec
from stationmaster.healing.decide import TargetView
from stationmaster.healing.guard import Guard
from stationmaster.joining.run_bounds import CallersFare, RunBounds
from stationmaster.monitor.objectives.desk import Objectives
from stationmaster.monitor.promql.results import Fault, QueryError, Result, Vector, VectorSample
from stationmaster.runbooks.bounded import Attempt, Begun, Held, Occupied
from stationmaster.runtime.db import Database
from tests.healing.test_touched import SPEC


async def no_targets() -> list[TargetView]:
    return []


def attempt(run: str, *words: str, number: int = 1) -> Attempt:
    return Attempt(incident=1, run=run, step="3", number=number, calls=(words,), service="keys")


async def test_a_run_hears_of_bounds_in_its_own_words(database: Database) -> None:
    spec = PlatformSpec(environment="test", services=SPEC.services, healing=HealingPolicy(max_restarts_per_hour=1))
    guard = Guard(database=database, spec=lambda: spec, targets=no_targets)
    bounds = RunBounds(guard=guard, spec=lambda: spec)
    restart = ("stm", "instance", "restart", "keys-1")
    assert await bounds.look(attempt("run-1", *restart)) == Begun()
    assert await bounds.begin(attempt("run-1", *restart)) == Begun()
    other = await bounds.begin(attempt("run-2", "stm", "instance", "restart", "keys-2"))
    assert isinstance(other, Occupied)
    assert "run-1 changes keys (step 3" in other.why
    again = await bounds.begin(attempt("run-1", *restart, number=2))
    assert again == Held(why=("keys-1 was restarted 1 times within an hour, the policy allows 1",))
    await bounds.ended(attempt("run-1", *restart))
    assert await bounds.begin(attempt("run-2", "stm", "instance", "restart", "keys-2")) == Begun()


@dataclass
class Numbers:
    """Answers a query by the first word of it that it knows."""

    known: Mapping[str, Mapping[str, float]]
    fails: bool = False

    async def __call__(self, query: str) -> Result:
        if self.fails:
            raise QueryError(Fault.UNAVAILABLE, "the store is closed")
        found = next((values for word, values in self.known.items() if word in query), {})
        samples = [VectorSample(labels=(("api", api),), value=value, at_ms=0) for api, value in found.items()]
        return Result(value=Vector(samples=samples))


def fare(numbers: Numbers) -> CallersFare:
    apis = (
        Api(name=ApiName("orders"), paths=("/o",), virtual_host=VirtualHostName("shop-host")),
        Api(
            name=ApiName("tokens"),
            paths=("/t",),
            virtual_host=VirtualHostName("keys-host"),
            objectives=(Objective(percent=99.0),),
        ),
    )
    spec = PlatformSpec(environment="test", apis=apis)
    return CallersFare(lambda: Objectives(declared=lambda: spec, ask=numbers, bounds_s=(0.1, 1.0)))


async def test_readings_come_from_the_series_of_each_api_and_from_its_objective() -> None:
    numbers = Numbers(
        {
            "rate(": {"": 0.04},
            'code_class="5xx"': {"orders": 50.0},
            "histogram_quantile": {"orders": 0.25, "tokens": float("nan")},
            "increase": {"orders": 200.0, "tokens": 100.0, "foreign": 3.0},
        }
    )
    orders, tokens = await fare(numbers)(["orders", "tokens", "silent"], 30.0)
    assert (orders.api, orders.requests, orders.good_percent, orders.p95_ms, orders.burn) == (
        "orders", 200.0, 75.0, 250.0, None,
    )  # fmt: skip
    assert (tokens.good_percent, tokens.p95_ms) == (100.0, None)
    assert tokens.burn is not None
    assert abs(tokens.burn - 4.0) < 1e-9


async def test_without_numbers_nothing_is_said() -> None:
    assert await fare(Numbers({}))(["orders"], 30.0) == ()
    assert await fare(Numbers({}, fails=True))(["orders"], 30.0) == ()
