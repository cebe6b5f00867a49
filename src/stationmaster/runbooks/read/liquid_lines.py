"""Marks the lines of a text before it is rendered, and says afterwards from which line each rendered line comes."""

import re
from dataclasses import dataclass

_FIRST_MARK = 0xF0000
_LAST_MARK = 0xF0FFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Characters that the text has none of: `line` stands around line numbers, `brace` and `percent` for the braces
    and percent signs that are no Liquid."""

    line: str
    brace: str
    percent: str

    def hidden(self, text: str, *, first_line: int) -> str:
        """A literal stretch: its braces are out of Liquid's sight, its lines numbered."""
        text = text.replace("{{", self.brace * 2).replace("{%", self.brace + self.percent)
        pieces = text.split("\n")
        numbered = (f"\n{self.line}{first_line + at}{self.line}{each}" for at, each in enumerate(pieces[1:], start=1))
        return pieces[0] + "".join(numbered)

    def shown(self, text: str) -> str:
        return text.replace(self.brace, "{").replace(self.percent, "%")

    def line_at(self, source: str, offset: int) -> int:
        """The line of a place in a marked text."""
        end = source.rfind(self.line, 0, max(offset, 0) + 1)
        start = source.rfind(self.line, 0, end) if end > 0 else -1
        digits = source[start + 1 : end] if start >= 0 else ""
        return int(digits) if digits.isdigit() else 1


def marks_for(text: str) -> Marks | None:
    """Three characters that the text does not hold; None for a text that holds all of a whole private plane's."""
    free = [chr(each) for each in range(_FIRST_MARK, _LAST_MARK) if chr(each) not in text][:3]
    return Marks(line=free[0], brace=free[1], percent=free[2]) if len(free) == 3 else None


def unmarked(rendered: str, marks: Marks) -> tuple[str, tuple[int, ...] | None]:
    """The text, and for each of its lines the line of the source that it comes from; None where every line stands
    where it stood. Lines that rendering took away are left blank, so that the ones after them keep their place."""
    lines: list[str] = []
    origins: list[int] = []
    pattern = re.compile(f"{marks.line}(\\d+){marks.line}")
    leading = re.compile(f"(?:{marks.line}\\d+{marks.line})*{marks.line}(\\d+){marks.line}")
    origin = 1
    for raw in rendered.split("\n"):
        match = leading.match(raw)
        if match is not None:
            origin = int(match[1])
            while len(lines) < origin - 1 and (not origins or origins[-1] < origin):
                origins.append(len(lines) + 1 if not origins else min(origins[-1] + 1, origin))
                lines.append("")
        lines.append(pattern.sub("", raw))
        origins.append(origin)
    moved = any(origin != at for at, origin in enumerate(origins, start=1))
    return marks.shown("\n".join(lines)), tuple(origins) if moved else None
