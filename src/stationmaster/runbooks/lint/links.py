"""Rules about links: files, headings, and web addresses where they are asked for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Ground, Subject
from stationmaster.runbooks.page.paint import front_matter_end

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_OPEN = re.compile(r"\{\{|\{%|<%|[<>$]|%7B%7B", re.IGNORECASE)
_NAMED = re.compile(r"""<[A-Za-z][^>]*\b(?:id|name)\s*=\s*["']?([^\s"'>]+)""")
_SOURCES = (".md", ".markdown", ".txt")
_LARGEST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A link or picture with the line that it stands on."""

    url: str
    line: int


def findings(subject: Subject, ground: Ground) -> Iterator[Finding]:
    for reference in references(subject.lines):
        if _OPEN.search(reference.url):
            continue
        if _WEB.match(reference.url):
            yield from _of_web(subject, ground, reference)
        elif not _SCHEME.match(reference.url) and not reference.url.startswith("/"):
            yield from _of_file(subject, ground, reference)


def _of_web(subject: Subject, ground: Ground, reference: Reference) -> Iterator[Finding]:
    if ground.answers is not None and (why := ground.answers(reference.url)):
        message = f"{reference.url} {why}"
        yield finding("SM204", subject.file, reference.line, message, hint="correct the address, or take it out")


def _of_file(subject: Subject, ground: Ground, reference: Reference) -> Iterator[Finding]:
    name, _, anchor = reference.url.partition("#")
    name = unquote(name.partition("?")[0])
    place = subject.path if not name else _place(subject.path.parent / name, ground)
    if place is None:
        message = f"`{reference.url}` leads to no file"
        hint = f"it is looked for at {subject.path.parent / name}"
        yield finding("SM202", subject.file, reference.line, message, hint=hint)
        return
    known = anchors("\n".join(subject.lines)) if place == subject.path else _anchors_of(place)
    if anchor and known is not None and unquote(anchor).lower() not in known:
        message = f"`{reference.url}` leads to no heading"
        hint = "a heading's anchor is its text in small letters with dashes for spaces"
        yield finding("SM203", subject.file, reference.line, message, hint=hint)


def _place(path: Path, ground: Ground) -> Path | None:
    """The file itself, or the Markdown that a site generator makes it from."""
    candidates = [path]
    if path.suffix.lower() in {".html", ""}:
        candidates += [path.with_suffix(suffix) for suffix in _SOURCES]
    return next((each for each in candidates if ground.exists(each)), None)


@lru_cache(maxsize=1024)
def _anchors_of(path: Path) -> frozenset[str] | None:
    """None where it is no Markdown that could be looked into."""
    if path.suffix.lower() not in _SOURCES or not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
        return None
    return anchors(path.read_text(encoding="utf-8", errors="replace"))


def anchors(text: str) -> frozenset[str]:
    """Those that GitHub makes of the headings, those of `{#id}`, and those that HTML names."""
    found = {name.lower() for name in _NAMED.findall(text)}
    seen: dict[str, int] = {}
    tokens = _tokens(_without_front_matter(text.split("\n")))
    for token, after in pairwise(tokens):
        if token.type != "heading_open":
            continue
        own = re.search(r"\{#([\w-]+)\}\s*$", after.content)
        slug = own[1].lower() if own else _slug(after)
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(slug if count == 0 else f"{slug}-{count}")
    return frozenset(found)


def _slug(heading: Token) -> str:
    children = heading.children or []
    text = "".join(child.content for child in children if child.type in {"text", "code_inline"})
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def references(lines: tuple[str, ...]) -> Iterator[Reference]:
    for token in _tokens(_without_front_matter(list(lines))):
        if token.type != "inline" or token.map is None:
            continue
        for child in token.children or []:
            url = child.attrGet("href") if child.type == "link_open" else child.attrGet("src")
            if child.type in {"link_open", "image"} and url:
                yield Reference(url=str(url), line=_line(lines, token.map, str(url)))


def _line(lines: tuple[str, ...], span: list[int], url: str) -> int:
    """The first line of the block that shows the address; the block's first where none does."""
    shown = (url, unquote(url))
    return next(
        (n + 1 for n in range(span[0], min(span[1], len(lines))) if any(s in lines[n] for s in shown)), span[0] + 1
    )


def _without_front_matter(lines: list[str]) -> str:
    """The same lines, those of the front matter empty."""
    end = front_matter_end(lines)
    return "\n".join([""] * end + lines[end:])


def _tokens(text: str) -> list[Token]:
    return _parser().parse(text)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")
