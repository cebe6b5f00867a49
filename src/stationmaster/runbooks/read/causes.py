"""Finds what may have gone wrong: how it shows, which steps diagnose it and which cure it."""

import re
from collections.abc import Sequence

from stationmaster.runbooks.read.document import Step
from stationmaster.runbooks.read.knowledge import Cause, Symptom
from stationmaster.runbooks.read.lines import Lines
from stationmaster.runbooks.read.passages import TOLD, Chapter, Passage, Shape, labelled, plain
from stationmaster.runbooks.read.phases import addresses

_CAUSES = re.compile(
    r"\b(?:common|possible|potential|likely|typical|known|frequent|probable|root)(?: root)? (?:causes?|issues?"
    r"|problems?"
    r"|scenarios|failures?|suspects)\b|^(?:\d+\.\s*)?(?:root )?causes\b|\bfailure (?:modes|scenarios)\b"
    r"|\bcauses? and (?:solutions|remedies|fixes)",
    re.IGNORECASE,
)
_ONE = re.compile(
    r"^(?:cause|scenario|issue|problem|root cause)\s*(?:[A-Z]|\d+)?\s*[:.–-]\s*(?P<first>\S.*)"
    r"|^(?:mitigation|resolution|remediation|solution|fix|workaround)s? (?:for|of|if|when)\b:?\s*(?P<second>.+)",
    re.IGNORECASE,
)
_SYMPTOMS = re.compile(r"^(?:common |typical )?(?:symptoms?|indicators?|signs?|how it shows)\b", re.IGNORECASE)
_DIAGNOSIS = re.compile(
    r"^(?:diagnos|investigat|checks?\b|how to (?:check|verify|confirm)|verif|detection|confirm|troubleshoot"
    r"|analysis)",
    re.IGNORECASE,
)
_REMEDY = re.compile(
    r"^(?:resol|solution|remed|mitigat|fix|recover|action|what to do|workaround|how to (?:fix|resolve)|correct"
    r"|steps to)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^(?:\(?\d+[.):]|[A-Z][.):])\s+")
_LONGEST_TITLE = 120


def causes_of(root: Chapter, steps: Sequence[Step]) -> tuple[Cause, ...]:
    found: list[Cause] = []
    _look(root, steps, found)
    return tuple(found)


def symptoms_of(root: Chapter) -> tuple[Symptom, ...]:
    """How the failure shows that the whole document is about."""
    tops = [*root.chapters, *(inner for each in root.chapters if each.level == 1 for inner in each.chapters)]
    return tuple(
        each for chapter in tops if _SYMPTOMS.match(chapter.title) for each in _symptoms(chapter.passages, whole=True)
    )


def _look(chapter: Chapter, steps: Sequence[Step], found: list[Cause]) -> None:
    """Takes a chapter as a cause, as a list of causes, or looks into it."""
    for each in chapter.chapters:
        one = _ONE.match(_NUMBER.sub("", each.title))
        if each.level < 2:
            _look(each, steps, found)
        elif one:
            found.append(_cause(one["first"] or one["second"], each, steps))
        elif _CAUSES.search(each.title) and each.chapters and not _told(each):
            found += [_cause(inner.title, inner, steps) for inner in each.chapters]
        elif _CAUSES.search(each.title):
            found += _listed(each, steps)
        elif each.level > 2 and _told(each):
            found.append(_cause(each.title, each, steps))
        else:
            _look(each, steps, found)


def _told(chapter: Chapter) -> bool:
    """Whether it says of itself both how it shows and what to do."""
    names = [_name(each) for each in chapter.passages] + [each.title for each in chapter.chapters]
    shows = any(_SYMPTOMS.match(name) for name in names)
    return shows and any(_DIAGNOSIS.match(name) or _REMEDY.match(name) for name in names)


def _cause(title: str, chapter: Chapter, steps: Sequence[Step]) -> Cause:
    symptoms: list[Symptom] = []
    diagnosis: list[str] = []
    remedy: list[str] = []
    for name, lines, passages in _regions(chapter):
        if _SYMPTOMS.match(name):
            symptoms += _symptoms(passages, whole=bool(passages) and not passages[0].lead)
        elif _DIAGNOSIS.match(name):
            diagnosis += addresses(steps, lines)
        elif _REMEDY.match(name):
            remedy += addresses(steps, lines)
    if not (symptoms or diagnosis or remedy):
        remedy = [*_doing(_inner(addresses(steps, chapter.lines), chapter, steps), steps)]
    return Cause(
        title=_short(_NUMBER.sub("", title)),
        lines=chapter.lines,
        symptoms=tuple(symptoms),
        diagnosis=tuple(diagnosis),
        remedy=tuple(remedy),
    )


def _inner(found: tuple[str, ...], chapter: Chapter, steps: Sequence[Step]) -> tuple[str, ...]:
    """Where the whole chapter is one step, the steps in it."""
    whole = [each for step in steps for each in step.walk() if found == (each.address,)]
    if whole and whole[0].lines.first == chapter.lines.first and whole[0].children:
        return addresses(whole[0].children, chapter.lines)
    return found


def _regions(chapter: Chapter) -> list[tuple[str, Lines, list[Passage]]]:
    """The labelled stretches of a chapter, then its sub-sections."""
    found: list[tuple[str, Lines, list[Passage]]] = []
    labels = [each for each in chapter.passages if _labels(_name(each))]
    prose = any(each.shape is Shape.PROSE for each in labels)
    for each in chapter.passages:
        if any(each is label for label in labels) and not (prose and each.shape is Shape.ITEM):
            found.append((_name(each), each.lines, [each]))
        elif found:
            last = found[-1]
            found[-1] = (last[0], Lines(first=last[1].first, last=each.lines.last), [*last[2], each])
    return found + [(each.title, each.lines, list(each.passages)) for each in chapter.chapters]


def _labels(name: str) -> bool:
    return bool(_SYMPTOMS.match(name) or _DIAGNOSIS.match(name) or _REMEDY.match(name))


def _name(passage: Passage) -> str:
    """What a passage is the label of; empty for other ones."""
    if passage.shape not in TOLD or passage.depth > 1:
        return ""
    text = plain(passage.text)
    if passage.lead == text:
        return text.rstrip(":")
    return labelled(passage.text)[0]


def _symptoms(passages: Sequence[Passage], *, whole: bool) -> list[Symptom]:
    """The items; where there are none, the sentences of the prose."""
    items = [each for each in passages if each.shape is Shape.ITEM and not _heads(each)]
    if items:
        return [Symptom(text=plain(each.text), line=each.line) for each in items if each.depth == items[0].depth]
    prose = [each for each in passages if each.shape is Shape.PROSE and (whole or each.text)]
    texts = [(labelled(each.text)[1] if _SYMPTOMS.match(labelled(each.text)[0]) else each.text, each) for each in prose]
    return [Symptom(text=plain(text), line=each.line) for text, each in texts if text and each.lead != plain(each.text)]


def _heads(passage: Passage) -> bool:
    return bool(_SYMPTOMS.match(_name(passage)))


def _listed(chapter: Chapter, steps: Sequence[Step]) -> list[Cause]:
    """ "Possible causes" followed by a list: every outermost item is one; sub-sections are one each."""
    items = [each for each in chapter.passages if each.shape is Shape.ITEM and each.depth == 1]
    ends = [each.line - 1 for each in items[1:]] + [max((each.lines.last for each in chapter.passages), default=0)]
    found = [
        Cause(title=_title(item), lines=lines, remedy=_doing(addresses(steps, lines), steps))
        for item, end in zip(items, ends, strict=False)
        for lines in [Lines(first=item.line, last=max(item.lines.last, end))]
        if _title(item) and not item.text.rstrip().endswith("?")
    ]
    return found + [_cause(inner.title, inner, steps) for inner in chapter.chapters]


def _doing(found: tuple[str, ...], steps: Sequence[Step]) -> tuple[str, ...]:
    """The steps that do something: an item that only names its cause is no step that cures it."""
    named = {each.address: each for step in steps for each in step.walk() if each.address in found}
    return tuple(
        address
        for address in found
        if named[address].commands or named[address].actions or named[address].children or named[address].edges
    )


def _title(item: Passage) -> str:
    label, rest = labelled(item.text)
    return _short(label if label and item.text.startswith(("*", "_")) else plain(item.text)) if rest or label else ""


def _short(text: str) -> str:
    """The first sentence of a title, without its full stop."""
    first = re.split(r"(?<=[\w)`])(?<!\be\.g)(?<!\bi\.e)[.;](?:\s|$)", plain(text), maxsplit=1)[0].rstrip(":").strip()
    return first if len(first) <= _LONGEST_TITLE else first[: _LONGEST_TITLE - 1].rstrip() + "…"
