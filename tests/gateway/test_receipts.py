"""Which node took which revision, and how soon."""

import asyncio

from stationmaster.core.problem import Origin
from stationmaster.gateway.publication import Publication
from stationmaster.gateway.receipts import Receipts
from stationmaster.gateway.session import Refusal
from stationmaster.gateway.snapshot import Kind, Resource, resource, snapshot, touched

NODES = ("one", "two")
ORIGIN = Origin(file="platform.yaml", line=12)
ROUTES = resource(Kind.ROUTES, "routes", b"x", ORIGIN)


def refusal(revision: int, reason: str = "because") -> Refusal:
    return Refusal(resource=ROUTES, reason=reason, revision=revision)


def test_a_receipt_counts_milliseconds_from_publishing() -> None:
    receipts = Receipts()
    receipts.published(1, 10.0)
    receipts.settled("one", 1, 10.025)
    now = receipts.convergence(1, NODES)
    assert (now.acknowledged, now.pending, now.rejected) == ({"one": 25.0}, ("two",), ())


def test_who_takes_a_revision_has_taken_all_before_it() -> None:
    receipts = Receipts()
    for revision in (1, 2, 3):
        receipts.published(revision, float(revision))
    receipts.settled("one", 2, 2.5)
    receipts.settled("one", 3, 4.0)
    assert [receipts.convergence(number, ()).acknowledged for number in (1, 2, 3)] == [
        {"one": 1500.0},
        {"one": 500.0},
        {"one": 1000.0},
    ]


def test_a_refusal_becomes_a_diagnostic_on_the_declared_line() -> None:
    receipts = Receipts()
    receipts.published(1, 0.0)
    receipts.settled("one", 1, 0.1, [refusal(1, "the whole resource\nkey: hush\n: no such cluster")])
    now = receipts.convergence(1, ("one",))
    assert now.acknowledged == {}
    assert now.pending == ()
    (problem,) = now.rejected
    assert (problem.code, problem.origin) == ("node-refused", ORIGIN)
    assert problem.message == "gateway node one refuses routes routes: no such cluster"
    assert problem.hint


def test_what_a_node_refused_before_does_not_count_against_a_later_revision() -> None:
    receipts = Receipts()
    receipts.published(1, 0.0)
    receipts.settled("one", 1, 0.1, [refusal(1)])
    receipts.published(2, 1.0)
    receipts.settled("one", 2, 1.5, [refusal(1)])
    assert receipts.convergence(1, ("one",)).acknowledged == {}
    assert receipts.convergence(2, ("one",)).acknowledged == {"one": 500.0}


def test_an_unknown_revision_is_pending_everywhere() -> None:
    assert Receipts().convergence(9, NODES).pending == NODES


def test_old_receipts_are_forgotten() -> None:
    receipts = Receipts()
    for revision in range(1, 1_100):
        receipts.published(revision, 0.0)
    receipts.settled("one", 1_099, 1.0)
    assert receipts.convergence(1, NODES).acknowledged == {}
    assert receipts.convergence(100, NODES).acknowledged == {"one": 1000.0}


async def test_waiting_ends_when_the_last_node_answers() -> None:
    receipts = Receipts()
    receipts.published(1, 0.0)
    waiting = asyncio.create_task(receipts.wait(1, NODES, 5.0))
    await asyncio.sleep(0)
    receipts.settled("one", 1, 0.1)
    receipts.settled("two", 1, 0.2, [refusal(1)])
    reached = await waiting
    assert set(reached.acknowledged) == {"one"}
    assert len(reached.rejected) == 1


async def test_waiting_ends_at_its_limit() -> None:
    receipts = Receipts()
    receipts.published(1, 0.0)
    assert (await receipts.wait(1, NODES, 0.02)).pending == NODES


def test_the_revision_grows_only_when_something_differs() -> None:
    publication = Publication("testing")
    one, same, other = (snapshot([_pool(body)]) for body in (b"1", b"1", b"2"))
    assert [publication.publish({"node": each}) for each in (one, same, other, one)] == [1, 1, 2, 3]


def _pool(body: bytes) -> Resource:
    return resource(Kind.POOL, "pool", body, ORIGIN)


def test_what_is_new_changed_and_gone_is_told_apart_from_what_stays() -> None:
    def made(**bodies: bytes) -> dict[str, Resource]:
        return {name: resource(Kind.POOL, name, body, ORIGIN) for name, body in bodies.items()}

    before, after = made(a=b"1", b=b"1", d=b"1"), made(a=b"1", b=b"2", c=b"3")
    assert touched(before, after) == ("b", "c", "d")
    assert touched(before, before) == ()
    assert touched(before, made(a=b"1", b=b"1", d=b"1")) == ()
