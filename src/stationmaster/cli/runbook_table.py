"""Tables of runbooks: as wide as the terminal, and in a pipe as wide as their longest line."""

import sys

from rich.table import Table

from stationmaster.cli.output import CarefulConsole, out

_UNBOUND = 10_000
"""Cells; a table takes no more than it needs."""
_WIDE = 100


def is_wide() -> bool:
    """Whether there is room for more than the most important columns."""
    return not out.is_terminal or out.width >= _WIDE


def table_of(*columns: str, whole: frozenset[str] = frozenset()) -> Table:
    """`whole` are the columns whose words are never broken; in a pipe none is, so that a line can be searched for."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        kept = column in whole or not out.is_terminal
        table.add_column(column.upper(), vertical="top", overflow="fold", no_wrap=kept)
    return table


def print_table(table: Table) -> None:
    if out.is_terminal:
        out.print(table)
        return
    CarefulConsole(file=sys.stdout, width=_UNBOUND, highlight=False, color_system=None).print(table)
