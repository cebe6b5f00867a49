"""Reads the markup that most sentences keep to (code, bold, links) in one pass; the rest is left to the parser."""

import re

from markdown_it.token import Token

_WORDS = (
    r"(?>[^\\`*_\[\]<>&!~\n]++|(?<=[A-Za-z0-9])_++(?=[A-Za-z0-9])|!(?!\[)"
    r"|&(?![A-Za-z#])|>|<(?![A-Za-z/!?])|(?<!~)~(?!~))"
)
_CODE = r"`[^`\n]++`(?!`)"
_URL = r"(?!(?:javascript|vbscript|file|data):)(?>[\w\-.~:/?#@!$+,;=]++|&(?![\w#]+;)|%[0-9A-Fa-f]{2})*+"
_PIECE = re.compile(
    rf"(?P<text>{_WORDS}++)|(?P<code>{_CODE})|(?P<end> *\n[ \t]*)"
    rf"|(?<![^\s(])(?P<mark>\*\*|__|\*|_)(?=[^\s*_])(?P<marked>(?>{_WORDS}|{_CODE})++)(?<=[^\s*_])(?P=mark)"
    r"(?=[\s.,:;!?)]|$)"
    rf"|\[(?P<label>(?>{_WORDS}|{_CODE})*+)\]\((?P<url>{_URL})\)"
    r"|(?P<brackets>\[[^\[\]\\`*_<>&!~\n]*\])(?!\()",
    re.ASCII,
)


def quick_tokens(text: str, *, references: bool) -> list[Token] | None:
    """The tokens that the parser would give, without those of emphasis; None where there is any doubt. `references`
    says that words in brackets may be links."""
    found: list[Token] = []
    return found if _scan(text, found, references=references) else None


def _scan(text: str, found: list[Token], *, references: bool) -> bool:
    position = 0
    for match in _PIECE.finditer(text):
        if match.start() != position:
            return False
        position = match.end()
        if not _take(match, found, references=references):
            return False
    return position == len(text)


def _take(match: re.Match[str], found: list[Token], *, references: bool) -> bool:
    match match.lastgroup:
        case "text":
            found.append(Token("text", "", 0, content=match[0]))
        case "code":
            found.append(Token("code_inline", "code", 0, content=_unpadded(match[0][1:-1])))
        case "end":
            if found and found[-1].type == "text":
                found[-1].content = found[-1].content.rstrip(" ")
            found.append(Token("softbreak", "br", 0))
        case "marked":
            return _scan(match["marked"], found, references=references)
        case "url":
            return _link(match, found, references=references)
        case _:
            found.append(Token("text", "", 0, content=match[0]))
            return not references
    return True


def _link(match: re.Match[str], found: list[Token], *, references: bool) -> bool:
    found.append(Token("link_open", "a", 1, attrs={"href": match["url"]}))
    whole = _scan(match["label"], found, references=references)
    found.append(Token("link_close", "a", -1))
    return whole


def _unpadded(code: str) -> str:
    """Code without the one blank on either side that stands only between it and its backticks."""
    return code[1:-1] if code[0] == code[-1] == " " and code.strip(" ") else code
