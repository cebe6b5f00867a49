"""What was understood of a document as cards, each with the line that it belongs beside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from stationmaster.runbooks import facts
from stationmaster.runbooks.description import CausePart, CommandPart, Description, KnowledgePart, PhasePart, StepPart


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`body` is HTML, `anchor` the id that links lead to, `depth` how far it is moved in."""

    line: int
    kind: str
    body: str
    anchor: str = ""
    depth: int = 0
    order: int = field(default=1)


def cards(description: Description) -> list[Card]:
    found = [*_headings(description), *_knowledge(description.knowledge), *map(_step, description.steps)]
    return sorted(found, key=lambda card: (card.line, card.order))


def step_link(address: str) -> str:
    return f'<a href="#step-{escape(address)}">{escape(address)}</a>'


def _headings(description: Description) -> Iterator[Card]:
    steps = {step.lines.first for step in description.steps}
    for section in description.sections:
        if section.lines.first in steps or not section.title:
            continue
        body = f'<span class="label">{escape(section.role)}</span> {escape(section.title)}'
        yield Card(line=section.lines.first, kind="heading", body=body, order=0)


def _step(step: StepPart) -> Card:
    head = f'<a class="address" href="#step-{escape(step.address)}">{escape(step.address)}</a>'
    kind = f'<span class="label">{escape(step.kind.value)}</span>'
    words = facts.own_words(step)
    text = f'<p class="words">{escape(words)}</p>' if words else ""
    commands = "".join(_command(each) for each in step.commands)
    rows = "".join(_row(name, value) for name, value in facts.words_of_step(step) if name not in {"edge", "why"})
    edges = "".join(
        _row("edge", f"{each.kind.value}: {each.text}", after=f" → {step_link(each.target)}" if each.target else "")
        for each in step.edges
    )
    why = f' <span class="why">{escape(step.why)}</span>' if step.why else ""
    return Card(
        line=step.lines.first,
        kind=f"step {step.kind.value}",
        body=f"<p>{head} {kind}{why}</p>{text}{commands}{rows}{edges}",
        anchor=f"step-{step.address}",
        depth=min(step.address.count("."), 5),
        order=2,
    )


def _command(command: CommandPart) -> str:
    risk = command.risk.value
    why = escape("; ".join(command.why))
    return (
        f'<p class="command {risk}"><span class="label">{risk}</span> <code>{escape(command.text)}</code>'
        f' <span class="why">{why}</span></p>'
    )


def _row(name: str, value: str, *, after: str = "") -> str:
    css = name.split(maxsplit=1)[0]
    return f'<p class="fact {css}"><span class="label">{escape(name)}</span> {escape(value)}{after}</p>'


def _knowledge(knowledge: KnowledgePart) -> Iterator[Card]:
    yield from (_plain(each.lines.first, "phase", _phase(each)) for each in knowledge.phases)
    yield from (_plain(each.lines.first, "cause", _cause(each)) for each in knowledge.causes)
    yield from (_plain(each.line, "symptom", escape(each.text)) for each in knowledge.symptoms)
    for cause in knowledge.causes:
        yield from (_plain(each.line, "symptom", escape(each.text)) for each in cause.symptoms)
    told: Sequence[tuple[int, str, str]] = [
        *((each.line, "threshold", facts.threshold_words(each)) for each in knowledge.thresholds),
        *((each.lines.first, "query", f"{each.language} {each.title}".strip()) for each in knowledge.queries),
        *((each.lines.first, "message", facts.message_words(each)) for each in knowledge.messages),
        *((each.line, "task", facts.task_words(each)) for each in knowledge.tasks),
        *((each.line, "contact", facts.contact_words(each)) for each in knowledge.contacts),
        *((each.line, "link", f"{each.kind.value}: {each.text}") for each in knowledge.links),
    ]
    yield from (_plain(line, kind, escape(words)) for line, kind, words in told)
    for level in knowledge.escalation:
        yield _plain(level.lines.first, "escalation", escape(f"level {level.level} {level.whom}".strip()))
        yield from (_plain(each.line, "escalation", escape(facts.trigger_words(each))) for each in level.triggers)


def _plain(line: int, kind: str, body: str) -> Card:
    return Card(line=line, kind=kind, body=f'<p><span class="label">{kind}</span> {body}</p>')


def _phase(phase: PhasePart) -> str:
    until = "open end" if phase.until_s is None else facts.span(phase.until_s)
    return f"{escape(phase.title)}: {facts.span(phase.from_s)} to {until}, steps {_links(phase.steps)}"


def _cause(cause: CausePart) -> str:
    parts = [
        f"{name} {_links(steps)}" for name, steps in (("diagnosis", cause.diagnosis), ("remedy", cause.remedy)) if steps
    ]
    return "; ".join((escape(cause.title), *parts))


def _links(steps: tuple[str, ...]) -> str:
    return ", ".join(map(step_link, steps)) or "none"
