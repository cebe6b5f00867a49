"""Takes the text out of a block of HTML; what only looks like a tag (`<pod-name>`) stays text."""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(
    r"</?(?:a|abbr|address|article|aside|b|base|blockquote|body|br|button|caption|center|code|col|colgroup|dd"
    r"|details|dialog|div|dl|dt|em|figcaption"
    r"|figure|font|footer|form|frame|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|legend|li|link|main"
    r"|mark|menu|meta|nav|ol|optgroup|option"
    r"|p|picture|pre|q|s|samp|section|small|source|span|strong|style|sub|summary|sup|table|tbody|td|template"
    r"|tfoot|th|thead|title|tr|track|tt|u|ul|var|video|script)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)

_BLOCK = re.compile(r"</?(?:summary|li|p|td|th|tr|div|h[1-6]|dt|dd|pre)\b", re.IGNORECASE)


def html_paragraphs(text: str, *, first_line: int) -> Iterator[tuple[str, int]]:
    """Runs of lines that hold text besides tags, each with the line of the document where it begins."""
    raw = text.split("\n")
    plain = _TAG.sub(" ", _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), text))
    run: list[str] = []
    for number, line in enumerate([*plain.split("\n"), ""]):
        apart = number < len(raw) and _BLOCK.search(raw[number]) is not None
        if run and (apart or not line.strip()):
            yield "\n".join(run), first_line + number - len(run)
            run = []
        if line.strip() and apart:
            yield line.strip(), first_line + number
        elif line.strip():
            run.append(line.strip())
