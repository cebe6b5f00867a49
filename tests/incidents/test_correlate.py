"""Which open incidents show the same, what they share, and that it is written down once."""

from dataclasses import replace

import pytest

from stationmaster.core.facts import Alert
from stationmaster.core.response import IncidentSettings
from stationmaster.incidents import relations
from stationmaster.incidents.correlate import Case, Kind, correlate
from stationmaster.incidents.correlating import Correlating
from stationmaster.incidents.reach import Reach
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from tests.incidents.grouping import Ground, alert, declared, down

REACH = Reach.of(declared())


def case(number: int, *alerts: Alert) -> Case:
    return Case(number=number, alerts=tuple(each.labels for each in alerts))


@pytest.mark.parametrize(
    ("cases", "number", "kind", "cause", "others"),
    [
        (
            (case(1, alert("DiskFull", service="store")), case(2, alert("BadAnswers", api="shop"))),
            2,
            Kind.DEPENDENCY,
            "service store",
            (1,),
        ),
        (
            (case(1, alert("A", service="keys", region="eu")), case(2, alert("B", service="keys", region="us"))),
            1,
            Kind.SERVICE,
            "service keys",
            (2,),
        ),
        (
            (case(1, alert("GatewayNodeDown", node="node-1")), case(2, alert("A", api="x", node="node-1"))),
            2,
            Kind.NODE,
            "gateway node node-1",
            (1,),
        ),
        ((case(1, down("keys", "eu")), case(2, down("orders", "eu"))), 1, Kind.REGION, "region eu", (2,)),
    ],
    ids=["a dependency that fails itself", "one service", "one gateway node", "one region"],
)
def test_what_incidents_share_is_named(
    cases: tuple[Case, ...], number: int, kind: Kind, cause: str, others: tuple[int, ...]
) -> None:
    (found, *_) = correlate(cases, REACH)[number]
    assert (found.kind, found.cause, found.numbers) == (kind, cause, others)


@pytest.mark.parametrize(
    "cases",
    [
        (case(1, down("keys", "eu")),),
        (case(1, down("keys", "eu")), case(2, down("orders", "us"))),
        (case(1, down("keys", "eu"), down("keys", "us")), case(2, down("orders", "us"))),
        (case(1, alert("A")), case(2, alert("B"))),
    ],
    ids=["one alone", "other services elsewhere", "a service that fails in two regions", "nothing known of both"],
)
def test_what_shares_nothing_is_not_put_together(cases: tuple[Case, ...]) -> None:
    assert correlate(cases, REACH) == {}


def test_a_region_says_nothing_where_there_is_only_one() -> None:
    spec = declared()
    services = tuple(replace(each, instances=each.instances[:1]) for each in spec.services)
    reach = Reach.of(replace(spec, services=services))
    assert correlate((case(1, down("keys", "eu")), case(2, down("orders", "eu"))), reach) == {}


def test_a_need_that_several_have_is_named_although_nothing_is_known_of_it() -> None:
    spec = declared()
    services = tuple(
        replace(each, depends_on=(spec.services[2].name,)) if each.name == "keys" else each for each in spec.services
    )
    reach = Reach.of(replace(spec, services=services))
    found = correlate((case(1, down("keys", "eu")), case(2, down("orders", "us"))), reach)
    assert [each.kind for each in found[1]] == [Kind.NEEDED]
    assert "keys, orders cannot answer without service store" in found[1][0].why


def test_the_dependency_is_named_before_all_else() -> None:
    cases = (case(1, down("store", "eu")), case(2, down("orders", "eu")), case(3, down("keys", "eu")))
    found = correlate(cases, REACH)
    assert [each.kind for each in found[2]] == [Kind.DEPENDENCY, Kind.REGION]
    assert found[1][0].why == "service store fails itself (#1), and orders cannot answer without it"


async def test_it_is_written_once_and_again_when_there_is_more(database: Database) -> None:
    ground = Ground(database, declared(IncidentSettings(group_by=("...",))))
    looking = Correlating(database, Cell(ground.spec))
    await ground.fires(down("store", "eu"))
    assert await looking.look(ground.now) == 0
    await ground.fires(alert("BadAnswers", api="shop"))
    assert await looking.look(ground.now) == 2
    assert await looking.look(ground.now) == 0
    assert await Correlating(database, Cell(ground.spec)).look(ground.now) == 0, "another process knows it too"
    await ground.fires(alert("SlowAnswers", api="shop"))
    assert await looking.look(ground.now) == 3

    story = await ground.incidents.story(2)
    lines = [each.text for each in story.timeline if each.kind == "incident.correlated"]
    assert lines[0] == (
        "#1 may be the same failure; likely cause: service store "
        "(service store fails itself (#1), and orders cannot answer without it)"
    )
    assert "#1, #3 may be the same failure" in lines[1]
    assert [(each.cause, each.numbers) for each in story.related] == [("service store", (1, 3))]
    await ground.recovers(alert("SlowAnswers", api="shop"))
    assert await looking.look(ground.now) == 0, "what was known is not forgotten"


async def test_of_very_many_incidents_the_newest_are_looked_at(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relations, "_MOST_CASES", 3)
    ground = Ground(database, declared(IncidentSettings(group_by=("...",))))
    await ground.fires(*(alert(f"A{number}", service="keys") for number in range(5)))
    async with database.read() as connection:
        assert [each.number for each in await relations.cases(connection)] == [5, 4, 3]
