"""Rules about upkeep: who keeps the runbook, and when it was to be looked at again."""

from collections.abc import Iterator

from stationmaster.runbooks.lint.finding import Finding
from stationmaster.runbooks.lint.rules import finding
from stationmaster.runbooks.lint.subject import Ground, Subject


def findings(subject: Subject, ground: Ground) -> Iterator[Finding]:
    if subject.runbook.retired:
        return
    about = subject.runbook.about
    if not about.owner and not about.team:
        yield finding(
            "SM501", subject.file, 1, "nobody is named who keeps it", hint="write `owner:` in the front matter"
        )
    if about.next_review is None:
        yield finding(
            "SM503", subject.file, 1, "no day is given for its next review", hint="write `next_review: 2030-01-31`"
        )
    elif about.next_review < ground.today:
        days = (ground.today - about.next_review).days
        message = f"its review is overdue by {days} day{'s' if days != 1 else ''} (since {about.next_review})"
        line = dict(about.lines).get("next_review") or line_of(subject, str(about.next_review))
        yield finding("SM502", subject.file, line, message, hint="review it, and give the day of the next one")


def line_of(subject: Subject, text: str) -> int:
    """The first line that holds the text; 1 where none does."""
    return next((number for number, line in enumerate(subject.lines, start=1) if text in line), 1)
