"""Recognises what prose asks of a console: target changes, notes, escalations, and clicks that the platform spares."""

import re

from stationmaster.runbooks.read.conditions import conditions_of
from stationmaster.runbooks.read.document import Action, PlatformAction
from stationmaster.runbooks.read.words import ENGLISH

_REMOVE = re.compile(
    r"\bremove (?:it|the [\w -]+?) (?:manually|from (?:the )?(?:ring[- ])?(?:load[- ])?balancer)|\bremove it manually",
    ENGLISH,
)
_ADD = re.compile(
    r"\badd (?:it|the [\w -]+?)(?: back)? to (?:the )?(?:ring[- ])?(?:load[- ])?balancer|`?add a target`?",
    ENGLISH,
)
_RECORD = re.compile(r"\brecord `([^`]+)` in\b", ENGLISH)
_ESCALATE = re.compile(r"\bescalate\b[^.]*?\bto level (\d)|\b(?:notify|page) level (\d)", ENGLISH)
_CONTACT = re.compile(r"contact:([\w-]+(?:\.[\w-]+)*)")
_NAVIGATION = re.compile(
    r"^(?:then |please |first |next |and |if you have no access to \w+\s*[.,]\s*)*"
    r"(log ?in|login|go to|navigate|click|copy|open|access|switch|ssh|select|search)\b",
    ENGLISH,
)
_REASONS = {
    "log": "the platform runs commands where the instance runs; nobody has to log in",
    "ssh": "the platform runs commands where the instance runs; nobody has to log in",
    "click": "the platform has the alert, the inventory and the balancer at hand; nothing has to be clicked",
    "copy": "the alert's labels name the instance; nothing has to be looked up",
}
_REASON = "the platform reaches what this page shows by itself"


def actions_of(text: str, *, sentence: str) -> tuple[Action, ...]:
    """What one sentence of a step's text asks for."""
    conditions = conditions_of(sentence)
    found: list[Action] = []
    if match := _REMOVE.search(sentence):
        note = _RECORD.search(text)
        found.append(Action(action=PlatformAction.TARGET_REMOVE, text=match[0], note=note[1] if note else ""))
    if match := _ADD.search(sentence):
        found.append(Action(action=PlatformAction.TARGET_ADD, text=match[0].strip("`")))
    if (match := _RECORD.search(sentence)) and not found:
        found.append(Action(action=PlatformAction.NOTE_ADD, text=match[0], note=match[1]))
    if match := _ESCALATE.search(sentence):
        found.append(
            Action(
                action=PlatformAction.ESCALATE,
                text=match[0],
                level=int(match[1] or match[2]),
                contacts=tuple(dict.fromkeys(_CONTACT.findall(text))),
                conditions=conditions,
            )
        )
    return tuple(found)


def navigation_reason(text: str) -> str:
    """Why the platform need not do a step that only moves a person about; empty when it is no such step."""
    match = _NAVIGATION.match(text)
    if match is None:
        return ""
    word = match[1].lower()
    return next((reason for start, reason in _REASONS.items() if word.startswith(start)), _REASON)
