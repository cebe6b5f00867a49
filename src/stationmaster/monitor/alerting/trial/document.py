"""promtool's test files: read strictly, every problem with its line."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin
from stationmaster.manifest.document import compose
from stationmaster.manifest.nodes import Scalar, quoted
from stationmaster.manifest.problems import Problems
from stationmaster.monitor.alerting.rule_fields import Fields
from stationmaster.monitor.promql.notation import metric_labels
from stationmaster.monitor.promql.results import QueryError
from stationmaster.monitor.promql.samples import Labels

T = TypeVar("T")

MINUTE_MS: Final = 60_000
LARGEST_BYTES: Final = 16_000_000

_DOTTED = re.compile(r"^([+-]?)\.(?=inf|nan)", re.IGNORECASE)
_FILE = ("rule_files", "evaluation_interval", "group_eval_order", "fuzzy_compare", "tests")
_TEST = (
    "a test",
    ("name", "interval", "input_series", "alert_rule_test", "promql_expr_test", "external_labels", "external_url"),
)
_SERIES = "a series", ("series", "values")
_ALERT_CASE = "a test of an alert", ("eval_time", "alertname", "exp_alerts")
_QUERY_CASE = "a test of a query", ("expr", "eval_time", "exp_samples")
_ALERT = "an alert", ("exp_labels", "exp_annotations")
_SAMPLE = "a sample", ("labels", "value", "histogram")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSeries:
    labels: Labels
    values: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedAlert:
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCase:
    """The alerts of this name that fire at this moment (milliseconds since the start)."""

    at_ms: int
    alert: str
    expected: tuple[ExpectedAlert, ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryCase:
    at_ms: int
    expr: str
    expected: tuple[tuple[Labels, float], ...]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Series, one value every `interval_ms`, and what is expected with them."""

    name: str
    interval_ms: int
    series: tuple[InputSeries, ...]
    alerts: tuple[AlertCase, ...]
    queries: tuple[QueryCase, ...]
    external_labels: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDocument:
    """`rule_files` are as written; `order` names groups that go before others; with `fuzzy` numbers may differ in
    their last digits."""

    rule_files: tuple[Path, ...]
    interval_ms: int
    order: tuple[str, ...]
    fuzzy: bool
    tests: tuple[Trial, ...]


def read_document(path: Path) -> TrialDocument:
    """Raises InvalidInputError with all that is wrong; rule files are looked for beside the test file."""
    problems = Problems(str(path))
    root = compose(_text(path), problems)
    fields = Fields.of(root, problems, "a test file", _FILE) if root is not None else None
    document = _document(fields, path) if fields is not None else None
    problems.refuse_if_any()
    if document is None:
        raise InvalidInputError((), what=str(path))
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            raise _refused(path, f"it is larger than {LARGEST_BYTES:,} bytes")
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(path, f"it is no UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise _refused(path, error.strerror or str(error)) from error


def _refused(path: Path, why: str) -> InvalidInputError:
    origin = Origin(file=str(path), line=1)
    problem = Diagnostic(code="bad-test-file", message=f"the test file cannot be read: {why}", origin=origin)
    return InvalidInputError((problem,), what=str(path))


def _document(fields: Fields, path: Path) -> TrialDocument:
    order = tuple(each.text for each in fields.items("group_eval_order") if isinstance(each, Scalar))
    for at, name in enumerate(order):
        if name in order[:at]:
            fields.refuse("bad-order", f"the group {quoted(name)} stands twice", "name it once", "group_eval_order")
    return TrialDocument(
        rule_files=tuple(path.parent / each.text for each in fields.items("rule_files") if isinstance(each, Scalar)),
        interval_ms=fields.duration("evaluation_interval") or MINUTE_MS,
        order=order,
        fuzzy=fields.text("fuzzy_compare") == "true",
        tests=_each(fields, "tests", _TEST, _test),
    )


def _each(
    fields: Fields, name: str, shape: tuple[str, Sequence[str]], read: Callable[[Fields], T | None]
) -> tuple[T, ...]:
    made = []
    for node in fields.items(name):
        inner = Fields.of(node, fields.problems, *shape)
        found = read(inner) if inner is not None else None
        if found is not None:
            made.append(found)
    return tuple(made)


def _test(fields: Fields) -> Trial:
    return Trial(
        name=fields.text("name"),
        interval_ms=fields.duration("interval") or MINUTE_MS,
        series=_each(fields, "input_series", _SERIES, _series),
        alerts=_each(fields, "alert_rule_test", _ALERT_CASE, _alert_case),
        queries=_each(fields, "promql_expr_test", _QUERY_CASE, _query_case),
        external_labels=fields.labels("external_labels", "label"),
        external_url=fields.text("external_url"),
        origin=fields.origin(),
    )


def _labels(fields: Fields, name: str) -> Labels:
    try:
        return metric_labels(fields.text(name))
    except QueryError as error:
        fields.refuse("bad-series", error.message, 'write name{label="value"}', name)
        return ()


def _series(fields: Fields) -> InputSeries:
    return InputSeries(labels=_labels(fields, "series"), values=fields.text("values"), origin=fields.origin("values"))


def _alert_case(fields: Fields) -> AlertCase:
    name = fields.text("alertname")
    if not name:
        fields.refuse("no-alertname", "a test of an alert says which", "add `alertname: …`")
    return AlertCase(
        at_ms=fields.duration("eval_time"),
        alert=name,
        expected=_each(fields, "exp_alerts", _ALERT, _expected),
        origin=fields.origin(),
    )


def _expected(fields: Fields) -> ExpectedAlert:
    return ExpectedAlert(
        labels=fields.labels("exp_labels", "label"), annotations=fields.labels("exp_annotations", "annotation")
    )


def _query_case(fields: Fields) -> QueryCase:
    return QueryCase(
        at_ms=fields.duration("eval_time"),
        expr=fields.text("expr"),
        expected=_each(fields, "exp_samples", _SAMPLE, _sample),
        origin=fields.origin(),
    )


def _sample(fields: Fields) -> tuple[Labels, float] | None:
    if fields.has("histogram"):
        fields.refuse("no-histograms", "native histograms are not understood", "compare numbers of them", "histogram")
        return None
    text = fields.text("value") or "0"
    try:
        # YAML writes `.inf` and `.nan` with a dot.
        return _labels(fields, "labels"), float(_DOTTED.sub(r"\1", text))
    except ValueError:
        fields.refuse("bad-number", f"{quoted(text)} is no number", "write it as 1.5, .inf or .nan", "value")
        return None
