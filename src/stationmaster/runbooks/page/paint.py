"""Says for every line of a document what it became, so that a line that became nothing is seen to be plain."""

from collections.abc import Iterable, Iterator
from enum import Enum

from stationmaster.runbooks.description import CommandPart, Description, KnowledgePart, LinesPart, StepPart
from stationmaster.runbooks.read.document import StepKind


class Paint(Enum):
    """What a line became; of several the later one here is seen."""

    PLAIN = "plain"
    HEADING = "heading"
    ABOUT = "about"
    NOTE = "note"
    STEP = "step"
    ACTION = "action"
    CONTACT = "contact"
    LINK = "link"
    TASK = "task"
    ESCALATION = "escalation"
    SYMPTOM = "symptom"
    MESSAGE = "message"
    QUERY = "query"
    THRESHOLD = "threshold"
    READ = "read"
    CHANGE = "change"
    DESTROY = "destroy"
    INTERACTIVE = "interactive"
    UNKNOWN = "unknown"
    EDGE = "edge"
    EXPECTATION = "expectation"
    CAUTION = "caution"


_ORDER = {paint: number for number, paint in enumerate(Paint)}
_ACTING = {StepKind.ACTION, StepKind.ESCALATE}


def paints(lines: list[str], description: Description) -> list[Paint]:
    """One for every line of `lines`."""
    found = [Paint.PLAIN] * len(lines)
    for first, last, paint in _strokes(lines, description):
        for number in range(max(first, 1), min(last, len(lines)) + 1):
            blank = not lines[number - 1].strip()
            if not blank and _ORDER[paint] > _ORDER[found[number - 1]]:
                found[number - 1] = paint
    return found


def _strokes(lines: list[str], description: Description) -> Iterator[tuple[int, int, Paint]]:
    yield 1, front_matter_end(lines), Paint.ABOUT
    yield from _at((line for _, line in description.about.lines), Paint.ABOUT)
    for section in (each for each in description.sections if each.title):
        yield section.lines.first, section.lines.first, Paint.HEADING
    for step in description.steps:
        yield from _of_step(step)
        for command in step.commands:
            yield from _at(_comments(lines, command), Paint.STEP)
    yield from _of_knowledge(description.knowledge)


def front_matter_end(lines: list[str]) -> int:
    """The number of the line that closes the front matter; 0 without any."""
    if not lines or lines[0].strip() != "---":
        return 0
    return next((number for number, line in enumerate(lines[1:], start=2) if line.strip() in {"---", "..."}), 0)


def _comments(lines: list[str], command: CommandPart) -> Iterator[int]:
    """The comment lines of shell right above a command, which say in words what it does."""
    number = command.lines.first - 1 if command.comment else 0
    while 0 < number <= len(lines) and lines[number - 1].lstrip().startswith("#"):
        yield number
        number -= 1


def _of_step(step: StepPart) -> Iterator[tuple[int, int, Paint]]:
    if step.kind is StepKind.GROUP:
        own = 1 if step.text else 0
        yield step.lines.first, step.lines.first + own - 1, Paint.STEP
    else:
        paint = Paint.NOTE if step.kind is StepKind.NOTE else Paint.ACTION if step.kind in _ACTING else Paint.STEP
        yield step.lines.first, step.lines.last, paint
    for command in step.commands:
        yield command.lines.first, command.lines.last, Paint(command.risk.value)
        yield from _at((each.line for each in command.cautions), Paint.CAUTION)
    yield from _at((each.line for each in step.expectations), Paint.EXPECTATION)
    yield from _at((each.line for each in step.edges), Paint.EDGE)
    yield from _at((each.line for each in step.cautions), Paint.CAUTION)


def _of_knowledge(knowledge: KnowledgePart) -> Iterator[tuple[int, int, Paint]]:
    yield from _over((each.lines for each in knowledge.messages), Paint.MESSAGE)
    yield from _over((each.lines for each in knowledge.queries), Paint.QUERY)
    yield from _at((each.line for each in knowledge.thresholds), Paint.THRESHOLD)
    yield from _at((each.line for each in knowledge.tasks), Paint.TASK)
    yield from _at((each.line for each in knowledge.contacts), Paint.CONTACT)
    yield from _at((each.line for each in knowledge.links), Paint.LINK)
    for level in knowledge.escalation:
        yield level.lines.first, level.lines.first, Paint.ESCALATION
        yield from _at((each.line for each in level.triggers), Paint.ESCALATION)
    for cause in knowledge.causes:
        yield from _at((each.line for each in cause.symptoms), Paint.SYMPTOM)
    yield from _at((each.line for each in knowledge.symptoms), Paint.SYMPTOM)


def _at(numbers: Iterable[int], paint: Paint) -> Iterator[tuple[int, int, Paint]]:
    return ((number, number, paint) for number in numbers)


def _over(spans: Iterable[LinesPart], paint: Paint) -> Iterator[tuple[int, int, Paint]]:
    return ((each.first, each.last, paint) for each in spans)
