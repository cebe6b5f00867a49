"""Series and queries drawn at random."""

import numpy as np
from hypothesis import strategies as st

from stationmaster.monitor.promql.held import HeldBlocks, labelled
from stationmaster.monitor.promql.results import Matrix, Result, Scalar, Text, Vector
from stationmaster.monitor.promql.samples import MISSING, STALE, Block, Labels, LabelTable
from tests.monitor.promql.scripts import Splitting, whole

STEP_MS = 10_000
ROWS = 40

_LABELS = [
    {"__name__": name, "job": job, "i": i}
    for name in ("a_total", "b", "c_bucket")
    for job in ("x", "y")
    for i in ("0", "1", "2")
]
_SAMPLE = st.one_of(
    st.integers(0, 6).map(float),
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.just(MISSING),
    st.just(MISSING),
    st.just(STALE),
)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Samples of a dozen series, not all of them there, with holes and ends."""
    chosen = draw(st.lists(st.sampled_from(range(len(_LABELS))), min_size=1, max_size=8, unique=True))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    pool = draw(st.lists(_SAMPLE, min_size=4, max_size=12))
    values = np.array(pool)[rng.integers(0, len(pool), (ROWS, len(chosen)))]
    shift = draw(st.integers(0, 9_999))
    return Block(
        times=np.arange(ROWS, dtype=np.int64) * STEP_MS + shift, values=values, series=np.array(chosen, dtype=np.int64)
    )


def source(block: Block, splitting: Splitting = whole) -> HeldBlocks:
    table = LabelTable()
    for labels in _LABELS:
        bucket = {"le": labels["i"].replace("2", "+Inf")} if labels["__name__"] == "c_bucket" else {}
        table.intern(labelled({**labels, **bucket}))
    return HeldBlocks(table, splitting(block))


_SELECTORS = st.sampled_from(
    ["a_total", "b", "c_bucket", 'b{job="x"}', '{job=~"x|y",i!="0"}', 'a_total{i="1"}', "missing"]
)
_SHIFTS = st.sampled_from(["", "", "", " offset 25s", " offset -35s", " @ 200", " @ -3 offset -90s"])
_RANGES = st.sampled_from(["10s", "25s", "1m", "3m"])
_NAMES = """rate increase delta irate idelta resets changes deriv avg_over_time sum_over_time min_over_time
max_over_time count_over_time stddev_over_time mad_over_time last_over_time first_over_time present_over_time
ts_of_max_over_time absent_over_time"""
_OVER_TIME = st.sampled_from(_NAMES.split())
_GROUPS = st.sampled_from(["", " by (job) ", " without (i) ", " by (i, __name__) "])
_FOLDS = st.sampled_from(["sum", "avg", "min", "max", "count", "group", "stddev", "quantile 0.4", "count_values 'v'"])
_MATCHINGS = st.sampled_from(["", " on (i) ", " ignoring (job) ", " on (i, job) ", " on (job) group_left () "])
_OPERATORS = st.sampled_from(["+", "-", "*", "/", "%", "^", "==", "!=", ">", "< bool", "and", "or", "unless"])


def _folded(fold: str, group: str, inner: str) -> str:
    name, _, parameter = fold.partition(" ")
    return f"{name}{group}({parameter + ', ' if parameter else ''}{inner})"


def _binary(left: str, operator: str, matching: str, right: str) -> str:
    if operator in {"and", "or", "unless"}:
        matching = matching.replace("group_left ()", "")
    return f"({left}) {operator}{matching} ({right})"


_LEAVES = st.one_of(
    st.builds("{}{}".format, _SELECTORS, _SHIFTS),
    st.builds("{}({}[{}]{})".format, _OVER_TIME, _SELECTORS, _RANGES, _SHIFTS),
    st.sampled_from(["vector(1)", "vector(time())", "timestamp(b)", "histogram_quantile(0.6, c_bucket)", "-b"]),
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(_folded, _FOLDS, _GROUPS, inner),
        st.builds(_binary, inner, _OPERATORS, _MATCHINGS, inner),
        st.builds("{}(({})[{}:{}])".format, _OVER_TIME, inner, _RANGES, st.sampled_from(["", "7s", "10s", "30s"])),
        st.builds("{}({})".format, st.sampled_from(["abs", "sgn", "round", "timestamp", "absent", "minute"]), inner),
        st.builds('label_replace({}, "job", "$1", "i", "([01])")'.format, inner),
        st.builds("clamp({}, 0, 3)".format, inner),
        st.builds("({}) * 2 > 1".format, inner),
    )


queries = st.recursive(_LEAVES, _larger, max_leaves=4)

Sample = dict[Labels, dict[int, float]]


def samples(result: Result) -> Sample:
    """A result as moments and values by series, whatever its kind."""
    match result.value:
        case Text():
            return {}
        case Scalar(value=value):
            return {(): {0: value}}
        case Vector(samples=found):
            return {sample.labels: {sample.at_ms: sample.value} for sample in found}
        case Matrix(series=found_series):
            return {
                series.labels: dict(zip(series.times.tolist(), series.values.tolist(), strict=True))
                for series in found_series
            }
