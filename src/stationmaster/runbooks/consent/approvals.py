"""Asks for a yes before a risky step of an incident's run, keeps the question over restarts, and takes the answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import ApprovalAnswered, ApprovalAsked
from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent import store
from stationmaster.runbooks.consent.store import Approval
from stationmaster.runbooks.talk import ApprovalRequest, Approved, Denied
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Change
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("approvals")

Needless = Callable[[], Awaitable[str]]
"""Says why nobody need answer any more; empty while somebody has to."""

_LOOKS_EVERY_S = 1.0
_PEOPLE_FOR_DESTROYING = 2
_LONGEST_WHY = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    database: Database
    now: Callable[[], datetime] = utc_now

    async def ask(
        self, incident: int, runbook: str, request: ApprovalRequest, *, needless: Needless
    ) -> Approved | Denied:
        """Waits for the answer as long as the request holds and is not `needless`. A question that stands already, to
        exactly the same, is not asked twice; one that was answered before a crash is answered still."""
        asked = await self._asked(incident, runbook, request)
        while asked.allowed is None:
            seen = self.database.committed.count
            left_s = (asked.expires_at - self.now()).total_seconds()
            if why := (f"nobody said yes within {_minutes(asked)}" if left_s <= 0 else await needless()):
                return await self._take_back(asked, why)
            found = await self._latest(asked.run, asked.step)
            if found is not None and (found.allowed is not None or found.by != asked.by):
                asked = found
                continue
            await self.database.committed.beyond(seen, min(left_s, _LOOKS_EVERY_S))
        return _answer(asked)

    async def open(self, *, incident: int | None = None) -> Sequence[Approval]:
        async with self.database.read() as connection:
            return await store.open_ones(connection, self.now(), incident=incident)

    async def of_incident(self, incident: int) -> Sequence[Approval]:
        """All that were ever asked for it."""
        async with self.database.read() as connection:
            return await store.of_incident(connection, incident)

    async def answer(self, run: str, step: str, *, allow: bool, digest: str, by: str, why: str = "") -> Approval:
        """`digest` is that of the question which was seen: an answer to another one counts for nothing.

        Raises PlatformError `unknown-approval` (404), `approval-over`, `approval-changed` or `second-person` (409).
        """
        at = self.now()
        async with self.database.write() as connection:
            asked = await store.latest(connection, run, step)
            _refuse_unless_open(asked, run, step, digest, at)
            if asked is None or (allow and by in asked.by):
                hint = "somebody else has to say yes too: what destroys needs two"
                raise PlatformError("second-person", f"{by} has said yes already", hint=hint, status=409)
            said = why.strip()[:_LONGEST_WHY]
            answered = replace(asked, by=(*(each for each in asked.by if each != by), by), said=said)
            if not allow or len(answered.by) >= asked.people:
                answered = replace(answered, allowed=allow, answered_at=at)
            await store.write(connection, answered)
            await self._tell(connection, answered, by, at)
        return answered

    async def _asked(self, incident: int, runbook: str, request: ApprovalRequest) -> Approval:
        at = self.now()
        async with self.database.write() as connection:
            before = await store.latest(connection, request.run, request.step.key)
            if before is not None and before.digest == request.digest and not _is_lapsed(before, at):
                return before
            asked = Approval(
                run=request.run,
                step=request.step.key,
                number=1 if before is None else before.number + 1,
                incident=incident,
                runbook=runbook,
                title=request.step.title,
                command=request.command,
                risk=request.risk.value,
                why="; ".join(request.why),
                digest=request.digest,
                people=_PEOPLE_FOR_DESTROYING if request.second_person else 1,
                asked_at=at,
                expires_at=request.expires_at,
            )
            await store.write(connection, asked)
            fact = ApprovalAsked(
                at=at,
                incident=incident,
                run=asked.run,
                step=asked.step,
                command=asked.command,
                risk=asked.risk,
                why=asked.why,
                expires_at=asked.expires_at,
            )
            await outbox.append(connection, fact)
        log.info("approval asked", run=asked.run, step=asked.step, risk=asked.risk)
        return asked

    async def _tell(self, connection: AsyncConnection, answered: Approval, by: str, at: datetime) -> None:
        if answered.allowed is not None:
            fact = ApprovalAnswered(
                at=at,
                incident=answered.incident,
                run=answered.run,
                step=answered.step,
                allowed=answered.allowed,
                by=by,
                why=answered.said,
            )
            await outbox.append(connection, fact)
        said = {
            "allowed": answered.allowed,
            "command": answered.command,
            "why": answered.said,
            "digest": answered.digest,
        }
        name = f"{answered.run}/{answered.step}"
        await audit.record(connection, Change(at=at, who=by, action="answer", kind="approval", name=name, after=said))

    async def _take_back(self, asked: Approval, why: str) -> Approved | Denied:
        """An answer that came at the last moment counts."""
        at = self.now()
        async with self.database.write() as connection:
            found = await store.latest(connection, asked.run, asked.step)
            if found is not None and found.allowed is not None:
                return _answer(found)
            await store.write(connection, replace(asked, allowed=False, answered_at=at, said=why))
            fact = ApprovalAnswered(
                at=at, incident=asked.incident, run=asked.run, step=asked.step, allowed=False, by="", why=why
            )
            await outbox.append(connection, fact)
        return Denied(why=why)

    async def _latest(self, run: str, step: str) -> Approval | None:
        async with self.database.read() as connection:
            return await store.latest(connection, run, step)


def _answer(asked: Approval) -> Approved | Denied:
    if asked.allowed:
        return Approved(by=", ".join(asked.by), code=f"approval:{asked.run}:{asked.step}:{asked.number}")
    return Denied(why=asked.said or "somebody said no")


def _is_lapsed(asked: Approval, at: datetime) -> bool:
    """A question that nobody answered in time, or a yes that is too old to be used, is asked anew."""
    return at >= asked.expires_at


def _minutes(asked: Approval) -> str:
    return f"{round((asked.expires_at - asked.asked_at).total_seconds() / 60)} minutes"


def _refuse_unless_open(asked: Approval | None, run: str, step: str, digest: str, at: datetime) -> None:
    hint = "`approval list` shows what waits for a yes"
    if asked is None:
        raise PlatformError("unknown-approval", f"step {step} of {run} asks nothing", hint=hint, status=404)
    if asked.allowed is not None or at >= asked.expires_at:
        how = "expired" if asked.allowed is None or not asked.by else "answered already"
        raise PlatformError("approval-over", f"the question of step {step} of {run} is {how}", hint=hint, status=409)
    if asked.digest != digest:
        text = f"step {step} of {run} asks something else by now"
        raise PlatformError("approval-changed", text, hint="look at it again, then answer", status=409)
