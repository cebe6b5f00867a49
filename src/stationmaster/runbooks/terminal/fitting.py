"""Makes text fit: wrapped, cut and spread by the cells that a terminal gives it."""

import textwrap
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells
from rich.text import Text

from stationmaster.runbooks.terminal.glyphs import Glyphs
from stationmaster.runbooks.terminal.wording import Line


def wrapped(lines: Sequence[Line], width: int) -> list[Text]:
    found: list[Text] = []
    for style, text in lines:
        indent = text[: len(text) - len(text.lstrip(" "))][: width // 2]
        prose = textwrap.wrap(text, width, subsequent_indent=indent, replace_whitespace=False, break_on_hyphens=False)
        found += [Text(piece, style=style) for each in prose or [""] for piece in chop_cells(each, width) or [""]]
    return found


def spread(left: Text, right: Text, width: int) -> Text:
    room = max(width - right.cell_len - 1, 1)
    line = fitted(left, room)
    return line.append(" " * max(width - line.cell_len - right.cell_len, 0)).append_text(right)


def fitted(line: Text, width: int) -> Text:
    line = line.copy()
    line.truncate(width, overflow="crop")
    return line


def rule(glyphs: Glyphs, title: str, width: int) -> Text:
    shown = f"{glyphs.rule * 2} {title} " if title else ""
    return Text(shown + glyphs.rule * max(width - cell_len(shown), 0), style="dim" if not title else "bold")
