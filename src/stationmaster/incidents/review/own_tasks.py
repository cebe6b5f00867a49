"""Decides which tasks that an incident leaves behind the platform can do itself, from the words of their runbook."""

import re
from enum import Enum


class OwnTask(Enum):
    """What the platform does of such a task."""

    TIMELINE = "the timeline is in the review"
    EVIDENCE = "logs and numbers of the time are attached to the review"
    STEADY = "everything it was about stayed well"
    CAUSE = "the cause is known"


_SAID: tuple[tuple[OwnTask, re.Pattern[str]], ...] = (
    (
        OwnTask.TIMELINE,
        re.compile(r"(?:document|record|write(?: down| up)?|complete) (?:the |a |an )?(?:full |complete )?"
                   r"(?:incident |event )?timeline(?: of (?:the )?(?:events|incident|outage))?"),
    ),
    (
        OwnTask.EVIDENCE,
        re.compile(r"(?:collect|gather|save|attach|preserve|keep) (?:all |the )?(?:relevant |related )?"
                   r"(?:logs?|metrics|logs? (?:and|&) metrics|metrics (?:and|&) logs?)"),
    ),
    (
        OwnTask.STEADY,
        re.compile(r"(?:verify|check|confirm|make sure|ensure)(?: that)? (?:all |the |every )?(?:affected )?"
                   r"(?:systems?|services?|instances|components?) (?:is|are) "
                   r"(?:stable|healthy|well|steady|up|operational)"),
    ),
    (
        OwnTask.CAUSE,
        re.compile(r"(?:identify|determine|document|establish|find)(?: the)? root cause"),
    ),
)  # fmt: skip


def own_task(text: str) -> OwnTask | None:
    """None where more is asked than one of these: then it is left to people."""
    said = " ".join(text.lower().split()).strip(" .;:!")
    return next((kind for kind, pattern in _SAID if pattern.fullmatch(said)), None)
