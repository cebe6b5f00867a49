import pytest

from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits, Vector
from stationmaster.monitor.query.own import OwnQueries
from stationmaster.monitor.query.queries import Steps, Terms, Window
from stationmaster.monitor.series.store import SeriesStore

NOW_MS = 1_760_000_000_000


@pytest.fixture
def queries() -> OwnQueries:
    store = SeriesStore(now_ms=lambda: NOW_MS)
    for job, value in (("b", 1.0), ("c", 3.0), ("a", 2.0)):
        ids = {store.table.intern((("__name__", name), ("job", job))): value for name in ("up", "down")}
        store.append(job, NOW_MS, ids)
    return OwnQueries(store)


def jobs(queries: OwnQueries, query: str) -> list[str]:
    found = queries.instant(query, NOW_MS).value
    assert isinstance(found, Vector)
    return [dict(each.labels)["job"] for each in found.samples]


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("up", "abc"),
        ("up * 2", "abc"),
        ("sum by (job) (up)", "abc"),
        ("sort(up)", "bac"),
        ("sort_desc(sum by (job) (up))", "cab"),
        ("topk(2, up)", "ca"),
        ("bottomk(2, up)", "ba"),
    ],
)
def test_a_vector_is_ordered_by_its_labels_where_the_query_does_not_order(
    queries: OwnQueries, query: str, order: str
) -> None:
    assert "".join(jobs(queries, query)) == order


def test_what_selectors_find_is_told_once_and_in_order(queries: OwnQueries) -> None:
    both = ['{job="a"}', "up"]
    assert [dict(each)["job"] for each in queries.series(both, Window())] == ["a", "a", "b", "c"]
    assert queries.label_values("job", both, Window()) == ["a", "b", "c"]
    assert queries.label_values("__name__", ['{job="a"}'], Window()) == ["down", "up"]
    assert queries.label_names([], Window()) == ["__name__", "job"]


def test_the_terms_of_a_query_reach_the_engine(queries: OwnQueries) -> None:
    later = NOW_MS + 60_000
    assert queries.instant("up", later, Terms(lookback_ms=30_000)).value == Vector(samples=[])
    few, many = Terms(limits=QueryLimits(steps=100)), Steps(first_ms=0, last_ms=10_000, step_ms=1)
    with pytest.raises(QueryError) as refused:
        queries.over("up", many, few)
    assert refused.value.fault is Fault.BAD_DATA
