"""Finds what an output should show: "should contain 'X'", "the reply should be {…}", "3 pods … Running"."""

import json
import re
from dataclasses import replace
from functools import lru_cache

from stationmaster.runbooks.read.document import Expectation, ExpectationKind
from stationmaster.runbooks.read.judgements import judged_by_a_person
from stationmaster.runbooks.read.words import ENGLISH, Words, cells, words_of

_QUOTE = r"(?:'(?P<q1>[^'\n]+)'|\"(?P<q2>[^\"\n]+)\"|`(?P<q3>[^`\n]+)`|“(?P<q4>[^”\n]+)”)"
_NOUN = r"(?:output|reply|response|result|body|logs?)"
_CONTAINS = re.compile(
    rf"(?P<pre>if |whether )?(?:the )?{_NOUN}\s+(?:\w+ ){{0,2}}?"
    r"(?P<not>does(?:n't| not) |should not |shouldn't |must not )?(?:should |must |will )?"
    rf"(?:contains?|includes?|shows?)\s+{_QUOTE}",
    ENGLISH,
)
_IS = re.compile(
    rf"(?P<pre>if )(?:the )?(?:{_NOUN}|status|state)\s+(?:is|was|reads?|says?|prints?|shows?)\s+(?P<not>not )?{_QUOTE}"
    r"(?=[^.]*\b(?:go|jump|skip|proceed|continue|move|return)\b[^.]*\bstep\b)",
    ENGLISH,
)
"""A test that decides where the run goes on. Of any other test of a literal only a person knows what is good."""
_SHOULD_BE = re.compile(
    rf"\b(?:{_NOUN}|status|state|command|it|this) (?:should|must) (?:now |then |only |also )?"
    rf"(?:be|read|say|print|display|return|output)\s+(?:just |exactly )?{_QUOTE}(?=\W*$|[,;.:])",
    ENGLISH,
)
_QUOTES = re.compile("['\"`\u201c]")
_STATUS = re.compile(r"[1-5]\d\d")
_HOLDING = cells("contain contains include includes show shows")
_DUTY = cells("should must will")
_REPLYING = cells("return returns reply be")
_REMEMBERED = 4096
_LISTED = cells("list")
_FOUND = cells("found such")
_TESTED = cells("if")
_IMPLIES = re.compile(
    r"\s*\.?\s*,?\s*(?:this implies that|this means that|it means that|which means|then)?\s*(.*)", ENGLISH
)
_COUNT = re.compile(r"(?:should|must|will) (?:see|be|show) (\d+) [\w ]*?(?:status|state) " + _QUOTE, ENGLISH)
_SEE = re.compile(r"(?:should|must|will) see " + _QUOTE, ENGLISH)
_LIST = re.compile(
    r"works? well when (?:you )?(?:got|get|it returns|there is) a list|should (?:return|be) a list", ENGLISH
)
_HTTP = re.compile(
    r"(?:should (?:return|reply with)|returns?) (?:an? )?(?:HTTP )?(?:status )?(?:code )?([1-5]\d\d)\b"
    r"|(?:should be|be) (?:an? )?(?:HTTP (?:status )?(?:code )?|status (?:code )?|code )([1-5]\d\d)\b",
    ENGLISH,
)
_CONDITIONAL = re.compile(r"\b(?:if|when|unless|in case)\b", ENGLISH)
_REPLY = re.compile(rf"{_NOUN} (?:should|must|will) be\b", ENGLISH)
_SUCH_AS = re.compile(
    r"(?:dependency )?errors? (?:is |are )?found,? such as ([\w -]+? error)(?: or ([\w -]+? error))?", ENGLISH
)


def expectations_of(
    sentence: str, words: Words | None = None, *, line: int = 0, after_output: bool = False, instructed: bool = True
) -> tuple[Expectation, ...]:
    """The expectations that one sentence states about an output; `after_output` says that it follows a command or the
    reply of one, so that "it" is that output. What has no words to look for is left to a person (OTHER)."""
    found = _stated(sentence, words_of(sentence) if words is None else words, after_output, instructed)
    return tuple(replace(each, line=line) for each in found) if found else ()


@lru_cache(maxsize=_REMEMBERED)
def _stated(sentence: str, words: Words, after_output: bool, instructed: bool) -> tuple[Expectation, ...]:
    literal = _literal(sentence, words)
    return tuple(literal or judged_by_a_person(sentence, words, after_output=after_output, instructed=instructed))


def _literal(sentence: str, words: Words) -> list[Expectation]:
    found = _quoting(sentence, words) if _QUOTES.search(sentence) else []
    if words & _LISTED and _LIST.search(sentence):
        found.append(Expectation(kind=ExpectationKind.JSON_LIST, value="", unmet="no list was retrieved"))
    if words & _REPLYING and _STATUS.search(sentence) and not _CONDITIONAL.search(sentence):
        found += [
            Expectation(kind=ExpectationKind.HTTP_STATUS, value=match[1] or match[2])
            for match in _HTTP.finditer(sentence)
        ]
    if words >= _FOUND:
        found += [
            Expectation(
                kind=ExpectationKind.NOT_CONTAINS,
                value=word.strip(),
                unmet=f"a special error was found: {word.strip()}",
            )
            for match in _SUCH_AS.finditer(sentence)
            for word in match.groups()
            if word
        ]
    return found


def _quoting(sentence: str, words: Words) -> list[Expectation]:
    """What is to be seen in so many words."""
    found: list[Expectation] = []
    if words & _HOLDING:
        found += [_contains(match, sentence) for match in _CONTAINS.finditer(sentence)]
    due = words & _DUTY
    if due:
        found += [
            Expectation(kind=ExpectationKind.COUNT, value=_quoted(match), count=int(match[1]))
            for match in _COUNT.finditer(sentence)
        ]
    if due and not found:
        found += [Expectation(kind=ExpectationKind.CONTAINS, value=_quoted(m)) for m in _SEE.finditer(sentence)]
    if found:
        return found
    if words & _TESTED:
        found += [_contains(match, sentence) for match in _IS.finditer(sentence)]
    if due:
        found += [Expectation(kind=ExpectationKind.CONTAINS, value=_quoted(m)) for m in _SHOULD_BE.finditer(sentence)]
    return found


def _contains(match: re.Match[str], sentence: str) -> Expectation:
    """In "if the output doesn't contain X, Y" the output should contain X, and Y is what it means when it does not."""
    conditional = (match["pre"] or "").strip().lower() == "if"
    negated = bool(match["not"])
    rest = sentence[match.end() :]
    said = _IMPLIES.match(rest)
    meaning = said[1].strip(" .") if said and conditional else ""
    if negated and not conditional:
        return Expectation(kind=ExpectationKind.NOT_CONTAINS, value=_quoted(match))
    value = _quoted(match)
    if negated:
        return Expectation(kind=ExpectationKind.CONTAINS, value=value, unmet=meaning)
    return Expectation(kind=ExpectationKind.CONTAINS, value=value, met=meaning)


def _quoted(match: re.Match[str]) -> str:
    groups = match.groupdict()
    found = next(groups[name] for name in ("q1", "q2", "q3", "q4") if groups[name] is not None)
    return found.rstrip(". ") or found


def announces_reply(text: str) -> bool:
    """Whether a text says that the block after it is the reply to be seen."""
    return bool(_REPLY.search(text))


def reply_of(block: str) -> Expectation:
    """A block that shows the reply: JSON by its members, anything else by its text."""
    text = block.strip()
    try:
        json.loads(text)
    except ValueError:
        return Expectation(kind=ExpectationKind.CONTAINS, value=text)
    return Expectation(kind=ExpectationKind.JSON_SUBSET, value=text)
