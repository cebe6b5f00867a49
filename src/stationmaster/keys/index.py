"""The key service's own database: what its instances look up, written by the control plane, read by every instance.

It holds digests and sealed keys, is made anew from the store whenever the two disagree, and lies beside a small file
that names the database in force: a new one is made whole before it takes the place of the old one.
"""

import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import Api, ApiUser
from stationmaster.keys.credentials import ApiKey, ClientSecret
from stationmaster.keys.issue import IssuerTerms
from stationmaster.keys.signing import SIGNING_KEY_CONTEXT, SigningAlgorithm, SigningKey, private_from_jwk
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.files import write_private

FORMAT = 3
CURRENT = "current"

_TABLES = """
CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER, revision INTEGER, keys_revision INTEGER,
  issuer TEXT, audience TEXT, lifetime_s INTEGER);
CREATE TABLE signing_key (kid TEXT PRIMARY KEY, algorithm TEXT, private_sealed BLOB, created_at REAL,
  active_from REAL, retired_at REAL, lifetime_s INTEGER) WITHOUT ROWID;
CREATE TABLE api_key (digest BLOB PRIMARY KEY, id TEXT, user TEXT, scopes TEXT, created_at REAL, expires_at REAL,
  revoked_at REAL) WITHOUT ROWID;
CREATE TABLE client_secret (user TEXT, digest TEXT, expires_at REAL, revoked_at REAL, PRIMARY KEY (user, digest))
  WITHOUT ROWID;
CREATE TABLE user (name TEXT PRIMARY KEY, apis TEXT, groups TEXT) WITHOUT ROWID;
CREATE TABLE renewed (user TEXT PRIMARY KEY, since_s INTEGER) WITHOUT ROWID;
CREATE TABLE api (name TEXT PRIMARY KEY, groups TEXT, any_user INTEGER) WITHOUT ROWID;
CREATE TABLE api_scope (scope TEXT, api TEXT, PRIMARY KEY (scope, api)) WITHOUT ROWID;
CREATE INDEX api_scope_api ON api_scope (api);
CREATE TABLE revoked_token (id TEXT PRIMARY KEY, until REAL) WITHOUT ROWID;
CREATE INDEX revoked_token_until ON revoked_token (until);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A signing key as it is stored."""

    kid: str
    algorithm: str
    private_sealed: bytes = field(repr=False)
    created_at: datetime
    active_from: datetime | None
    retired_at: datetime | None
    lifetime_s: int

    def opened(self, cipher: Cipher) -> SigningKey:
        """Raises PlatformError where it does not open under the master key."""
        private = cipher.open(self.private_sealed, SIGNING_KEY_CONTEXT.format(kid=self.kid))
        return SigningKey(
            kid=self.kid,
            algorithm=SigningAlgorithm(self.algorithm),
            private=private_from_jwk(private),
            created_at=self.created_at,
            active_from=self.active_from,
            retired_at=self.retired_at,
            lifetime_s=self.lifetime_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexChange:
    """What one change of the store means for the key service; None leaves terms or signing keys as they are."""

    terms: IssuerTerms | None = None
    signing_keys: tuple[SealedKey, ...] | None = None
    api_keys: Iterable[ApiKey] = ()
    secrets: Iterable[ClientSecret] = ()
    users: Iterable[ApiUser] = ()
    gone_users: Iterable[str] = ()
    renewed: Iterable[tuple[str, int]] = ()
    """Users that were declared again, and the second (since 1970) from which their tokens count."""
    apis: Iterable[Api] = ()
    gone_apis: Iterable[str] = ()
    revoked: Iterable[tuple[str, datetime]] = ()
    forget_before: datetime | None = None
    """Tokens that were revoked and have expired by then."""


Row: TypeAlias = tuple[object, ...]


class IndexWriter:
    """The one writer; every call blocks for the disk. All of it raises PlatformError `key-index-unwritable`, and then
    the index is as it was."""

    __slots__ = ("_connection", "_folder")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: sqlite3.Connection | None = None

    def build(self, revision: int, whole: IndexChange) -> None:
        """A new index of nothing but this, which then takes the place of the one before."""
        name = f"index-{secrets.token_hex(6)}.db"
        with self._refusing():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / name
            with closing(_connect(path)) as fresh:
                path.chmod(0o600)
                fresh.executescript(_TABLES)
                _apply(fresh, revision, whole)
            write_private(self._folder / CURRENT, f"{name}\n".encode())
            self.close()
            for old in self._folder.glob("index-*.db*"):
                if not old.name.startswith(name):
                    old.unlink(missing_ok=True)

    def apply(self, revision: int, change: IndexChange) -> None:
        """One change, which instances see as a whole."""
        with self._refusing():
            _apply(self._opened(), revision, change)

    def in_place(self) -> bool:
        """Whether instances find the index that this writer writes, and somebody who opens it anew can read it."""
        try:
            path = current(self._folder)
            with closing(open_to_read(path)) as fresh:
                fresh.execute("SELECT format FROM meta").fetchone()
            return path == self._path()
        except (sqlite3.Error, OSError):
            return False

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _path(self) -> Path:
        for _, _, file in self._opened().execute("PRAGMA database_list"):
            return Path(file)
        raise FileNotFoundError(self._folder)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            path = current(self._folder)
            if not path.exists():
                raise FileNotFoundError(path)
            self._connection = _connect(path)
        return self._connection

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise PlatformError(
                "key-index-unwritable",
                f"the key service's database in {self._folder} cannot be written: {error}",
                hint="the state folder must be writable and on a disk that is not full",
                status=503,
            ) from error


def current(folder: Path) -> Path:
    """The database in force. Raises OSError."""
    name = (folder / CURRENT).read_text("utf-8").strip()
    if "/" in name or not name.startswith("index-"):
        raise FileNotFoundError(folder / CURRENT)
    return folder / name


def open_to_read(path: Path, *, timeout_s: float = 1.0) -> sqlite3.Connection:
    """Raises OSError or sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None, check_same_thread=False)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    # The store keeps what must not be lost; what a power cut takes from here is seen by its revision and made again.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _apply(connection: sqlite3.Connection, revision: int, change: IndexChange) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        _write(connection, revision, change)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _write(connection: sqlite3.Connection, revision: int, change: IndexChange) -> None:
    connection.execute("INSERT OR IGNORE INTO meta VALUES (1, ?, 0, 0, '', '', 0)", (FORMAT,))
    connection.execute("UPDATE meta SET revision = ?", (revision,))
    if change.terms is not None:
        terms = change.terms
        values = (terms.issuer, terms.audience, terms.lifetime_s)
        connection.execute("UPDATE meta SET issuer = ?, audience = ?, lifetime_s = ?", values)
    if change.signing_keys is not None:
        connection.execute("DELETE FROM signing_key")
        connection.execute("UPDATE meta SET keys_revision = ?", (revision,))
        rows = map(_signing_key_row, change.signing_keys)
        connection.executemany("INSERT INTO signing_key VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.executemany(
        "INSERT OR REPLACE INTO api_key VALUES (?, ?, ?, ?, ?, ?, ?)", map(_key_row, change.api_keys)
    )
    connection.executemany("INSERT OR REPLACE INTO client_secret VALUES (?, ?, ?, ?)", map(_secret_row, change.secrets))
    connection.executemany("DELETE FROM user WHERE name = ?", ((each,) for each in change.gone_users))
    connection.executemany("INSERT OR REPLACE INTO renewed VALUES (?, ?)", change.renewed)
    users = ((each.name, _names(each.apis), _names(each.groups)) for each in change.users)
    connection.executemany("INSERT OR REPLACE INTO user VALUES (?, ?, ?)", users)
    _write_apis(connection, tuple(change.apis), tuple(change.gone_apis))
    if change.forget_before is not None:
        connection.execute("DELETE FROM revoked_token WHERE until <= ?", (change.forget_before.timestamp(),))
    revoked = ((token_id, until.timestamp()) for token_id, until in change.revoked)
    connection.executemany("INSERT OR REPLACE INTO revoked_token VALUES (?, ?)", revoked)


def _write_apis(connection: sqlite3.Connection, apis: tuple[Api, ...], gone: tuple[str, ...]) -> None:
    connection.executemany("DELETE FROM api WHERE name = ?", ((each,) for each in gone))
    outdated = (*gone, *(each.name for each in apis))
    connection.executemany("DELETE FROM api_scope WHERE api = ?", ((each,) for each in outdated))
    rows = ((each.name, _names(each.groups), each.any_user) for each in apis)
    connection.executemany("INSERT OR REPLACE INTO api VALUES (?, ?, ?)", rows)
    scopes = ((scope, each.name) for each in apis for scope in each.policies.tokens.scopes)
    connection.executemany("INSERT OR REPLACE INTO api_scope VALUES (?, ?)", scopes)


def _signing_key_row(key: SealedKey) -> Row:
    times = (seconds(key.created_at), seconds(key.active_from), seconds(key.retired_at))
    return (key.kid, key.algorithm, key.private_sealed, *times, key.lifetime_s)


def _key_row(key: ApiKey) -> Row:
    times = (seconds(key.term.created_at), seconds(key.term.expires_at), seconds(key.term.revoked_at))
    return (bytes.fromhex(key.digest), key.id, key.user, _names(key.scopes), *times)


def _secret_row(secret: ClientSecret) -> Row:
    return (secret.user, secret.digest, seconds(secret.term.expires_at), seconds(secret.term.revoked_at))


def _names(names: Iterable[str]) -> str:
    return msgspec.json.encode(tuple(names)).decode()


def seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def moment_of(number: float | None) -> datetime | None:
    return None if number is None else datetime.fromtimestamp(number, UTC)
