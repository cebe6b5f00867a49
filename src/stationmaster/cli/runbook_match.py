"""`runbook match`: which runbook answers an alert, and why that one."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.markup import escape

from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.core.problem import PlatformError, Severity

if TYPE_CHECKING:
    from stationmaster.core.facts import Alert
    from stationmaster.runbooks.match import Match

EXAMPLES = (
    "Examples: [bold]stationmaster runbook match --alert ServiceInstanceDown --label service=doctor runbooks[/bold], "
    "[bold]… --labels alert.json runbooks[/bold]. It ends with 0 for one match, 3 when no runbook answers, "
    "4 when several answer equally well."
)
NO_MATCH, AMBIGUOUS = 3, 4
_RUNNERS_UP = 5
_LARGEST_BYTES = 1_000_000
_STANDARD_INPUT = Path("-")

FoldersArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[FOLDER]…", help="Folders or files; without any, .")
]
AlertOption = Annotated[str, typer.Option("--alert", metavar="NAME", help="The alert's name (also name=NAME).")]
LabelOption = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label of the alert.")]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Labels as YAML or JSON, or an alert as Alertmanager sends it; - is standard input.",
    ),
]
SummaryOption = Annotated[str, typer.Option("--summary", help="The alert's text, for runbooks that quote one.")]


class MatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A runbook that could answer, `score` from 0 to 1, and the reason."""

    file: str
    title: str
    score: float
    why: str


class MatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """`result` is match, ambiguous or none; `runners_up` come after what was chosen or not decided between."""

    result: str
    why: str
    matches: tuple[MatchRow, ...]
    runners_up: tuple[MatchRow, ...]
    runbooks: int


def match(
    folders: FoldersArgument = None,
    alert: AlertOption = "",
    label: LabelOption = None,
    labels: LabelsOption = None,
    summary: SummaryOption = "",
    as_json: AsJson = False,
) -> None:
    """Find the one runbook that answers an alert, with the reason, and those that come after it with theirs."""
    with refusals():
        asked = _alert(alert, label or [], labels, summary)
        report = _report(asked, folders or [Path()])
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report.result != "match":
        raise typer.Exit(AMBIGUOUS if report.result == "ambiguous" else NO_MATCH)


def _report(asked: "Alert", folders: list[Path]) -> MatchReport:
    from stationmaster.runbooks.library import load_library
    from stationmaster.runbooks.match import Ambiguous, Match, choose

    library = load_library(folders)
    for problem in library.diagnostics:
        if problem.severity is Severity.ERROR:
            err.print(str(problem), markup=False)
    if not any(folder.exists() for folder in folders):
        raise PlatformError("no-such-path", "there is none of these folders", hint="name a folder of runbooks")
    found = choose(asked, library.runbooks)
    chosen = (found,) if isinstance(found, Match) else found.matches if isinstance(found, Ambiguous) else ()
    taken = {id(each.runbook) for each in chosen}
    ranked = library.runbooks.ranked(asked, len(chosen) + _RUNNERS_UP)
    others = [each for each in ranked if id(each.runbook) not in taken]
    result = "match" if isinstance(found, Match) else "ambiguous" if chosen else "none"
    return MatchReport(
        result=result,
        why=found.why,
        matches=tuple(map(_row, chosen)),
        runners_up=tuple(map(_row, others[:_RUNNERS_UP])),
        runbooks=len(library.runbooks),
    )


def _row(found: "Match") -> MatchRow:
    return MatchRow(file=found.runbook.file, title=found.runbook.title, score=round(found.score, 3), why=found.why)


def _print(report: MatchReport) -> None:
    heads = {"match": "[green]match[/green]", "ambiguous": "[red]ambiguous[/red]", "none": "[red]no match[/red]"}
    out.print(f"{heads[report.result]}: {escape(report.why)}")
    for row in report.matches:
        _say(row)
    if report.runners_up:
        out.print("[dim]runners-up:[/dim]")
    for row in report.runners_up:
        _say(row)


def _say(row: MatchRow) -> None:
    out.print(f"  {row.score:.2f}  [bold]{escape(row.title)}[/bold]  {escape(row.file)}\n        {escape(row.why)}")


def _alert(name: str, given: list[str], file: Path | None, summary: str) -> "Alert":
    from stationmaster.core.facts import Alert

    labels, text = _of_file(file) if file is not None else ({}, "")
    labels |= dict(map(_pair, given))
    if name:
        labels["alertname"] = name.removeprefix("name=")
    if not labels.get("alertname") and not labels.get("service"):
        hint = "say --alert NAME, --label service=NAME, or --labels FILE"
        raise PlatformError("no-alert", "nothing says which alert is meant", hint=hint)
    said = summary or text
    return Alert(fingerprint="", labels=labels, summary=said, url="", starts_at=datetime.now(UTC))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise PlatformError("bad-label", f"`{text}` is no label", hint="write --label key=value")
    return key.strip(), value


def _of_file(path: Path) -> tuple[dict[str, str], str]:
    """Labels and text: of a plain mapping, of one with `labels`, or of the first alert of a notification."""
    import yaml

    try:
        if path != _STANDARD_INPUT and path.stat().st_size > _LARGEST_BYTES:
            raise PlatformError("bad-labels", f"{path} is too large", hint="one alert is asked about at a time")
        text = sys.stdin.read(_LARGEST_BYTES) if path == _STANDARD_INPUT else path.read_text(encoding="utf-8")
        loaded = yaml.safe_load(text)
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}"
        raise PlatformError("bad-labels", why, hint="check the path and its permissions") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PlatformError("bad-labels", f"{path} is neither YAML nor JSON", hint="write `service: doctor`") from error
    match loaded:
        case {"alerts": [dict() as first, *_]}:
            loaded = first
        case dict():
            pass
        case _:
            raise PlatformError("bad-labels", f"{path} holds no labels", hint="write `service: doctor`")
    labels = loaded.get("labels", loaded)
    annotations = loaded.get("annotations") or {}
    if not isinstance(labels, dict) or not isinstance(annotations, dict):
        raise PlatformError("bad-labels", f"{path} holds no labels", hint="write `service: doctor`")
    texts = {str(key): str(value) for key, value in labels.items() if not isinstance(value, dict | list)}
    return texts, str(annotations.get("summary") or annotations.get("description") or "")
