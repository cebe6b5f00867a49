"""Names the alerts that come out of runbooks: as the runbook itself does, else by its title and what is limited."""

import re
from collections.abc import Sequence
from pathlib import PurePath

from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.rules.subjects import measure_of, words_of
from stationmaster.runbooks.rules.table import Measure

_WORD = re.compile(r"[A-Za-z0-9]+")
_DULL = frozenset({"runbook", "the", "a", "an", "of", "for", "and", "or", "to", "is", "are", "in", "on", "with", "how"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MOST_WORDS = 8
MADE_UP = "Runbook"
"""What names begin with that no runbook uses itself."""


def name_of(runbook: Runbook, words: str, measure: Measure | None, *, alone: bool) -> str:
    """`alone` says that the limit is the only one of its runbook, so that the runbook's one alert is on it."""
    answers = [each for each in runbook.match.alerts if is_name(each)]
    if measure is not None:
        around = runbook.title
        for each in (*answers, *filter(is_name, runbook.knowledge.alerts)):
            if measure_of(words_of(each), around=around) is measure:
                return each
    if len(answers) == 1:
        about = measure_of(words_of(answers[0]), around=runbook.title)
        if about is None or about is measure or (measure is None and alone):
            return answers[0]
    return f"{MADE_UP}{camel(runbook.title or PurePath(runbook.file).stem)}{camel(words)}"


def is_name(text: str) -> bool:
    """Whether an alert can be called so."""
    return bool(_NAME.fullmatch(text))


def camel(text: str) -> str:
    """ "API Gateway Troubleshooting Guide" is "APIGatewayTroubleshootingGuide"."""
    words = [word for word in _WORD.findall(text) if word.lower() not in _DULL][:_MOST_WORDS]
    return "".join(word if word.isupper() else word[0].upper() + word[1:] for word in words)


def line_of_name(runbook: Runbook, name: str) -> int:
    """Where the runbook names an alert that it does not answer, or its first line that does."""
    known = dict(zip(runbook.knowledge.alerts, runbook.knowledge.alert_lines, strict=True))
    if name in known:
        return known[name]
    for section in runbook.sections:
        lines = section.text.split("\n")
        first = max(section.lines.last - len(lines) + 1, section.lines.first)
        at = next((number for number, text in enumerate(lines, start=first) if name in text), 0)
        if at or name in section.title:
            return at or section.lines.first
    return 1


def unnamed(runbook: Runbook, taken: Sequence[str]) -> list[str]:
    """The alerts of a runbook that no rule is called by yet."""
    names = dict.fromkeys(filter(is_name, (*runbook.match.alerts, *runbook.knowledge.alerts)))
    return [each for each in names if each not in taken]
