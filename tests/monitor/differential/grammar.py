"""Generates PromQL over the generated world: every function and operator that Prometheus 2.42 knows for floats.

What only newer versions know (`versions.py` lists it) is left out, and so are native histograms. `==` of computed
numbers and `topk` of numbers that may be equal are as well: the last digits would decide. `rate` is asked of counters
alone: how it extrapolates to a counter's zero changed in 3.0 where a window begins with a hole.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

EXCLUDED: Final[Mapping[str, str]] = {
    r"\) atan2|atan2 \(": "before 3.0 `atan2` kept the metric's name, alone among the arithmetic operators",
    r"count_values by \((?=[^)]*(version|zone))[^)]*,[^)]*,": "2.42 loses a label after the first step of a range",
    r"predict_linear.*@": "2.42 gives `predict_linear` of a fixed window at the first steps of a range alone",
    r"timestamp\(.*(offset.*@|@.*offset)": "2.42 finds not every series for `timestamp` with offset and `@`",
    r"(stddev|stdvar)( |\()(.*\W)?(quantile|histogram|odd|NaN)": "before 3.0 the deviation of one NaN was 0",
    r"(stddev|stdvar)( |\()(.*\W)?([-/%^]|exp|ln|log|sqrt)": "before 3.0 the deviation of one NaN or Inf was 0",
    r"\^.*%": "the last digits of large numbers decide what is left of a division",
    r"std(dev|var)_over_time\(.*odd": "before 3.0 a sum that overflowed lost itself in NaN",
}
"""Queries that are not compared, and why: regular expressions of what they hold."""

_COUNTERS = ("http_requests_total", "latency_seconds_bucket", "latency_seconds_count")
_GAUGES = ("temperature", "flapping", "pod_cpu", "limit_bytes", "up", "build_info", "latency_seconds_sum")
_DISTINCT = ("temperature", "flapping", "pod_cpu", "http_requests_total")
"""Metrics of which no two series are ever equal."""
_LABELS = ("job", "instance", "zone", "code", "path", "le", "pod", "version", "absent")
_MATCHERS = (
    'job="api"',
    'job!="api"',
    'job=~"api|db"',
    'job!~"a.*"',
    'zone=~".+"',
    'zone=""',
    'code=~"5.."',
    'code!=""',
    'path="/"',
    'instance=~".*-[01]:.*"',
    'version!~"1.[13]"',
    'absent=""',
    'le=~"0.*|.Inf"',
)
_SPANS = ("1m", "90s", "2m", "5m", "10m", "1h")
_SUB_SPANS = ("9m43s", "30m13s")
"""No window of these begins at a step of its subquery, neither at whole minutes nor at the moments that are asked for:
before 3.0 that step belonged to the window."""
_OVER_TIME = ("avg", "min", "max", "sum", "count", "last", "present", "stddev", "stdvar")
_WAVES = ("sin", "cos", "tan")
"""Of samples alone: the last digits of large numbers decide what these give."""
_MATH = (
    "abs",
    "ceil",
    "floor",
    "exp",
    "ln",
    "log2",
    "log10",
    "sqrt",
    "sgn",
    "deg",
    "rad",
    "tanh",
    "atan",
)
_DATES = ("minute", "hour", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "month", "year")
_AGGREGATIONS = ("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar")
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "atan2")
_COMPARISONS = (">", "<", ">=", "<=")
_DEPTH = 3

Rule = Callable[["Grammar", int], str]


class Grammar:
    def __init__(self, seed: int, at_s: int) -> None:
        self._draw = random.Random(seed)
        self._at_s = at_s

    def query(self) -> str:
        kind = self._draw.random()
        if kind < 0.06:
            return self.scalar(2)
        return self.vector(self._draw.randrange(1, _DEPTH + 1))

    def vector(self, depth: int) -> str:
        if depth <= 0:
            return self.selector(_GAUGES + _COUNTERS)
        return self._draw.choice(_VECTORS)(self, depth - 1)

    def scalar(self, depth: int) -> str:
        plain = ("2", "0.5", "-3", "1e3", "0x10", "NaN", "Inf", "time()", "pi()")
        if depth <= 0 or self._draw.random() < 0.6:
            return self._draw.choice(plain)
        return self._draw.choice(
            (
                f"scalar({self.selector(('temperature',), exact='api-0:9000')})",
                f"({self.scalar(depth - 1)} {self._draw.choice(_ARITHMETIC)} {self.scalar(depth - 1)})",
                f"({self.scalar(depth - 1)} {self._draw.choice(_COMPARISONS)} bool {self.scalar(depth - 1)})",
                f"-{self.scalar(depth - 1)}",
            )
        )

    def selector(self, names: Sequence[str], *, exact: str = "") -> str:
        name = self._draw.choice(names)
        count = 0 if exact else self._draw.choice((0, 0, 1, 1, 2))
        matchers = [f'instance="{exact}"'] if exact else self._draw.sample(_MATCHERS, count)
        inside = ", ".join(matchers)
        if self._draw.random() < 0.05:
            inside = ", ".join([f'__name__=~"{name[:5]}.*"', f'__name__="{name}"', *matchers])
            return f"{{{inside}}}{self.shift()}"
        return f"{name}{{{inside}}}{self.shift()}" if inside else f"{name}{self.shift()}"

    def shift(self) -> str:
        """`offset` and `@`; their moments stay off the samples' and off the grid of subqueries."""
        draw = self._draw.random()
        if draw < 0.85:
            return ""
        offset = f" offset {self._draw.choice(('1m', '7m', '-3m', '1h'))}"
        at = f" @ {self._draw.choice(('start()', 'end()', str(self._at_s)))}"
        return self._draw.choice((offset, at, at + offset, offset + at))

    def windowed(self, names: Sequence[str]) -> str:
        """A range of samples."""
        bare = self.selector(names)
        name, shift = _split(bare)
        return f"{name}[{self._draw.choice(_SPANS)}]{shift}"

    def labels(self, most: int = 3) -> str:
        return ", ".join(self._draw.sample(_LABELS, self._draw.randrange(most + 1)))

    def grouping(self) -> str:
        return f"{self._draw.choice(('by', 'without'))} ({self.labels()})"

    def choice(self, options: Sequence[str]) -> str:
        return self._draw.choice(options)


def queries(seed: int, count: int, at_s: int) -> list[str]:
    """Each once; `at_s`, a whole second amid the data, is where `@` points."""
    grammar = Grammar(seed, at_s)
    found: dict[str, None] = {}
    while len(found) < count:
        query = grammar.query()
        if not any(re.search(pattern, query) for pattern in EXCLUDED):
            found[query] = None
    return list(found)


def _split(selector: str) -> tuple[str, str]:
    for word in (" offset", " @"):
        at = selector.find(word)
        if at >= 0:
            first = min(each for each in (selector.find(" offset"), selector.find(" @")) if each >= 0)
            return selector[:first], selector[first:]
    return selector, ""


def _selected(grammar: Grammar, _depth: int) -> str:
    return grammar.selector((*_GAUGES, *_COUNTERS, "odd", "nothing_of_that_name"))


def _rate(grammar: Grammar, _depth: int) -> str:
    return f"{grammar.choice(('rate', 'increase', 'irate', 'resets'))}({grammar.windowed(_COUNTERS)})"


def _change(grammar: Grammar, _depth: int) -> str:
    return f"{grammar.choice(('delta', 'idelta', 'deriv', 'changes', 'resets'))}({grammar.windowed(_GAUGES)})"


def _over_time(grammar: Grammar, _depth: int) -> str:
    name = grammar.choice(_OVER_TIME)
    if grammar.choice(("no", "no", "no", "yes")) == "yes":
        quantile = grammar.choice(("0", "0.5", "0.9", "1", "-1", "2", "NaN"))
        return f"quantile_over_time({quantile}, {grammar.windowed(_GAUGES)})"
    return f"{name}_over_time({grammar.windowed((*_GAUGES, 'odd'))})"


def _predicted(grammar: Grammar, _depth: int) -> str:
    if grammar.choice(("predicted", "smoothed")) == "smoothed":
        return f"holt_winters({grammar.windowed(('temperature', 'pod_cpu'))}, 0.3, {grammar.choice(('0.1', '0.9'))})"
    return f"predict_linear({grammar.windowed(('temperature', 'pod_cpu'))}, {grammar.choice(('60', '-300', '3600'))})"


def _subquery(grammar: Grammar, depth: int) -> str:
    name = grammar.choice(("max", "min", "avg", "sum", "count", "last", "stddev"))
    step = grammar.choice(("", "30s", "1m", "5m"))
    return f"{name}_over_time({_bracketed(grammar.vector(depth - 1))}[{grammar.choice(_SUB_SPANS)}:{step}])"


def _aggregated(grammar: Grammar, depth: int) -> str:
    name, inner = grammar.choice(_AGGREGATIONS), grammar.vector(depth)
    if grammar.choice(("before", "behind")) == "before":
        return f"{name} {grammar.grouping()} ({inner})"
    return f"{name}({inner}) {grammar.grouping()}" if grammar.choice(("all", "some")) == "some" else f"{name}({inner})"


def _ranked(grammar: Grammar, _depth: int) -> str:
    grouping = grammar.choice(("", "by (job) ", "without (instance, path) "))
    count = grammar.choice(("1", "2", "100", "0", "-1", "1.9"))
    return f"{grammar.choice(('topk', 'bottomk'))} {grouping}({count}, {grammar.selector(_DISTINCT)})"


def _quantile(grammar: Grammar, depth: int) -> str:
    quantile = grammar.choice(("0.5", "0", "1", "0.99", "-1", "3"))
    return f"quantile {grammar.grouping()} ({quantile}, {grammar.vector(depth)})"


def _counted(grammar: Grammar, _depth: int) -> str:
    return (
        f'count_values {grammar.grouping()} ("value", {grammar.selector(("up", "build_info", "limit_bytes", "odd"))})'
    )


def _with_scalar(grammar: Grammar, depth: int) -> str:
    sides = [_bracketed(grammar.vector(depth)), grammar.scalar(1)]
    if grammar.choice(("left", "right")) == "right":
        sides.reverse()
    operator = grammar.choice((*_ARITHMETIC, *_COMPARISONS, *(f"{each} bool" for each in _COMPARISONS)))
    return f" {operator} ".join(sides)


def _matched(grammar: Grammar, depth: int) -> str:
    on = grammar.choice(("on", "ignoring"))
    labels = grammar.choice(("instance", "instance, path", "instance, code, path", "job, instance, zone", "job"))
    operator = grammar.choice((*_ARITHMETIC, *_COMPARISONS))
    modifier = grammar.choice(("", f" {on} ({labels})", f" {on} ({labels})"))
    many = grammar.choice(("", "", " group_left ()", " group_left (zone)", " group_right (version)"))
    if not modifier:
        many = ""
    return f"{_bracketed(grammar.vector(depth))} {operator}{modifier}{many} {_bracketed(grammar.vector(depth))}"


def _joined(grammar: Grammar, _depth: int) -> str:
    """A join as dashboards write it."""
    left = grammar.selector(("temperature", "http_requests_total", "up"))
    return f"{_bracketed(left)} * on (instance) group_left (version) {grammar.selector(('build_info',))}"


def _set(grammar: Grammar, depth: int) -> str:
    modifier = grammar.choice(("", " on (instance)", " on (job, zone)", " ignoring (code, path)", " on ()"))
    operator = grammar.choice(("and", "or", "unless"))
    return f"{_bracketed(grammar.vector(depth))} {operator}{modifier} {_bracketed(grammar.vector(depth))}"


def _math(grammar: Grammar, depth: int) -> str:
    if grammar.choice(("wave", "no", "no", "no")) == "wave":
        return f"{grammar.choice(_WAVES)}({grammar.selector(('temperature', 'pod_cpu', 'flapping'))})"
    return f"{grammar.choice(_MATH)}({grammar.vector(depth)})"


def _bounded(grammar: Grammar, depth: int) -> str:
    inner = grammar.vector(depth)
    return grammar.choice(
        (
            f"clamp({inner}, -2, 30)",
            f"clamp({inner}, 5, 1)",
            f"clamp_min({inner}, {grammar.scalar(1)})",
            f"clamp_max({inner}, {grammar.scalar(1)})",
            f"round({inner})",
            f"round({inner}, 0.1)",
            f"-({inner})",
            f"sort({inner})",
            f"sort_desc({inner})",
            f"timestamp({inner})",
            f"absent({inner})",
            f"vector({grammar.scalar(2)})",
        )
    )


def _date(grammar: Grammar, depth: int) -> str:
    name = grammar.choice(_DATES)
    return grammar.choice((f"{name}()", f"{name}(timestamp({grammar.vector(depth)}))", f"{name}(vector(1.7e9))"))


def _histogram(grammar: Grammar, _depth: int) -> str:
    # None falls on the bound of a bucket, where the last digits would decide.
    quantile = grammar.choice(("0.3719", "0.9131", "0.9871", "0", "1", "-1", "2", "NaN"))
    rate = f"rate({grammar.windowed(('latency_seconds_bucket',))})"
    grouping = grammar.choice(("le", "le, job", "le, instance, path", "job"))
    inner = grammar.choice((rate, f"sum by ({grouping}) ({rate})", "latency_seconds_bucket"))
    return f"histogram_quantile({quantile}, {inner})"


def _relabelled(grammar: Grammar, depth: int) -> str:
    inner = grammar.vector(depth)
    return grammar.choice(
        (
            f'label_replace({inner}, "host", "$1", "instance", "(.*):.*")',
            f'label_replace({inner}, "port", "${{2}}-x$1", "instance", "(.*):(?P<p>.*)")',
            f'label_replace({inner}, "job", "same", "", "")',
            f'label_replace({inner}, "zone", "", "zone", "a")',
            f'label_replace({inner}, "host", "$p$$", "instance", ".*:(?P<p>.*)")',
            f'label_replace({inner}, "instance", "x", "instance", ".*-0:.*")',
            f'label_join({inner}, "both", "-", "job", "zone", "absent")',
            f'label_join({inner}, "instance", "/")',
        )
    )


def _absent_over_time(grammar: Grammar, _depth: int) -> str:
    return f"absent_over_time({grammar.windowed((*_GAUGES, 'nothing_of_that_name'))})"


def _bracketed(text: str) -> str:
    return f"({text})"


_VECTORS: Sequence[Rule] = (
    _selected,
    _rate,
    _rate,
    _change,
    _over_time,
    _over_time,
    _predicted,
    _subquery,
    _aggregated,
    _aggregated,
    _aggregated,
    _ranked,
    _quantile,
    _counted,
    _with_scalar,
    _with_scalar,
    _matched,
    _joined,
    _set,
    _math,
    _bounded,
    _date,
    _histogram,
    _relabelled,
    _absent_over_time,
)
