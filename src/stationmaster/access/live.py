"""Every credential that holds now, in memory by digest: no request waits for the store or for argon2."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from stationmaster.access.bearer import digest
from stationmaster.access.roles import Caller, Role
from stationmaster.access.store import MachineToken, Person, StoredSession


class Kind(Enum):
    """What proved the caller."""

    FILE = "file"
    TOKEN = "token"  # noqa: S105 the name of a kind
    SESSION = "session"
    RUN = "run"
    """Lent to a run of a runbook, for as long as it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    idle: timedelta = timedelta(hours=8)
    longest: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Who asks, and by what credential that was shown. `expires_at` is None for what holds until it is taken back."""

    caller: Caller
    kind: Kind
    digest: str
    expires_at: datetime | None = None


class Live:
    """The store's rows that hold, kept in step with it by those who change it."""

    def __init__(self, terms: SessionTerms) -> None:
        self.terms = terms
        self._files: dict[str, tuple[Caller, Kind]] = {}
        self._roles: dict[str, Role] = {}
        self._tokens: dict[str, MachineToken] = {}
        self._sessions: dict[str, StoredSession] = {}
        self._used: dict[str, datetime] = {}
        self._unwritten: set[str] = set()

    def know_file(self, token: str, caller: Caller, kind: Kind = Kind.FILE) -> None:
        self._files[digest(token)] = caller, kind

    def forget_file(self, token: str) -> None:
        self._files.pop(digest(token), None)

    def load(self, people: Sequence[Person], tokens: Sequence[MachineToken], sessions: Sequence[StoredSession]) -> None:
        for person in people:
            self.know_person(person)
        for token in tokens:
            self.know_token(token)
        for session in sessions:
            self.know_session(session)

    def know_person(self, person: Person) -> None:
        if person.enabled:
            self._roles[person.name] = person.role
        else:
            self.forget_person(person.name)

    def forget_person(self, name: str) -> None:
        self._roles.pop(name, None)
        self.forget_sessions_of(name)

    def know_token(self, token: MachineToken) -> None:
        if token.revoked_at is None:
            self._tokens[token.digest] = token
        else:
            self._tokens.pop(token.digest, None)

    def know_session(self, session: StoredSession) -> None:
        self._sessions[session.digest] = session

    def forget_sessions(self, digests: Iterable[str]) -> None:
        for each in digests:
            self._sessions.pop(each, None)
            self._used.pop(each, None)

    def forget_sessions_of(self, name: str, *, but: str = "") -> None:
        self.forget_sessions([key for key, each in self._sessions.items() if each.person == name and key != but])

    def prove(self, token: str, now: datetime) -> Proof | None:
        key = digest(token)
        if known := self._files.get(key):
            return Proof(caller=known[0], kind=known[1], digest=key)
        proof = self._by_token(key, now) or self._by_session(key, now)
        if proof is not None:
            self._used[key] = now
            self._unwritten.add(key)
        return proof

    def last_use(self, key: str) -> datetime | None:
        """A use since the start; the store may not know of it yet."""
        return self._used.get(key)

    def ended(self, now: datetime) -> Sequence[str]:
        """Digests of sessions that hold no longer."""
        return [key for key, each in self._sessions.items() if not self._lasts(each, now)]

    def take_uses(self) -> Sequence[tuple[str, datetime]]:
        """Uses that are not written yet; they count as written then."""
        uses = [(key, self._used[key]) for key in self._unwritten if key in self._used]
        self._unwritten.clear()
        return uses

    def _by_token(self, key: str, now: datetime) -> Proof | None:
        token = self._tokens.get(key)
        if token is None or not token.holds(now):
            return None
        # The colon keeps a token from passing for the person of the same name.
        caller = Caller(name=f"token:{token.name}", role=token.role)
        return Proof(caller=caller, kind=Kind.TOKEN, digest=key, expires_at=token.expires_at)

    def _by_session(self, key: str, now: datetime) -> Proof | None:
        session = self._sessions.get(key)
        role = None if session is None else self._roles.get(session.person)
        if session is None or role is None or not self._lasts(session, now):
            return None
        caller = Caller(name=session.person, role=role)
        return Proof(caller=caller, kind=Kind.SESSION, digest=key, expires_at=session.expires_at)

    def _lasts(self, session: StoredSession, now: datetime) -> bool:
        used = self._used.get(session.digest, session.last_used_at)
        return now < session.expires_at and now < used + self.terms.idle
