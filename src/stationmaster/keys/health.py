"""Whether an instance of the key service can do its work, and each thing that it depends on."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stationmaster.keys.follower import Follower

OPERATIONAL = "The API is available and operational."
_SPOOL_TRIED_EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """`since`: from when on it has been as it is, as far as this instance saw."""

    name: str
    ok: bool
    since: datetime
    detail: str


def health(follower: Follower, now: datetime) -> tuple[int, str]:
    """Code 0 means well. Well as soon as tokens can be issued; news that cannot be read do not make it unwell."""
    if follower.bundle is None:
        why = "key-index-missing" if follower.problem is None else follower.problem.code
        return 1, f"The API is not available: the platform's keys cannot be read ({why})."
    if follower.bundle.keys.signer(now) is None:
        return 2, "The API is not available: no signing key is active."
    return 0, OPERATIONAL


@dataclass(slots=True)
class Dependencies:
    """Remembers since when each is as it is."""

    follower: Follower
    _seen: dict[str, Dependency] = field(default_factory=dict)
    _spool_problem: str | None = None
    _spool_tried_s: float | None = None

    def report(self, now: datetime) -> list[dict[str, Any]]:
        found = (self._master_key(), self._database(), self._signing_key(now), self._spool())
        return [self._entry(name, detail, now, ok=ok) for name, ok, detail in found]

    def _entry(self, name: str, detail: str, now: datetime, *, ok: bool) -> dict[str, Any]:
        last = self._seen.get(name)
        since = last.since if last is not None and last.ok is ok else now
        self._seen[name] = Dependency(name=name, ok=ok, since=since, detail=detail)
        return {"name": name, "ok": ok, "since": since.isoformat(timespec="milliseconds"), "detail": detail}

    def _master_key(self) -> tuple[str, bool, str]:
        problem = self.follower.problem
        wrong = problem is not None and problem.code.startswith(("master-key", "sealed", "signing-key"))
        known = not wrong and self.follower.bundle is not None
        return (
            "cipher",
            known,
            problem.code if wrong and problem is not None else "opened" if known else "not opened yet",
        )

    def _database(self) -> tuple[str, bool, str]:
        problem = self.follower.problem
        wrong = problem is not None and problem.code.startswith("key-index")
        known = not wrong and self.follower.bundle is not None
        return "database", known, problem.code if wrong and problem is not None else "read" if known else "not read yet"

    def _signing_key(self, now: datetime) -> tuple[str, bool, str]:
        signer = None if self.follower.bundle is None else self.follower.bundle.keys.signer(now)
        if signer is None or signer.active_from is None:
            return "signing-key", False, "none is active"
        age_s = int((now - signer.active_from).total_seconds())
        return "signing-key", True, f"{signer.kid} ({signer.algorithm.value}) signs for {age_s} s"

    def _spool(self) -> tuple[str, bool, str]:
        """Tried with a real file, but not for every caller."""
        tried = self._spool_tried_s
        if tried is None or time.monotonic() - tried > _SPOOL_TRIED_EVERY_S:
            self._spool_problem, self._spool_tried_s = self.follower.spool.problem(), time.monotonic()
        return "revocations", self._spool_problem is None, self._spool_problem or "can be kept"
