"""`apply` and `diff`: make the running platform what a file declares, or say how it differs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stationmaster.api.wire_catalog import Applied, ApplyOrder
from stationmaster.cli.changes import print_applied, print_receipt, print_warnings
from stationmaster.cli.client import ControlClient
from stationmaster.cli.options import DEFAULT_STATE, StateOption, state_dir
from stationmaster.cli.output import AsJson, err, out, print_json, refusals, say_refusal
from stationmaster.core.problem import PlatformError

APPLY_EXAMPLES = (
    "Examples: [bold]stationmaster apply -f platform.yaml --dry-run[/bold]; "
    "[bold]stationmaster apply -f platform.yaml --check[/bold] (needs no running platform); "
    "[bold]cat platform.yaml | stationmaster apply -f - --yes[/bold]"
)
DIFF_EXAMPLES = "Example: [bold]stationmaster diff -f platform.yaml && echo 'nothing to do'[/bold]"

_LIMIT_S = 120.0
_STDIN = Path("-")

FileOption = Annotated[Path, typer.Option("--file", "-f", help="The platform YAML; - reads it from standard input.")]


def apply(
    file: FileOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the file, without any running platform.")] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Make the platform what the file declares: all of it, or nothing when there is a problem."""
    with refusals():
        if check:
            _check(file, as_json=as_json)
            return
        client = ControlClient(state_dir(state))
        order = _order(file)
        if not (dry_run or yes or as_json) and sys.stdin.isatty():
            _ask(_send(client, "/api/v1/apply", order, dry_run="true"))
        applied = _send(client, "/api/v1/apply", order, dry_run=str(dry_run).lower())
    if as_json:
        print_json(applied)
        raise typer.Exit(1 if applied.receipt and applied.receipt.rejected else 0)
    print_applied(applied)
    print_receipt(applied.receipt)


def diff(file: FileOption, state: StateOption = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show how the running platform differs from a file. Exit status: 0 no difference, 1 differences, 2 trouble."""
    try:
        found = _send(ControlClient(state_dir(state)), "/api/v1/diff", _order(file))
    except PlatformError as error:
        say_refusal(error)
        raise typer.Exit(2) from error
    if as_json:
        print_json(found)
    else:
        print_applied(found)
    raise typer.Exit(1 if found.changes else 0)


def _send(client: ControlClient, path: str, order: ApplyOrder, **query: str) -> Applied:
    import msgspec

    return client.send(
        "POST",
        path,
        Applied,
        params=query,
        content=msgspec.json.encode(order),
        timeout=_LIMIT_S,
        headers={"content-type": "application/json"},
    )


def _order(file: Path) -> ApplyOrder:
    from stationmaster.manifest.read import MOST_BYTES

    if file == _STDIN:
        raw = sys.stdin.buffer.read(MOST_BYTES + 1)
        return ApplyOrder(text=_decoded(raw, "<stdin>"), file="<stdin>", folder=str(Path.cwd()))
    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except OSError as error:
        hint = "name a YAML file with -f"
        raise PlatformError("unreadable-file", f"cannot read {file}: {error.strerror}", hint=hint) from error
    return ApplyOrder(text=_decoded(raw, str(file)), file=str(file.absolute()), folder=str(file.absolute().parent))


def _decoded(raw: bytes, name: str) -> str:
    from stationmaster.manifest.read import refuse_too_large

    refuse_too_large(len(raw), Path(name))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PlatformError("not-utf8", f"{name}:{line}: this is no UTF-8", hint="save it as UTF-8") from error


def _ask(rehearsed: Applied) -> None:
    """On a terminal, what is deleted is shown and asked about first."""
    deleted = [each for each in rehearsed.changes if each.action == "delete"]
    if not deleted:
        return
    print_applied(rehearsed)
    if not typer.confirm(f"Delete {len(deleted)} of what runs now?"):
        err.print("nothing was changed")
        raise typer.Exit(1)


def _check(file: Path, *, as_json: bool) -> None:
    from stationmaster.api.told import located
    from stationmaster.manifest.entities import parse_document

    order = _order(file)
    parsed = parse_document(order.text, file=str(file), folder=Path(order.folder))
    warnings = tuple(map(located, parsed.warnings))
    if as_json:
        print_json({"entities": len(parsed.entities), "warnings": warnings})
        return
    print_warnings(warnings)
    spec = parsed.spec
    out.print(
        f"valid: {len(spec.apis)} APIs, {len(spec.api_users)} API users, {len(spec.virtual_hosts)} virtual hosts, "
        f"{len(spec.services)} services, {len(spec.nodes)} gateway nodes"
    )
