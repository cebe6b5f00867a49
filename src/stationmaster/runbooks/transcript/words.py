"""How a run's words are written for people: commands, lengths of time, verdicts, outcomes."""

from datetime import timedelta

from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import PlannedKind, PlannedStep
from stationmaster.runbooks.read.document import ExpectationKind

MARKS = {
    Verdict.PASSED: "✓",
    Verdict.FAILED: "✗",
    Verdict.SKIPPED: "–",
    Verdict.REFUSED: "⊘",
    Verdict.MANUAL: "☞",
}


def command_of(step: PlannedStep) -> str:
    """What a step runs, as shell text; empty where it runs nothing."""
    return step.command or step.script


def in_words(length: timedelta | float) -> str:
    """ "850 ms", "12.3 s", "4 min 05 s", "2 h 03 min"."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(length: timedelta | float) -> str:
    """ "04:07", or "1:02:03" from an hour on."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes:02d}:{rest:02d}"


def open_words(step: PlannedStep, *, begun: bool) -> str:
    """What became of a step that has not ended."""
    if not begun:
        return "not reached"
    judged = any(each.kind is ExpectationKind.OTHER for each in step.expectations)
    looks = step.kind in {PlannedKind.CHECK, PlannedKind.WAIT}
    return "was run, waits for a judgement" if judged and looks else "begun, not ended"
