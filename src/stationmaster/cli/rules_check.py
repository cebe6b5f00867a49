"""`rules check`: whether rule files load, and what is wrong with the rules that do not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.output import AsJson, err, out, print_json

if TYPE_CHECKING:
    from stationmaster.core.problem import Diagnostic
    from stationmaster.monitor.alerting.rule_file import RuleFiles

EXAMPLES = (
    "Examples: [bold]stm rules check rules/*.yml[/bold], [bold]stm rules check 'rules/*.yml' --json[/bold]. "
    "It ends with 0 when every rule loads, and with 1 when one does not."
)

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Rule files; a name may hold `*`.")]


def check(files: FilesArgument, as_json: AsJson = False) -> None:
    """Read Prometheus rule files and name every rule that cannot be used, with its line."""
    from stationmaster.monitor.alerting.rule_file import read_rule_paths

    found = read_rule_paths(files)
    if as_json:
        print_json(_document(found))
    else:
        say_problems(found)
        groups = len(found.groups)
        errors = sum(each.severity.value == "error" for each in found.diagnostics)
        out.print(f"{found.rules} rules in {groups} groups" + (f", {errors} problems" if errors else ""))
    if found.failed:
        raise typer.Exit(1)


def say_problems(found: "RuleFiles") -> None:
    for each in found.diagnostics:
        err.print(str(each), markup=False)


def problem_document(each: "Diagnostic") -> dict[str, object]:
    origin = each.origin
    return {
        "severity": each.severity.value,
        "code": each.code,
        "message": each.message,
        "hint": each.hint,
        "file": origin.file,
        "line": origin.line,
        "column": origin.column,
    }


def _document(found: "RuleFiles") -> dict[str, object]:
    return {
        "groups": [{"name": each.name, "file": each.file, "rules": len(each.rules)} for each in found.groups],
        "problems": [problem_document(each) for each in found.diagnostics],
    }
