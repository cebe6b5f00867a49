"""Finds expectations that only a person can judge: "verify that all pods are up", "look for errors in the logs"."""

import re
from collections.abc import Iterator, Sequence

from stationmaster.runbooks.read.document import Expectation, ExpectationKind
from stationmaster.runbooks.read.literals import tested_literal
from stationmaster.runbooks.read.words import ENGLISH, Words, cells

_CHECKS = (
    r"verify|verfiy|verifying|check|checking|confirm|confirming|ensure|ensuring|make sure|making sure|be sure|see"
    r"|examine"
    r"|examining|validate|validating|double-check|double check|assert|ascertain|test"
)
_LEAD = re.compile(
    r"(?:[,;:(.–—-]\s*|\b(?:to|and|then|also|or|should|must|can|please|by|first|always|you|we|manually|will|double|need"
    r"|next|now|finally|not|again|just|simply|before|after|while|\w+ly)\s+)$",
    ENGLISH,
)
"""After these words "check" is a verb."""
_BOX = re.compile(r"\W*\[[ xX]\]\s*|\*+")
_CLAUSE = re.compile(
    rf"(?:{_CHECKS})(?: also| and (?:verify|confirm|check|ensure))?,? (?P<word>that|if"
    rf"|whether(?: or not)?)\b(?P<rest>.*)",
    ENGLISH,
)
_FINITE = (
    r"(?:is|are|isn't|aren't|has|have|was|were|does|do|doesn't|don't|exists?|match(?:es)?(?! (?:patterns?|rates?"
    r"|counts?|conditions?))|contains?|works?|can"
    r"|cannot|can't"
    r"|points?|respond(?:s)?|returns?|succeeds?|shows?|runs|equals?|appears?|remains?|got|gets|allows?|permits?|comes?"
    r"|includes?|covers?|references?|resolves?|listens?|accepts?|belongs?|needs?|supports?|specif(?:y|ies)|meets?"
    r"|reflects?|uses|considers|requires|provides|sends|receives|passes|fails|started|completed|occurs|correlates?"
    r"|aligns?|exceeds?|reaches|corresponds?|starts|holds|serves|falls|stays?|displays|includ(?:es|ed))"
)
_NOUN_CLAUSE = re.compile(
    rf"(?!see\b)(?:{_CHECKS}) (?!which|what|who|how|why|when|where|for |to |the following|out "
    rf"|in (?:the )?\w+ (?:if|whether))"
    rf"(?:(?!\b(?:which|that|what|who|whose|where|why|how|to|for|if|whether|and (?:check|verify|ensure|confirm"
    rf"|review|examine|see))\b|[,;:]|\.\s).){{2,90}}?\s{_FINITE}\b(?!-)(?P<rest>.*)",
    ENGLISH,
)
_WHETHER = re.compile(
    r"\b(?:identify|identifying|determine|determining|analy[sz]e|analy[sz]ing|find out|see"
    r"|investigate)(?: also)? (?:if|whether)"
    r"\b(?!(?: the| this)? alert)(?P<rest>.*)"
    r"|\b(?:verify|check|confirm|examine|review|inspect)\b[^.,;:]{2,90}? (?:if (?:they|it|there)|whether)\b.*",
    ENGLISH,
)
_LISTED = re.compile(
    r"(?:verify|verfiy|verifying|ensure|ensuring|confirm|confirming)\s(?:(?!\b(?:which|that|what|how"
    r"|why|to|if|whether)\b"
    r"|[;:]|\.\s).){2,140}?\s(?:exists?|is|are|have)\b(?P<rest>.*)",
    ENGLISH,
)
_SURE = re.compile(
    r"\b(?:make sure|making sure|be sure|ensure|ensuring) (?:it|they|all|each|every|none|no|nothing|there"
    r"|everything)\b(?P<rest>.*)",
    ENGLISH,
)
_HAS_FINITE = re.compile(rf"\b{_FINITE}\b|\w+(?:s|ed)\b", ENGLISH)
_CHECK_WORD = re.compile(rf"^.*?\b(?:{_CHECKS})\b", ENGLISH)
_CHECK_VERB = re.compile(rf"\b(?:{_CHECKS})\b", ENGLISH)
_ACCESS = re.compile(
    r"^\W*(?:you|we|your account)\b(?!'ll| see| get| receive| are receiving| have (?:running|enough|no|only|at least"
    r"|\d))",
    ENGLISH,
)
_WAIT = re.compile(
    r"\bwait(?:ing)?\b(?: (?:a few|several|some|up to|about|at least|\d+)[\w -]{0,20}?(?:minutes?|seconds?|hours?"
    r"|time))?\s*(?:until|till"
    r"|for\b(?! (?:a |an |about |several |some |at least |up to |approximately |around |\d)[\w -]{0,12}(?:min|sec"
    r"|hour|moment|while|bit|day|time))"
    r"[^.]{2,90}?\b(?:to|before)\b)"
    r"|\bwait for at most\b[^.]*?\bto\b",
    ENGLISH,
)
_SEEN = re.compile(
    r"\b(?:you|we)(?:'ll|\u2019ll| will| should| must| would)(?: then| also| now| likely| probably| only"
    r"| be able to| at least| always)*"
    r" (?:see|get|receive|notice|observe|now have|be (?:presented|shown|taken|redirected|greeted)|expect)\b",
    ENGLISH,
)
_OUTPUT = (
    r"(?:outputs?|displays?|response|results?|reply|logs?|log lines?|page|command|query|dashboard|graph|panel|table"
    r"|screen"
    r"|message|prompt|status"
    r"|count|number|value|metrics?|pods?|services?|nodes?|alerts?|state|column|field|rate|latency|usage|idp"
    r"|instances?|containers?"
    r"|processe?s?|replicas?|job|pipeline|site|website|queue|lag|endpoint|targets?|rows?|entry|entries)"
)
_STATE = (
    r"be (?:(?:now|then|all|both|fully|back|already|still|exactly|approximately|roughly|at least|at most"
    r"|no) )*(?:up\b|down\b|in (?:the |a |an )?(?:[\"'`]|state|status|running|ready|healthy|active|sync)|running|ready"
    r"|healthy|green|red|ok\b|okay|available|unavailable|active|displayed|shown|listed|visible|present|absent"
    r"|empty|zero|\d|true|false|enabled"
    r"|open\b|closed|the same|similar|equal|identical|close to|near|above|below|less|more|greater|fewer|lower"
    r"|higher|about|around|like"
    r"|something like|an?\b|one\b|no\b|none|[\"`'<>=]|returned|printed|gone|resolved|cleared|working|connected|bound"
    r"|synced|reachable|accessible"
    r"|marked|high|low|stable|normal|decreasing|increasing|dropping|successful|complete\b|completed|scheduled"
    r"|logged|reported|produced|there"
    r"|redirected|prompted|presented|output|found|flagged|seen|firing|healed|recovered|online|offline|idle"
    r"|unhealthy|valid|part of|output)"
)
_SHOWN = (
    r"(?:show|contain|return|display|include|print|report|look|say|list|respond|match|equal|read|appear|decrease"
    r"|increase|drop|go (?:down|up|away|back)"
    r"|become|disappear|resolve|clear|recover|output|indicate|point to|come (?:up|back|online)|have"
    r"|reflect|start (?:to )?\w+ing|stop \w+ing)"
)
_SHOULD = re.compile(
    rf"(?<![\w-])(?<!which )(?<!what )(?P<subject>{_OUTPUT}"
    rf"(?: (?:of|for|in|on|from|at|with|above|below|using)\b(?:[^.,;:]|\.(?=\w)){{1,50}}?| page"
    rf"| name)?|`[^`]+`(?!\s+must))\s+(?:\w+ly )?(?:should|must|will)(?: now| then| also| only| all| both| each"
    rf"| \w+ly)*"
    rf" (?:{_STATE}|{_SHOWN}\b)|(?<!which )(?<!what )\b(?P<thing>[\w)-]+) should (?:now |then |also |all |both "
    rf"|\w+ly )*(?:not )?(?:{_STATE}"
    r"|reflect|show|list|display|print|return|output|report)\b",
    ENGLISH,
)
_IT_SHOULD = re.compile(
    r"\b(?:this|it|that|which|they|these|there|both|all)(?: (?:result|output|query|command|graph|panel))?\s+"
    r"(?:ideally |then |normally |usually )?"
    r"(?:should|must|will)(?: now| then| also| only| all| both| each| ideally| \w+ly)*"
    rf" (?:{_STATE}|{_SHOWN}|give|produce|result|tell)\b",
    ENGLISH,
)
_SHOWS = re.compile(
    r"^(?:\W*(?:the|this|its|it|that)\s*)(?:(?:example |command |query |command's )?(?:output|response|result"
    r"|command|reply|log))?\s*(?:\w+ly )?(?:contains?|displays?|returns?|prints?|outputs?)\b",
    ENGLISH,
)
_PLACES = (
    r"(?:logs?|outputs?|events?|messages?|page|dashboards?|graphs?|panels?|metrics|response|traces?|status|column"
    r"|journal|syslog|stack ?traces?"
    r"|kibana|grafana|sentry|results?)"
)
_LOOK = re.compile(
    r"\b(?:look|looking|watch|watching|search|searching|scan|grep|inspect)\b[^.;,]{0,40}? for (?!more|further"
    r"|the following|help|details|a more)[^.;,]{2,80}?"
    rf"\b{_PLACES}\b|\b(?:look|watch|search|check"
    rf"|scan|review|inspect|examine|monitor)\b[^.;,]{{0,60}}?\b{_PLACES}\b[^.;,]{{0,60}}? for (?!more|further"
    rf"|the following|help|details|a more"
    r"|any more|this|each|all|your|the (?![^.;]*(?:errors?|messages?|warnings?|exceptions?|lines?"
    r"|[\"`'\u201c])))[^.;]{2,}|\b(?:look|watch|check|search) for (?:an? "
    r"|any )?[\"`'“]?[\w<> -]+[\"`'”]? (?:in|on|under|within)\b[^.;,]{0,40}\b"
    rf"{_PLACES}\b|^(?=.*\b{_PLACES}\b).*\bchecking for \w|\blook(?:ing)? for (?:any "
    rf"|an? )?(?:\w+ ){{0,3}}(?:errors?|warnings?|messages?|exceptions?|spikes?|entries|lines?|failures)\b",
    ENGLISH,
)
_SOUGHT = re.compile(
    r"(?:^\W*|[,;:.]\s*|\b(?:and|to|then|also|should|can|must)\s+)(?:look|watch) for (?!more|further|the following:"
    r"|help"
    r"|details|a more)[^.;,]{2,}",
    ENGLISH,
)
_FILTER = re.compile(r"\bfilter(?:ing)? for\b[^.;]{0,80}?[\"“`']\w", ENGLISH)
_EVENTS = re.compile(
    r"\b(?:verify|check|confirm|validate)\b[^.;\"]{2,90}? with (?:[\w -]+ )?[\"“][^\"”]+[\"”]"
    r"|\b(?:events?|logs?|messages?|output|status|errors?) (?:showing|containing|indicating|with"
    r"|saying) [\"“`'][^\"”`']+[\"”`']",
    ENGLISH,
)
_RULE = re.compile(
    r"\b(?:should not be used|should (?:only|never|always) be used|must not|should be used|will be (?:used|able)"
    r"|should (?:always |only |not )?be (?:considered|treated|taken|careful|aware|able|done|run|applied))\b",
    ENGLISH,
)


_CHECKING = cells(
    "verify verfiy verifying check checking confirm confirming ensure ensuring sure see examine examining"
    " validate validating"
    " double-check assert ascertain test wait waiting identify identifying determine determining analyze analyse"
    " analyzing analysing find inspect review investigate"
)
_CONJUNCTIONS = cells("that if whether")
_ARE = cells("exist exists is are have")
_ANY = cells("sure ensure ensuring")
_WAITING = cells("wait waiting")
_FINITE_WORDS = cells(
    "is are isn't aren't has have was were does do doesn't don't exist exists match matches contain contains work works"
    " can cannot can't point points respond responds return returns succeed succeeds show shows runs equal equals"
    " appear appears remain remains got gets allow allows permit permits come comes include includes cover covers"
    " reference references resolve resolves listen listens accept accepts belong belongs need needs support supports"
    " specify specifies meet meets reflect reflects uses considers requires provides sends receives passes fails"
    " started completed occurs correlate correlates align aligns exceed exceeds reaches corresponds start starts holds"
    " serves falls stay stays displays included"
)
_SHOWING = cells("should must will you'll we'll would you\u2019ll we\u2019ll")
_PRINTING = cells("contains contain displays display returns return prints print outputs output")
_SHOWING_OUTPUT = _SHOWING | _PRINTING
_LOOKING = cells(
    "look looking watch watching search searching scan grep inspect check checking verify confirm validate review"
    " examine monitor filter filtering"
    " showing containing indicating with saying"
)


def judged_by_a_person(sentence: str, words: Words, *, after_output: bool, instructed: bool) -> list[Expectation]:
    """At most one for what is to be verified and one for a test of a literal. `instructed` says that the sentence tells
    to do something: only then is "verify that …" meant."""
    clause = ""
    if (instructed or after_output) and words & _CHECKING:
        clause = _verified(sentence, words)
    if not clause and words & (_SHOWING_OUTPUT if after_output else _SHOWING):
        clause = _seen(sentence, after_output)
    if not clause and words & _LOOKING:
        clause = _looked_for(sentence, words, instructed=instructed)
    tested = tested_literal(sentence, words, instructed=instructed)
    if not (clause or tested):
        return []
    return [_other(each) for each in dict.fromkeys((clause, tested)) if each]


def _verified(sentence: str, words: Words) -> str:
    texts = (_ASIDE.sub("", sentence), sentence) if "(" in sentence else (sentence,)
    if '"' in sentence:
        texts = (*texts, _QUOTED.sub('"…"', texts[0]))
    verbs = [_verbs(text) for text in texts]
    for pattern, needed in ((_CLAUSE, _CONJUNCTIONS), (_NOUN_CLAUSE, _FINITE_WORDS), (_SURE, _ANY), (_LISTED, _ARE)):
        if not words & needed:
            continue
        for text, places in zip(texts, verbs, strict=True):
            for match in _matches(pattern, text, places):
                if _states(match, pattern):
                    return match[0]
    found = (words & _DOUBTING and _WHETHER.search(sentence)) or (words & _WAITING and _WAIT.search(sentence))
    return found[0] if found else ""


def _verbs(text: str) -> list[int]:
    """Where "check" and its like stand as verbs."""
    return [each.start() for each in _CHECK_VERB.finditer(text) if _leads(text[: each.start()])]


def _leads(before: str) -> bool:
    return bool(_LEAD.search(before[-24:])) or not before or _BOX.fullmatch(before) is not None


def _matches(pattern: re.Pattern[str], text: str, places: Sequence[int]) -> Iterator[re.Match[str]]:
    if pattern is _SURE:
        yield from pattern.finditer(text)
        return
    end = 0
    for at in places:
        if at >= end and (match := pattern.match(text, at)):
            end = match.end()
            yield match


def _states(match: re.Match[str], pattern: re.Pattern[str]) -> bool:
    """Whether what is to be checked is a state of something, rather than one's own access or a cause."""
    clause = _CHECK_WORD.sub("", match[0])
    if _PROVES.match(match["rest"]) or _PROVES.match(clause):
        return False
    if pattern is not _CLAUSE:
        return not _ACCESS.match(clause)
    if match["word"] == "that" and not _HAS_FINITE.search(match["rest"]):
        return False
    return not _ACCESS.match(match["rest"])


def _seen(sentence: str, after_output: bool) -> str:
    if match := _SEEN.search(sentence):
        return sentence[match.start() :]
    if (match := _SHOULD.search(sentence)) and not _RULE.search(sentence) and not _EXAMPLE.match(sentence):
        return sentence[match.start() :]
    if after_output and (match := _IT_SHOULD.search(sentence) or _SHOWS.match(sentence)):
        return sentence[match.start() :]
    return ""


_EXAMPLE = re.compile(r"\W*(?:for example|for instance|e\.g\.)", ENGLISH)
_QUOTED = re.compile(r"\"[^\"]*\"")
_ASIDE = re.compile(r"\s*\([^()]*\)")
_PROVES = re.compile(
    r"\W*(?:this|that|it) (?:is|was) (?:indeed |really |actually )?(?:the|a) (?:case|cause|problem|issue|reason)\b",
    ENGLISH,
)
"""What a look is to prove, rather than what it shows: "to confirm this is the cause"."""
_DOUBTING = cells("if whether")
_QUOTES = "\"`'\u201c"


def _looked_for(sentence: str, words: Words, *, instructed: bool) -> str:
    if "for" in words and (match := _LOOK.search(sentence) or (instructed and _SOUGHT.search(sentence))):
        return match[0]
    if not any(mark in sentence for mark in _QUOTES):
        return ""
    match = _FILTER.search(sentence) or _EVENTS.search(sentence)
    return match[0] if match else ""


def _other(words: str) -> Expectation:
    return Expectation(kind=ExpectationKind.OTHER, value=" ".join(words.split())[:200])
