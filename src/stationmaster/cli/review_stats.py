"""`review stats`: how long incidents took to be detected, acknowledged, mitigated and resolved."""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_reviews import DurationReport, DurationStats, Spread
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.cli.sparkline import sparkline
from stationmaster.incidents.review.durations import span_words
from stationmaster.runtime.wall import utc_now

_WIDTH = 10


def register(verbs: typer.Typer) -> None:
    epilog = "Example: [bold]stationmaster review stats --since 90d --by service[/bold]"
    verbs.command("stats", epilog=epilog)(stats)


def stats(
    since: Annotated[str, typer.Option("--since", help="How far back, as 90d or 12h.")] = "90d",
    by: Annotated[str, typer.Option("--by", help="service, severity, month or nothing.")] = "service",
    drills: Annotated[bool, typer.Option("--drills", help="Count drills as well.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show the spread of each duration, and how it went over time."""
    with refusals():
        begin = utc_now() - duration(since)
        query = {"since": begin.isoformat(), "by": by, "drills": "true" if drills else "false"}
        found = ControlClient(state_dir(state)).get("/api/v1/reviews/stats", DurationReport, **query)
    if as_json:
        print_json(found)
        return
    if not found.groups:
        out.print("no incidents" if drills else "no incidents, drills left out")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(by.upper(), overflow="fold")
    for column in ("duration", "count", "median", "mean", "p90", "over time"):
        table.add_column(column.upper(), no_wrap=True)
    for each in found.groups:
        for row in _rows(each, begin):
            table.add_row(*row)
    out.print(table)


def _rows(group: DurationStats, begin: datetime) -> Iterator[tuple[str, ...]]:
    """One for each duration; the name of the group stands before the first."""
    name = group.name
    for word, spread, of in (
        ("detected", group.detect, attrgetter("detect_s")),
        ("acknowledged", group.acknowledge, attrgetter("acknowledge_s")),
        ("mitigated", group.mitigate, attrgetter("mitigate_s")),
        ("resolved", group.resolve, attrgetter("resolve_s")),
    ):
        points = [(each.began_at.timestamp(), value) for each in group.incidents if (value := of(each)) is not None]
        drawn = sparkline(points, begin.timestamp(), utc_now().timestamp(), _WIDTH)
        yield (escape(name), word, str(spread.count), *_words(spread), drawn)
        name = ""


def _words(spread: Spread) -> tuple[str, str, str]:
    return span_words(spread.median_s), span_words(spread.mean_s), span_words(spread.p90_s)
