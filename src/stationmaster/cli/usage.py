"""`usage`: who called which API how often."""

from enum import Enum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_usage import UsageEntry, UsageList
from stationmaster.cli.audit import moment
from stationmaster.cli.client import ControlClient
from stationmaster.cli.get import print_table
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals

EXAMPLES = (
    "Examples: [bold]stationmaster usage --since 7d[/bold]; "
    "[bold]stationmaster usage --user ada --by hour --since 2h[/bold]; "
    "[bold]stationmaster usage --api shop --json | jq '.items[].requests'[/bold]"
)


class By(Enum):
    WHOLE = "whole"
    DAY = "day"
    HOUR = "hour"


def usage(
    user: Annotated[str, typer.Option(help="Of this API user alone.")] = "",
    api: Annotated[str, typer.Option(help="Of this API alone.")] = "",
    since: Annotated[str, typer.Option(help="A span as 2h or 7d, or a moment as 2026-11-21T03:00:00Z.")] = "1d",
    until: Annotated[str, typer.Option(help="Hours that begin before this moment.")] = "",
    by: Annotated[By, typer.Option(help="Added up for the whole span, by UTC day or by hour.")] = By.WHOLE,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many rows.")] = 100,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show how often API users called APIs, and how often that failed."""
    with refusals():
        query = {"user": user, "api": api, "since": moment(since), "until": moment(until)}
        given = {word: value for word, value in query.items() if value}
        found = ControlClient(state_dir(state)).get("/api/v1/usage", UsageList, by=by.value, limit=str(limit), **given)
    if as_json:
        print_json(found)
        return
    if not found.items:
        out.print(f"no requests of API users since {found.since.astimezone():%Y-%m-%d %H:%M}")
        return
    print_table(_table(found, by))
    if found.more:
        out.print(f"there is more than {limit} rows: --limit shows it", style="dim")


def _table(found: UsageList, by: By) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("user", "api", *(() if by is By.WHOLE else (by.value,))):
        table.add_column(title.upper())
    for title in ("requests", "client errors", "server errors"):
        table.add_column(title.upper(), justify="right")
    for each in found.items:
        at = () if by is By.WHOLE else (_at(each, by),)
        counts = (each.requests, each.client_errors, each.server_errors)
        table.add_row(escape(each.user), escape(each.api), *at, *(f"{count:,}" for count in counts))
    return table


def _at(each: UsageEntry, by: By) -> str:
    if each.at is None:
        return ""
    return f"{each.at:%Y-%m-%d}" if by is By.DAY else f"{each.at.astimezone():%Y-%m-%d %H:%M}"
