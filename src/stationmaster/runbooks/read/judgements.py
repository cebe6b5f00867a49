"""Finds expectations that only a person can judge: "verify that all pods are up", "look for errors in the logs"."""

import re

from stationmaster.runbooks.read.document import Expectation, ExpectationKind
from stationmaster.runbooks.read.words import Words, cells

_CHECKS = (
    r"verify|verfiy|verifying|check|checking|confirm|confirming|ensure|ensuring|make sure|making sure|be sure|see|examine"
    r"|examining|validate|validating|double-check|double check|assert|ascertain|test"
)
_BEFORE = (
    r"(?:(?:^|[,;:(.–—-]\s*|\b(?:to|and|then|also|or|should|must|can|please|by|first|always|you|we|manually|will|carefully|double|need|"
    r"next|now|finally|not|again|just|simply|before|after|while|\w+ly)\s+))"
)
_CLAUSE = re.compile(
    rf"{_BEFORE}(?:{_CHECKS})(?: also| and (?:verify|confirm|check|ensure))?,? (?P<word>that|if|whether(?: or not)?)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_FINITE = (
    r"(?:is|are|isn't|aren't|has|have|was|were|does|do|doesn't|don't|exists?|match(?:es)?|contains?|works?|can|cannot|can't"
    r"|points?|respond(?:s)?|returns?|succeeds?|shows?|runs|equals?|appears?|remains?|got|gets|allows?|permits?|comes?)"
)
_NOUN_CLAUSE = re.compile(
    rf"{_BEFORE}(?!see\b)(?:{_CHECKS}) (?!which|what|who|how|why|when|where|for |to |the following|out |in (?:the )?\w+ (?:if|whether))"
    rf"(?:(?!\b(?:which|that|what|who|whose|where|why|how|to|for|if|whether|and (?:check|verify|ensure|confirm|review|examine|see))\b|[,;:]|\.\s).){{2,90}}?\s{_FINITE}\b(?!-)(?P<rest>.*)",
    re.IGNORECASE,
)
_SURE = re.compile(
    r"\b(?:make sure|making sure|be sure|ensure|ensuring) (?:it|they|all|each|every|none|no|nothing|there|everything)\b(?P<rest>.*)",
    re.IGNORECASE,
)
_HAS_FINITE = re.compile(rf"\b{_FINITE}\b|\w+(?:s|ed)\b", re.IGNORECASE)
_CHECK_WORD = re.compile(rf"^.*?\b(?:{_CHECKS})\b", re.IGNORECASE)
_ACCESS = re.compile(
    r"^\W*(?:you|we|your account)\b(?!'ll| see| get| receive)",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"\bwait(?:ing)?\b(?: (?:a few|several|some|up to|about|at least|\d+)[\w -]{0,20}?(?:minutes?|seconds?|hours?|time))?\s*(?:until|till"
    r"|for\b(?! (?:a |an |about |several |some |at least |up to |approximately |around |\d)[\w -]{0,12}(?:min|sec|hour|moment|while|bit|day|time))"
    r"[^.]{2,90}?\b(?:to|before)\b)"
    r"|\bwait for at most\b[^.]*?\bto\b",
    re.IGNORECASE,
)
_SEEN = re.compile(
    r"\b(?:you|we)(?:'ll|\u2019ll| will| should| must| would)(?: then| also| now| likely| probably| only| be able to| at least| always)*"
    r" (?:see|get|receive|notice|observe|be (?:presented|shown|taken|redirected|greeted)|expect)\b",
    re.IGNORECASE,
)
_OUTPUT = (
    r"(?:outputs?|response|results?|reply|logs?|log lines?|page|command|query|dashboard|graph|panel|table|screen|message|prompt|status"
    r"|count|number|value|metrics?|pods?|services?|nodes?|alerts?|state|column|field|rate|latency|usage|idp|instances?|containers?"
    r"|processe?s?|replicas?|job|pipeline|site|website|queue|lag|endpoint|targets?|rows?|entry|entries)"
)
_STATE = (
    r"be (?:(?:now|then|all|both|fully|back|already|still|exactly|approximately|roughly|at least|at most|no) )*(?:up\b|down\b|in (?:the |a |an )?(?:[\"'`]|state|status|running|ready|healthy|active|sync)|running|ready"
    r"|healthy|green|red|ok\b|okay|available|unavailable|active|displayed|shown|listed|visible|present|absent|empty|zero|\d|true|false|enabled"
    r"|open\b|closed|the same|similar|equal|identical|close to|near|above|below|less|more|greater|fewer|lower|higher|about|around|like"
    r"|something|an?\b|one\b|no\b|none|[\"`'<>=]|returned|printed|gone|resolved|cleared|working|connected|bound|synced|reachable|accessible"
    r"|marked|high|low|stable|normal|decreasing|increasing|dropping|successful|complete\b|completed|scheduled|logged|reported|produced|there"
    r"|redirected|prompted|presented|output|found|flagged|seen|firing|healed|recovered|online|offline|idle|unhealthy|valid|part of|output)"
)
_SHOWN = (
    r"(?:show|contain|return|display|include|print|report|look|say|list|respond|match|equal|read|appear|decrease|increase|drop|go (?:down|up|away|back)"
    r"|become|disappear|resolve|clear|recover|output|indicate|point to|come (?:up|back|online)|have|start (?:to )?\w+ing|stop \w+ing)"
)
_SHOULD = re.compile(
    rf"(?<![\w-])(?P<subject>{_OUTPUT}(?: (?:of|for|in|on|from|at|with|above|below|using)\b[^.,;:]{{1,50}}?| page| name)?|`[^`]+`)\s+(?:\w+ly )?(?:should|must|will)(?: now| then| also| only| all| both| each| \w+ly)*"
    rf" (?:{_STATE}|{_SHOWN}\b)|\b(?P<thing>[A-Za-z)-]+) should (?:now |then |also |all |both |\w+ly )*{_STATE}",
    re.IGNORECASE,
)
_IT_SHOULD = re.compile(
    r"\b(?:this|it|that|which|they|these|there|both|all)\s+(?:ideally |then |normally |usually )?"
    r"(?:should|must|will)(?: now| then| also| only| all| both| each| ideally| \w+ly)*"
    rf" (?:{_STATE}|{_SHOWN}|give|produce|result|tell)\b",
    re.IGNORECASE,
)
_SHOWS = re.compile(
    r"^(?:\W*(?:the|this|its|it|that)\s*)(?:(?:example |command |query |command's )?(?:output|response|result|command|reply|log))?\s*(?:\w+ly )?(?:contains?|displays?|returns?|prints?|outputs?)\b",
    re.IGNORECASE,
)
_PLACES = (
    r"(?:logs?|outputs?|events?|messages?|page|dashboards?|graphs?|panels?|metrics|response|traces?|status|column|journal|syslog|stack ?traces?"
    r"|kibana|grafana|sentry|results?)"
)
_LOOK = re.compile(
    r"\b(?:look|looking|watch|watching|search|searching|scan|grep|inspect)\b[^.;,]{0,40}? for (?!more|further|the following|help|details|a more)[^.;,]{2,80}?"
    rf"\b{_PLACES}\b|\b(?:look|watch|search|check|scan|inspect|review|examine|monitor)\b[^.;,]{{0,60}}?\b{_PLACES}\b[^.;,]{{0,60}}? for (?!more|further|the following|help|details|a more"
    r"|any more|this|each|all|your)[^.;]{2,}|\b(?:look|watch|check|search) for (?:an? |any )?[\"`'“]?[\w<> -]+[\"`'”]? (?:in|on|under|within)\b[^.;,]{0,40}\b"
    rf"{_PLACES}\b|^(?=.*\b{_PLACES}\b).*\bchecking for \w|\blook(?:ing)? for (?:any |an? )?(?:\w+ ){{0,3}}(?:errors?|warnings?|messages?|exceptions?|spikes?|entries|lines?|failures)\b",
    re.IGNORECASE,
)
_FILTER = re.compile(r"\bfilter(?:ing)? for\b[^.;]{0,80}?[\"“`']\w", re.IGNORECASE)
_EVENTS = re.compile(
    r"\b(?:events?|logs?|messages?|output|status|errors?) (?:showing|containing|indicating|with|saying) [\"“`'][^\"”`']+[\"”`']",
    re.IGNORECASE,
)
_IF = re.compile(
    r"\b(?:if|in case|unless)\b(?P<subject>[^,;:]{1,90}?)\b(?P<verb>is|are|isn't|aren't|shows?|contains?|returns?|indicates?|says?|reads?|equals?|set|have|has|reports?"
    r"|displays?|includes?|see|exceeds?|above|below|over|under|greater|less|more|fewer|remains?|reach(?:es)?|exits?|goes|found|matches|not|doesn't|do|does)\b(?P<rest>(?:(?!\bthen\b|\blevel \d|\bstep \d)[^,;]){0,80})",
    re.IGNORECASE,
)
_LITERAL = re.compile(
    r"(?<![\w-])(?:[\"“][^\"”]+[\"”]|'[^']+'|`[^`]+`|[<>]=?\s*\d|\d+(?:\.\d+)?\s?%|zero\b|empty\b|\b[1-5]\d\d\b|\b\d+\b(?! ?(?:min|sec|hour|day|week|ms\b|m\b|s\b|h\b))"
    r"|(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled|Pending|Running|Terminating|Unknown|NotReady|Ready|Evicted|Failed|Completed|Available|Degraded|Error|Unhealthy|Healthy|Bound|Active|Inactive|ACTIVE|FAILED|RUNNING|PENDING|STOPPED)\b)"
)
_INPUT = re.compile(
    r"\b(?:labels?|(?:you|we)(?! (?:see|get|find|notice|observe))|severity|your|alert|environment|version|region)\b",
    re.IGNORECASE,
)
_RULE = re.compile(
    r"\b(?:should not be used|should (?:only|never|always) be used|must not|should be used|will be (?:used|able)|should (?:always |only |not )?be (?:considered|treated|taken|careful|aware|able|done|run|applied))\b",
    re.IGNORECASE,
)


_CHECKING = cells(
    "verify verfiy verifying check checking confirm confirming ensure ensuring sure see examine examining validate validating"
    " double-check assert ascertain test wait waiting"
)
_SHOWING = cells("should must will you'll we'll would you\u2019ll we\u2019ll")
_PRINTING = cells("contains contain displays display returns return prints print outputs output")
_LOOKING = cells(
    "look looking watch watching search searching scan grep inspect check checking review examine monitor filter filtering"
    " showing containing indicating with saying"
)
_TESTING = cells("if unless case")


def judged_by_a_person(sentence: str, words: Words, *, after_output: bool, instructed: bool) -> list[Expectation]:
    """At most one for what is to be verified and one for a test of a literal. `instructed` says that the sentence tells
    to do something: only then is "verify that …" meant."""
    clause = ""
    if (instructed or after_output) and words & _CHECKING:
        clause = _verified(sentence)
    if not clause and words & (_SHOWING | _PRINTING if after_output else _SHOWING):
        clause = _seen(sentence, after_output)
    if not clause and words & _LOOKING:
        clause = _looked_for(sentence, words)
    tested = _tested(sentence) if words & _TESTING else ""
    return [_other(each) for each in dict.fromkeys((clause, tested)) if each]


def _verified(sentence: str) -> str:
    for pattern in (_CLAUSE, _NOUN_CLAUSE, _SURE):
        for match in pattern.finditer(sentence):
            if not _ACCESS.match(match["rest"] if pattern is _CLAUSE else _CHECK_WORD.sub("", match[0])) and not (
                pattern is _CLAUSE and match["word"] == "that" and not _HAS_FINITE.search(match["rest"])
            ):
                return match[0]
    match = _WAIT.search(sentence)
    return match[0] if match else ""


def _seen(sentence: str, after_output: bool) -> str:
    if match := _SEEN.search(sentence):
        return sentence[match.start() :]
    if (match := _SHOULD.search(sentence)) and not _RULE.search(sentence):
        return sentence[match.start() :]
    if after_output and (match := _IT_SHOULD.search(sentence) or _SHOWS.match(sentence)):
        return sentence[match.start() :]
    return ""


_QUOTES = "\"`'\u201c"


def _looked_for(sentence: str, words: Words) -> str:
    if "for" in words and (match := _LOOK.search(sentence)):
        return match[0]
    if not any(mark in sentence for mark in _QUOTES):
        return ""
    match = _FILTER.search(sentence) or _EVENTS.search(sentence)
    return match[0] if match else ""


def _tested(sentence: str) -> str:
    """An if-clause that compares something observable with a literal."""
    for match in _IF.finditer(sentence):
        if not _INPUT.search(match["subject"]) and _LITERAL.search(match["rest"]):
            return match[0]
    return ""


def _other(words: str) -> Expectation:
    return Expectation(kind=ExpectationKind.OTHER, value=" ".join(words.split())[:200])
