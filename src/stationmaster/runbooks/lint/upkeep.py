"""Rules about upkeep: who keeps the runbook, and when it was to be looked at again."""

from collections.abc import Iterator, Sequence

from stationmaster.core.drilled import Drilled, DrilledRunbook, last_drill
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
    if ground.drilled is not None and subject.runbook.match.alerts:
        yield from _of_drills(subject, ground.drilled)


def _of_drills(subject: Subject, known: Sequence[DrilledRunbook]) -> Iterator[Finding]:
    found = last_drill(subject.runbook.title, str(subject.path.resolve()), subject.runbook.digest, known)
    when = "" if found.last is None else f"{found.last.at:%Y-%m-%d %H:%M UTC}, {found.last.drill}"
    match found.drilled:
        case Drilled.NEVER:
            hint = "`drill list` names the drills; `drill run NAME` runs one"
            yield finding("SM506", subject.file, 1, "no drill has ever worked it", hint=hint)
        case Drilled.EDITED:
            message = f"it was edited after its last drill ({when})"
            yield finding("SM507", subject.file, 1, message, hint="run the drill again")
        case Drilled.FAILED:
            message = f"its last drill did not pass ({when})"
            yield finding("SM508", subject.file, 1, message, hint="`drill reports` tells what came of it")


def line_of(subject: Subject, text: str) -> int:
    """The first line that holds the text; 1 where none does."""
    return next((number for number, line in enumerate(subject.lines, start=1) if text in line), 1)
