"""Ranks the causes that a runbook knows by what speaks for and against each, and says which is likely, if any is."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from stationmaster.core.facts import SuspectedCause
from stationmaster.runbooks.diagnosis.suspects import Bad, Gauge, Sign, Suspect
from stationmaster.runbooks.expect import Verdict
from stationmaster.runbooks.plan.planned import is_of

TOLD, MEASURED, PRINTED, CHECKED, NAMED = 4, 2, 2, 1, 3
"""How much it says for a cause: the alert tells of its sign; the sign's number is bad, or another alert about the same
fires; a check printed its words; a check of its diagnosis found something wrong; a check printed that it is likely."""
SAYS = re.compile(r"^\s*(?:the )?(?:likely|probable|root) cause\s*(?:is|:)\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)
_LONGEST_SAID = 200
NOTHING = "nothing that could be looked at speaks for one cause more than for the others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One series of an answer; `of` says which one it is."""

    value: float
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a reading step showed. `expects`: its verdict was judged by what the runbook expects, so that passing says
    that nothing is wrong there."""

    step: str
    title: str
    verdict: Verdict
    why: str
    output: str = ""
    expects: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was found out. `answers` are by query: the numbers, or in words why there are none; `firing` are
    the measures that other alerts about the same are of, with the name of one of them."""

    looked: Sequence[Looked] = ()
    answers: Mapping[str, tuple[Number, ...] | str] = field(default_factory=dict)
    firing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """`causes` are ordered, the likeliest first; `likely` is empty where none is."""

    likely: str
    why: str
    causes: tuple[SuspectedCause, ...] = ()


@dataclass(slots=True)
class _Case:
    """One cause with its evidence so far."""

    suspect: Suspect
    weight: int = 0
    speaks_for: list[str] = field(default_factory=list)
    speaks_against: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    def hold(self, why: str, weight: int) -> None:
        if why not in self.speaks_for:
            self.weight += weight
            self.speaks_for.append(why)

    def deny(self, why: str) -> None:
        if why not in self.speaks_against:
            self.weight -= 1
            self.speaks_against.append(why)


def rank(suspects: Sequence[Suspect], evidence: Evidence) -> Ranking:
    """A cause is likely where something speaks for it, and more than for any other. Where one is, causes for which
    nothing speaks and against which something does are ruled out. Where the document knows no causes, a check that
    prints one names it."""
    cases = sorted((_case(each, evidence) for each in suspects), key=lambda each: -each.weight)
    best = cases[0] if cases and _leads(cases) else None
    said = "" if best is not None else next(_named(evidence.looked), "")
    causes = tuple(_told(each, best) for each in cases)
    if best is not None:
        return Ranking(likely=best.suspect.title, why="; ".join(best.speaks_for), causes=causes)
    if said:
        step = next(each.step for each in evidence.looked if said in each.output)
        return Ranking(likely=said, why=f"step {step} says so", causes=causes)
    return Ranking(likely="", why=NOTHING if suspects else "the runbook names no causes", causes=causes)


def _leads(cases: Sequence[_Case]) -> bool:
    first = cases[0]
    return bool(first.speaks_for) and first.weight > 0 and all(each.weight < first.weight for each in cases[1:])


def _told(case: _Case, best: _Case | None) -> SuspectedCause:
    return SuspectedCause(
        title=case.suspect.title,
        speaks_for=tuple(case.speaks_for),
        speaks_against=tuple(case.speaks_against),
        unseen=tuple(case.unseen),
        ruled_out=best is not None and not case.speaks_for and bool(case.speaks_against),
    )


def _case(suspect: Suspect, evidence: Evidence) -> _Case:
    case, measures = _Case(suspect), set[str]()
    for sign in suspect.signs:
        if not sign.measure or sign.measure not in measures:
            _weigh(case, sign, evidence)
        measures.add(sign.measure)
    for each in evidence.looked:
        _weigh_check(case, each)
    return case


def _weigh(case: _Case, sign: Sign, evidence: Evidence) -> None:
    """Each measure counts once a cause: several symptoms of it are still one thing that was seen."""
    text = f"“{sign.text}”"
    answer = evidence.answers.get(sign.gauge.query) if sign.gauge is not None else None
    number = _worst(sign.gauge, answer) if sign.gauge is not None and isinstance(answer, tuple) else None
    said = _said(sign.gauge, number) if sign.gauge is not None and number is not None else ""
    printed = next((each for each in evidence.looked if _prints(each, sign)), None)
    if sign.told:
        case.hold(f"{text}: {sign.told}{f' ({said})' if said else ''}", TOLD)
    elif printed is not None:
        case.hold(f"{text}: step {printed.step} shows it", PRINTED)
    elif sign.gauge is not None and number is not None and _is_bad(sign.gauge, number.value):
        case.hold(f"{text}: {said}", MEASURED)
    elif other := evidence.firing.get(sign.measure, ""):
        case.hold(f"{text}: {other} fires too", MEASURED)
    elif sign.gauge is not None and number is not None:
        case.deny(f"{text}: {said}")
    else:
        case.unseen.append(f"{text}: {_unseen(sign, answer)}")


def _unseen(sign: Sign, answer: object) -> str:
    if isinstance(answer, str):
        return answer
    return sign.unseen or ("no number of it within the last minute" if sign.gauge is not None else "no check shows it")


def _weigh_check(case: _Case, looked: Looked) -> None:
    """A check that finds something else than what is expected speaks for the cause whose diagnosis it is, one that
    finds it against; one of which nothing is expected, or that could not be run, for nothing."""
    said = SAYS.search(looked.output)
    if said is not None and _same(said[1], case.suspect.title):
        case.hold(f"step {looked.step} says so", NAMED)
    if not any(is_of(looked.step, address) for address in case.suspect.diagnosis):
        return
    match looked.verdict:
        case Verdict.FAILED if looked.expects:
            case.hold(f"step {looked.step} {looked.title}: {looked.why}", CHECKED)
        case Verdict.PASSED if looked.expects:
            case.deny(f"step {looked.step} {looked.title}: {looked.why}")
        case Verdict.REFUSED | Verdict.FAILED:
            case.unseen.append(f"step {looked.step} {looked.title}: {looked.why}")
        case _:
            return


def _named(looked: Sequence[Looked]) -> Iterator[str]:
    """What checks print as the likely cause, the last word first."""
    for each in reversed(looked):
        if each.verdict is Verdict.PASSED:
            yield from (match[1].strip()[:_LONGEST_SAID] for match in SAYS.finditer(each.output))


def _same(said: str, title: str) -> bool:
    return " ".join(title.lower().split()) in " ".join(said.lower().split())


def _prints(looked: Looked, sign: Sign) -> bool:
    """What a check that could not be run printed is no evidence."""
    seen = looked.verdict in {Verdict.PASSED, Verdict.FAILED, Verdict.MANUAL}
    return seen and any(each.lower() in looked.output.lower() for each in sign.phrases)


def _worst(gauge: Gauge, numbers: Sequence[Number]) -> Number | None:
    """Where several are looked at, one that is bad is enough; what is no number (of no requests) says nothing."""
    known = [each for each in numbers if not math.isnan(each.value)]
    if not known:
        return None
    match gauge.bad:
        case Bad.ABOVE:
            return max(known, key=lambda each: each.value)
        case Bad.BELOW | Bad.EQUAL:
            return min(known, key=lambda each: abs(each.value - gauge.limit) if gauge.bad is Bad.EQUAL else each.value)


def _is_bad(gauge: Gauge, value: float) -> bool:
    match gauge.bad:
        case Bad.ABOVE:
            return value > gauge.limit
        case Bad.BELOW:
            return value < gauge.limit
        case Bad.EQUAL:
            return value == gauge.limit


def _said(gauge: Gauge, number: Number) -> str:
    of = f" of {number.of}" if number.of else ""
    if gauge.bad is Bad.EQUAL:
        return f"{gauge.name}{of}" if _is_bad(gauge, number.value) else f"nothing is: the checks pass ({gauge.name})"
    shown, limit = (f"{each * gauge.factor:.3g}{gauge.unit}" for each in (number.value, gauge.limit))
    return f"{gauge.name}{of} is {shown}, {gauge.bad.value} {limit} would be bad"
