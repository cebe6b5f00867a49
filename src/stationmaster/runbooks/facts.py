"""A description in words: one line for every thing that was understood, for a terminal and for the page."""

from collections.abc import Iterator, Sequence

from stationmaster.runbooks.description import (
    ActionPart,
    CausePart,
    CommandPart,
    ConditionPart,
    ContactPart,
    Description,
    EdgePart,
    ExpectationPart,
    KnowledgePart,
    LevelPart,
    MessagePart,
    PhasePart,
    StepPart,
    TaskPart,
    ThresholdPart,
    TriggerPart,
)
from stationmaster.runbooks.read.document import ConditionKind, ExpectationKind, SessionKind

Row = tuple[int, str]
"""A line of the document and what it says."""

_HOUR_S, _DAY_S, _WEEK_S = 3600.0, 86_400.0, 604_800.0


def facts_of(description: Description) -> Iterator[tuple[str, str]]:
    """What the document says of itself, by name; what it does not say is left out."""
    about = description.about
    said = {
        "description": description.description,
        "service": description.service,
        "component": about.component,
        "severity": description.severity,
        "type": description.type,
        "tags": ", ".join(description.tags),
        "alerts": ", ".join(description.match.alerts),
        "quoted": "; ".join(description.match.quoted),
        "owner": about.owner or about.team,
        "team": about.team if about.owner else "",
        "version": about.version,
        "updated": str(about.updated or ""),
        "next review": str(about.next_review or ""),
        "link": about.link,
        "impact": about.impact,
        "contacts": ", ".join(description.contacts),
    }
    return ((name, " ".join(value.split())) for name, value in said.items() if value)


def own_words(step: StepPart) -> str:
    """What a step says in words; empty where that is only its command again."""
    said = " ".join(step.text.strip("`").split())
    return "" if any(" ".join(each.text.split()) == said for each in step.commands) else step.text


def words_of_step(step: StepPart) -> Iterator[tuple[str, str]]:
    """What was taken from a step besides its commands, by the name of its kind; each is said once."""
    return iter(dict.fromkeys(_found_in_step(step)))


def _found_in_step(step: StepPart) -> Iterator[tuple[str, str]]:
    for command in step.commands:
        yield from _words_of_command(command)
    for action in step.actions:
        yield "action", action_words(action)
    for condition in step.conditions:
        yield "condition", condition_words(condition)
    for expectation in step.expectations:
        yield "expectation", expectation_words(expectation)
    for edge in step.edges:
        if edge.target or not any(_says(edge.text, condition.text) for condition in step.conditions):
            yield "edge", edge_words(edge)
    for caution in step.cautions:
        yield "caution", caution.text + (" (never run)" if caution.forbids else "")
    if step.wait_s:
        yield "wait", f"up to {span(step.wait_s)}"
    if step.parameters:
        yield "to be filled in", ", ".join(each.text for each in step.parameters)
    if step.attributes:
        yield "exact", ", ".join(f"{name}={value}" for name, value in step.attributes.items())
    if step.why:
        yield "why", step.why


def _words_of_command(command: CommandPart) -> Iterator[tuple[str, str]]:
    if command.session.kind is not SessionKind.LOCAL:
        yield "typed in", f"{command.session.kind.value} opened by `{command.session.opened_by}`"
    for caution in command.cautions:
        yield "caution", caution.text + (" (never run)" if caution.forbids else "")


def _says(text: str, part: str) -> bool:
    """Whether one text says what the other does, however each ends."""
    return " ".join(text.split()).startswith(" ".join(part.split()).rstrip(".,:;"))


def condition_words(condition: ConditionPart) -> str:
    if condition.kind is ConditionKind.OTHER:
        return f"{condition.text} (a person judges)"
    return f"{condition.text} ({condition.kind.value})"


def expectation_words(expectation: ExpectationPart) -> str:
    if expectation.kind is ExpectationKind.COUNT:
        text = f"{expectation.count} {'line' if expectation.count == 1 else 'lines'} with '{expectation.value}'"
    elif expectation.kind is ExpectationKind.OTHER:
        text = f"'{expectation.value}' (a person judges)"
    else:
        text = f"{expectation.kind.value} '{expectation.value}'" if expectation.value else expectation.kind.value
    meanings = [f"met: {expectation.met}"] if expectation.met else []
    meanings += [f"unmet: {expectation.unmet}"] if expectation.unmet else []
    return f"{text} ({'; '.join(meanings)})" if meanings else text


def edge_words(edge: EdgePart) -> str:
    target = f" → step {edge.target}" if edge.target else ""
    return f"{edge.kind.value}: {edge.text}{target}"


def action_words(action: ActionPart) -> str:
    level = f" level {action.level}" if action.level else ""
    note = f", note '{action.note}'" if action.note else ""
    return f"{action.action.value}{level}{note}"


def words_of_knowledge(knowledge: KnowledgePart) -> Iterator[tuple[str, Sequence[Row]]]:
    """Every kind of knowledge that is there, with a row for each find."""
    found: list[tuple[str, list[Row]]] = [
        ("Phases", [(each.lines.first, phase_words(each)) for each in knowledge.phases]),
        ("Causes", [(each.lines.first, cause_words(each)) for each in knowledge.causes]),
        ("Thresholds", [(each.line, threshold_words(each)) for each in knowledge.thresholds]),
        ("Queries", [(each.lines.first, f"{each.language}: {_short(each.text)}") for each in knowledge.queries]),
        ("Escalation", [row for each in knowledge.escalation for row in _level_rows(each)]),
        ("Messages", [(each.lines.first, message_words(each)) for each in knowledge.messages]),
        ("Tasks", [(each.line, task_words(each)) for each in knowledge.tasks]),
        ("Contacts", [(each.line, contact_words(each)) for each in knowledge.contacts]),
        ("Links", [(each.line, f"{each.kind.value}: {each.text} {each.url}") for each in knowledge.links]),
        ("Symptoms", [(each.line, each.text) for each in knowledge.symptoms]),
        ("Other alerts", _alerts(knowledge)),
    ]
    return ((title, rows) for title, rows in found if rows)


def _alerts(knowledge: KnowledgePart) -> list[Row]:
    lines = (*knowledge.alert_lines, *[0] * len(knowledge.alerts))
    return list(zip(lines, knowledge.alerts, strict=False))


def phase_words(phase: PhasePart) -> str:
    until = "open end" if phase.until_s is None else span(phase.until_s)
    return f"{phase.title}: {span(phase.from_s)} to {until}, steps {', '.join(phase.steps) or 'none'}"


def cause_words(cause: CausePart) -> str:
    symptoms = "; ".join(each.text for each in cause.symptoms)
    told = {"symptoms": symptoms, "diagnosis": ", ".join(cause.diagnosis), "remedy": ", ".join(cause.remedy)}
    return f"{cause.title}: " + " | ".join(f"{name} {value}" for name, value in told.items() if value)


def threshold_words(threshold: ThresholdPart) -> str:
    quantile = f"p{threshold.quantile * 100:g} " if threshold.quantile is not None else ""
    number = f"{threshold.value:g} {threshold.unit}".strip()
    return f"{threshold.use.value}: {quantile}{threshold.metric} {threshold.comparison.value} {number}"


def _level_rows(level: LevelPart) -> Iterator[Row]:
    yield level.lines.first, f"level {level.level}{f', {level.whom}' if level.whom else ''}"
    yield from ((each.line, f"level {level.level} when {trigger_words(each)}") for each in level.triggers)


def trigger_words(trigger: TriggerPart) -> str:
    after = f" after {span(trigger.after_s)}" if trigger.after_s is not None else ""
    return f"{trigger.kind.value}{after}: {trigger.text}"


def message_words(message: MessagePart) -> str:
    cadence = f", every {span(message.every_s)}" if message.every_s else ""
    return f"{message.moment.value}{cadence}: {_short(message.text)}"


def task_words(task: TaskPart) -> str:
    due = f" (within {span(task.due_s)})" if task.due_s is not None else ""
    return f"{'[x]' if task.done else '[ ]'} {task.text}{due}"


def contact_words(contact: ContactPart) -> str:
    ways = (contact.role, contact.slack, contact.user_id, contact.email, contact.phone)
    unknown = "" if contact.known else " (in no contacts data)"
    return ", ".join(dict.fromkeys(each for each in (contact.name, *ways) if each)) + unknown


def span(seconds: float) -> str:
    """A length of time in its largest whole unit."""
    for name, unit in (("week", _WEEK_S), ("day", _DAY_S), ("h", _HOUR_S), ("min", 60.0)):
        if seconds >= unit and seconds % unit == 0:
            count = int(seconds // unit)
            return f"{count} {name}{'s' if count > 1 and name in {'week', 'day'} else ''}"
    return f"{seconds:g} s"


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 160 else f"{plain[:159]}…"
