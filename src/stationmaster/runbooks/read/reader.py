"""Reads one Markdown document into a `Runbook`: never fails on a text, says what it could not use."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stationmaster.core.problem import Diagnostic, Origin, Severity
from stationmaster.runbooks.read.about import about_of, is_retired, severity_of
from stationmaster.runbooks.read.context import NOTHING, ReadingContext
from stationmaster.runbooks.read.descriptions import description_of
from stationmaster.runbooks.read.document import Reading, Runbook, Section
from stationmaster.runbooks.read.front_matter import read_front_matter
from stationmaster.runbooks.read.gather import knowledge_of
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.liquid import rendered
from stationmaster.runbooks.read.match_rules import match_rules
from stationmaster.runbooks.read.passages import chapter_of
from stationmaster.runbooks.read.relocate import relocated
from stationmaster.runbooks.read.sections import Part, parse_document
from stationmaster.runbooks.read.steps import StepBuilder

_RETIRED = re.compile(r"^\W*(?:RETIRED|DEPRECATED|OBSOLETE)\b[\s:\])-]*", re.IGNORECASE)


def read_runbook(text: str, *, file: str, context: ReadingContext = NOTHING) -> Reading:
    """`file` names the document in diagnostics; line numbers count from 1. `context` is what its Liquid is rendered
    against."""
    source = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    plain = rendered(source, file=file, context=context)
    document = parse_document(plain.text)
    front, problems = read_front_matter(document.front_matter, file=file)
    builder = StepBuilder(file=file, lines=(source if plain.origins is None else plain.text).split("\n"))
    steps = builder.document(document.root)
    builder.diagnostics += [_unclosed(line, file) for line in document.unclosed]
    title = front.one("title") or document.title or file.rsplit("/", 1)[-1]
    chapter = chapter_of(document.root)
    match = match_rules(front, plain.text, title=title, root=chapter)
    runbook = Runbook(
        file=file,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        title=_RETIRED.sub("", title),
        retired=is_retired(front, title, chapter),
        type=front.one("type"),
        service=front.one("service"),
        severity=front.one("severity") or severity_of(chapter),
        description=front.one("description") or description_of(document.root),
        tags=front.many("tags"),
        match=match,
        contacts=plain.contacts,
        sections=tuple(_sections(document.root, builder.lines)),
        steps=steps,
        about=about_of(front, chapter),
        knowledge=knowledge_of(chapter, steps, match=match, people=plain.people, context=context),
    )
    reading = Reading(runbook=runbook, diagnostics=tuple(builder.diagnostics))
    if plain.origins is not None:
        reading = relocated(reading, plain.origins, source.split("\n"))
    return replace(reading, diagnostics=_sorted((*plain.diagnostics, *problems, *reading.diagnostics)))


def _sections(root: Part, lines: Sequence[str]) -> Iterator[Section]:
    """Every section from its heading up to the next one; what stands before the first heading has no title."""
    parts = [each for each in _flat(root) if each.level or lines[0:1]]
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        end = following.first_line - 1 if following else len(lines)
        while end > part.first_line and not lines[end - 1].strip():
            end -= 1
        text = "\n".join(lines[part.first_line - (part.level == 0) : end]).strip()
        if part.level or text:
            role = "reference" if part.reference or not part.has_steps else "procedure"
            where = Lines(first=part.first_line, last=max(end, part.first_line))
            yield Section(title=part.title, level=part.level, lines=where, role=role, text=text)


def _flat(part: Part) -> Iterator[Part]:
    yield part
    for each in part.parts:
        yield from _flat(each)


def _unclosed(line: int, file: str) -> Diagnostic:
    return Diagnostic(
        code="fence-unclosed",
        message="this block of code has no end; it was read up to the next heading",
        origin=Origin(file=file, line=line),
        hint="close it with a line of the same backticks",
        severity=Severity.WARNING,
    )


def _sorted(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(diagnostics, key=lambda each: each.origin.line))
