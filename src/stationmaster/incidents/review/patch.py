"""Edits of a Markdown file as a unified diff that `git apply` takes: where a line may be put, and how it is written."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*([^`]*?)\s*$")
_BEGINS = re.compile(r"^\s*(?:#|<!--|[-*+]\s|\d+[.)]\s)")
"""What begins something else: a heading, a comment, the item of a list."""
_CONTEXT = 3
NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Insertion:
    """Lines (without their ends) after the line of that number, counted from 1; 0 is before the first."""

    after: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """One line in the place of that of the number."""

    line: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A fenced block by the lines of its marks; `body` is how many lines it holds."""

    first: int
    last: int
    indent: str
    info: str

    @property
    def body(self) -> int:
        return self.last - self.first - 1


def lines_of(text: str) -> list[str]:
    """Without their ends; a form feed or a Unicode separator within a line ends none."""
    found = text.split("\n")
    return found[:-1] if found[-1] == "" else found


def fence_around(lines: Sequence[str], line: int) -> Fence | None:
    """The fenced block in which the line of that number stands."""
    opened: tuple[int, str, str, str] | None = None
    for number, text in enumerate(lines, start=1):
        found = _FENCE.match(text.rstrip("\r"))
        if found is None:
            continue
        indent, mark, info = found.groups()
        if opened is None:
            opened = number, indent, mark, info
        elif mark[0] == opened[2][0] and len(mark) >= len(opened[2]) and not info:
            if opened[0] < line < number:
                return Fence(first=opened[0], last=number, indent=opened[1], info=opened[3])
            opened = None
    return None


def block_end(lines: Sequence[str], line: int) -> int:
    """The last line of the paragraph, table or fence that the line belongs to."""
    fence = fence_around(lines, line)
    if fence is not None:
        return fence.last
    end = line
    while end < len(lines) and _goes_on(lines[end]):
        end += 1
    return end


def _goes_on(text: str) -> bool:
    return bool(text.strip()) and _BEGINS.match(text) is None and _FENCE.match(text) is None


def edited(text: str, edits: Sequence[Insertion | Replacement]) -> str:
    """The text with all of them; line ends stay as they are."""
    lines = lines_of(text)
    end = "\r" if lines and lines[0].endswith("\r") else ""
    replaced = {each.line: each.text for each in edits if isinstance(each, Replacement)}
    inserted: dict[int, list[str]] = {}
    for each in edits:
        if isinstance(each, Insertion):
            inserted.setdefault(each.after, []).extend(f"{line}{end}" for line in each.lines)
    made = [*inserted.get(0, ())]
    for number, line in enumerate(lines, start=1):
        made += [f"{replaced[number]}{end}" if number in replaced else line, *inserted.get(number, ())]
    closed = text.endswith("\n") or len(lines) in inserted
    return "\n".join(made) + ("\n" if closed and made else "")


def unified(path: str, before: str | None, after: str) -> str:
    """A diff of one file below the folder that it is applied in; `before` None makes the file. Empty where nothing
    changes."""
    if before == after:
        return ""
    old, new = _pieces(before or ""), _pieces(after)
    body = [*difflib.unified_diff(old, new, n=_CONTEXT, lineterm="\n")][2:]
    place = _quoted(path)
    head = [f"diff --git {_quoted(f'a/{path}')} {_quoted(f'b/{path}')}\n"]
    if before is None:
        head += ["new file mode 100644\n", "--- /dev/null\n", f"+++ {_quoted(f'b/{path}')}\n"]
    else:
        head += [f"--- {_quoted(f'a/{path}')}\n", f"+++ {_quoted(f'b/{path}')}\n"]
    # git reads a tab after the name as its end, where the name has a space in it.
    tabbed = [
        f"{line[:-1]}\t\n" if line[:4] in ("--- ", "+++ ") and " " in place and '"' not in line else line
        for line in head
    ]
    return "".join(tabbed) + "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}\n" for line in body)


def _pieces(text: str) -> list[str]:
    found = text.split("\n")
    last = found.pop()
    return [*(f"{each}\n" for each in found), *([last] if last else [])]


def _quoted(path: str) -> str:
    """As git quotes names with characters that it does not print (`core.quotePath`)."""
    if all(" " <= each <= "~" and each not in '"\\' for each in path):
        return path
    made = "".join(
        f"\\{byte:03o}" if byte < 32 or byte > 126 else f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte)
        for byte in path.encode("utf-8", "surrogateescape")
    )
    return f'"{made}"'
