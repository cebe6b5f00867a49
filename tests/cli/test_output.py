"""What came from outside is shown, never obeyed."""

import io

import pytest
from rich.markup import escape
from rich.table import Table

from stationmaster.cli.output import CarefulConsole

HOSTILE = "rm -rf /\x1b[2K\x1b[1Gls\x9b31m\u202egnp.x\u200b"
SHOWN = "rm -rf /\\x1b[2K\\x1b[1Gls\\x9b31m\\u202egnp.x\\u200b"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_terminal_would_obey_is_shown_as_text(terminal: bool) -> None:
    console = CarefulConsole(file=io.StringIO(), highlight=False, soft_wrap=True, force_terminal=terminal, width=200)
    console.print(f"  {HOSTILE}", markup=False)
    table = Table(box=None)
    table.add_column("COMMAND")
    table.add_row(escape(HOSTILE))
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.count(SHOWN) == 2
    assert "\x1b[2K" not in text


def test_own_colours_stay() -> None:
    console = CarefulConsole(file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print("[red]down[/red]")
    assert "\x1b[31mdown\x1b[0m" in console.file.getvalue()  # type: ignore[attr-defined]
