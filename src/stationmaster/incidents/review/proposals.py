"""Proposes how runbooks could answer the incident better the next time, as edits of the files that were worked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.core.facts import Alert
from stationmaster.incidents.review import patch
from stationmaster.incidents.review.durations import span_words
from stationmaster.incidents.review.expected import expecting, in_quotes, telling_line
from stationmaster.incidents.review.patch import Insertion, Replacement
from stationmaster.incidents.review.places import content_indent, place_of
from stationmaster.incidents.review.skeleton import file_name, skeleton
from stationmaster.incidents.review.worked import Work, WorkedFile, WorkedRun, WorkedStep

_NOT_RUNNABLE = "not runnable here"
_UNKNOWN = re.compile(r"nothing says what `([^`]+)` is")
_IN_PLACE = re.compile(r"^step \S+ found it done")
"""What is done by hand only where the platform did not do it."""
_LATE_S, _LATE_AT_ALL_S = 60.0, 300.0
_RUNS_ENOUGH = 3


class Kind(Enum):
    EXPECTATION = "expectation"
    """Nobody could judge what a step printed."""
    NOT_RUNNABLE = "not-runnable"
    PARAMETER = "parameter"
    """A value that nobody knew without asking."""
    THRESHOLD_SILENT = "threshold-silent"
    THRESHOLD_LATE = "threshold-late"
    NEVER_DONE = "never-done"
    """A step that every run skipped."""
    NO_RUNBOOK = "no-runbook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`line` is where it stands in the file as it is now, 0 where the place is not there any more: then it has no
    part in the diff. `key` is the address of its step."""

    kind: Kind
    why: str
    file: str
    line: int = 0
    key: str = ""
    edits: tuple[Insertion | Replacement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One file with its proposals. `moved`: the file is not the one that was worked, somebody changed it since."""

    root: str
    path: str
    moved: bool
    proposals: tuple[Proposal, ...]
    diff: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeen:
    """An alert of the incident, and how long after the beginning of the fault it fired."""

    alert: Alert
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """`unanswered` are alerts that no runbook answers, each with the reason."""

    incident: int
    alerts: tuple[AlertSeen, ...] = ()
    unanswered: tuple[tuple[Alert, str], ...] = ()


def propose(seen: Seen, work: Work) -> tuple[Changed, ...]:
    """A diff for each file that should change and for each that should be made."""
    files: dict[str, list[WorkedRun]] = {}
    for run in work.runs:
        files.setdefault(run.file.file, []).append(run)
    found = [changed for runs in files.values() if (changed := _of_file(seen, runs)) is not None]
    return (*found, *_new_files(seen, work))


def _unjudged(step: WorkedStep) -> bool:
    return bool(step.command) and not step.judged and step.verdict in ("passed", "manual")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """The file that is looked at, as it is now."""

    incident: int
    file: WorkedFile
    lines: Sequence[str]

    def remark(self, kind: Kind, why: str, line: int, key: str = "") -> Proposal:
        """As a comment beside the line; told alone where the line is not there any more."""
        edits = (self._beside(line, why),) if line else ()
        return Proposal(kind=kind, why=why, file=self.file.file, line=line, key=key, edits=edits)

    def _beside(self, line: int, why: str) -> Insertion:
        text = self.lines[line - 1]
        fence = patch.fence_around(self.lines, line)
        indent = fence.indent if fence else "" if text.lstrip().startswith("|") else content_indent(text)
        return Insertion(after=patch.block_end(self.lines, line), lines=(f"{indent}{_remark(self.incident, why)}",))


def _of_file(seen: Seen, runs: Sequence[WorkedRun]) -> Changed | None:
    file = runs[-1].file
    if file.text is None:
        return None
    ground = _Ground(incident=seen.incident, file=file, lines=patch.lines_of(file.text))
    wanted = [each for run in runs for each in _of_run(ground, run)]
    wanted += _of_thresholds(ground, seen)
    fresh = [each for each in wanted if _remark(seen.incident, each.why) not in file.text]
    once = tuple({(each.kind, each.key, each.line, each.why): each for each in fresh}.values())
    if not once:
        return None
    after = patch.edited(file.text, [edit for each in once for edit in each.edits])
    return Changed(
        root=file.root,
        path=file.path,
        moved=any(run.digest != file.digest for run in runs),
        proposals=once,
        diff=patch.unified(file.path, file.text, after),
    )


def _of_run(ground: _Ground, run: WorkedRun) -> Iterator[Proposal]:
    skips = dict(run.past_skips)
    for step in run.steps:
        line = place_of(step, ground.lines)
        if step.verdict == "refused" and step.detail.startswith(_NOT_RUNNABLE):
            why = f"step {step.key} could not be run: {step.detail}"
            yield ground.remark(Kind.NOT_RUNNABLE, why, line, step.key)
        elif step.verdict == "refused" and (asked := _UNKNOWN.search(step.detail)):
            name = asked[1]
            why = f"step {step.key} had to ask what `{name}` is: say which command prints it, with `capture` beside it"
            yield ground.remark(Kind.PARAMETER, why, line, step.key)
        elif _unjudged(step) and _has_no_expectation_now(ground, run, step, line):
            yield _expectation(ground, run, step, line)
        idle = step.kind == "needless" or _IN_PLACE.search(step.detail)
        if not idle and _RUNS_ENOUGH <= run.past_runs == skips.get(step.key, 0):
            why = f"step {step.key} was skipped in each of {run.past_runs} runs: is it needed?"
            yield ground.remark(Kind.NEVER_DONE, why, line, step.key)


def _has_no_expectation_now(ground: _Ground, run: WorkedRun, step: WorkedStep, line: int) -> bool:
    """In a file that is as it was, a command without a place is none of the document's."""
    if run.digest == run.file.digest:
        return line > 0
    stands = " ".join(ground.lines[line - 1].split()) if line else step.title
    return not {step.title, stands} & run.file.judged


def _expectation(ground: _Ground, run: WorkedRun, step: WorkedStep, line: int) -> Proposal:
    shown = telling_line(step.output)
    why = f"step {step.key} has no expectation: nobody but a person could say whether its output was good"
    edits: tuple[Insertion | Replacement, ...] = ()
    if line and shown and run.outcome in ("cured", "passed"):
        edits = expecting(ground.lines, line, shown)
        why += f"; when it was cured, the output had {in_quotes(shown)}"
    elif not shown:
        why += ", and it printed nothing to go by"
    return Proposal(kind=Kind.EXPECTATION, why=why, file=run.file.file, line=line, key=step.key, edits=edits)


def _of_thresholds(ground: _Ground, seen: Seen) -> Iterator[Proposal]:
    """Held against the rules that stand in this file: a threshold fires by the rule of its own line."""
    fired = {each.alert.rule: each.after_s for each in sorted(seen.alerts, key=lambda one: -one.after_s)}
    first_s = min((each.after_s for each in seen.alerts), default=0.0)
    for threshold in ground.file.thresholds:
        if not 0 < threshold.line <= len(ground.lines):
            continue
        after_s = fired.get(f"{ground.file.file}:{threshold.line}")
        if after_s is None:
            why = f"“{threshold.text}” never fired during the incident: is it the right threshold for this failure?"
            yield ground.remark(Kind.THRESHOLD_SILENT, why, threshold.line)
        elif after_s - first_s > _LATE_S:
            why = (
                f"“{threshold.text}” fired {span_words(after_s - first_s)} after the first alert: lower it or its time"
            )
            yield ground.remark(Kind.THRESHOLD_LATE, why, threshold.line)
        elif after_s > _LATE_AT_ALL_S:
            why = f"“{threshold.text}” fired {span_words(after_s)} after the fault began: lower it or its time"
            yield ground.remark(Kind.THRESHOLD_LATE, why, threshold.line)


def _remark(incident: int, why: str) -> str:
    return f"<!-- review of incident {incident}: {why.replace('--', '–').replace('>', '›')} -->"


def _new_files(seen: Seen, work: Work) -> Iterator[Changed]:
    if work.home is None:
        return
    root, folder = work.home
    taken = set(work.taken)
    by_name: dict[str, tuple[Alert, str]] = {}
    for alert, why in seen.unanswered:
        by_name.setdefault(alert.name, (alert, why))
    for name, (alert, why) in sorted(by_name.items()):
        file = file_name(name, taken)
        taken.add(file)
        path = f"{folder}/{file}" if folder else file
        told = f"no runbook answers {name or 'an alert'}: {why}"
        proposal = Proposal(kind=Kind.NO_RUNBOOK, why=told, file=f"{root}/{path}", line=1)
        diff = patch.unified(path, None, skeleton(alert, seen.incident))
        yield Changed(root=root, path=path, moved=False, proposals=(proposal,), diff=diff)
