"""Writes the page of one runbook: its document on the left, line by line, and what was understood on the right."""

import re
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

from stationmaster.runbooks.description import Description, ProblemPart
from stationmaster.runbooks.facts import facts_of
from stationmaster.runbooks.page.cards import Card, cards
from stationmaster.runbooks.page.paint import Paint, paints

_STYLE = Path(__file__).with_name("page.css")
_LEGEND = {
    Paint.STEP: "step",
    Paint.ACTION: "action of the platform",
    Paint.READ: "command that reads",
    Paint.CHANGE: "that changes",
    Paint.DESTROY: "that destroys",
    Paint.INTERACTIVE: "that needs a person",
    Paint.UNKNOWN: "of unknown effect",
    Paint.EXPECTATION: "expectation",
    Paint.EDGE: "condition or jump",
    Paint.CAUTION: "warning",
    Paint.THRESHOLD: "threshold",
    Paint.QUERY: "query",
    Paint.MESSAGE: "message",
    Paint.TASK: "task",
    Paint.ESCALATION: "escalation",
    Paint.SYMPTOM: "symptom",
    Paint.CONTACT: "contact",
    Paint.LINK: "link",
    Paint.NOTE: "note",
    Paint.ABOUT: "front matter",
    Paint.HEADING: "heading",
    Paint.PLAIN: "nothing was taken from it",
}


def page(text: str, description: Description, *, drilled: str = "") -> str:
    """One HTML document without scripts and without anything from elsewhere; `text` is what was read, `drilled` what
    its last drill says."""
    source = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    return "".join(_parts(source, description, drilled))


def _parts(source: list[str], description: Description, drilled: str) -> Iterator[str]:
    title = escape(description.title)
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    yield f"<title>{title}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<header>\n"
    retired = ' <span class="retired">RETIRED</span>' if description.retired else ""
    yield f'<h1>{title}{retired}</h1>\n<p class="file">{escape(description.file)}</p>\n'
    yield from _facts(description, drilled)
    yield from _problems(description.problems)
    yield from _legend()
    yield "</header>\n<main>\n"
    yield from _rows(source, description)
    yield "</main>\n</body>\n</html>\n"


def _facts(description: Description, drilled: str) -> Iterator[str]:
    yield '<dl class="facts">'
    for name, value in (*facts_of(description), *((("last drill", drilled),) if drilled else ())):
        yield f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
    yield "</dl>\n"


def _problems(problems: tuple[ProblemPart, ...]) -> Iterator[str]:
    if not problems:
        return
    yield '<ul class="problems">'
    for each in problems:
        place = f'<a href="#L{each.line}">line {each.line}</a>'
        hint = f" <em>{escape(each.hint)}</em>" if each.hint else ""
        yield f'<li class="{each.severity.value}">{place}: {escape(each.message)}{hint}</li>'
    yield "</ul>\n"


def _legend() -> Iterator[str]:
    yield '<ul class="legend" aria-label="Colours">'
    for paint, words in _LEGEND.items():
        yield f'<li class="line {paint.value}">{escape(words)}</li>'
    yield '<li class="line"><mark>to be filled in</mark></li></ul>\n'


def _rows(source: list[str], description: Description) -> Iterator[str]:
    """A row for every stretch of lines at whose beginning something was understood."""
    painted = paints(source, description)
    beside: dict[int, list[Card]] = {}
    for card in cards(description):
        beside.setdefault(min(max(card.line, 1), len(source)), []).append(card)
    places = _places(source, description)
    for first, after in pairwise(sorted({1, *beside, len(source) + 1})):
        lines = range(first, after)
        yield '<section class="row"><div class="source">'
        for number in lines:
            yield _line(number, source[number - 1], painted[number - 1], places.get(number, ()))
        yield '</div><div class="understood">'
        yield from map(_card, beside.get(first, ()))
        yield "</div></section>\n"


def _places(source: list[str], description: Description) -> dict[int, tuple[str, ...]]:
    """The texts that have to be filled in, by the lines that they may stand on."""
    found: dict[int, tuple[str, ...]] = {}
    for step in description.steps:
        texts = tuple(each.text for each in step.parameters)
        for number in range(step.lines.first, min(step.lines.last, len(source)) + 1) if texts else ():
            found[number] = (*found.get(number, ()), *texts)
    return found


def _line(number: int, text: str, paint: Paint, places: tuple[str, ...]) -> str:
    body = _marked(text, places) if text else " "
    return f'<div class="line {paint.value}" id="L{number}"><a href="#L{number}">{number}</a><code>{body}</code></div>'


def _marked(text: str, places: tuple[str, ...]) -> str:
    if not places:
        return escape(text)
    pattern = re.compile("|".join(re.escape(each) for each in sorted(set(places), key=len, reverse=True)))
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [escape(text[end : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        end = match.end()
    return "".join((*parts, escape(text[end:])))


def _card(card: Card) -> str:
    anchor = f' id="{escape(card.anchor)}"' if card.anchor else ""
    return f'<article class="card {escape(card.kind)} in{card.depth}"{anchor}>{card.body}</article>'
