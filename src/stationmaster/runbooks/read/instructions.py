"""Tells sentences that ask a person to do or to check something from those that only describe."""

import re

from stationmaster.runbooks.read.verbs import ADVERBS, NO_INSTRUCTIONS, NOUNS_TOO, OPENERS, VERBS
from stationmaster.runbooks.read.words import Words, cells, words_of

_LABEL = re.compile(
    r"^(?:\W*\[(?:[ xX]|[A-Z]{2,})\]\s*)?(?:\W*(?:step|option|method|phase|action)?\s*\d+\s*[.):]\s*)?[^\w`\[(]*",
    re.IGNORECASE,
)
_LEAD = re.compile(rf"(?:(?:{ADVERBS})\b\s*[,:;–—-]?\s*)+", re.IGNORECASE)
_OPENER = re.compile(rf"(?:{OPENERS})\b", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_CLAUSE = re.compile(r"(?:[,:;–—]|\s--?\s|\bthen\b|\bplease\b)\s*")
_DETERMINED = r"the|a|an|that|if|whether|for|any|all|your|this|these|those|which|what|how|why|when|where|and|or|with|by|in|on|from|to|it|them|into|out|up|down|back|you|we|they|there|no|not|at|of|as|is|are"
_NOUN = re.compile(
    rf"[a-z-]+(?:\s+(?!(?:{_DETERMINED})\b)[\w`./-]+){{0,3}}?\s+(?:is|are|was|were|has|have|had|will|can|cannot|could|may"
    r"|might|should|would|must|does|do|did|fails?|failed|shows?|indicates?|fires?|remains?|requires?|needs?|becomes?"
    r"|means?|allows?|provides?|contains?|gets?|increases?|occurs?|happens?|takes?|goes)\b"
    r"|[a-z]+ (?:name|url|id|type|status|level|owner|date|details?|link|time|channel)s?:|(?:request|response|error|access|load|query) (?:rate|time|count|latency|size)s?\b|[a-z]+\s*$(?<!\w{12})|[a-z-]+\s*(?:[|=/]|:\s)|(?:access|changes?|response|requests?)\s+to\b"
)
_MODAL = re.compile(
    r"(?P<before>(?:[\w'\u2019]+\s+|[^\w\s]\s*)?)\b(?P<who>you|we|one|operators?|engineers?|administrators?|admins?|on-?call|sres?)(?:'ll|\u2019ll)?\s+"
    r"(?:(?:also|then|now|still|first|probably|only|just|simply|either|will|would|likely|always|therefore)\s+)*"
    r"(?:(?:may|might|will|can|could|should|'ll)\s+)?(?:(?:also|then|probably|still|first)\s+)*"
    r"(?P<modal>should|must|can|could|may|might|need to|have to|want to|ought to|needs to|has to|are advised to|had better)\s+"
    r"(?:(?:also|then|now|still|first|probably|only|just|simply|either|manually|always|try to|want to|need to|have to|safely"
    r"|easily|usually|consider|instead|\w+ly)\s+)*(?P<verb>[a-z/-]+)",
    re.IGNORECASE,
)
_RELATIVE = frozenset("if that which what whether where who when how why as than until unless once whatever".split())
_CONNECTIVES = frozenset(
    "and or but so then also however case cases situation therefore here now alternatively otherwise thus instead next "
    "sometimes once later again hence else first finally note recommended".split()
)
_PASSIVE = re.compile(
    r"\b(?:should|must|needs? to|has to|have to|may|can(?: then)?|could) (?:\w+ly |then |also |first |now )?be (?:\w+ly )?"
    r"(?:re)?(?:started|restarted|deleted|removed|checked|verified|scaled|increased|decreased|reduced|raised|lowered"
    r"|investigated|escalated|ignored|silenced|stopped|updated|upgraded|replaced|fixed|drained|cordoned|moved|cleaned"
    r"|examined|reviewed|inspected|run|rerun|executed|reported|contacted|notified|paged|rebooted|terminated|killed"
    r"|disabled|rolled back|retried|resolved by|mitigated by|solved by|fixed by|found by running|done by|used to"
    r"|checked by|verified by|confirmed by|obtained by|tested|analy[sz]ed|monitored|opened|closed|created)\b",
    re.IGNORECASE,
)
_ADVISED = re.compile(
    r"\bit(?:'s| is| may be| might be| could be) (?:\w+ly |also |best |worth )?"
    r"(?:recommended|advised|necessary|required|advisable|suggested|important|best|a good idea|needed|wise) (?:to|that you|that we|checking|looking)\b|\bwe (?:strongly )?(?:recommend|suggest|advise)\b"
    r"|\bworth (?:checking|looking|verifying|trying)\b|\b(?:next|first|second|last|only|easiest|simplest) (?:step|thing|way|option)[^,.]{0,30} is to\b"
    r"|\b(?:may|might|could) (?:need|require) an? (?:\w+ )?(?:rollback|restart|reboot|upgrade|increase|change|fix|scale|re\w+)\b"
    r"|\bfollow (?:the|these|this|our) (?:[\w-]+ ){0,2}(?:steps|instructions|procedures?|guide|process|runbook|playbook|link)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\W*(?:if|unless|when|in case|once)\b", re.IGNORECASE)
_REFERRED = re.compile(r"(?:see|refer to|consult|reach out|ask)\b", re.IGNORECASE)
_TEMPLATES = ("{{", "{%", "<%")
_THAT = re.compile(r"\b(?:that|which|what)\s*$", re.IGNORECASE)
_NEEDLESS = frozenset(NO_INSTRUCTIONS.split())
_NOUNS = frozenset(NOUNS_TOO.split())
_IMPERATIVE = frozenset(VERBS.split())
_SHOWN = _IMPERATIVE | {"see"}
"""After a condition: "if it is slow, you can see why by …"."""
_POINTER = re.compile(
    r"(?:please )?(?:see|refer to|read more|click here|check out the (?:docs|documentation)|consult|note that|note\b(?=[^.]{1,80}\b(?:is|are|will|can|has|have|may|should|does|only)\b)|keep in mind|be aware|remember (?:that|to)"
    r"|take care|take note|have a look at (?:the )?docs)\b"
    r"|read (?:more|about|the docs|\[|the (?:full )?documentation)|find (?:out )?more|use (?:case|of)\b|follow(?:s|ing)\b"
    r"|(?:\w+ ){0,2}for (?:more|further|additional|detailed?)\b"
    r"|consider (?:implementing|introducing|automating|improving)\b"
    r"|let(?:'s| us) (?:say|assume|take)|suppose|assume|imagine|say\b|consider (?:a|an|the following) (?:case|example)",
    re.IGNORECASE,
)


_WHO = cells(
    "you we one operator operators engineer engineers administrator administrators admin admins on-call oncall sre sres"
    " you'll we'll you\u2019ll we\u2019ll"
)
_ADVICE = cells(
    "recommended advised necessary required advisable suggested important best idea needed wise recommend suggest advise"
    " worth next first second last only easiest simplest require need follow"
)
_STRONG = cells("run execute check follow repeat subtract click verify perform apply restart select open")


def instructs(sentence: str, words: Words | None = None) -> bool:
    """Whether a sentence is an instruction: an imperative, also after a condition or a place, or "you should …"."""
    if sentence.endswith("?") or sentence.startswith(_TEMPLATES):
        return False
    text = _LABEL.sub("", sentence, count=1)
    head = _stripped(text)
    if _POINTER.match(head):
        return False
    if words is None:
        words = words_of(sentence)
    if is_imperative(head) or _asks(text, words) or (words & _STRONG and _UNMARKED.match(text)):
        return True
    if head is not text or _OPENER.match(text) or ":" in text[:80]:
        return follows_imperative(text)
    return False


def follows_imperative(text: str) -> bool:
    """Whether some clause after the first begins with an imperative."""
    conditional = _CONDITION.match(text) is not None
    for match in _CLAUSE.finditer(text):
        clause = _stripped(text[match.end() :])
        if is_imperative(clause) or match[0].strip().lower() == "please" or (conditional and _REFERRED.match(clause)):
            return True
    return False


_OF = re.compile(r"[a-z-]+ of\b")
_UNMARKED = re.compile(
    r"^\W*(?:to|for|at|in|on|from|with|if|when|once|after|before)\b[^,:;]{3,80}?(?<!\bto)(?<!\byou)(?<!\bwe)(?<!\bthat)(?<!\bwhich)(?<!\bthe)"
    r"(?<!\ba)(?<!\ban)(?<!\band)(?<!\bcan)(?<!\bnot)(?<!\bor)(?<!\bthey)(?<!\bwill)(?<!\bof)\s"
    r"(?:run|execute|check|follow|repeat|subtract|click|verify|perform|apply|restart|select|open)\s+(?:the|your|this|these|those|a|an|all|following|[`\"\[])",
    re.IGNORECASE,
)


def is_imperative(text: str) -> bool:
    lowered = text[:120].lower()
    if _OF.match(lowered):
        return False
    match = _WORD.match(lowered)
    if (
        match is None
        or not {match[0], match[0].removeprefix("re-")} & _IMPERATIVE
        or lowered[match.end() : match.end() + 1] in {"'", "\u2019", "_"}
    ):
        return False
    if match[0] in _NOUNS and _NOUN.match(lowered):
        return False
    return not _POINTER.match(lowered)


def _stripped(text: str) -> str:
    match = _LEAD.match(text)
    return text[match.end() :].lstrip("*_ ") if match else text


def _asks(text: str, words: Words) -> bool:
    if words & _WHO and _asks_somebody(text):
        return True
    if "be" in words and any(not _THAT.search(text[: match.start()][-12:]) for match in _PASSIVE.finditer(text)):
        return True
    return bool(words & _ADVICE and _ADVISED.search(text))


def _asks_somebody(text: str) -> bool:
    opened = bool(_OPENER.match(text))
    conditional = _CONDITION.match(text) is not None
    for match in _MODAL.finditer(text):
        verbs = set(match["verb"].lower().split("/"))
        obliged = match["modal"].lower() in {"must", "need to", "have to", "needs to", "has to"} and "be" not in verbs
        if not verbs & (_SHOWN if conditional else _IMPERATIVE) or (verbs & _NEEDLESS and not (obliged or conditional)):
            continue
        if _begins_clause(match["before"].strip().lower(), opened=opened):
            return True
    return False


def _begins_clause(before: str, *, opened: bool) -> bool:
    """Whether "you" after the word `before` is its own clause rather than one that describes a noun."""
    if before in _RELATIVE:
        return False
    return opened or before in _CONNECTIVES or not before[:1].isalnum()
