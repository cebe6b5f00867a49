"""What is asked before a change, and what the answer is bound to: the exact command, its targets, the document."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from stationmaster.runbooks.permit import Policy, permitted
from stationmaster.runbooks.plan.planned import Plan, PlannedStep
from stationmaster.runbooks.read.document import Condition
from stationmaster.runbooks.redact import redacted
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.risk.classes import cells, worst
from stationmaster.runbooks.shell.commands import parse
from stationmaster.runbooks.shell.script import Filled
from stationmaster.runbooks.talk import ApprovalRequest, Approved

EXPIRES_AFTER = timedelta(minutes=15)
_TYPED = re.compile(r"[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]{0,59}")
_LONGEST_TYPED = 50
_AROUND = re.compile(r"\b(?:ns|name_?space|region|zone|env(?:ironment)?|cluster|context|project)\b", re.IGNORECASE)
"""Places that say where the target is, not which it is."""
_SAYS_WHERE = cells(
    "-n --namespace --context --cluster --kubeconfig --region --profile --project --zone --resource-group -g --timeout"
    " --grace-period --host --port --user --database --container"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A change as it is about to be made: everything that an approval has to cover."""

    step: PlannedStep
    filled: Filled
    rollback: Filled | None
    risk: Risk
    cwd: str
    values: Mapping[str, str]
    """The values of its places that may be shown, in their order."""
    secrets: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    """What speaks against making it without asking."""
    bound: bool = False
    """A bound forbids it: a yes is for passing that."""


def digest_of(meant: Meant, plan: Plan) -> str:
    """SHA-256 over what runs, where, on what, and the runbook's revision: a changed plan asks again."""
    rollback = list(meant.rollback.argv) if meant.rollback is not None else []
    where = [meant.cwd, plan.instance, dict(meant.values)]
    parts = [plan.digest, meant.step.key, list(meant.filled.argv), rollback, *where]
    parts += ["bound"] if meant.bound else []
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def allowed(meant: Meant, policy: Policy, untested: Sequence[Condition]) -> str:
    """Why it may be made without asking; empty when somebody has to say yes."""
    careful = meant.step.second_person or untested or meant.step.cautions or meant.doubts
    return "" if careful else permitted(policy, key=meant.step.key, risk=meant.risk, command=meant.filled.text)


def request_for(
    meant: Meant, plan: Plan, run: str, *, requested_by: str, at: datetime, why: Sequence[str]
) -> ApprovalRequest:
    judged = assess(meant.filled.text)
    reasons = [*why, *meant.doubts, *judged.why, *(f"beware: {each.text}" for each in meant.step.cautions)]
    if meant.rollback is not None:
        reasons.append(f"taken back by: {redacted(meant.rollback.text, meant.secrets)}")
    return ApprovalRequest(
        run=run,
        step=meant.step,
        command=redacted(meant.filled.text, meant.secrets),
        risk=meant.risk,
        why=tuple(dict.fromkeys(reasons)),
        named=target_of(meant),
        digest=digest_of(meant, plan),
        requested_by=requested_by,
        expires_at=at + EXPIRES_AFTER,
        second_person=meant.step.second_person or meant.risk is Risk.DESTROY,
    )


def target_of(meant: Meant) -> str:
    """What has to be typed: what the gravest command of the text acts on, whole as it stands there, otherwise the
    number of the step."""
    named = _named_by(meant)
    hidden = bool(meant.secrets) and redacted(named, meant.secrets) != named
    return named if named and not hidden else meant.step.key


def _named_by(meant: Meant) -> str:
    commands = parse(meant.filled.text).commands
    classed = [(assess(shlex.join(word.text for word in each.words)).risk, each) for each in commands if each.words]
    gravest = worst(*(risk for risk, _ in classed))
    written = [name.strip("'\"") for each in commands for name in each.writes]
    if gravest is Risk.READ and written:
        return _typeable(written[-1])
    for risk, each in classed:
        if risk is gravest and (named := _target_word([word.text for word in each.words], meant.values)):
            return named
    return ""


def _target_word(words: Sequence[str], values: Mapping[str, str]) -> str:
    """The last word that holds a value which was put in, otherwise the last one that is no option; never what only
    says where the target is."""
    found = [each for before, each in pairwise(words) if not {before, each.partition("=")[0]} & _SAYS_WHERE]
    named = [each.partition("=")[2] if each.startswith("--") else each for each in found]
    fitting = [_typeable(each) for each in named if not each.startswith("-") and _typeable(each)]
    precise = [value for place, value in values.items() if value and not _AROUND.search(place)]
    bound = [each for each in fitting if any(value in each or each in value for value in precise)]
    return (bound or [each for each in fitting if len(each) > 1] or [""])[-1]


def _typeable(word: str) -> str:
    """Nobody types more than a line: of a long path its end, of anything else that is long nothing."""
    while len(word) > _LONGEST_TYPED and "/" in word.strip("/"):
        word = word.strip("/").partition("/")[2]
    return word if _TYPED.fullmatch(word) else ""


def refused(request: ApprovalRequest, answer: Approved, *, now: datetime, used: frozenset[str]) -> str:
    """What is wrong with a yes before anybody looks at its signature; empty when nothing is."""
    if now >= request.expires_at:
        return "the request has expired; it is asked anew"
    if not request.second_person:
        return "" if answer.by else "nobody is named who approves"
    if not answer.code:
        return "a second person has to approve: their code is missing"
    if answer.by == request.requested_by:
        return "nobody approves their own request"
    return "this code has been used before" if answer.code in used else ""
