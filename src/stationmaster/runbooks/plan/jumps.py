"""Says where a run goes on after a step whose document says "go to step 5", and who decides whether it does."""

import re

from stationmaster.runbooks.plan.planned import Jump, JumpWhen
from stationmaster.runbooks.read.document import Edge, EdgeKind, Expectation, ExpectationKind, Runbook, Step

_GOTO = re.compile(r"\b(?:go|jump|skip|proceed|continue|move|return)\b[^.]*\bstep\b", re.IGNORECASE)
_IT_DOES = re.compile(
    r"\W*if (?:it|they|this|that|so) (?:does|do|is|are|has|have)(?P<not>n['’]t| not)?\s*[,;:]", re.IGNORECASE
)


def jumps_of(step: Step, runbook: Runbook) -> tuple[Jump, ...]:
    """Forward jumps of a step. Exact where no condition stands beside it, or where an expectation that can be tested
    says what its outcome means; otherwise a person is asked. Jumps back are left to the person at the next step."""
    if not any(edge.kind is EdgeKind.GOTO for edge in step.edges):
        return ()
    addresses = [each.address for each in runbook.walk()]
    here = addresses.index(step.address) if step.address in addresses else -1
    gotos = [edge for edge in step.edges if edge.kind is EdgeKind.GOTO and edge.target in addresses[here + 1 :]]
    return tuple(
        Jump(when=_when(edge, step, alone=len(gotos) == 1), target=edge.target, text=_sentence(edge, step))
        for edge in gotos
    )


def _sentence(edge: Edge, step: Step) -> str:
    """What the document says, its condition included."""
    said = (" ".join(each.split()) for each in re.split(r"(?<=[.!?])\s+|\n\s*\n", step.original))
    return next((each for each in said if edge.text and edge.text in each), edge.text)


def _when(edge: Edge, step: Step, *, alone: bool) -> JumpWhen:
    beside = [each for each in step.edges if each.line == edge.line and each.kind is not EdgeKind.GOTO]
    testable = [each for each in step.expectations if each.kind is not ExpectationKind.OTHER]
    if not beside and not step.conditions and not any(_GOTO.search(f"{each.met} {each.unmet}") for each in testable):
        return JumpWhen.ALWAYS
    if alone and len(testable) == 1 and len(step.expectations) == 1:
        said = _IT_DOES.match(_sentence(edge, step))
        if said is not None:
            return JumpWhen.FAILED if said["not"] else JumpWhen.PASSED
        return _by_outcome(testable[0])
    return JumpWhen.ASKED


def _by_outcome(expectation: Expectation) -> JumpWhen:
    met, unmet = bool(_GOTO.search(expectation.met)), bool(_GOTO.search(expectation.unmet))
    if met is unmet:
        return JumpWhen.ASKED
    return JumpWhen.PASSED if met else JumpWhen.FAILED
