"""Finds what decides whether a step is done: "if …", "otherwise", "once …", "go to step 5", "continue regardless"."""

import re
from collections.abc import Sequence
from dataclasses import replace

from stationmaster.runbooks.read.document import Edge, EdgeKind
from stationmaster.runbooks.read.instructions import follows_imperative, instructs, is_imperative
from stationmaster.runbooks.read.prose import Sentence
from stationmaster.runbooks.read.words import ENGLISH, Words, cells

_IF = re.compile(r"\b(?:if|unless|in (?:the )?case|in the event (?:that|of)|assuming)\b", ENGLISH)
_NEAR = 14
"""Characters in which a second "if" belongs to the first: "and if so if it is …"."""
_PREVIOUS = re.compile(r"\b[\w-]+\W+$")
_ASKED = re.compile(
    r"\b(?:check|checking|checks|verify|verifying|see|seeing|determine|determining|confirm|confirming|ask|asking"
    r"|know|test"
    r"|testing|find out|figure out|decide|deciding|examine|understand|identify|validate|tell|tells|wonder|sure|as|even"
    r"|assess|evaluate|evaluating|investigate|unclear|show|shows|indicate|indicates|inspect|learn|consider|ensure|out"
    r"|establish|review|analyze|assessing|checked|detect|monitor|look|clear|on|about|of|matter|what|and|or)\W*$",
    ENGLISH,
)
_POSSIBLE = re.compile(
    r"\b(?:if|when|where|wherever|whenever) (?:it is |it's |they are |this is )?(?:needed|necessary|possible|required"
    r"|applicable|appropriate|desired|available)\b",
    ENGLISH,
)
_WHEN = re.compile(
    r"^(?:\W*(?:then|also|and|or|but|so|now|however|note|only)\W+)?(?:when|whenever)\s+(?P<next>\w+)", ENGLISH
)
_CASE = re.compile(
    r"^for (?!example|instance|more|each|every|all|further|now|this|that|the (?:rest|following)|details"
    r"|information|reference"
    r"|additional|other|help|a (?:list|full|complete))[^,:.]*?"
    r"(?:issues?|errors?|problems?|failures?|cases?|alerts?|timeouts?|clusters?|instances?|nodes?|pods?|services?"
    r"|environments?|incidents?|leaks?|mismatch(?:es)?|deployments?|applications?|hosts?|databases?)\b(?: only)?[,:]"
    r"|^on [\w .-]*(?:clusters?|systems?|platforms?|environments?|clouds?)\b(?: only)?[,:]",
    ENGLISH,
)
_NAMED_CASE = re.compile(
    r"^for (?!example|instance|more|each|every|all|further|now|this|that|the (?:rest|following)|details|information"
    r"|reference|additional|other|help|a (?:list|full|complete)|convenience|clarity|simplicity|context|completeness"
    r"|debugging|testing|[^,:]*\b(?:reasons?|purposes?|sake)\b)[^,:.]{3,60}, (?=[a-z]+ )",
    ENGLISH,
)
_HEAD_CASE = re.compile(
    r"^for (?!example|instance|more|each|every|all|further|the following|details)[^:]{3,80}:$", ENGLISH
)
_SITUATION = re.compile(
    r"\W*(?:in|for) (?:this|that|such|these|those|either|which|some|rare|extreme|certain|severe|urgent|other"
    r"|most)(?: an?)? (?:cases?|situations?|events?|scenarios?)\b",
    ENGLISH,
)
_LABEL = re.compile(r"^[^:.?!]{3,90}:\s+(?=(?:if|when|whenever|unless|once|otherwise)\b)", ENGLISH)
_STATES = re.compile(
    r"^[^,]*,\s*(?:then )?(?:the|an?|this|that|it|they)\b[^,]{0,60}?\b(?:may|might|can|could|will)\b(?! need)[^,]*:$"
    r"|^[^,]*,\s*(?:then )?(?:the|this|that|it|there(?! are [\w ]*(?:options|ways|possibilities|choices))"
    r"|you)\b[^,]{0,60}?\b(?:is|are|(?:could|may|might|can) be"
    r"|means?|indicates?|impact|will see"
    r"|may see|(?:can|will|may|should) expect)\b[^,]*:$"
    r"|^[^,]*,\s*there['\u2019]s\b[^,]*:$",
    ENGLISH,
)
_FINDING = re.compile(
    r"^(?:if|when|whenever|once)\b[^,]*,\s*(?:then )?(?:(?:this|that|it|these|those|they|there)\b"
    r"|(?!you\b|we\b|please\b)(?:[\w'/-]+\s+){1,5}?(?:is|are|was|were|indicates?|means?|suggests?|may|might|would|could"
    r"|can|cannot|has|have|needs?|fails?)\b)",
    ENGLISH,
)
"""A condition whose consequence only states something: "if X, this indicates Y"."""
_SO_IT_IS = re.compile(
    r", (?:then )?(?!you\b|we\b|please\b)(?:[\w/-]+ ){1,9}?(?:is|are|was|were|may|might|could|can|cannot|will"
    r"|indicates?|means?|suggests?|caused|introduced)\b[^,;]*\.?$",
    ENGLISH,
)
"""The last clause of such a sentence, after conditions with commas in them."""
_CONDITIONAL = re.compile(r"(?:if|when|otherwise|once)\b", ENGLISH)
_OR_NOT = re.compile(r"^\W*(?:check|verify|see|confirm|test|determine)\b.*\bor not\b", ENGLISH)
_SHOWN_BELOW = re.compile(r"(?:you|we) (?:can|may|should|could)\b.*:$", ENGLISH)
_TITLE = re.compile(r"^when[^,]*\bshould\b[^,.:]*$", ENGLISH)
"""A heading that only asks when."""
_ONCE = re.compile(
    r"\b(?:once|as soon as|after (?:the|all|your?|this|that|it|they|these)\b[^,.]{0,60}?\b(?:is|are|has|have"
    r"|restarts?|completes?|finish(?:es)?|succeeds?"
    r"|comes?|becomes?|recovers?|starts?|deploys|been)\b)|\b(?:repeat|keep|continue|wait|rerun|re-run"
    r"|retry)\b[^,.]{0,80}?\buntil\b",
    ENGLISH,
)
_NOT_ONCE = re.compile(
    r"\b(?:at|more than|only|just|per|than|all at) once\b|\bonce (?:an? (?:day|week|month|minute|hour|second"
    r"|year)|per|every|again|or|more|in|only|each)\b|\bonce[.,)]|\bas soon as possible\b"
    r"|^\W*wait\b|\bonce (?:you|we)(?!(?:'re| are)? (?:happy|sure|certain|confident|satisfied|comfortable|understand"
    r"|know|see|receive)\b)(?:'ve|'re| have| are| find| get)?\b",
    ENGLISH,
)
_DONE = re.compile(
    r"^when(?:ever)? .{0,60}?\b(?:completes?|finish(?:es|ed)?|(?:is|are|has|have|been) (?:done|complete[d]?|ready"
    r"|finished|up|back"
    r"|resolved|recovered|restored|fixed|deployed|running))\b",
    ENGLISH,
)
_WHEN_OVER = re.compile(
    r"\bwhen (?:the|this|it|all|that|your)\b[^,;.]{0,60}? (?:eventually |finally |has |have |is |are )*"
    r"(?:resolves?|resolved|recovers?|recovered|completes?|completed|finish(?:es|ed)?|clears|cleared)\b[^,;]*$",
    ENGLISH,
)
_ELSE = re.compile(
    r"(?:^|[,;.(:—–-]\s*|\b(?:and|but)\s+)(?:otherwise|else)\b(?!where)|^(?:if not|if so not)\b\s*,?", ENGLISH
)
_REFERS = re.compile(r"(?:see|refer to|consult)\b", ENGLISH)
_WHAT_FOR = re.compile(r"\bso that\b|\bso (?:the|it|they|we|you|there|this|an?)\b", ENGLISH)
"""What follows is what an instruction is good for; a condition in it decides nothing."""
_OTHERS = re.compile(r"if (?:they|someone|somebody|people)\b", ENGLISH)
_IF_NOT = re.compile(r"^if not\b[ ,:;]", ENGLISH)
_GOTO = re.compile(
    r"\b(?:go|goto|proceed|continue|skip|jump|move|return|head|carry on)\b(?:\s+(?:on|back|ahead|straight"
    r"|directly|over|down|up|forward"
    r"|again))?(?:\s*,)?\s*(?:to|with|from|at)\s+(?:the\s+)?(?:(?:next|previous|following|first|last|above|below"
    r"|other|remaining|rest of the)\s+)?"
    r"(?:(?:\w+ ){0,4}steps?|(?<=next )section|(?<=previous )section|(?<=following )section|sections?(?= (?:above"
    r"|below|\d))|(?<=the )procedure"
    r"|(?:\w+ ){1,4}section(?= (?:above|below)))\b(?:\s+(?P<number>\d+(?:\.\d+)*))?"
    r"|\b(?:repeat|redo)\b(?: from| at)?(?:\s+(?:the|this|these|above|previous|all|last|entire|whole"
    r"|same))*\s+(?:\w+\s+)?"
    r"(?:steps?|process|procedure|sections?)\b(?:\s+(?P<again>\d+(?:\.\d+)*))?",
    ENGLISH,
)
_REFERENCE = re.compile(
    r"(?:please )?(?:see|refer to|follow) (?:the )?(?:steps? in )?(?:the )?(?:(?:above|previous|next|following"
    r"|preceding) (?:section|steps?)"
    r"|(?:\w+ ){0,3}(?:section|steps?) (?:above|below))\b.*\b(?:if|unless|in case)\b",
    ENGLISH,
)
"""A jump under a condition that follows it: "see the previous section if it is not there yet"."""
_ANYWAY = re.compile(
    r"\b(?:continue|proceed|go on|carry on|move on|keep going)\b[^.]{0,60}\b(?:regardless|anyway|anyways|even if"
    r"|nevertheless|nonetheless)\b"
    r"|\b(?:regardless|even if)\b[^.]{0,80}\b(?:continue|proceed|go on|carry on)\b",
    ENGLISH,
)


_DECIDING = cells(
    "if unless case event when whenever once until soon otherwise else possible needed necessary go goto proceed"
    " continue"
    " skip jump move return repeat redo regardless anyway assuming after where wherever"
)
_ANYWAY_WORDS = cells("regardless anyway anyways even nevertheless nonetheless")
_PLACES = cells("step steps section sections phase procedure part point process")
_ELSE_WORDS = cells("otherwise else not")
_IF_WORDS = cells("if unless case event assuming")
_WHENEVER = cells("when whenever")
_POSSIBLY = cells("needed necessary possible required applicable appropriate desired available")
_ONCE_WORDS = cells("once soon after until")


def edges_of(
    said: Sequence[Sentence], *, heads: bool = False, told: bool = False, shows: bool = False
) -> tuple[Edge, ...]:
    """The edges of one item or paragraph. `heads` says that a list or a block stands under its last sentence, `shows`
    that this is only shown, `told` that all of it is an instruction, whatever its words."""
    found: list[Edge] = []
    for number, whole in enumerate(said):
        if not (whole.words & _DECIDING or whole.text[:3].lower() in {"for", "on ", "in "}):
            continue
        label = _LABEL.match(whole.text) if ":" in whole.text else None
        sentence = replace(whole, text=whole.text[label.end() :]) if label else whole
        last = number == len(said) - 1
        open_end = (last and heads) or (sentence.text.endswith(":") and not (last and shows))
        following = said[number + 1] if not last else None
        instructed = (whole.instructs if sentence.text == whole.text else instructs(sentence.text)) or (
            told and len(said) == 1 and sentence.text == whole.text and not _finds(whole.text)
        )
        found += _of(sentence, instructed=instructed, open_end=open_end, following=following)
    return tuple(found)


def _finds(text: str) -> bool:
    """Whether a sentence only states what a condition means."""
    return _FINDING.match(text) is not None or _SO_IT_IS.search(text) is not None


def _of(sentence: Sentence, *, instructed: bool, open_end: bool, following: Sentence | None) -> list[Edge]:
    text = sentence.text
    kinds: list[tuple[EdgeKind, str]] = []
    words = sentence.words
    if words & _ANYWAY_WORDS and (match := _ANYWAY.search(text)):
        kinds.append((EdgeKind.CONTINUE, match[0]))
    elif words & _PLACES and instructed and (match := _REFERENCE.match(text)):
        return [Edge(kind=EdgeKind.GOTO, text=match[0], line=sentence.line)]
    elif words & _PLACES and (match := _jump(text, meant=instructed or open_end)):
        kinds.append((EdgeKind.GOTO, match[0]))
    consequent = instructed or open_end or bool(kinds)
    if words & _ELSE_WORDS and _else(text, consequent):
        kinds.append((EdgeKind.ELSE, text))
    if clause := _condition(sentence, consequent, following, instructed=instructed or bool(kinds)):
        kinds.append((EdgeKind.IF, clause))
    if consequent and _awaits(text, words):
        kinds.append((EdgeKind.ONCE, text))
    return [Edge(kind=kind, text=words, line=sentence.line) for kind, words in kinds]


def _awaits(text: str, words: Words) -> bool:
    if words & _ONCE_WORDS and _ONCE.search(text) and not _NOT_ONCE.search(text):
        return True
    return bool(words & _WHENEVER) and (_DONE.match(text) or _WHEN_OVER.search(text)) is not None


def _jump(text: str, *, meant: bool) -> re.Match[str] | None:
    """Where the text goes on; one that is not `meant` as an instruction repeats nothing ("similar steps repeat …")."""
    match = _GOTO.search(text)
    return match if match and (meant or not match[0].lower().startswith("re")) else None


def _else(text: str, consequent: bool) -> bool:
    match = _ELSE.search(text)
    if match is None:
        return False
    rest = text[match.end() :].lstrip(" ,:;")
    return (
        is_imperative(rest)
        or instructs(rest)
        or bool(_REFERS.match(rest))
        or (consequent and rest == "")
        or (match.start() == 0 and consequent)
    )


def _condition(sentence: Sentence, consequent: bool, following: Sentence | None, *, instructed: bool) -> str:
    """The words of a condition that has an instruction for its consequence; empty where there is none."""
    text, words = sentence.text, sentence.words
    if instructed and (match := _SITUATION.match(text)):
        return match[0]
    if consequent and words & _POSSIBLY and (match := _POSSIBLE.search(text)):
        return match[0]
    if (
        consequent
        and text[:3].lower() in {"for", "on "}
        and (
            match := _CASE.match(text)
            or _NAMED_CASE.match(text)
            or (_HEAD_CASE.match(text) if text.endswith(":") else None)
        )
    ):
        return match[0]
    if (
        words & _WHENEVER
        and (match := _WHEN.match(text))
        and not match["next"].endswith(("ing", "to"))
        and not _TITLE.match(text)
        and not _DONE.search(text)
    ):
        return _first_clause(text) if _decides(text, consequent) or _taken_up(text, following) else ""
    taken = 0
    for match in _IF.finditer(text) if words & _IF_WORDS else ():
        at = match.start()
        if at < taken:
            continue
        taken = match.end() + _NEAR
        before = _PREVIOUS.search(text, max(0, at - 40), at)
        start = before.start() if before else at
        if _is_no_condition(text, at, before[0] if before else ""):
            continue
        rest = text[at:]
        begins = start < 12
        if (_decides(rest, consequent) if begins else instructed or _trails(rest, consequent)) or (
            begins and _taken_up(text, following)
        ):
            return _first_clause(rest)
    return ""


def _is_no_condition(text: str, at: int, before: str) -> bool:
    """Whether "if" asks ("check if …"), or answers the step before ("if not")."""
    return (
        _ASKED.search(before) is not None
        or _WHAT_FOR.search(text[:at]) is not None
        or (at > 0 and _OTHERS.match(text[at:]) is not None)
        or text[:at].rstrip().endswith(("e.g.", "i.e."))
        or _IF_NOT.match(text[at:]) is not None
        or _OR_NOT.match(text) is not None
    )


def _trails(rest: str, consequent: bool) -> bool:
    """Whether the condition is the end of a sentence, and its cases stand below it: "skip this step if:"."""
    return consequent and rest.rstrip(" :").lower() in {"if", "unless"}


def _decides(rest: str, consequent: bool) -> bool:
    """Whether a sentence that begins with a condition has an instruction for its consequence."""
    if not consequent:
        return False
    return not _STATES.search(rest)


def _taken_up(text: str, following: Sentence | None) -> bool:
    """Whether the next sentence says what to do; one with a condition of its own speaks of something else."""
    if following is None or _CONDITIONAL.match(following.text):
        return False
    return following.instructs or bool(_SHOWN_BELOW.match(following.text)) or follows_imperative(text)


def _first_clause(text: str) -> str:
    return re.split(r"[,:;]", text, maxsplit=1)[0].strip()


def number_of(words: str) -> str:
    """The number of the step that a jump names; empty where it names none."""
    match = _GOTO.search(words)
    return (match["number"] or match["again"] or "") if match else ""
