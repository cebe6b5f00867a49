"""An instance's sight of the key service's database: lookups go to the file, terms and signing keys stay in memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from stationmaster.config import StateDir
from stationmaster.core.names import ApiName, UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys.credentials import ApiKey, Client, Term, digest
from stationmaster.keys.index import CURRENT, FORMAT, SealedKey, current, moment_of, open_to_read
from stationmaster.keys.issue import IssuerTerms
from stationmaster.keys.roster import Holder, OpenedBy
from stationmaster.keys.signing import KeySet
from stationmaster.keys.spool import Revoked, Spool
from stationmaster.keys.verify import Expected
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.master_key import load_cipher

_BUSY_S = 0.25
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_SIGNING_KEYS = (
    "SELECT kid, algorithm, private_sealed, created_at, active_from, retired_at, lifetime_s"
    " FROM signing_key ORDER BY created_at, kid"
)
_CLIENT = (
    "SELECT digest FROM client_secret JOIN user ON user.name = client_secret.user"
    " WHERE client_secret.user = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)"
)
_API_KEY = (
    "SELECT id, user, scopes, created_at, expires_at, revoked_at FROM api_key JOIN user ON user.name = api_key.user"
    " WHERE digest = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What an instance signs and checks tokens with, also while the control plane is away."""

    terms: IssuerTerms
    keys: KeySet

    @property
    def expected(self) -> Expected:
        return Expected(keys=self.keys.verifiers, issuer=self.terms.issuer, audience=self.terms.audience)


_FileMark: TypeAlias = tuple[int, int, int, int]


class Follower:
    """The last terms and signing keys that could be read, and lookups in the database that is in force.

    `poll` looks for news and costs some microseconds where there are none; what fails is kept in `problem`. Reads are
    of a local file and wait for nobody, so they are done where they are needed. Lookups raise PlatformError
    `key-index-missing` or `key-index-malformed`.
    """

    __slots__ = (
        "_cipher",
        "_connection",
        "_marks",
        "_sealed",
        "_state",
        "_version",
        "bundle",
        "problem",
        "problem_since",
        "spool",
    )

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._connection: sqlite3.Connection | None = None
        self._marks: tuple[_FileMark | None, ...] = ()
        self._version = -1
        self._cipher: Cipher | None = None
        self._sealed: tuple[SealedKey, ...] = ()
        self.spool = Spool(state.key_spool)
        self.bundle: Bundle | None = None
        self.problem: PlatformError | None = None
        self.problem_since: datetime | None = None

    def poll(self) -> bool:
        """Whether there were news. After a failure the last good bundle stays, and the next poll tries again."""
        try:
            with _readable(self._state):
                fresh = self._look()
        except PlatformError as error:
            self.problem, self.problem_since = error, self.problem_since or datetime.now(UTC)
            return False
        self.problem = self.problem_since = None
        return fresh

    def _look(self) -> bool:
        marks = (_mark(self._state.key_index / CURRENT), _mark(self._state.master_key))
        moved = marks != self._marks
        if moved:
            self._reopen()
        if marks[1:] != self._marks[1:]:
            self._cipher = None
        connection = self._opened()
        [version] = connection.execute("PRAGMA data_version").fetchone()
        if not moved and version == self._version:
            return False
        found = connection.execute("SELECT format, issuer, audience, lifetime_s FROM meta").fetchone()
        if found is None or found[0] != FORMAT:
            raise _malformed("it has another format")
        terms = IssuerTerms(issuer=found[1], audience=found[2], lifetime_s=found[3])
        keys = self._keys(connection, reload=moved)
        fresh = self.bundle is None or keys is not self.bundle.keys or terms != self.bundle.terms
        if fresh:
            self.bundle = Bundle(terms=terms, keys=keys)
        self._marks, self._version = marks, version
        return fresh

    def _keys(self, connection: sqlite3.Connection, *, reload: bool) -> KeySet:
        """The same object for as long as the rows are the same."""
        sealed = tuple(map(_sealed_key, connection.execute(_SIGNING_KEYS)))
        if self.bundle is not None and sealed == self._sealed and not reload:
            return self.bundle.keys
        if self._cipher is None:
            self._cipher = load_cipher(self._state.master_key)
        try:
            keys = KeySet(tuple(each.opened(self._cipher) for each in sealed))
        except PlatformError:
            # A master key from the environment or a command leaves no mark when it changes: asked for next time.
            self._cipher = None
            raise
        self._sealed = sealed
        return keys

    def _reopen(self) -> None:
        fresh = open_to_read(current(self._state.key_index), timeout_s=_BUSY_S)
        try:
            fresh.execute("SELECT format FROM meta").fetchone()
        except sqlite3.Error:
            fresh.close()
            raise
        self.close()
        self._connection = fresh

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise FileNotFoundError(self._state.key_index)
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def client(self, client_id: str, now: datetime) -> Client | None:
        """A declared user that has a client secret which holds."""
        rows = self._asked(_CLIENT, client_id, now.timestamp())
        if not rows:
            return None
        return Client(user=UserName(client_id), client_id=client_id, secret_digests=tuple(row[0] for row in rows))

    def api_key(self, text: str) -> ApiKey | None:
        """A key of a declared user, whether it holds or not; its text and note are not known here."""
        key_digest = digest(text)
        for key_id, user, scopes, created_at, expires_at, revoked_at in self._asked(
            _API_KEY, bytes.fromhex(key_digest)
        ):
            term = Term(
                created_at=datetime.fromtimestamp(created_at, UTC),
                expires_at=moment_of(expires_at),
                revoked_at=moment_of(revoked_at),
            )
            names = tuple(ApiName(each) for each in _NAMES.decode(scopes))
            return ApiKey(id=key_id, user=UserName(user), prefix="", digest=key_digest, scopes=names, term=term)
        return None

    def is_declared(self, user: str) -> bool:
        return bool(self._asked("SELECT 1 FROM user WHERE name = ?", user))

    def since_s(self, user: str) -> int:
        """The second since 1970 from which the user's tokens count; 0: all of them do."""
        found = self._asked("SELECT since_s FROM renewed WHERE user = ?", user)
        return int(found[0][0]) if found else 0

    def may_call(self, user: str, apis: Iterable[str]) -> bool:
        """Whether the user may call every one of them."""
        found = self._asked("SELECT apis, groups FROM user WHERE name = ?", user)
        if not found:
            return False
        [(named, groups)] = found
        holder = Holder(apis=frozenset(_NAMES.decode(named)), groups=frozenset(_NAMES.decode(groups)))
        return all(holder.may_call(api, self._opened_by(api)) for api in apis)

    def may_ask(self, user: str, scopes: Iterable[str]) -> bool:
        """Whether each scope names an API that the user may call, or is one that such an API demands."""
        return all(self.may_call(user, (each,)) or self._opens_some(user, each) for each in scopes)

    def _opens_some(self, user: str, scope: str) -> bool:
        demanding = self._asked("SELECT api FROM api_scope WHERE scope = ?", scope)
        return any(self.may_call(user, (api,)) for (api,) in demanding)

    def is_revoked(self, kind: Revoked, name: str) -> bool:
        """Also when the control plane has not taken the revocation up yet."""
        if self.spool.holds(kind, name):
            return True
        return kind is Revoked.TOKEN and bool(self._asked("SELECT 1 FROM revoked_token WHERE id = ?", name))

    def _opened_by(self, api: str) -> OpenedBy | None:
        found = self._asked("SELECT groups, any_user FROM api WHERE name = ?", api)
        return OpenedBy(groups=frozenset(_NAMES.decode(found[0][0])), any_user=bool(found[0][1])) if found else None

    def _asked(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with _readable(self._state):
            return self._opened().execute(question, values).fetchall()


@contextmanager
def _readable(state: StateDir) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PlatformError(
            "key-index-missing",
            f"the key service's database in {state.key_index} cannot be opened: {error.strerror or 'it is not there'}",
            hint="the control plane makes it when it starts",
            status=503,
        ) from error
    except (sqlite3.Error, UnicodeError, msgspec.DecodeError) as error:
        raise _malformed(str(error)) from error


def _malformed(why: str) -> PlatformError:
    hint = "the control plane makes it anew; the key service and the control plane have to be of the same version"
    return PlatformError(
        "key-index-malformed", f"the key service's database cannot be read: {why}", hint=hint, status=503
    )


def _sealed_key(row: tuple[Any, ...]) -> SealedKey:
    kid, algorithm, private_sealed, created_at, active_from, retired_at, lifetime_s = row
    return SealedKey(
        kid=kid,
        algorithm=algorithm,
        private_sealed=private_sealed,
        created_at=datetime.fromtimestamp(created_at, UTC),
        active_from=moment_of(active_from),
        retired_at=moment_of(retired_at),
        lifetime_s=lifetime_s,
    )


def _mark(path: Path) -> _FileMark | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
