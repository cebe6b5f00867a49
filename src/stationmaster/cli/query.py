"""`query`: what an expression gives, now or over a time."""

import math
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.client import ControlClient
from stationmaster.cli.get import print_table
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, refusals
from stationmaster.cli.sparkline import sparkline
from stationmaster.core.problem import PlatformError

if TYPE_CHECKING:
    from stationmaster.monitor.promql.results import Matrix, Value, Vector
    from stationmaster.monitor.promql.samples import Labels

EXAMPLES = (
    "Examples: [bold]stm query 'up == 0'[/bold]; [bold]stm query 'sum by (job) (rate(requests_total\\[5m]))' --range 6h"
    "[/bold]; [bold]stm query up --at 2026-11-21T03:00:00Z --json[/bold]"
)

_COLUMNS, _LEAST_COLUMNS = 60, 16
"""Of a drawn line; the table's other columns want about as much."""
_LONGEST_S = 40.0
_LEAST_STEP_MS = 1_000


def query(
    expression: Annotated[str, typer.Argument(help="An expression in PromQL.", metavar="EXPR")],
    at: Annotated[
        str,
        typer.Option(help="When: 2026-11-21T03:00:00Z, seconds since 1970, or as 30m: so long ago. Now if left out."),
    ] = "",
    span: Annotated[str, typer.Option("--range", help="Over so long a time up to then, as 1h.")] = "",
    step: Annotated[str, typer.Option(help="With --range: one value each, as 15s. A sixtieth if left out.")] = "",
    expect: Annotated[
        str, typer.Option(help="some or none: exit status 1 where it gives no series, or where it gives any.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Ask the metrics of the platform."""
    from stationmaster.monitor.query.external_answers import Reply, result_of

    with refusals():
        if expect not in ("", "some", "none"):
            raise PlatformError("bad-expectation", f"{expect!r} cannot be expected", hint="expect some, or none")
        at_ms = _moment(at)
        path, asked = _range(span, step, at_ms) if span else ("query", {"time": f"{at_ms / 1000:.3f}"})
        if step and not span:
            raise PlatformError("step-without-range", "--step says nothing of one moment", hint="add --range 1h")
        client = ControlClient(state_dir(state), limit_s=_LONGEST_S)
        reply = client.send("POST", f"/prometheus/api/v1/{path}", Reply, data={"query": expression, **asked})
    for note in (*reply.warnings, *reply.infos):
        err.print(note, style="yellow", markup=False)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(reply.data, indent=2) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _show(result_of(reply).value)
    if expect and (expect == "some") is not _gives(result_of(reply).value):
        err.print(f"expected {expect}, saw {'some' if expect == 'none' else 'none'}", style="red")
        raise typer.Exit(1)


def answered(client: ControlClient, expression: str) -> bool:
    """Whether the expression gives anything now."""
    from stationmaster.monitor.query.external_answers import Reply, result_of

    reply = client.send("POST", "/prometheus/api/v1/query", Reply, data={"query": expression})
    return _gives(result_of(reply).value)


def _gives(value: "Value") -> bool:
    from stationmaster.monitor.promql.results import Matrix, Vector

    match value:
        case Vector():
            return bool(value.samples)
        case Matrix():
            return bool(value.series)
        case _:
            return True


def _moment(text: str) -> int:
    from stationmaster.monitor.query.asked import duration_ms, moment_ms

    now_ms = time.time_ns() // 1_000_000
    moment = moment_ms(text) if text else now_ms
    if moment is not None:
        return moment
    ago = duration_ms(text)
    if ago is None:
        hint = "write 2026-11-21T03:00:00Z, seconds since 1970, or a span as 30m: so long ago"
        raise PlatformError("bad-moment", f"{text!r} is no moment", hint=hint)
    return now_ms - ago


def _range(span: str, step: str, at_ms: int) -> tuple[str, Mapping[str, str]]:
    span_ms = _span(span)
    step_ms = _span(step) if step else max(_LEAST_STEP_MS, span_ms // _COLUMNS)
    moments = {"start": at_ms - span_ms, "end": at_ms, "step": step_ms}
    return "query_range", {name: f"{ms / 1000:.3f}" for name, ms in moments.items()}


def _span(text: str) -> int:
    from stationmaster.monitor.query.asked import duration_ms

    found = duration_ms(text)
    if found is None or found <= 0:
        raise PlatformError("bad-span", f"{text!r} is no span of time", hint="write it as 15s, 30m, 6h or 7d")
    return found


def _show(value: "Value") -> None:
    from stationmaster.monitor.promql.results import Matrix, Scalar, Text, Vector
    from stationmaster.monitor.query.numbers import shortest

    match value:
        case Scalar():
            out.print(shortest(value.value))
        case Text():
            out.print(value.value, markup=False)
        case Vector() if value.samples:
            print_table(_vector(value))
        case Matrix() if value.series:
            print_table(_matrix(value))
        case _:
            out.print("no series")


def _vector(value: "Vector") -> Table:
    from stationmaster.monitor.query.numbers import shortest

    table = _table("series", "value")
    for each in value.samples:
        table.add_row(escape(_metric(each.labels)), shortest(each.value))
    return table


def _matrix(value: "Matrix") -> Table:

    first = float(min(each.times[0] for each in value.series))
    last = float(max(each.times[-1] for each in value.series))
    table = _table("series", "last", "least", "most", "")
    for each in value.series:
        numbers = each.values.tolist()
        kept = [number for number in numbers if not math.isnan(number)] or numbers
        drawn = sparkline(zip(each.times.tolist(), numbers, strict=True), first, last, _drawn_columns())
        row = (f"{numbers[-1]:.6g}", f"{min(kept):.6g}", f"{max(kept):.6g}")
        table.add_row(escape(_metric(each.labels)), *row, drawn)
    return table


def _drawn_columns() -> int:
    if not out.is_terminal:
        return _COLUMNS
    return max(_LEAST_COLUMNS, min(_COLUMNS, out.width - _COLUMNS))


def _metric(labels: "Labels") -> str:
    """As it is written in a query."""
    name = dict(labels).get("__name__", "")
    rest = ", ".join(f"{key}={msgspec.json.encode(value).decode()}" for key, value in labels if key != "__name__")
    return f"{name}{{{rest}}}" if rest or not name else name


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.upper())
    return table
