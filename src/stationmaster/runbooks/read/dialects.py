"""Rewrites what dialects add to Markdown (tabs, admonitions, shortcodes) into plain Markdown on the same lines."""

import re

_ADDED = re.compile(r"^[ \t]*(?:!!!|\?\?\?\+?|===[!+]?)[ \t]+\S|^[ \t]*:::|\{\{[<%]|<%", re.MULTILINE)
_SIGNS = ("!!!", "???", "===", ":::", "{{", "<%")
_CONTAINER = re.compile(r"(?P<indent>[ \t]*)(?:!!!|\?\?\?\+?|===[!+]?)[ \t]+(?P<what>\S.*)$")
_TITLE = re.compile(r"[\"\u201c](?P<title>[^\"\u201d]*)[\"\u201d]")
_COLONS = re.compile(r"[ \t]*:::+[ \t]*(?P<what>[\w-]*)[^\n]*$")
_HIGHLIGHT = re.compile(
    r"(?P<indent>[ \t]*)\{\{[<%]\s*(?P<end>/?)\s*(?:highlight|code-block|code|shell)\b(?P<info>[^>%]*)[>%]\}\}[ \t]*$"
)
_SHORTCODE_LINE = re.compile(r"[ \t]*(?:\{\{[<%][^\n]*?[%>]\}\}[ \t]*)+$")
_NAMED = re.compile(
    r"\b(?:tab|tabName|title|header|name)\s*=?\s*[\"'](?P<title>[^\"']+)[\"']|[<%]\s*(?:tab|expand"
    r"|collapse)\s+[\"'](?P<first>[^\"']+)[\"']"
)
_FENCE = re.compile(r"(?P<indent>[ \t]*)(?P<mark>```+|~~~+)(?P<info>[^`]*)$")
_HEADING = re.compile(r"#{2,6}[ \t]+\S")
_WIDTH = 4


def plain_markdown(text: str) -> tuple[str, tuple[int, ...]]:
    """The same lines in plain Markdown, and the lines of fences that are never closed."""
    if any(each in text for each in _SIGNS) and _ADDED.search(text):
        text = "\n".join(_without_containers(_without_shortcodes(text.split("\n"))))
    return _with_closed_fences(text)


def _without_shortcodes(lines: list[str]) -> list[str]:
    """Shortcodes for code become fences, those for tabs their titles; any other line of mere shortcodes is emptied."""
    found: list[str] = []
    for line in lines:
        if "{{" not in line:
            found.append(line)
        elif match := _HIGHLIGHT.match(line):
            language = "" if match["end"] else (match["info"].split() or [""])[0].strip("\"'")
            found.append(f"{match['indent']}```{language}")
        elif _SHORTCODE_LINE.match(line):
            named = _NAMED.search(line)
            found.append(f"**{named['title'] or named['first']}:**" if named else "")
        else:
            found.append(line)
    return found


def _without_containers(lines: list[str]) -> list[str]:
    """`=== "Tab"` and `!!! note` become bold titles, and what is indented below them moves to the left."""
    found: list[str] = []
    open_at: list[int] = []
    fence = ""
    for line in lines:
        indent = len(line) - len(line.lstrip(" \t"))
        if line.strip():
            while open_at and indent < open_at[-1] + _WIDTH and not fence:
                open_at.pop()
        moved = line[min(_WIDTH * len(open_at), indent) :]
        if mark := _FENCE.match(moved):
            fence = (
                ("" if moved.strip().startswith(fence) and not mark["info"].strip() else fence)
                if fence
                else mark["mark"]
            )
            found.append(moved)
        elif not fence and (match := _CONTAINER.match(line)):
            open_at.append(indent)
            title = _TITLE.search(match["what"])
            found.append(f"**{title['title'] if title else match['what'].strip().capitalize()}:**")
        elif not fence and (colons := _COLONS.match(moved)):
            found.append(f"**{colons['what'].capitalize()}:**" if colons["what"] else "")
        else:
            found.append(moved)
    return found


def _with_closed_fences(text: str) -> tuple[str, tuple[int, ...]]:
    """A fence without an end would swallow the rest; it ends at the blank line before the next heading."""
    lines = text.split("\n")
    unclosed: list[int] = []
    mark, opened, blank = "", 0, -1
    for number, line in enumerate(lines):
        if mark:
            if line.strip().startswith(mark) and not line.strip().strip(mark[0]):
                mark = ""
            elif not line.strip():
                blank = number
            elif blank == number - 1 and blank > opened and _HEADING.match(line) and not _closes(lines, number, mark):
                lines[blank] = mark
                unclosed.append(opened + 1)
                mark = ""
        elif match := _FENCE.match(line):
            mark, opened = match["mark"], number
    if mark:
        unclosed.append(opened + 1)
    return ("\n".join(lines) if unclosed else text), tuple(unclosed)


_AS_FAR_AS = 200


def _closes(lines: list[str], start: int, mark: str) -> bool:
    """Whether the fence ends as one before another begins: the heading is then a comment of its block."""
    for line in lines[start : start + _AS_FAR_AS]:
        stripped = line.strip()
        if stripped.startswith(mark):
            return not stripped.strip(mark[0])
    return False
