"""Requests to a second person that wait for their code: each is kept in a file, so that it outlives this process, and
is used up by the one code that answers it."""

import os
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import (
    Answer,
    Approver,
    Ask,
    Refused,
    check_code,
    read_request,
    request_text,
)
from stationmaster.runbooks.talk import ApprovalRequest, Approved
from stationmaster.runtime.db import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondPerson:
    """`folder` holds the waiting requests, `approvers` reads the list anew at each look: it may have been mended."""

    folder: Path
    runbook: str
    approvers: Callable[[], Sequence[Approver]]
    own_keys: Collection[bytes] = ()
    now: Callable[[], datetime] = utc_now

    def ask(self, request: ApprovalRequest) -> Ask:
        """The request that waits already for this very question, or a new one."""
        waiting = self._waiting(request)
        if waiting is not None:
            return waiting
        ask = _ask(request, runbook=self.runbook, nonce=secrets.token_urlsafe(12))
        path = self._path(request)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(request_text(ask))
        beside.replace(path)
        return ask

    def check(self, request: ApprovalRequest, code: str) -> Answer:
        """Whether `code` answers `request`; uses nothing up."""
        waiting = self._waiting(request)
        if waiting is None:
            return Refused(why="no request waits for it: it was used already, or the request expired; ask again")
        try:
            approvers = self.approvers()
        except PlatformError as error:
            return Refused(why=error.message)
        return check_code("".join(code.split()), waiting, approvers, now=self.now(), own_keys=self.own_keys)

    def redeem(self, request: ApprovalRequest, approved: Approved, _now: datetime) -> str:
        """Checks the code once more and uses its request up; what is wrong, empty when nothing is."""
        answer = self.check(request, approved.code)
        if isinstance(answer, Refused):
            return answer.why
        if approved.by != answer.by:
            return f"it was signed by {answer.by}, not by {approved.by}"
        try:
            self._path(request).unlink()
        except FileNotFoundError:
            return "the code was used already"
        return ""

    def _waiting(self, request: ApprovalRequest) -> Ask | None:
        try:
            ask = read_request(self._path(request).read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError, PlatformError):
            return None
        same = ask == _ask(request, runbook=self.runbook, nonce=ask.nonce, like=ask)
        return ask if same and self.now() < ask.expires_at <= request.expires_at else None

    def _path(self, request: ApprovalRequest) -> Path:
        name = sha256(f"{request.run}\0{request.step.key}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.request"


def _ask(request: ApprovalRequest, *, runbook: str, nonce: str, like: Ask | None = None) -> Ask:
    """The reasons shown and the expiry may differ between two askings of one question: they follow `like`."""
    return Ask(
        run=request.run,
        step=request.step.key,
        runbook=runbook,
        command=request.command,
        risk=request.risk.value,
        why=like.why if like else request.why,
        targets=request.named,
        digest=request.digest,
        requested_by=request.requested_by,
        expires_at=like.expires_at if like else request.expires_at,
        nonce=nonce,
    )
