"""Proposes how runbooks could answer the incident better the next time, as edits of the files that were worked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.core.facts import Alert
from stationmaster.incidents.review import patch
from stationmaster.incidents.review.durations import span_words
from stationmaster.incidents.review.patch import Insertion, Replacement
from stationmaster.incidents.review.skeleton import file_name, skeleton
from stationmaster.incidents.review.worked import AlertThreshold, Work, WorkedFile, WorkedRun, WorkedStep

_NOT_RUNNABLE = "not runnable here"
_UNKNOWN = re.compile(r"nothing says what `([^`]+)` is")
_LATE_S = 60.0
_RUNS_ENOUGH = 3
_LONGEST = 120
_TELLING = 4
"""Characters that the beginning of a command needs to be told from others."""
_QUOTES = "\"'`"


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


def _of_file(seen: Seen, runs: Sequence[WorkedRun]) -> Changed | None:
    file = runs[-1].file
    if file.text is None:
        return None
    lines = patch.lines_of(file.text)
    wanted = [each for run in runs for each in _of_run(seen.incident, run, lines)]
    wanted += _of_thresholds(seen, file, lines)
    once = tuple({(each.kind, each.key, each.line, each.why): each for each in wanted}.values())
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


def _of_run(incident: int, run: WorkedRun, lines: Sequence[str]) -> Iterator[Proposal]:
    skips = dict(run.past_skips)
    for step in run.steps:
        place = _place(step, lines)
        if step.verdict == "refused" and step.detail.startswith(_NOT_RUNNABLE):
            why = f"step {step.key} could not be run: {step.detail}"
            yield _comment(Kind.NOT_RUNNABLE, incident, run, step, place, lines, why)
        elif step.verdict == "refused" and (asked := _UNKNOWN.search(step.detail)):
            name = asked[1]
            why = f"step {step.key} had to ask what `{name}` is: say which command prints it, with `capture` beside it"
            yield _comment(Kind.PARAMETER, incident, run, step, place, lines, why)
        elif not step.judged and step.verdict in ("passed", "manual") and step.command:
            yield _expectation(run, step, place, lines)
        if step.kind != "needless" and _RUNS_ENOUGH <= run.past_runs == skips.get(step.key, 0):
            why = f"step {step.key} was skipped in each of {run.past_runs} runs: is it needed?"
            yield _comment(Kind.NEVER_DONE, incident, run, step, place, lines, why)


def _place(step: WorkedStep, lines: Sequence[str]) -> int:
    """The line of the step's command; where the file was changed, the only one that has it; 0 where there is none."""
    wanted = " ".join((step.command or step.title).split()).rstrip("…")
    if not wanted:
        return 0
    here = range(max(step.first, 1), min(step.last, len(lines)) + 1)
    near = [number for number in here if _holds(lines[number - 1], wanted)]
    if near:
        return near[0]
    if not step.command:
        # What has no command has a title that is shortened: its own lines are the place, as long as they are there.
        return step.first if 0 < step.first <= len(lines) and _same_words(wanted, lines[step.first - 1]) else 0
    anywhere = [number for number, line in enumerate(lines, start=1) if _holds(line, wanted)]
    return anywhere[0] if len(anywhere) == 1 else 0


def _holds(line: str, command: str) -> bool:
    """Whether the line has the command, or the beginning of one that goes on in the next."""
    plain = " ".join(line.split())
    if not plain.endswith("\\"):
        return command in plain
    begun = plain[:-1].strip()
    return len(begun) >= _TELLING and command.startswith(begun)


def _command_end(lines: Sequence[str], place: int) -> int:
    while place < len(lines) and lines[place - 1].rstrip().endswith("\\"):
        place += 1
    return place


def _same_words(title: str, line: str) -> bool:
    return " ".join(title.split()[:4]).rstrip("….") in re.sub(r"[*_`\[\]]", "", line)


def _expectation(run: WorkedRun, step: WorkedStep, place: int, lines: Sequence[str]) -> Proposal:
    shown = telling_line(step.output)
    why = f"step {step.key} has no expectation: nobody but a person could say whether its output was good"
    edits: tuple[Insertion | Replacement, ...] = ()
    if place and shown and run.outcome in ("cured", "passed"):
        edits = _expecting(lines, place, shown)
        why += f"; when it was cured, the output had {_in_quotes(shown)}"
    elif not shown:
        why += ", and it printed nothing to go by"
    return Proposal(kind=Kind.EXPECTATION, why=why, file=run.file.file, line=place, key=step.key, edits=edits)


def _expecting(lines: Sequence[str], place: int, shown: str) -> tuple[Insertion | Replacement, ...]:
    """A sentence below the command; for a fence that stands at the margin the attribute of the fence, which nothing
    around it can take away. In a fence of many commands only the last one has a place below it."""
    fence = patch.fence_around(lines, place)
    sentence = f"**Expected**: the output should contain {_in_quotes(shown)}."
    if fence is None:
        indent = _content_indent(lines[place - 1])
        return (Insertion(after=patch.block_end(lines, place), lines=(f"{indent}{sentence}",)),)
    end = _command_end(lines, place)
    if end != fence.last - 1:
        return ()
    alone = place == fence.first + 1 and not fence.indent
    if alone and fence.info and not set(shown) & {'"', "\\", "`"}:
        return (Replacement(line=fence.first, text=_with_attribute(lines[fence.first - 1], shown)),)
    said = ("", f"{fence.indent}{sentence}", *_gap(lines, fence.last))
    return (Insertion(after=fence.last, lines=said),)


def _gap(lines: Sequence[str], last: int) -> tuple[str, ...]:
    """A blank line, where the next one would else become part of the sentence."""
    follows = lines[last].strip() if last < len(lines) else ""
    return ("",) if follows and not re.match(r"([-*+]|\d+[.)])\s|#|<!--", follows) else ()


def _with_attribute(line: str, shown: str) -> str:
    bare = line.rstrip("\r").rstrip()
    if bare.endswith("}"):
        return f'{bare[:-1].rstrip()} expect="{shown}"}}'
    return f'{bare} {{expect="{shown}"}}'


def _content_indent(line: str) -> str:
    """How far the text of a list item is indented; that of any other line."""
    found = re.match(r"^(\s*)((?:[-*+]|\d+[.)])\s+)?", line)
    return found[1] + " " * len(found[2] or "") if found else ""


def _in_quotes(text: str) -> str:
    mark = next((each for each in _QUOTES if each not in text), '"')
    return f"{mark}{text}{mark}"


def telling_line(output: str) -> str:
    """The line of an output that is most likely to come again: words, no numbers that change; empty where none is."""
    lines = [each.strip() for each in output.splitlines() if each.strip()]
    pieces = [_lasting(each) for each in lines]
    good = [each for each in pieces if len(each) >= 3 and any(mark not in each for mark in _QUOTES)]
    return max(reversed(good), key=_told, default="")


def _lasting(line: str) -> str:
    """The longest stretch without digits; a whole line where it has none."""
    stretches = [each.strip(" ,:;[](){}\t=-./\\") for each in re.split(r"\S*\d\S*", line)]
    found = max(stretches, key=len, default="")
    if any(mark not in found for mark in _QUOTES) and len(found) <= _LONGEST:
        return found
    return found[:_LONGEST].rsplit(" ", 1)[0] if " " in found[:_LONGEST] else ""


def _told(piece: str) -> int:
    return sum(each.isalpha() for each in piece)


def _comment(
    kind: Kind, incident: int, run: WorkedRun, step: WorkedStep, place: int, lines: Sequence[str], why: str
) -> Proposal:
    edits = (_beside(lines, place, incident, why),) if place else ()
    return Proposal(kind=kind, why=why, file=run.file.file, line=place, key=step.key, edits=edits)


def _beside(lines: Sequence[str], place: int, incident: int, why: str) -> Insertion:
    """A comment that no reader of runbooks takes for a step."""
    fence = patch.fence_around(lines, place)
    end = patch.block_end(lines, place)
    indent = fence.indent if fence else _content_indent(lines[place - 1])
    if lines[place - 1].lstrip().startswith("|"):
        indent = ""
    said = why.replace("--", "–").replace(">", "›")
    return Insertion(after=end, lines=(f"{indent}<!-- review of incident {incident}: {said} -->",))


def _of_thresholds(seen: Seen, file: WorkedFile, lines: Sequence[str]) -> Iterator[Proposal]:
    """Held against the rules that stand in this file: a threshold fires by the rule of its own line."""
    fired = {each.alert.rule: each.after_s for each in sorted(seen.alerts, key=lambda one: -one.after_s)}
    first_s = min((each.after_s for each in seen.alerts), default=0.0)
    for threshold in file.thresholds:
        if not 0 < threshold.line <= len(lines):
            continue
        after_s = fired.get(f"{file.file}:{threshold.line}")
        if after_s is None:
            why = f"“{threshold.text}” never fired during the incident: is it the right threshold for this failure?"
            yield _of_threshold(Kind.THRESHOLD_SILENT, seen, file, threshold, lines, why)
        elif after_s - first_s > _LATE_S:
            why = (
                f"“{threshold.text}” fired {span_words(after_s - first_s)} after the first alert: lower it or its time"
            )
            yield _of_threshold(Kind.THRESHOLD_LATE, seen, file, threshold, lines, why)
        elif after_s > 5 * _LATE_S:
            why = f"“{threshold.text}” fired {span_words(after_s)} after the fault began: lower it or its time"
            yield _of_threshold(Kind.THRESHOLD_LATE, seen, file, threshold, lines, why)


def _of_threshold(
    kind: Kind, seen: Seen, file: WorkedFile, threshold: AlertThreshold, lines: Sequence[str], why: str
) -> Proposal:
    edits = (_beside(lines, threshold.line, seen.incident, why),)
    return Proposal(kind=kind, why=why, file=file.file, line=threshold.line, edits=edits)


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
