"""`audit`: who changed what, when, from what to what."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from stationmaster.api.wire_catalog import AuditList
from stationmaster.cli.client import ControlClient
from stationmaster.cli.get import print_table
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, out, print_json, refusals
from stationmaster.core.problem import PlatformError

EXAMPLES = (
    "Examples: [bold]stationmaster audit --since 2h[/bold]; "
    "[bold]stationmaster audit --who ada --kind api --json[/bold]"
)

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def audit(
    context: typer.Context,
    who: Annotated[str, typer.Option(help="Whose changes.")] = "",
    kind: Annotated[str, typer.Option(help="Of what: api, user, virtual-host, target, key ...")] = "",
    name: Annotated[str, typer.Option(help="The whole name of what was changed.")] = "",
    since: Annotated[str, typer.Option(help="A span as 30m, 2h or 7d, or a moment as 2026-11-21T03:00:00Z.")] = "",
    before: Annotated[int | None, typer.Option(help="Older ones than this number.", min=1)] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """List changes, the newest first; `audit export`, `verify` and `key` write and check bundles of them."""
    if context.invoked_subcommand is not None:
        return
    with refusals():
        query = {"who": who, "kind": kind, "name": name, "limit": str(limit), "since": moment(since)}
        query["before"] = "" if before is None else str(before)
        asked = {word: value for word, value in query.items() if value}
        found = ControlClient(state_dir(state)).get("/api/v1/audit", AuditList, **asked)
    if as_json:
        print_json(found)
        return
    if not found.items:
        out.print("no changes")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("number", "when", "who", "what"):
        table.add_column(title.upper())
    for each in found.items:
        when = each.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(each.number), when, escape(each.who), escape(f"{each.action} {each.kind} {each.name}"))
    print_table(table)
    if found.next is not None:
        out.print(f"older ones: stationmaster audit --before {found.next}", style="dim")


def moment(text: str) -> str:
    """A moment in RFC 3339; a span counts back from now."""
    if not text:
        return ""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return (datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})).isoformat()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        hint = "write a span as 30m, 2h or 7d, or a moment as 2026-11-21T03:00:00Z"
        raise PlatformError("bad-moment", f"{text!r} is no moment", hint=hint) from error
    return moment.astimezone(UTC).isoformat()
