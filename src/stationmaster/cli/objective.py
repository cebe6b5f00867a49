"""`objective list|explain`: what APIs promise, how much of their error budgets is left, when somebody is told."""

from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_objectives import (
    BurnLevel,
    ObjectiveExplanation,
    ObjectiveExplanations,
    ObjectiveList,
    ObjectiveProblem,
    ObjectiveStatus,
)
from stationmaster.cli.client import ControlClient
from stationmaster.cli.near import meant
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.core.problem import PlatformError

verbs = typer.Typer(help="Objectives of APIs and their error budgets.", no_args_is_help=True)

ApiArgument = Annotated[str, typer.Argument(help="The name of an API.")]
RulesOption = Annotated[bool, typer.Option("--rules", help="Show the rules in PromQL too.")]

_COLOURS = {"met": "green", "burning": "yellow", "exhausted": "red", "unknown": "dim"}
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@verbs.command("list", epilog="Examples: [bold]stationmaster objective list[/bold]; [bold]… --json[/bold]")
def list_objectives(state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """List every objective: the share of good requests, the error budget left, how fast it burns, when it is empty."""
    with refusals():
        found = ControlClient(state_dir(state)).get("/api/v1/objectives", ObjectiveList)
    if as_json:
        print_json(found)
        return
    if not found.objectives:
        out.print("no API has an objective; declare one in its YAML, as objectives: \\[99.9% over 30d]")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("api", "objective", "standing", "good", "budget left", "burn rate", "empty in"):
        table.add_column(column.upper())
    for each in found.objectives:
        table.add_row(escape(each.api), escape(each.line), *_standing(each))
    out.print(table)
    _say(found.problems)


@verbs.command(epilog="Examples: [bold]stationmaster objective explain sample[/bold]; [bold]… --rules[/bold]")
def explain(
    api: ApiArgument, rules: RulesOption = False, state: StateOption = DEFAULT_STATE, as_json: AsJson = False
) -> None:
    """Explain the objectives of an API: what counts as bad, at which burn rates somebody is told, and how soon."""
    with refusals():
        found = _explained(ControlClient(state_dir(state)), api)
    if as_json:
        print_json(found)
        return
    for each in found.explained:
        _show(each, rules=rules)
    _say(found.problems)


def _explained(client: ControlClient, api: str) -> ObjectiveExplanations:
    try:
        return client.get(f"/api/v1/objectives/{quote(api, safe='')}", ObjectiveExplanations)
    except PlatformError as error:
        if error.code == "unknown-api":
            near = meant(api, (each.api for each in client.get("/api/v1/objectives", ObjectiveList).objectives))
            error.hint = f"{near} {error.hint}".strip()
        raise


def _standing(each: ObjectiveStatus) -> tuple[str, ...]:
    colour = _COLOURS.get(each.standing, "default")
    return (
        f"[{colour}]{each.standing}[/{colour}]",
        _percent(each.good, 4),
        _percent(each.budget_left, 1),
        "" if each.burn_rate is None else f"{each.burn_rate:.3g}x",
        "" if each.empty_in_s is None else _duration(each.empty_in_s),
    )


def _show(each: ObjectiveExplanation, *, rules: bool) -> None:
    where = f" [dim]{escape(each.file)}:{each.at_line}[/dim]" if each.at_line else ""
    out.print(f"[bold]{escape(each.line)}[/bold] ({escape(each.objective)}){where}")
    for line in each.words:
        out.print(f"  {escape(line)}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("severity", "windows", "burn rate", "failing", "budget gone", "outage told after"):
        table.add_column(column.upper())
    for level in each.levels:
        table.add_row(*_level(level))
    out.print(table)
    for rule in each.rules if rules else ():
        named = f"alert: {rule.alert}" if rule.alert else f"record: {rule.record}"
        out.print(f"  [cyan]{escape(named)}[/cyan]\n    {escape(rule.expr)}")


def _level(level: BurnLevel) -> tuple[str, ...]:
    return (
        level.severity,
        f"{level.long_window} and {level.short_window}",
        f"{level.burn_rate:g}x",
        _percent(level.failing, 3),
        f"{level.budget_percent:.3g}%",
        "never" if level.outage_told_s is None else _duration(level.outage_told_s),
    )


def _say(problems: tuple[ObjectiveProblem, ...]) -> None:
    for each in problems:
        err.print(f"{each.file}:{each.line}: {each.severity}: {each.message} [{each.code}]", markup=False)
        if each.hint:
            err.print(f"    hint: {each.hint}", markup=False)


def _percent(share: float | None, decimals: int) -> str:
    return "" if share is None else f"{100 * share:.{decimals}f}%"


def _duration(seconds: float) -> str:
    """In its two largest units: "2d 4h", "51s"."""
    left = round(seconds)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
