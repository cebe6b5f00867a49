"""`runbook rules`: the alert rules that runbooks imply, and why the rest of what they say is none."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.cli.runbook_table import is_wide, print_table, table_of
from stationmaster.core.problem import Origin, PlatformError

if TYPE_CHECKING:
    from stationmaster.runbooks.read.document import Runbook
    from stationmaster.runbooks.rules.derived import Derived, DerivedRule, Known, NoRule

EXAMPLES = (
    "Examples: [bold]stationmaster runbook rules runbooks[/bold], "
    "[bold]… --yaml > rules.yaml[/bold] (a rule file for Prometheus), "
    "[bold]… --metrics names.txt[/bold] (tells which rules read what nobody scrapes)"
)

PathsArgument = Annotated[list[Path] | None, typer.Argument(metavar="[PATH]…", help="Folders or files; without any, .")]
YamlOption = Annotated[bool, typer.Option("--yaml", help="Print a Prometheus rule file instead of a table.")]
MetricsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The names of the metrics that exist: one a line, or the JSON of /api/v1/label/__name__/values.",
    ),
]


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that came out of a runbook: `text` are the runbook's words, `why` says what they were taken for."""

    alert: str
    expr: str
    for_ms: int
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    file: str
    line: int
    text: str
    why: str
    notes: tuple[str, ...]


class LeftOutRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that reads like an alert and became none."""

    alert: str
    text: str
    file: str
    line: int
    why: str


class RulesDocument(msgspec.Struct, frozen=True, kw_only=True):
    rules: tuple[RuleRow, ...]
    left_out: tuple[LeftOutRow, ...]


class _Values(msgspec.Struct):
    """The answer of Prometheus' `/api/v1/label/__name__/values`."""

    data: list[str]


def rules(
    paths: PathsArgument = None, metrics: MetricsOption = None, yaml: YamlOption = False, as_json: AsJson = False
) -> None:
    """Derive alert rules from runbooks: from rules and expressions that they show, and from limits in their prose."""
    from stationmaster.runbooks.rules.derive import rules_of

    with refusals():
        derived = rules_of(_runbooks(paths or [Path()]), _known(metrics))
    if yaml:
        _print_yaml(derived)
    elif as_json:
        print_json(
            RulesDocument(rules=tuple(map(_row, derived.rules)), left_out=tuple(map(_left_out, derived.left_out)))
        )
    else:
        _print_tables(derived)


def _runbooks(paths: list[Path]) -> "list[Runbook]":
    from stationmaster.runbooks.library import files_of, read_file

    for path in paths:
        if not path.exists():
            hint = "name a runbook or a folder that holds Markdown files"
            raise PlatformError("no-such-path", f"there is no file or folder {path}", hint=hint, status=404)
    found = [read_file(path) for path in dict.fromkeys(file for path in paths for file in files_of(path))]
    for each in found:
        for problem in () if each.usable else each.diagnostics:
            err.print(str(problem), markup=False)
    return [each.runbook for each in found if each.runbook is not None and each.usable]


def _known(metrics: Path | None) -> "Known":
    from stationmaster.monitor.regions import REGION_DOWN, SERVICE_DOWN
    from stationmaster.monitor.rules import ALERT_NAME
    from stationmaster.monitor.way_state import API_UNREACHABLE, NODE_DOWN, WAY_DOWN
    from stationmaster.runbooks.rules.derived import Known

    names = None if metrics is None else _names(metrics)
    raised = frozenset({ALERT_NAME, SERVICE_DOWN, REGION_DOWN, API_UNREACHABLE, NODE_DOWN, WAY_DOWN})
    return Known(raised=raised, metrics=None if names is None else lambda: names)


def _names(path: Path) -> frozenset[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError("metrics-unreadable", f"{path} cannot be read: {error}", hint="check the path") from error
    if not text.lstrip().startswith("{"):
        return frozenset(text.split())
    try:
        return frozenset(msgspec.json.decode(text, type=_Values).data)
    except msgspec.DecodeError as error:
        hint = "save what /api/v1/label/__name__/values answers, or write one name a line"
        raise PlatformError("metrics-broken", f"{path}: {error}", hint=hint) from error


def _print_yaml(derived: "Derived") -> None:
    from stationmaster.monitor.alerting.export import rule_file

    sys.stdout.write(rule_file(derived.groups))
    for each in derived.rules:
        for note in each.notes:
            err.print(f"{_place(each.rule.origin)}: {each.rule.name}: {note}", markup=False)


def _print_tables(derived: "Derived") -> None:
    if derived.rules:
        print_table(_rules_table(derived))
    else:
        out.print("no rule came out of these runbooks")
    if derived.left_out:
        out.print("\n[bold]No rule[/bold]")
        print_table(_left_out_table(derived))


def _rules_table(derived: "Derived") -> Table:
    from stationmaster.monitor.alerting.durations import duration_text

    wide = is_wide()
    more = ("expression",) if wide else ()
    table = table_of("alert", *more, "for", "severity", "runbook", whole=frozenset({"for", "severity"}))
    for each in derived.rules:
        rule = each.rule
        name, severity = escape(rule.name), escape(rule.labels.get("severity", ""))
        words = (f'"{" ".join(each.text.split())}": {each.why}', *each.notes)
        said = "\n".join((escape(rule.expr), *(f"[dim]{escape(text)}[/dim]" for text in words)))
        first = (name, said) if wide else (f"{name}\n[dim]{escape(rule.expr)}[/dim]",)
        table.add_row(*first, duration_text(rule.for_ms), severity, escape(_place(rule.origin)))
    return table


def _left_out_table(derived: "Derived") -> Table:
    table = table_of("runbook", "says", "why it is no rule")
    for each in derived.left_out:
        says = each.text if not each.name or each.name == each.text else f"{each.name}: {each.text}"
        table.add_row(escape(_place(each.origin)), escape(" ".join(says.split())[:200]), escape(each.why))
    return table


def _place(origin: Origin) -> str:
    return f"{origin.file}:{origin.line}"


def _row(derived: "DerivedRule") -> RuleRow:
    rule = derived.rule
    return RuleRow(
        alert=rule.name,
        expr=rule.expr,
        for_ms=rule.for_ms,
        severity=rule.labels.get("severity", ""),
        labels=dict(rule.labels),
        annotations=dict(rule.annotations),
        file=rule.origin.file,
        line=rule.origin.line,
        text=derived.text,
        why=derived.why,
        notes=derived.notes,
    )


def _left_out(left: "NoRule") -> LeftOutRow:
    return LeftOutRow(alert=left.name, text=left.text, file=left.origin.file, line=left.origin.line, why=left.why)
