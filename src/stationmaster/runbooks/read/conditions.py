"""Finds when a sentence applies ("If the service is indeed down, …") and how long it waits."""

import re

from stationmaster.runbooks.read.document import Condition, ConditionKind
from stationmaster.runbooks.read.words import ENGLISH

_KINDS: tuple[tuple[ConditionKind, re.Pattern[str]], ...] = (
    (
        ConditionKind.RECOVERY_ALERT,
        re.compile(r"(?:once|when|after|if) (?:a|the|an)? ?recovery alert\b", ENGLISH),
    ),
    (
        ConditionKind.NO_ERRORS,
        re.compile(r"if (?:there (?:is|are) )?no (?:special |obvious |other |dependency )*errors?\b", ENGLISH),
    ),
    (
        ConditionKind.STILL_DOWN,
        re.compile(
            r"if (?:[\w` -]+ )?(?:still (?:does(?: not|n't)|do(?: not|n't)|is(?: not|n't)) |still (?:down|no|fail)"
            r"|there is (?:still )?no\b.*\b(?:data|retrieved)|(?:is|are|was|were) not recovered)",
            ENGLISH,
        ),
    ),
    (
        ConditionKind.DOWN,
        re.compile(
            r"if [\w` -]+ (?:is|are|was) (?:indeed |really |actually |still )?(?:down|stopped|unhealthy)\b",
            ENGLISH,
        ),
    ),
    (
        ConditionKind.RECOVERED,
        re.compile(r"if (?:[\w` -]+ )?(?:were |was |is |has |have )?(?:been )?(?:recovered|healthy again)\b", ENGLISH),
    ),
)
_MAYBE = re.compile(r"recover|error|still|\bno\b|down|stopped|healthy", ENGLISH)
"""Without one of these no kind but OTHER can be found."""
_LEADING = re.compile(r"(?:if|once|when|unless|in case|after)\b", ENGLISH)
_ABOUT_OUTPUT = re.compile(r"\b(?:output|reply|response|result)\b", ENGLISH)
_WAIT = re.compile(
    r"wait (?:for )?(?:up to |about |at least )?(several|a few|few|some|a couple of|\d+)?\s*"
    r"(min\w*|sec\w*|hours?|rollout|the rollout)",
    ENGLISH,
)
_CLAUSE_END = re.compile(r"[,;:]|\.(?:\s|$)|\s(?:and )?then\b")
_SEVERAL_S = 300.0


def conditions_of(sentence: str) -> tuple[Condition, ...]:
    """The conditions under which a sentence applies. One that judges an output is no condition but an expectation."""
    clause = _clause(sentence)
    if _MAYBE.search(sentence) and not _ABOUT_OUTPUT.search(clause):
        matches = ((kind, pattern.search(sentence)) for kind, pattern in _KINDS)
        found = tuple(Condition(kind=kind, text=_whole(sentence, match)) for kind, match in matches if match)
        if found:
            return found
    if _LEADING.match(sentence) and not _ABOUT_OUTPUT.search(clause) and clause != sentence:
        return (Condition(kind=ConditionKind.OTHER, text=clause),)
    return ()


def _whole(sentence: str, match: re.Match[str]) -> str:
    """What was matched, up to the end of its clause."""
    end = _CLAUSE_END.search(sentence, match.end())
    return sentence[match.start() : end.start() if end else len(sentence)].strip(" .")


def _clause(sentence: str) -> str:
    return sentence.split(",", 1)[0].strip()


def wait_of(text: str) -> float | None:
    """Seconds to wait at most; "several minutes" and "the rollout" are five minutes."""
    match = _WAIT.search(text) if "wait" in text or "Wait" in text or "WAIT" in text else None
    if match is None:
        return None
    amount, unit = match[1], match[2].lower()
    if amount is None or not amount.isdigit():
        return 30.0 if unit.startswith("sec") else _SEVERAL_S
    return float(amount) * (3600.0 if unit.startswith("h") else 60.0 if unit.startswith("min") else 1.0)
