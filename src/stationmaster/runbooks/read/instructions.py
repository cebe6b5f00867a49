"""Tells sentences that ask a person to do or to check something from those that only describe."""

import re

from stationmaster.runbooks.read.verbs import ADVERBS, NO_INSTRUCTIONS, NOUNS_TOO, OPENERS, VERBS
from stationmaster.runbooks.read.words import ENGLISH, Words, cells, words_of

_LABEL = re.compile(
    r"^(?:\W*\[(?:[ xX]|[A-Z]{2,})\]\s*)?(?:\W*(?:step|option|method|phase|action)?\s*\d+\s*[.):]\s*"
    r"|[a-z][.)]\s+)?[^\w`\[(]*",
    ENGLISH,
)
_LEAD = re.compile(rf"(?:(?:{ADVERBS})\b\s*[,:;–—-]?\s*)+", ENGLISH)
_OPENER = re.compile(rf"(?:{OPENERS})\b", ENGLISH)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_CLAUSE = re.compile(r"(?:[,:;–—]|\s--?\s|\bthen\b|\bplease\b)\s*")
_DETERMINED = (
    r"the|a|an|that|if|whether|for|any|all|your|this|these|those|which|what|how|why|when|where|and|or|with|by"
    r"|in"
    r"|on|from|to|it|them|into|out|up|down|back|you|we|they|there|no|not|at|of|as|is|are"
)
_NOUN = re.compile(
    rf"[a-z-]+(?:\s+(?!(?:{_DETERMINED}|using)\b)(?:`[^`]*`|[\w./-]+)){{0,3}}?\s+(?:is|are|was|were|has|have|had|will|can|cannot"
    rf"|could|may"
    r"|might|should|would|must|does|do|did|fails?|failed|shows?|indicates?|fires?|remains?|requires?|needs?|becomes?"
    r"|means?|allows?|provides?|contains?|gets?|increases?|occurs?|happens?|takes?|goes|exceeds?|meets?|violates?"
    r"|affects?"
    r"|causes?|decreases?|reports?|runs?|uses?|started?|stops?|stopped|exists?|returns?|reached|reaches|drops?|grows?"
    r"|spikes?|stays?|works?|comes?|makes?|gives?|lets|helps?|enables?|consists?|depends?|includes?|appears?)\b(?!-)"
    r"|[a-z]+ (?:name|url|id|type|status|level|owner|date|details?|link|time|channel)s?:|(?:request|response"
    r"|error|access|load|query) (?:rate|time|count|latency|size)s?\b|[a-z]+\s*$(?<!\w{12})|[a-z-]+\s*(?:[|=/]"
    r"|:\s)|(?:access|changes?|response|requests?|work|attempts?)\s+to\b|[a-z]+(?: [a-z]+){1,2}: (?=[A-Z]"
    r"|[a-z]+ (?:is|are|not)\b)"
)
_MODAL = re.compile(
    r"\b(?P<who>you|we|one|operators?|engineers?|administrators?"
    r"|admins?|on-?call|sres?)(?:'ll|\u2019ll)?\s+"
    r"(?:(?:also|then|now|still|first|probably|only|just|simply|either|will|would|likely|always|therefore)\s+)*"
    r"(?:(?:may|might|will|can|could|should|'ll)\s+)?(?:(?:also|then|probably|still|first)\s+)*"
    r"(?P<modal>should|must|can|could|may|might|need to|have to|want to|ought to|needs to|has to|are advised to"
    r"|had better)\s+"
    r"(?:(?:also|then|now|still|first|probably|only|just|simply|either|manually|always|try to|want to|need to"
    r"|have to|safely"
    r"|easily|usually|consider|instead|\w+ly)\s+)*(?P<verb>[a-z/-]+)",
    ENGLISH,
)
_PREVIOUS = re.compile(r"(?:[\w'\u2019]+\s+|[^\w\s]\s*)$")
_RELATIVE = cells(
    "if that which what whether where who when how why as than until unless once whatever since because although "
    "though while whereas"
)
_AVOIDING = cells("avoid")
_STATES = cells(
    "be understand remember note accept agree ensure trust believe care worry hope live deal cope see expect like love"
    " belong contain consist exist seem appear explain mention say mean matter suffer the a to only not"
)
"""Nobody does these when told that they must."""
_CONNECTIVES = cells(
    "and or but so then also however case cases situation therefore here now alternatively otherwise thus instead next "
    "sometimes once later again hence else first finally note recommended"
)
_PASSIVE = re.compile(
    r"\b(?:(?:should|must|needs? to|has to|have to) (?:\w+ly |then |also |first |now )?be (?:\w+ly )?(?:run|rerun"
    r"|executed"
    r"|updated|created|tested|opened|used|configured|added|set)|(?:should|must|needs? to|has to|have to|may"
    r"|can(?: then)?"
    r"|could) (?:\w+ly |then |also |first |now )?be (?:\w+ly )?"
    r"(?:re)?(?:started|restarted|deleted|removed|checked|verified|scaled|increased|decreased|reduced|raised|lowered"
    r"|investigated|escalated|ignored|silenced|stopped|upgraded|replaced|fixed|drained|cordoned|moved|cleaned"
    r"|examined|reviewed|inspected|reported|contacted|notified|paged|rebooted|terminated|killed"
    r"|disabled|rolled back|retried|resolved by|mitigated by|solved by|fixed by|found by running|done by|used to"
    r"|checked by|verified by|confirmed by|obtained by|analy[sz]ed|monitored|closed))\b",
    ENGLISH,
)
_ADVISED = tuple(
    (cells(words), re.compile(pattern, ENGLISH))
    for words, pattern in (
        (
            "recommended advised necessary required advisable suggested important best idea needed wise",
            r"\bit(?:'s| is| may be| might be| could be) (?:\w+ly |also |best |worth )?"
            r"(?:recommended|advised|necessary|required|advisable|suggested|important|best|a good idea|needed|wise)"
            r" (?:to|that you|that we|checking|looking)\b",
        ),
        (
            "recommend suggest advise",
            r"(?<!which )(?<!that )(?<!what )(?<!as )\bwe (?:strongly )?(?:recommend|suggest|advise)\b",
        ),
        ("worth", r"\bworth (?:checking|looking|verifying|trying)\b"),
        (
            "next first second last only easiest simplest best option approach solution possibility",
            r"\b(?:next|first|second|last|only|easiest|simplest|other|another|best) (?:step"
            r"|thing|way|option|approach|solution|possibility)[^,.]{0,30} (?:is|would be|could be) to\b",
        ),
        (
            "need require",
            r"\b(?:may|might|could) (?:need|require) an? (?:\w+ )?(?:rollback|restart|reboot|upgrade|increase|change"
            r"|fix|scale|re\w+)\b",
        ),
        (
            "follow",
            r"\bfollow (?:the|this|our) (?!following|below)(?:[\w-]+ ){0,2}(?:steps|instructions|procedures?|guide"
            r"|process|runbook|playbook|link)\b",
        ),
    )
)
"""What gives advice, each with words of which it holds at least one."""
_CONDITION = re.compile(r"\W*(?:if|unless|when|in case|once)\b", ENGLISH)
_REFERRED = re.compile(r"(?:see|refer to|consult|reach out|ask)\b", ENGLISH)
_UNWRITTEN = re.compile(r"[*_\s]*(?:TODO|FIXME|TBD)\b\s*(?:[:–-]|$)")
"""What nobody has written yet is an instruction to the author alone."""
_TEMPLATES = ("{{", "{%", "<%")
_THAT = re.compile(r"\b(?:that|which|what)\s*$", ENGLISH)
_NEEDLESS = cells(NO_INSTRUCTIONS)
_NOUNS = cells(NOUNS_TOO)
_IMPERATIVE = cells(VERBS)
_ASKED = _IMPERATIVE | {"know", "find", "have"}
_SHOWN = _IMPERATIVE | {"see"}
"""After a condition: "if it is slow, you can see why by …"."""
_POINTER = re.compile(
    r"(?:please )?(?:see(?! (?:if|whether|that|how many|what|which)\b)|refer to(?![^.]{0,30}\bsteps\b)|read more"
    r"|click here"
    r"|check out the (?:docs|documentation)|consult(?! (?:the )?[\w -]*(?:logs?|metrics|dashboards?|graphs?|team)\b)"
    r"|note that"
    r"|note\b(?=[^.]{1,80}\b(?:is|are|will|can|has|have|may|should|does|only)\b)|keep in mind|be aware"
    r"|remember (?:that|to)"
    r"|take care|take note|have a look at (?:the )?docs)\b"
    r"|(?:check|read|consult|visit)\b[^.]{0,120}? for (?:more|further|additional) (?:details?|info|information"
    r"|context)\b"
    r"|read (?:more|about|the docs|\[|the (?:full )?documentation)|find (?:out )?more|use (?:case|of)\b"
    r"|follow(?:s|ing)\b|follow (?:these|the (?:following|below))(?: [\w-]+)? (?:steps|instructions)\b(?! (?:in|from"
    r"|of|on|at)\b)"
    r"|(?:\w+ ){0,2}for (?:more|further|additional|detailed?)\b"
    r"|consider (?:implementing|introducing|automating|improving)\b"
    r"|let(?:'s| us) (?:say|assume|take)|suppose|assume|imagine|say\b|consider (?:a|an|the following) (?:case|example)",
    ENGLISH,
)


_WHO = cells(
    "you we one operator operators engineer engineers administrator administrators admin admins on-call oncall sre sres"
    " you'll we'll you\u2019ll we\u2019ll"
)
_IN_CASE = cells("if unless")
_CURIOUS = cells("want interested curious wish wondering details information more background unfamiliar")
_STRONG = cells("run execute check view follow repeat subtract click verify perform apply restart select open")


def instructs(sentence: str, words: Words | None = None) -> bool:
    """Whether a sentence is an instruction: an imperative, also after a condition or a place, or "you should …"."""
    if sentence.endswith("?") or sentence.startswith(_TEMPLATES) or _UNWRITTEN.match(sentence):
        return False
    label = _LABEL.match(sentence)
    text = sentence[label.end() :] if label else sentence
    head = _stripped(text)
    if words is None:
        words = words_of(sentence)
    if _POINTER.match(head):
        return bool(words & _IN_CASE) and _REFERRED.match(head) is not None and not words & _CURIOUS
    if is_imperative(head) or _asks(text, words) or (words & _STRONG and _UNMARKED.match(text)):
        return True
    if head is not text or _OPENER.match(text) or ":" in text[:80] or _DASH.search(text):
        return follows_imperative(text)
    return False


def follows_imperative(text: str) -> bool:
    """Whether some clause after the first begins with an imperative."""
    conditional = _CONDITION.match(text) is not None
    plain = not (conditional or _OPENER.match(text))
    purpose = text[:3].lower() == "to "
    for match in _CLAUSE.finditer(text):
        if purpose and _COORDINATED.match(text, match.end()):
            continue
        if _COORDINATED.match(text, match.end()) and _DECLARES.search(
            text, max(0, text.rfind(",", 0, match.start())), match.start()
        ):
            continue
        clause = _stripped(text[match.end() :])
        if plain and match[0].startswith(",") and _ENUMERATED.match(clause):
            continue
        if is_imperative(clause) or match[0].strip().lower() == "please" or (conditional and _REFERRED.match(clause)):
            return True
    return False


_PLACED = re.compile(
    r"(?:in|for|under) (?:[\w-]+ ){1,2}(?:situations?|cases?|scenarios?|circumstances|emergenc(?:y|ies))\s+"
    r"|(?:fine|double|cross|right|left|hard|soft)\s+(?=[a-z])|(?:do not|don't|don\u2019t) forget to\s+"
    r"|(?:be|make) sure to\s+|(?:try|remember|attempt) to\s+",
    ENGLISH,
)
_DECLARES = re.compile(r"\b(?:is|are|was|were|has|have|can|may|will|would|could|might|which|that|who)\b", ENGLISH)
_ENUMERATED = re.compile(rf"(?P<noun>[a-z-]+)\s+[a-z-]+s\b(?!\s+(?:{_DETERMINED})\b)", ENGLISH)
"""Nouns in a row after a comma: "…, email notifications (by Notify)"."""
_LEADS = cells(
    "then next first second third finally lastly also now please alternatively optionally however additionally again"
    " simply just otherwise if and or so instead tip hint important afterwards afterward after once ideally furthermore"
    " moreover similarly likewise in for quickly carefully manually always e when where as at to todo info action"
    " temporarily immediately safely but easiest basically usually generally typically periodically gracefully"
    " proactively systematically thoroughly gradually either even only short-term long-term recommended optional"
    " meanwhile sometimes maybe perhaps let"
)
"""The first words of what `_LEAD` knows, besides adverbs."""
_PLACED_STARTS = cells("in fo un fi do cr ri le ha so be ma tr re at")
"""The first letters of what `_PLACED` knows, by which it is not even tried."""
_ASIDE = re.compile(r"\s*\([^()]*\)")
_DASH = re.compile(r"\s(?:--?|[–—])\s")
_COORDINATED = re.compile(r"(?:and|or)\s+(?!then\b|if\b)", ENGLISH)
"""What goes on with the clause before it: "it can be set to skip this, and allow …"."""
_OF = re.compile(r"[a-z-]+ of\b")
_UNMARKED = re.compile(
    r"^\W*(?:to|for|at|in|on|from|with|if|when|once|after"
    r"|before)\b[^,:;]{3,80}?(?<!\bto)(?<!\byou)(?<!\bwe)(?<!\bthat)(?<!\bwhich)(?<!\bthe)"
    r"(?<!\ba)(?<!\ban)(?<!\band)(?<!\bcan)(?<!\bnot)(?<!\bor)(?<!\bthey)(?<!\bwill)(?<!\bof)\s"
    r"(?:run|execute|check|follow(?! these)|repeat|subtract|click|verify|view|perform|apply|restart|select"
    r"|open)\s+(?:the|your"
    r"|this|these|those|a|an|all|following|[`\"\[])",
    ENGLISH,
)


def is_imperative(text: str) -> bool:
    match = _WORD.match(text[:40].lower())
    if match is None or not (match[0] in _IMPERATIVE or match[0].removeprefix("re-") in _IMPERATIVE):
        return False
    lowered = _ASIDE.sub("", text[:160]).lower() if "(" in text[:80] else text[:120].lower()
    if _OF.match(lowered) or lowered[match.end() : match.end() + 1] in {"'", "\u2019", "_"}:
        return False
    if match[0] in _NOUNS and _NOUN.match(lowered):
        return False
    return not _POINTER.match(lowered)


def _stripped(text: str) -> str:
    """Without the words that may stand before an imperative: "then", "please", "in urgent cases"."""
    first = _WORD.match(text[:20].lower())
    if first is None:
        return text
    match = _LEAD.match(text) if first[0] in _LEADS or first[0].endswith("ly") else None
    if match is None and text[:2].lower() in _PLACED_STARTS:
        match = _PLACED.match(text)
    return text[match.end() :].lstrip("*_ ") if match else text


def _asks(text: str, words: Words) -> bool:
    if words & _WHO and _asks_somebody(text):
        return True
    if "be" in words and any(not _THAT.search(text[: match.start()][-12:]) for match in _PASSIVE.finditer(text)):
        return True
    return any(pattern.search(text) for needed, pattern in _ADVISED if not words.isdisjoint(needed))


def _asks_somebody(text: str) -> bool:
    opened = bool(_OPENER.match(text))
    conditional = _CONDITION.match(text) is not None
    end = 0
    for match in _MODAL.finditer(text):
        before = _PREVIOUS.search(text, max(end, match.start() - 30), match.start())
        end = match.end()
        verbs = set(match["verb"].lower().split("/"))
        obliged = match["modal"].lower() in {"must", "need to", "have to", "needs to", "has to"} and "be" not in verbs
        known = verbs - _STATES if obliged else _SHOWN if conditional else _IMPERATIVE
        if not verbs & known or (verbs & _NEEDLESS and not (obliged or conditional)):
            continue
        if verbs <= _AVOIDING or match["modal"].isupper():
            continue
        if _begins_clause(before[0].strip().lower() if before else "", opened=opened):
            return True
    return False


def _begins_clause(before: str, *, opened: bool) -> bool:
    """Whether "you" after the word `before` is its own clause rather than one that describes a noun."""
    if before in _RELATIVE:
        return False
    return opened or before in _CONNECTIVES or not before[:1].isalnum()
