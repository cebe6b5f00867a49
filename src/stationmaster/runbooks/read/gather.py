"""Gathers what a document says besides its steps."""

from collections.abc import Sequence

from stationmaster.runbooks.read.causes import causes_of, symptoms_of
from stationmaster.runbooks.read.contacts import contacts_of
from stationmaster.runbooks.read.context import NOTHING, ReadingContext, contact_of
from stationmaster.runbooks.read.document import MatchRules, Step
from stationmaster.runbooks.read.escalation import escalation_of
from stationmaster.runbooks.read.knowledge import Contact, EscalationLevel, Knowledge
from stationmaster.runbooks.read.links import links_of
from stationmaster.runbooks.read.match_rules import other_alerts
from stationmaster.runbooks.read.messages import messages_of
from stationmaster.runbooks.read.passages import Chapter
from stationmaster.runbooks.read.phases import phases_of
from stationmaster.runbooks.read.queries import queries_of
from stationmaster.runbooks.read.tasks import tasks_of
from stationmaster.runbooks.read.thresholds import thresholds_of


def knowledge_of(
    root: Chapter,
    steps: Sequence[Step],
    *,
    match: MatchRules,
    people: Sequence[Contact] = (),
    context: ReadingContext = NOTHING,
) -> Knowledge:
    """`people` are the contacts that the document includes; phases and causes refer to `steps` by address."""
    others = other_alerts(root, match.alerts)
    escalation = escalation_of(root)
    return Knowledge(
        phases=phases_of(root, steps),
        causes=causes_of(root, steps),
        thresholds=thresholds_of(root),
        queries=queries_of(root),
        escalation=escalation,
        messages=messages_of(root),
        tasks=tasks_of(root),
        contacts=contacts_of(root, people=[*people, *_called(escalation, context)]),
        links=links_of(root),
        alerts=tuple(others),
        alert_lines=tuple(others.values()),
        symptoms=symptoms_of(root),
    )


def _called(escalation: Sequence[EscalationLevel], context: ReadingContext) -> list[Contact]:
    """Those of the contacts data who are levels of the ladder."""
    keys = {key: each.lines.first for each in reversed(escalation) if (key := context.named(each.whom))}
    return [contact_of(key, context.contacts[key], line=line) for key, line in keys.items()]
