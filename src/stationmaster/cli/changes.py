"""How verbs show what a change changes, and which gateway node took it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer
from rich.markup import escape

from stationmaster.api.wire_catalog import Applied, Changed, EntityChanged, Located, Receipt
from stationmaster.cli.client import diagnostic
from stationmaster.cli.output import err, out

_SIGNS = {"create": "[green]+[/green]", "update": "[yellow]~[/yellow]", "delete": "[red]-[/red]"}
_LONGEST_VALUE = 200


def print_changes(changes: Sequence[EntityChanged]) -> None:
    """`+` is created, `~` changed, `-` deleted, each with its fields from what to what."""
    for change in changes:
        name = "" if change.name == change.kind else f" {change.name}"
        out.print(f"{_SIGNS.get(change.action, change.action)} {change.kind}[bold]{escape(name)}[/bold]")
        for each in change.fields:
            out.print(f"    {escape(each.path)}: {_value(each.before)} [dim]->[/dim] {_value(each.after)}")
        if change.declared and change.action == "create":
            for field, value in change.declared.items():
                if field != "name":
                    out.print(f"    {escape(field)}: {_value(value)}", style="dim")


def print_applied(applied: Applied) -> None:
    print_changes(applied.changes)
    print_warnings(applied.warnings)
    if not applied.changes:
        out.print("no differences")
        return
    created, updated, deleted = (
        sum(each.action == action for each in applied.changes) for action in ("create", "update", "delete")
    )
    if applied.dry_run:
        out.print(f"{created} to create, {updated} to change, {deleted} to delete")
    else:
        out.print(f"{created} created, {updated} changed, {deleted} deleted: revision {applied.revision}")


def print_changed(changed: Changed) -> None:
    """Ends with exit status 1 when a node refuses."""
    print_warnings(changed.warnings)
    if changed.change is None:
        out.print(f"{changed.entry.kind} {escape(changed.entry.name)} is so already")
        return
    print_changes((changed.change,))
    print_receipt(changed.receipt)


def print_warnings(warnings: Iterable[Located]) -> None:
    for each in warnings:
        err.print(str(diagnostic(each)), style="yellow", markup=False)


def print_receipt(receipt: Receipt | None) -> None:
    """Ends with exit status 1 when a node refuses: it goes on with what it had."""
    if receipt is None:
        return
    for node, took_ms in sorted(receipt.acknowledged.items()):
        out.print(f"  {escape(node)} serves it after {took_ms:.1f} ms")
    for node in receipt.pending:
        out.print(f"  [yellow]{escape(node)} has not answered yet; it takes it as soon as it is back[/yellow]")
    for each in receipt.rejected:
        err.print(str(diagnostic(each)), style="red", markup=False)
    if receipt.rejected:
        raise typer.Exit(1)


def _value(value: Any) -> str:
    if value is None:
        return "[dim]nothing[/dim]"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return escape(text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…")
