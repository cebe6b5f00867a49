"""Reads one Markdown document into a `Runbook`: never fails on a text, says what it could not use."""

import hashlib
import re

from stationmaster.core.problem import Diagnostic
from stationmaster.runbooks.read.document import Reading, Runbook, Section, Step
from stationmaster.runbooks.read.front_matter import read_front_matter
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.liquid import without_liquid
from stationmaster.runbooks.read.match_rules import match_rules
from stationmaster.runbooks.read.sections import Document, Part, parse_document, procedures
from stationmaster.runbooks.read.steps import StepBuilder

_RETIRED = re.compile(r"^\W*(?:RETIRED|DEPRECATED|OBSOLETE)\b[\s:-]*", re.IGNORECASE)


def read_runbook(text: str, *, file: str) -> Reading:
    """`file` names the document in diagnostics and addresses; line numbers count from 1."""
    source = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    plain = without_liquid(source, file=file)
    document = parse_document(plain.text)
    front, problems = read_front_matter(document.front_matter, file=file)
    builder = StepBuilder(file=file, lines=source.split("\n"))
    steps = _steps(document, builder)
    title = front.one("title") or document.title or file.rsplit("/", 1)[-1]
    runbook = Runbook(
        file=file,
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        title=_RETIRED.sub("", title),
        retired=bool(_RETIRED.match(title)) or front.one("retired").lower() == "true",
        type=front.one("type"),
        service=front.one("service"),
        severity=front.one("severity"),
        description=front.one("description") or _first_text(document),
        tags=front.many("tags"),
        match=match_rules(front, plain.text),
        contacts=plain.contacts,
        sections=tuple(_sections(document.root, builder)),
        steps=steps,
    )
    return Reading(runbook=runbook, diagnostics=_sorted((*plain.diagnostics, *problems, *builder.diagnostics)))


def _steps(document: Document, builder: StepBuilder) -> tuple[Step, ...]:
    """One procedure gives its own numbers; of several, each becomes a step that holds its own."""
    found = procedures(document.root)
    if len(found) == 1:
        return builder.part(found[0], "")
    holder = Part(title="", level=0, first_line=1, parts=found)
    return builder.part(holder, "")


def _sections(part: Part, builder: StepBuilder) -> list[Section]:
    found: list[Section] = []
    for each in part.parts:
        last = max([each.first_line, *(node.map[1] for node in each.nodes if node.map)])
        lines = Lines(first=each.first_line, last=last)
        text = "\n".join(builder.lines[lines.first : lines.last]).strip()
        role = "reference" if each.reference or not each.has_steps else "procedure"
        found.append(Section(title=each.title, level=each.level, lines=lines, role=role, text=text))
        found += _sections(each, builder)
    return found


def _first_text(document: Document) -> str:
    waiting = [document.root]
    while waiting:
        part = waiting.pop(0)
        for node in part.nodes:
            if node.type == "paragraph":
                return " ".join(node.children[0].content.split())
        waiting = part.parts + waiting
    return ""


def _sorted(diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(diagnostics, key=lambda each: each.origin.line))
