"""Finds the ladder of an escalation: who each level is, what it does, and what calls it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stationmaster.runbooks.read.clocks import duration_s
from stationmaster.runbooks.read.knowledge import EscalationLevel, Trigger, TriggerKind
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.passages import SHOWN, Chapter, Passage, Shape, plain

_ESCALATION = re.compile(r"\bescalat", re.IGNORECASE)
_LEVEL = r"(?:level|tier|L)[ -]?(?P<level>[1-9])\b"
_TO = re.compile(
    rf"\bescalate\b(?P<what>[^.\n]*?)\bto {_LEVEL}(?:\s*\((?P<whom>[^)]*)\))?"
    rf"(?:\s+of the (?P<policy>[\w -]+?)(?=:|$| if\b|[.,]))?"
    rf"|\b(?:notify|page) {_LEVEL.replace('<level>', '<paged>')}",
    re.IGNORECASE,
)
_RUNG = re.compile(
    rf"^(?:\d+[.)]\s*)?{_LEVEL}\s*(?:\((?P<whom>[^)]*)\)|[:–—-]\s*(?P<named>[^(:]*))?(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ESCALATE = re.compile(r"^(?:then )?escalate\b(?!.*\bto (?:level|tier|L)[ -]?\d)", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|once|in case|after|unless)\b.*$", re.IGNORECASE | re.DOTALL)
_KINDS: tuple[tuple[TriggerKind, re.Pattern[str]], ...] = (
    (TriggerKind.SECURITY, re.compile(r"\bsecurity|\bbreach|\bcompromis|\bunauthori[sz]ed|\bpii\b", re.IGNORECASE)),
    (
        TriggerKind.DATA_INTEGRITY,
        re.compile(r"\bdata (?:integrity|loss|corrupt\w*|inconsisten\w*)|\bcorrupt", re.IGNORECASE),
    ),
    (
        TriggerKind.FAILED_ATTEMPTS,
        re.compile(
            r"\bfailed\b.{0,30}\battempts?|\b(?:restart|fix|mitigation|remediation|steps?|button|rollback)\b.{0,30}"
            r"\b(?:fail|does(?: not|n't) (?:work|help)|did(?: not|n't))|\bcannot be (?:resolved|fixed|recovered)"
            r"|\bstill (?:does not|doesn't|no|not|down|fail)|\bunable to (?:resolve|fix|recover)"
            r"|\bpersists? (?:after|despite)",
            re.IGNORECASE,
        ),
    ),
    (TriggerKind.CUSTOMER_REPORTS, re.compile(r"\bcustomers?\b|\busers? (?:report|complain|affected)", re.IGNORECASE)),
    (
        TriggerKind.INFRASTRUCTURE,
        re.compile(
            r"\binfrastructure|\bdatabase|\bnetwork|\bnodes?\b|\bserver|\bcluster|\bhardware|\bhost\b", re.IGNORECASE
        ),
    ),
)
_UNNUMBERED = re.compile(r"^escalate to (?:the |your |our )?(?P<whom>[\w /-]{3,50}?) (?:if|when)\b:?", re.IGNORECASE)
_HIGHEST = 9
_FIRST_CALLED = 2
"""Who is asked where no level is said: the operator is level 1."""


@dataclass(slots=True, kw_only=True)
class _Rung:
    whom: str = ""
    first: int = 0
    last: int = 0
    triggers: list[Trigger] = field(default_factory=list)
    duties: list[str] = field(default_factory=list)

    def grow(self, lines: Lines) -> None:
        self.first = min(self.first or lines.first, lines.first)
        self.last = max(self.last, lines.last)


class _Ladder:
    """Collects what several places say about the same level."""

    def __init__(self) -> None:
        self._rungs: dict[int, _Rung] = {}

    def rung(self, level: int, *, whom: str = "", lines: Lines) -> _Rung:
        rung = self._rungs.setdefault(level, _Rung())
        rung.whom = rung.whom or plain(whom).strip(" :-–—")
        rung.grow(lines)
        return rung

    def levels(self) -> tuple[EscalationLevel, ...]:
        return tuple(
            EscalationLevel(
                level=level,
                whom=rung.whom,
                lines=Lines(first=rung.first, last=rung.last),
                triggers=tuple(dict.fromkeys(rung.triggers)),
                duties=tuple(rung.duties),
            )
            for level, rung in sorted(self._rungs.items())
        )


def escalation_of(root: Chapter) -> tuple[EscalationLevel, ...]:
    ladder = _Ladder()
    for chapter in root.walk():
        to, rung = _TO.search(chapter.title), _RUNG.match(chapter.title)
        if to:
            _called(ladder, to, chapter.lines, chapter.passages)
        elif rung and chapter.under(_ESCALATION):
            _step_of_ladder(ladder, rung, chapter.lines, chapter.passages)
        else:
            _passages(ladder, chapter)
    return ladder.levels()


def _called(ladder: _Ladder, match: re.Match[str], lines: Lines, passages: Sequence[Passage]) -> None:
    """ "Escalate to Level 2 (Engineering Manager) if:" with its list."""
    rung = ladder.rung(_level(match), whom=match["whom"] or match["policy"] or "", lines=lines)
    rung.triggers += [_trigger(plain(each.text), each.line) for each in passages if each.shape is Shape.ITEM]


def _step_of_ladder(ladder: _Ladder, match: re.Match[str], lines: Lines, passages: Sequence[Passage]) -> None:
    """ "Level 1 (On-call Engineer):" with its duties; when it has to escalate calls the next level."""
    level = int(match["level"])
    rung = ladder.rung(level, whom=match["whom"] or match["named"] or "", lines=lines)
    for each in (one for one in passages if one.shape is Shape.ITEM):
        text = plain(each.text)
        if _ESCALATE.match(text):
            _next(ladder, level, each, text)
        else:
            rung.duties.append(text)


def _next(ladder: _Ladder, level: int, passage: Passage, text: str) -> None:
    condition = _CONDITION.search(text)
    if condition is not None and level < _HIGHEST:
        called = ladder.rung(level + 1, lines=passage.lines)
        called.triggers.append(_trigger(condition[0], passage.line))


def _passages(ladder: _Ladder, chapter: Chapter) -> None:
    about = chapter.under(_ESCALATION)
    for each in chapter.passages:
        if each.shape in SHOWN:
            continue
        if about and each.cells and each.shape is Shape.ROW:
            _row(ladder, each)
        elif about and (rung := _RUNG.match(plain(each.text))):
            _item(ladder, rung, each, chapter)
        elif match := _asked(each, about=about):
            _sentence(ladder, match, each, chapter)


def _asked(passage: Passage, *, about: bool) -> re.Match[str] | None:
    """Where a sentence escalates; one that names no level counts in a section about escalation alone."""
    if not about and "evel" not in passage.text:
        return None
    text = plain(passage.text)
    return _TO.search(text) or (_UNNUMBERED.match(text) if about else None)


def _item(ladder: _Ladder, match: re.Match[str], passage: Passage, chapter: Chapter) -> None:
    """ "L2: Engineering Manager (after 30 minutes)", with what is nested below it."""
    text = plain(passage.text)
    rung = ladder.rung(int(match["level"]), whom=match["whom"] or match["named"] or "", lines=passage.lines)
    rest = match["rest"].strip(" :–—-")
    if duration_s(rest) is not None:
        rung.triggers.append(_trigger(rest.strip("()"), passage.line))
    below = [each for each in chapter.passages if each.lead == text and each.depth > passage.depth]
    _step_of_ladder(ladder, match, passage.lines, below)


def _sentence(ladder: _Ladder, match: re.Match[str], passage: Passage, chapter: Chapter) -> None:
    """Prose that escalates under a condition, or announces a list of them."""
    text = plain(passage.text)
    whom = match["whom"] or match.groupdict().get("policy") or ""
    rung = ladder.rung(_level(match), whom=whom, lines=passage.lines)
    listed = [
        each for each in chapter.passages if each.lead == text and each.shape is Shape.ITEM and text.endswith(":")
    ]
    if listed:
        rung.triggers += [_trigger(plain(each.text), each.line) for each in listed]
        return
    rung.triggers += [_trigger(each, passage.line) for each in _conditions(text, match)]


def _conditions(text: str, match: re.Match[str]) -> Iterator[str]:
    """What the sentence says about when to escalate, before or behind the word."""
    if match.re is _UNNUMBERED:
        yield text[match.end() :].strip(" .")
        return
    start = max(text.rfind(". ", 0, match.start()), text.rfind("? ", 0, match.start())) + 1
    before = text[start : match.start()].strip(" ,")
    tail = re.split(r"(?<=[.!?])\s", text[match.end() :], maxsplit=1)[0]
    condition = re.match(r"\s*(?::\s*)?(?:if|when|once|after)\b:?\s*(?P<text>[^:].*)", tail, re.IGNORECASE)
    if condition:
        yield condition["text"].strip(" .")
    elif found := _CONDITION.search(before):
        yield re.sub(r"(?:\s+and then|\s+then|,|\s+please)+$", "", found[0].strip(" ,"))


def _row(ladder: _Ladder, row: Passage) -> None:
    heads = [each.lower() for each in row.header]
    column = next((at for at, head in enumerate(heads) if re.search(r"\b(?:level|tier)\b", head)), None)
    if column is None or column >= len(row.cells) or not (number := re.search(r"[1-9]", row.cells[column])):
        return
    pick = {
        name: next((row.cells[at] for at, head in enumerate(heads[: len(row.cells)]) if re.search(pattern, head)), "")
        for name, pattern in (
            ("whom", r"who|role|contact|name|team|person"),
            ("when", r"when|after|time|trigger|condition|criteria"),
        )
    }
    rung = ladder.rung(int(number[0]), whom=pick["whom"], lines=row.lines)
    if pick["when"] and not re.match(r"immediate|-|—|n/?a|0", pick["when"], re.IGNORECASE):
        rung.triggers.append(_trigger(pick["when"], row.line))


def _level(match: re.Match[str]) -> int:
    said = match.groupdict()
    return int(said.get("level") or said.get("paged") or _FIRST_CALLED)


def _trigger(text: str, line: int) -> Trigger:
    after = duration_s(text)
    if after is not None:
        return Trigger(kind=TriggerKind.DURATION, text=text, line=line, after_s=after)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(text)), TriggerKind.OTHER)
    return Trigger(kind=kind, text=text, line=line)
