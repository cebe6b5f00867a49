"""Reads what stands around a limit in a runbook: for how long it has to be passed, how bad that is, what is down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from stationmaster.runbooks.read.document import Runbook, Section

_UNITS_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_HOLDS = re.compile(
    r"\bfor (?:(?:more|longer) than |at least |over |about |the (?:last|past) |a period of |up to )?"
    r"(?P<count>\d{1,4}|an?|one|two|five|ten|fifteen|thirty)[ -]?"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\b",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"\b(?:over|in|within|during|across) (?:the |a |an )?(?:last |past |previous |rolling )?(?P<count>\d{1,3})[ -]?"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b"
    r"|\b(?P<count2>\d{1,3})[ -](?P<unit2>minute|min|hour) (?:rolling|average|window|period)",
    re.IGNORECASE,
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "five": 5, "ten": 10, "fifteen": 15, "thirty": 30}
_LONGEST_WINDOW_MS = 86_400_000

_SEVERITIES = {
    "critical": "critical crit fatal emergency urgent blocker outage page pages paging red p0 p1 s0 s1 sev0 sev1"
    " severity0 severity1",
    "warning": "warning warnings warn major minor medium moderate high error ticket yellow amber orange p2 p3 s2 s3"
    " sev2 sev3 severity2 severity3",
    "info": "info informational notice low none p4 p5 s4 s5 sev4 sev5 severity4 severity5",
}
"""Which of our three severities the words of other tables mean: what wakes somebody is critical."""
_BY_WORD = {word: severity for severity, words in _SEVERITIES.items() for word in words.split()}
DEFAULT_SEVERITY = "warning"
_SAID = re.compile(
    r"\bseverity[\s:*_`=|]+(?P<after>[a-z]+[- ]?\d?)|(?<![\w-])(?P<word>critical|warning|p[0-5]|sev[- ]?[0-5])(?![\w-])"
    r"|^\W*(?P<label>info)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"[a-z]+[- ]?\d|[a-z]+", re.IGNORECASE)

_ITEM = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?(?P<text>.+?)\s*$")
_ALERTING = re.compile(
    r"\balert(?:s|ing)?\b.*\b(?:thresholds?|conditions?|rules?|criteria|when)\b|\bthresholds?\b", re.IGNORECASE
)
_DOWN = re.compile(
    r"(?:the |any |an? |all )?(?P<what>[\w /-]{2,60}?) (?:is |are |goes |not )?(?:down|unavailable|unreachable|offline"
    r"|responding|reachable)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downs:
    """An item among the limits of a runbook that says that something is down: no number belongs to it."""

    text: str
    line: int


def holds_ms(text: str) -> int | None:
    """ "for more than 5 minutes" in milliseconds; None where nothing is said."""
    found = _HOLDS.search(text)
    return None if found is None else _milliseconds(found["count"], found["unit"])


def window(text: str) -> str | None:
    """The time over which a rate is to be taken, as a PromQL duration: "over the past 10 minutes" is "10m"."""
    found = _WINDOW.search(text)
    if found is None:
        return None
    length = _milliseconds(found["count"] or found["count2"], found["unit"] or found["unit2"])
    return f"{length // 1000}s" if 60_000 <= length <= _LONGEST_WINDOW_MS else None


def severity(runbook: Runbook, line: int, value: str, *, own: bool = True) -> str:
    """What the line says, the head of its column, its label, its heading, else the runbook; else a warning. What a
    runbook says of itself is not said of other alerts that it names: those are not its `own`."""
    for text in _around(runbook, line, value):
        if found := severity_word(text):
            return found
    return (severity_word(runbook.severity, bare=True) if own else "") or DEFAULT_SEVERITY


def severity_word(text: str, *, bare: bool = False) -> str:
    """ "critical", "warning", "info", or empty. In running text only words that mean a severity and nothing else count;
    `bare` text is one by itself."""
    found = _BARE.finditer(text) if bare else (each for each in _SAID.finditer(text))
    for match in found:
        word = match[0] if bare else (match["after"] or match["word"] or match["label"])
        known = _BY_WORD.get(re.sub(r"[\s-]", "", word.lower())) or _BY_WORD.get(re.split(r"[\s-]", word.lower())[0])
        if known:
            return known
    return ""


def downs_of(runbook: Runbook) -> Iterator[Downs]:
    """Items as "Upstream service down" in a section of limits."""
    for section in runbook.sections:
        if not _ALERTING.search(section.title):
            continue
        for number, text in _numbered(section):
            item = _ITEM.match(text)
            if item is not None and _DOWN.fullmatch(plain := re.sub(r"[*_`]", "", item["text"]).rstrip(".")):
                yield Downs(text=plain, line=number)


def _around(runbook: Runbook, line: int, value: str) -> Iterator[str]:
    section = _section(runbook, line)
    if section is None:
        return
    lines = dict(_numbered(section))
    own = lines.get(line, "")
    if own.lstrip().startswith("|"):
        yield _column(lines, line, value)
    yield own
    yield next((lines[at] for at in range(line - 1, line - 8, -1) if lines.get(at, "").rstrip(" *_").endswith(":")), "")
    yield section.title


def _column(lines: dict[int, str], line: int, value: str) -> str:
    """The head of the column that holds the value."""
    top = line
    while lines.get(top - 1, "").lstrip().startswith("|"):
        top -= 1
    cells = _cells(lines[line])
    at = next((number for number, cell in enumerate(cells) if value and value in cell), -1)
    heads = _cells(lines[top])
    return heads[at] if top < line and 0 <= at < len(heads) else ""


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _section(runbook: Runbook, line: int) -> Section | None:
    return next((each for each in runbook.sections if each.lines.first <= line <= each.lines.last), None)


def _numbered(section: Section) -> Iterator[tuple[int, str]]:
    lines = section.text.split("\n")
    return enumerate(lines, start=max(section.lines.last - len(lines) + 1, section.lines.first))


def _milliseconds(count: str, unit: str) -> int:
    number = _NUMBERS.get(count.lower()) or int(count)
    return number * _UNITS_MS[unit[0].lower()]
