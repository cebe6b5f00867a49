"""Says what went well and badly, from the facts alone: the same facts always give the same sentences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from stationmaster.incidents.review.durations import Measured, span_words
from stationmaster.incidents.review.worked import Work, WorkedRun
from stationmaster.incidents.timeline import Entry

_SOON_S, _LATE_S = 30.0, 300.0
_UNANSWERED_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    well: tuple[str, ...] = ()
    badly: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSent:
    """A page to somebody: when it was due and when it went out; None where it never did."""

    to: str
    due_at: datetime
    sent_at: datetime | None
    failed: bool = False


def lessons(measured: Measured, lines: Sequence[Entry], pages: Sequence[PageSent], work: Work) -> Lessons:
    return Lessons(
        well=(*_well(measured, lines), *(text for run in work.runs for text in _good_run(run))),
        badly=(
            *_badly(measured, lines),
            *_bad_pages(measured, pages),
            *(text for run in work.runs for text in _bad_run(run)),
        ),
    )


def _well(measured: Measured, lines: Sequence[Entry]) -> Iterator[str]:
    if measured.detect_s is not None and measured.detect_s <= _SOON_S:
        yield f"detected after {span_words(measured.detect_s)}"
    if measured.acknowledge_s is not None and measured.acknowledge_s <= _UNANSWERED_S:
        yield f"acknowledged after {span_words(measured.acknowledge_s)}"
    out = min((each.at for each in lines if each.kind == "target.out"), default=None)
    if out is not None and out >= measured.began_at:
        yield f"the first target was out of the balancer after {span_words((out - measured.began_at).total_seconds())}"
    if measured.resolved_at is not None and not any(is_a_persons(each) for each in lines):
        yield "resolved without anybody's hand"


def is_a_persons(line: Entry) -> bool:
    """Whether somebody did something by hand here."""
    acts = ("acknowledged", "mitigated", "resolved", "reopened", "escalated", "assigned")
    return line.kind in {f"incident.{act}" for act in acts} and not _is_a_machine(line.by)


def _is_a_machine(name: str) -> bool:
    """A run acts as `runbook run-7`; names of people and of their machines have no spaces."""
    return name in ("incidents", "runbooks", "monitor", "self-healing") or name.startswith("runbook ")


def _badly(measured: Measured, lines: Sequence[Entry]) -> Iterator[str]:
    if measured.detect_s is not None and measured.detect_s > _LATE_S:
        yield f"detected only after {span_words(measured.detect_s)}"
    if measured.reopened:
        yield f"resolved too early: it was opened again {measured.reopened} time(s)"
    for each in lines:
        if each.kind in ("run.declined", "page.lapsed", "page.nobody", "page.overdue"):
            yield each.text
    refired = sum(each.kind == "alert.fired" for each in lines) - 1
    recovered = sum(each.kind == "alert.recovered" for each in lines)
    if refired > 0 and recovered > 1:
        yield f"an alert came back: {recovered} recoveries"


def _bad_pages(measured: Measured, pages: Sequence[PageSent]) -> Iterator[str]:
    for each in pages:
        if each.failed:
            yield f"the page to {each.to} could not be delivered"
    sent = [each for each in pages if each.sent_at is not None]
    first = min(sent, key=lambda each: each.sent_at or each.due_at, default=None)
    if first is None or first.sent_at is None:
        return
    answered = measured.acknowledged_at or measured.resolved_at
    waited = (answered - first.sent_at).total_seconds() if answered else 0.0
    if waited > _UNANSWERED_S:
        yield f"the page to {first.to} was unanswered for {span_words(waited)}"


def _good_run(run: WorkedRun) -> Iterator[str]:
    if run.outcome == "cured" and run.ended_at is not None:
        took = span_words((run.ended_at - run.started_at).total_seconds())
        yield f"the runbook “{run.runbook}” cured it within {took}"


def _bad_run(run: WorkedRun) -> Iterator[str]:
    if run.outcome not in ("cured", "passed", ""):
        yield f"the runbook “{run.runbook}” did not cure it ({run.outcome}{': ' if run.detail else ''}{run.detail})"
    for step in run.steps:
        if step.verdict == "failed":
            yield f"step {step.key} of “{run.runbook}” failed: {step.detail}"
        elif step.verdict == "refused":
            yield f"step {step.key} of “{run.runbook}” was not done: {step.detail}"
        elif step.command and not step.judged and step.verdict in ("passed", "manual"):
            yield f"step {step.key} of “{run.runbook}” had no expectation: nobody could judge it"
