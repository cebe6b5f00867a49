"""Finds warnings that have to stay with the command or step that they stand beside."""

import re
from dataclasses import replace

from stationmaster.runbooks.read.document import Caution
from stationmaster.runbooks.read.words import ENGLISH, Words, cells, words_of

_WARNS = re.compile(
    r"(?:^\W*|[.:;,!(–—-]\s*|\b(?:please|so|and|but|should|must)\s+)(?:do not|don't|don\u2019t|never)"
    r" (?!need|have to|worry|want|know|see|get|find|forget|hesitate|work|exist|match)|\b(?:must not"
    r"|should not be (?:run|used|executed)"
    r"|dangerous|danger|warning|caution|careful(?:ly)?|beware|destructive|irreversible|can(?:not|'t) be undone"
    r"|data loss|lose data"
    r"|last resort|(?:this|it|which) (?:will |would |can )?(?:\w+ly )?(?:deletes?|removes?|wipes?|destroys?"
    r"|drops?|erases?"
    r"|overwrites?|interrupts?|kills?|truncates?)|only (?:if|when|run|use|do|after|once)"
    r"|make (?:absolutely )?sure (?:that )?(?:no|nobody|nothing|it is not)|at your own risk|for reference only)\b|⚠",
    ENGLISH,
)
_FORBIDS = re.compile(
    r"\b(?:do not|don't|don\u2019t|never|must not)\s+(?:ever\s+|actually\s+|just\s+)?(?:run|execute|use|do|try"
    r"|apply|perform|invoke|type|paste|copy|attempt)\b",
    ENGLISH,
)

_BELOW = re.compile(
    r"^[^`]*\b(?:this|these|it|them|the following|below|following commands?|that)\b[^`]*$|^\W*(?:do not|don't"
    r"|never) (?:run|execute|use)\W*$",
    ENGLISH,
)

_WORDS = cells(
    "not don't don\u2019t never dangerous danger warning caution careful carefully beware destructive"
    " irreversible undone"
    " loss lose resort deletes delete removes remove wipes wipe destroys destroy drops drop erases erase"
    " overwrites overwrite"
    " interrupts interrupt kills kill truncates truncate only sure risk reference"
)


def caution_of(text: str, words: Words | None = None, *, line: int) -> Caution | None:
    """The warning that a comment or sentence holds; one that says not to run it forbids."""
    warns = not _WORDS.isdisjoint(words_of(text) if words is None else words) or "⚠" in text
    if not warns or not _WARNS.search(text):
        return None
    return Caution(text=" ".join(text.split()), line=line, forbids=bool(_FORBIDS.search(text)))


def about_the_block(caution: Caution) -> Caution:
    """The same warning for what stands below it: it forbids that only where it speaks of it ("do not run this")."""
    return caution if caution.forbids and _BELOW.search(caution.text) else replace(caution, forbids=False)
