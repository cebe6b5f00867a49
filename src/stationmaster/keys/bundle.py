"""The sealed file that the control plane writes and every key service instance follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.problem import PlatformError
from stationmaster.keys.credentials import Client
from stationmaster.keys.issue import TokenTerms
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, private_from_jwk
from stationmaster.keys.verify import Expected
from stationmaster.runtime.cipher import Cipher
from stationmaster.runtime.master_key import load_cipher
from stationmaster.runtime.files import write_private

_CONTEXT = "key-bundle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that an instance needs to issue and check tokens while the control plane is away."""

    terms: TokenTerms
    keys: KeySet
    clients: Mapping[str, Client]
    """By client id."""

    @property
    def expected(self) -> Expected:
        return Expected(keys=self.keys.verifiers, issuer=self.terms.issuer, audience=self.terms.audience)


class _KeyEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    kid: str
    algorithm: SigningAlgorithm
    private_jwk: bytes
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None


class _ClientEntry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    user: str
    client_id: str
    secret_digest: str


class _BundleFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    format: Literal[1]
    issuer: str
    audience: str
    lifetime_s: int
    signing_keys: list[_KeyEntry]
    clients: list[_ClientEntry]


def write_bundle(path: Path, bundle: Bundle, cipher: Cipher) -> None:
    """Atomic. Raises PlatformError `key-bundle-unwritable`; the old file is then untouched."""
    document = _BundleFile(
        format=1,
        issuer=bundle.terms.issuer,
        audience=bundle.terms.audience,
        lifetime_s=bundle.terms.lifetime_s,
        signing_keys=[_key_entry(key) for key in bundle.keys.keys],
        clients=[
            _ClientEntry(user=each.user, client_id=each.client_id, secret_digest=each.secret_digest)
            for each in bundle.clients.values()
        ],
    )
    try:
        write_private(path, cipher.seal(msgspec.json.encode(document), _CONTEXT))
    except OSError as error:
        raise PlatformError(
            "key-bundle-unwritable",
            f"{path}: {error.strerror}",
            hint="the state folder must be writable and on a disk that is not full",
            status=503,
        ) from error


def _key_entry(key: SigningKey) -> _KeyEntry:
    return _KeyEntry(
        kid=key.kid,
        algorithm=key.algorithm,
        private_jwk=key.private_jwk(),
        created_at=key.created_at,
        active_from=key.active_from,
        retired_at=key.retired_at,
    )


def read_bundle(state: StateDir) -> Bundle:
    """Raises PlatformError when the bundle or the master key is missing, cannot be read or does not open."""
    try:
        sealed = state.key_bundle.read_bytes()
    except OSError as error:
        raise PlatformError(
            "key-bundle-missing",
            f"the key bundle {state.key_bundle} cannot be read: {error.strerror}",
            hint="the control plane writes it when it starts",
            status=503,
        ) from error
    plain = load_cipher(state.master_key).open(sealed, _CONTEXT)
    try:
        document = msgspec.json.decode(plain, type=_BundleFile)
    except msgspec.DecodeError as error:
        hint = "start the key service and the control plane in the same version"
        raise PlatformError("key-bundle-malformed", f"the key bundle: {error}", hint=hint, status=503) from error
    return _bundle(document)


def _bundle(document: _BundleFile) -> Bundle:
    terms = TokenTerms(issuer=document.issuer, audience=document.audience, lifetime_s=document.lifetime_s)
    clients = (
        Client(user=UserName(each.user), client_id=each.client_id, secret_digest=each.secret_digest)
        for each in document.clients
    )
    return Bundle(
        terms=terms,
        keys=KeySet(tuple(_signing_key(entry) for entry in document.signing_keys)),
        clients={each.client_id: each for each in clients},
    )


def _signing_key(entry: _KeyEntry) -> SigningKey:
    return SigningKey(
        kid=entry.kid,
        algorithm=entry.algorithm,
        private=private_from_jwk(entry.private_jwk),
        created_at=entry.created_at,
        active_from=entry.active_from,
        retired_at=entry.retired_at,
    )


_FileMark: TypeAlias = tuple[int, int, int, int]


class BundleFollower:
    """The last bundle that could be read. `poll` looks at the files again; what fails is kept in `problem`."""

    __slots__ = ("_marks", "_state", "bundle", "problem")

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._marks: tuple[_FileMark | None, ...] = ()
        self.bundle: Bundle | None = None
        self.problem: PlatformError | None = None

    def poll(self) -> bool:
        """Reads the bundle if it or the master key changed since it was last read well; says whether it did.

        Blocks for file reads. After a failure the last good bundle stays, and the next poll tries again.
        """
        marks = (_mark(self._state.key_bundle), _mark(self._state.master_key))
        if marks == self._marks:
            return False
        try:
            bundle = read_bundle(self._state)
        except PlatformError as error:
            self.problem = error
            return False
        self._marks, self.bundle, self.problem = marks, bundle, None
        return True


def _mark(path: Path) -> _FileMark | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
