"""What is asked before a change, and what the answer is bound to: the exact command, its targets, the document."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stationmaster.runbooks.permit import Policy, permitted
from stationmaster.runbooks.planned import Plan, PlannedStep
from stationmaster.runbooks.read.document import Condition
from stationmaster.runbooks.redact import redacted
from stationmaster.runbooks.risk import Risk, assess
from stationmaster.runbooks.script import Filled
from stationmaster.runbooks.shell import parse
from stationmaster.runbooks.talk import ApprovalRequest, Approved

EXPIRES_AFTER = timedelta(minutes=15)
_TYPED = re.compile(r"[^\s\x00-\x1f][^\x00-\x1f]{0,59}")

_AROUND = re.compile(r"\b(?:ns|name_?space|region|zone|env(?:ironment)?|cluster|context|project)\b", re.IGNORECASE)
"""Places that say where the target is, not which it is."""


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


def digest_of(meant: Meant, plan: Plan) -> str:
    """SHA-256 over what runs, where, on what, and the runbook's revision: a changed plan asks again."""
    rollback = list(meant.rollback.argv) if meant.rollback is not None else []
    where = [meant.cwd, plan.instance, dict(meant.values)]
    parts = [plan.digest, meant.step.key, list(meant.filled.argv), rollback, *where]
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
    """What has to be typed: the last value that was put in, otherwise the command's last word, otherwise the step."""
    fitting = {written: each for written, each in meant.values.items() if _TYPED.fullmatch(each)}
    precise = [each for written, each in fitting.items() if not _AROUND.search(written)]
    if fitting:
        return (precise or list(fitting.values()))[-1]
    words = [word.text for command in parse(meant.filled.text).commands[:1] for word in command.words[1:]]
    named = [each for each in words if not each.startswith("-") and _TYPED.fullmatch(each) and len(each) > 1]
    hidden = bool(meant.secrets) and redacted(" ".join(named[-1:]), meant.secrets) != " ".join(named[-1:])
    return named[-1] if named and not hidden else meant.step.key


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
