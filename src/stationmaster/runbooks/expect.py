"""Judges an output against what a runbook expects of it, and says in words why."""

import json
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stationmaster.core.command import NOT_RUNNABLE, CommandResult
from stationmaster.runbooks.read.document import Expectation, ExpectationKind


class Verdict(Enum):
    """How a step ended; REFUSED is what could not or must not be done, MANUAL what a person has to do."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    REFUSED = "refused"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`open` is what only a person can judge. Where nothing else is expected the verdict is MANUAL."""

    verdict: Verdict
    why: str
    open: tuple[str, ...] = ()


# What curl's exit statuses mean (curl(1), EXIT CODES).
_CURL = {
    5: "the proxy's name could not be resolved",
    6: "the host's name could not be resolved",
    7: "connection refused",
    22: "an HTTP error",
    28: "no answer in time",
    35: "a failed TLS handshake",
    52: "an empty reply",
    56: "a connection that broke off",
    60: "a certificate that is not trusted",
}
_SHOWN = 160
_ROWS = 5


def judge(expectations: Sequence[Expectation], result: CommandResult, *, program: str) -> Judgement:
    """Without expectations the exit status decides: 0 passes."""
    if result.exit_status is None and result.output.startswith(NOT_RUNNABLE):
        return Judgement(verdict=Verdict.REFUSED, why=_not_runnable(result.output, program))
    saw = _saw(result, program)
    testable = [each for each in expectations if each.kind is not ExpectationKind.OTHER]
    left = tuple(each.value for each in expectations if each.kind is ExpectationKind.OTHER)
    if not testable:
        passed = result.exit_status == 0
        verdict = Verdict.FAILED if not passed else Verdict.MANUAL if left else Verdict.PASSED
        return Judgement(verdict=verdict, why="; ".join((f"saw {saw}", *_for_person(left))), open=left)
    for expectation in testable:
        if (problem := _problem(expectation, result)) is not None:
            meaning = f": {expectation.unmet}" if expectation.unmet else ""
            return Judgement(verdict=Verdict.FAILED, why=f"{problem}, saw {saw}{meaning}")
    meanings = "; ".join(each.met for each in testable if each.met)
    told = "; ".join(_told(each) for each in testable)
    why = f"{told}{f': {meanings}' if meanings else ''}"
    return Judgement(verdict=Verdict.PASSED, why="; ".join((why, *_for_person(left))), open=left)


def _for_person(left: Sequence[str]) -> list[str]:
    return [f"only a person can judge '{_cut(each)}'" for each in left]


def _not_runnable(output: str, program: str) -> str:
    missing = "No such file" in output or "not found" in output
    return f"{NOT_RUNNABLE}: {program} not found on PATH" if missing else output.strip()[:_SHOWN]


def _saw(result: CommandResult, program: str) -> str:
    if program == "curl" and result.exit_status in _CURL:
        return _CURL[result.exit_status]
    if result.exit_status is None:
        return "no end in time"
    if result.exit_status < 0:
        return f"it was ended by {_signal_name(-result.exit_status)}"
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    text = _cut(lines[-1]) if lines else ""
    if result.exit_status:
        return f"exit status {result.exit_status}" + (f" and '{text}'" if text else "")
    return f"'{text}'" if text else "exit status 0 and no output"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _told(expectation: Expectation) -> str:
    match expectation.kind:
        case ExpectationKind.CONTAINS:
            return f"contains '{expectation.value}'"
        case ExpectationKind.NOT_CONTAINS:
            return f"does not contain '{expectation.value}'"
        case ExpectationKind.COUNT:
            return f"shows {expectation.count} {expectation.value}"
        case kind:
            return f"{kind.value.replace('-', ' ')} {_cut(expectation.value)}".strip()


def _problem(expectation: Expectation, result: CommandResult) -> str | None:
    """What was expected, when it is not met."""
    value, output = expectation.value, result.output
    match expectation.kind:
        case ExpectationKind.CONTAINS:
            return None if value in output else f"expected to contain '{value}'"
        case ExpectationKind.NOT_CONTAINS:
            return f"expected not to contain '{value}'" if value.lower() in output.lower() else None
        case ExpectationKind.COUNT:
            return _count_problem(expectation, output)
        case ExpectationKind.JSON_SUBSET | ExpectationKind.JSON_LIST:
            return _json_problem(expectation, output)
        case ExpectationKind.MATCHES:
            return None if re.search(value, output) else f"expected to match /{value}/"
        case ExpectationKind.EXIT_STATUS:
            return None if str(result.exit_status) == value else f"expected exit status {value}"
        case ExpectationKind.HTTP_STATUS:
            seen = re.findall(r"HTTP/[\d.]+ (\d{3})", output)
            return None if seen[-1:] == [value] else f"expected HTTP status {value}"
        case ExpectationKind.OTHER:
            return None


def _count_problem(expectation: Expectation, output: str) -> str | None:
    """The rows that do not show the value are named, with what their column shows instead."""
    value = expectation.value
    lines = [line for line in output.splitlines() if line.strip()]
    hits = [line for line in lines if re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", line)]
    if len(hits) == expectation.count:
        return None
    told = f"expected {expectation.count} {value}, counted {len(hits)}"
    column = _column(lines, hits, value)
    others = [cells for line in lines if line not in hits and not _is_heading(line) for cells in [line.split()]]
    named = [" ".join(dict.fromkeys((cells[0], cells[column]))) for cells in others if len(cells) > column]
    if not named:
        return told
    more = f" and {len(named) - _ROWS} more" if len(named) > _ROWS else ""
    return f"{told}: {', '.join(named[:_ROWS])}{more}"


def _column(lines: Sequence[str], hits: Sequence[str], value: str) -> int:
    """Where a table shows the value: where it stands in a row, or under a heading such as STATUS."""
    for line in hits:
        if value in (cells := line.split()):
            return cells.index(value)
    for line in lines[:1]:
        heads = line.split() if _is_heading(line) else []
        for name in ("STATUS", "STATE", "PHASE", "HEALTH"):
            if name in heads:
                return heads.index(name)
    return 0


def _is_heading(line: str) -> bool:
    return line == line.upper() and bool(re.fullmatch(r"[A-Z][A-Z\s_()%/-]+", line.strip()))


def _json_problem(expectation: Expectation, output: str) -> str | None:
    try:
        found = json.loads(output)
    except ValueError:
        found = _embedded(output)
    if expectation.kind is ExpectationKind.JSON_LIST:
        return None if _rows(found) else "expected a list that is not empty"
    wanted = json.loads(expectation.value)
    if _covers(found, wanted):
        return None
    differs = f" ({difference})" if (difference := _difference(found, wanted)) else ""
    return f"expected {_cut(expectation.value)}{differs}"


def _rows(found: object) -> bool:
    """Whether it is a list that holds something, or an object that wraps one as APIs do (`{"data": [...]}`)."""
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list)]
        return len(lists) == 1 and bool(lists[0])
    return isinstance(found, list) and bool(found)


def _difference(found: object, wanted: object, path: str = "") -> str:
    """The first member that is not as it should be."""
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return f"{path} is {_cut(json.dumps(found))}" if path else ""
    for key, want in wanted.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in found:
            return f"{here} is missing"
        if not _covers(found[key], want):
            return _difference(found[key], want, here)
    return ""


def _embedded(output: str) -> object:
    """The JSON on the last line that holds some, after a progress meter or headers."""
    for line in reversed(output.splitlines()):
        start = min((line.find(mark) for mark in "[{" if mark in line), default=-1)
        if start >= 0:
            try:
                return json.loads(line[start:])
            except ValueError:
                continue
    return None


def _covers(found: object, wanted: object) -> bool:
    if isinstance(wanted, str) and re.fullmatch(r"\{\{.*\}\}|<[\w -]+>", wanted):
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and _covers(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(found, list) and all(any(_covers(each, want) for each in found) for want in wanted)
    return found == wanted
