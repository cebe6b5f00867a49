"""`rules test`: works test files in promtool's format, and says what does not come out as expected."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.cli.output import AsJson, err, out, print_json
from stationmaster.cli.rules_check import problem_document
from stationmaster.core.problem import Diagnostic, InvalidInputError

if TYPE_CHECKING:
    from stationmaster.monitor.alerting.trial.verdict import Failure

EXAMPLES = (
    "Examples: [bold]stm rules test rules/tests/*.yml[/bold], [bold]… --json[/bold]. "
    "Test files are those of `promtool test rules`; it ends with 0 when all of them pass, else with 1."
)

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Test files in promtool's format.")]


def run_tests(files: FilesArgument, as_json: AsJson = False) -> None:
    """Run unit tests of rules: series go in, alerts and values of queries are compared."""
    verdicts = [_verdict(path) for path in files]
    if as_json:
        print_json({"files": [_document(path, *each) for path, each in zip(files, verdicts, strict=True)]})
    else:
        for path, (problems, failures) in zip(files, verdicts, strict=True):
            _say(path, problems, failures)
    if any(problems or failures for problems, failures in verdicts):
        raise typer.Exit(1)


def _verdict(path: Path) -> "tuple[tuple[Diagnostic, ...], list[Failure]]":
    """What is wrong with the files, and what did not come out as expected."""
    from stationmaster.monitor.alerting.rule_file import read_rule_paths
    from stationmaster.monitor.alerting.trial.document import read_document
    from stationmaster.monitor.alerting.trial.work import work

    try:
        document = read_document(path)
    except InvalidInputError as error:
        return error.diagnostics, []
    rules = read_rule_paths(document.rule_files)
    if rules.failed:
        return tuple(each for each in rules.diagnostics if each.severity.value == "error"), []
    return (), work(document, rules.groups)


def _say(path: Path, problems: tuple[Diagnostic, ...], failures: "list[Failure]") -> None:
    told = "passed" if not problems and not failures else "FAILED"
    out.print(f"{path}: {told}", markup=False)
    for problem in problems:
        err.print(str(problem), markup=False)
    for failure in failures:
        name = f"{failure.test}: " if failure.test else ""
        err.print(f"{failure.origin}: {name}{failure.message}", markup=False)


def _document(path: Path, problems: tuple[Diagnostic, ...], failures: "list[Failure]") -> dict[str, object]:
    return {
        "file": str(path),
        "passed": not problems and not failures,
        "problems": [problem_document(each) for each in problems],
        "failures": [
            {"test": each.test, "message": each.message, "file": each.origin.file, "line": each.origin.line}
            for each in failures
        ],
    }
