"""`logs search`: lines in the logs of all instances and gateway nodes."""

from typing import Annotated

import typer
from rich.text import Text

from stationmaster.api.wire_logs import LogSearch
from stationmaster.cli.client import ControlClient
from stationmaster.cli.moments import duration
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals
from stationmaster.runtime.wall import utc_now

verbs = typer.Typer(help="The logs of all instances and gateway nodes.", no_args_is_help=True)

_LIMIT_S = 60.0
_NOTHING = 1
"""As `grep` ends where nothing was found."""


@verbs.command(
    epilog="Examples: [bold]stm logs search 'error|Traceback' --since 15m[/bold]; [bold]stm logs search --fixed "
    "'req-[7]' --service orders[/bold]. Exit status: 0 something was found, 1 nothing."
)
def search(
    pattern: Annotated[str, typer.Argument(help="A regular expression (RE2), looked for in each line.")],
    service: Annotated[str, typer.Option(help="Only in logs of this service; `gateway`: of the nodes.")] = "",
    instance: Annotated[str, typer.Option(help="Only in this log.")] = "",
    since: Annotated[str, typer.Option(help="Only lines that are not older, as 10m.")] = "",
    fixed: Annotated[bool, typer.Option("--fixed", "-F", help="The pattern is plain text.")] = False,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Capitals do not count.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The newest so many lines.")] = 200,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Find lines in all logs at once, in the order in which they were written."""
    with refusals():
        query = {"pattern": pattern, "service": service, "instance": instance, "limit": str(limit)}
        query |= {"fixed": str(fixed).lower(), "ignore_case": str(ignore_case).lower()}
        if since:
            query["since"] = (utc_now() - duration(since)).isoformat()
        found = ControlClient(state_dir(state), limit_s=_LIMIT_S).get("/api/v1/logs", LogSearch, **query)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if not found.found:
        raise typer.Exit(_NOTHING)


def _print(found: LogSearch) -> None:
    wide = max((len(each.instance) for each in found.lines), default=0)
    for each in found.lines:
        at = f"{each.at.astimezone():%m-%d %H:%M:%S}" if each.at is not None else " " * 14
        out.print(Text.assemble((at, "dim"), " ", (each.instance.ljust(wide), "bold"), " ", each.text), soft_wrap=True)
    if found.unread:
        err.print(f"could not be read: {', '.join(found.unread)}", markup=False)
    if found.found > len(found.lines):
        err.print(f"the newest {len(found.lines)} of {found.found}; --limit shows more", markup=False)
    if not found.found:
        err.print(f"not in the logs of {', '.join(found.searched) or 'anything'}", markup=False)
