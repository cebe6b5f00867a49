"""The audit bundle: JSON lines that each hold the digest of the one before, closed by a signature; written and read."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stationmaster.core.problem import PlatformError

SCHEMA = 1
HEAD, END = "head", "end"
_ROOT = "0" * 64
_SIGNED = b"stationmaster audit bundle 1\n"
LONGEST_LINE_BYTES = 64 * 1024 * 1024
_NAMES = frozenset({"n", "kind", "body", "prev", "hash"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line: its number (the head is 0), what it is, and all that it says."""

    n: int
    kind: str
    body: Mapping[str, Any]
    hash: str


@dataclass(slots=True)
class Chain:
    """Writes the lines of one bundle, from the head to the end."""

    private: Ed25519PrivateKey
    count: int = 0
    last: str = _ROOT

    def line(self, kind: str, body: Mapping[str, Any]) -> bytes:
        record = {"n": self.count, "kind": kind, "body": body, "prev": self.last}
        digest = hashlib.sha256(canonical(record)).hexdigest()
        self.count, self.last = self.count + 1, digest
        return canonical(record | {"hash": digest}) + b"\n"

    def end(self) -> bytes:
        """Signs the digest of the last record, and with it every one before."""
        signature = self.private.sign(_SIGNED + self.last.encode())
        public = self.private.public_key().public_bytes_raw()
        body = {
            "records": self.count,
            "algorithm": "Ed25519",
            "public_key": base64.b64encode(public).decode(),
            "signature": base64.b64encode(signature).decode(),
        }
        return self.line(END, body)


def canonical(value: Any) -> bytes:
    """UTF-8, the members of objects by the code points of their names, no blanks between."""
    return msgspec.json.encode(value, order="deterministic")


def fingerprint_of(public: bytes) -> str:
    """By which people compare keys."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip('=')}"


class BrokenBundleError(PlatformError):
    """`record` is the number of the first one that does not hold; -1 where the file ends too early."""

    def __init__(self, record: int, why: str) -> None:
        where = f"record {record}" if record >= 0 else "the end"
        hint = "nothing from there on can be relied on; ask for the bundle anew"
        super().__init__("bundle-broken", f"{where} does not hold: {why}", hint=hint)
        self.record = record


def checked(lines: Iterable[bytes]) -> Iterator[Record]:
    """Every record as soon as it has proved to follow from those before, the signed end last. What came before an
    error held, but for the signature. Raises BrokenBundleError."""
    last, count, ended = _ROOT, 0, False
    for line in lines:
        if ended:
            raise BrokenBundleError(count, "something stands behind the signature")
        record, prev = _read(line, count)
        if prev != last:
            raise BrokenBundleError(count, "it does not follow the one before: something was taken out or put in")
        if count == 0:
            _check_head(record)
        elif record.kind == HEAD:
            raise BrokenBundleError(count, "a second head")
        if record.kind == END:
            _check_signature(record, last)
            ended = True
        yield record
        last, count = record.hash, count + 1
    if not ended:
        raise BrokenBundleError(-1, f"the file breaks off after {count} records, without its signature")


def _read(line: bytes, number: int) -> tuple[Record, str]:
    if len(line) > LONGEST_LINE_BYTES:
        raise BrokenBundleError(number, "its line is longer than any that is written")
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BrokenBundleError(number, "it is no JSON, or cut off") from error
    if not isinstance(found, dict) or found.keys() != _NAMES or not isinstance(found["body"], dict):
        raise BrokenBundleError(number, "it is no record")
    if found["n"] != number or not isinstance(found["kind"], str):
        raise BrokenBundleError(number, f"it says that it is number {found['n']!r}")
    said, prev = found.pop("hash"), found["prev"]
    if hashlib.sha256(canonical(found)).hexdigest() != said:
        raise BrokenBundleError(number, "it was changed: its digest is another one")
    if canonical(found | {"hash": said}) != line.rstrip(b"\r\n"):
        raise BrokenBundleError(number, "it is written otherwise than it was signed")
    return Record(n=number, kind=found["kind"], body=found["body"], hash=said), prev


def _check_head(record: Record) -> None:
    if record.kind != HEAD:
        raise BrokenBundleError(0, "the file does not begin with its head")
    schema = record.body.get("schema")
    if schema != SCHEMA:
        hint = "read it with the version of Stationmaster that wrote it, or a newer one"
        raise PlatformError("bundle-schema", f"the bundle has schema {schema!r}, known is {SCHEMA}", hint=hint)


def _check_signature(record: Record, last: str) -> None:
    body = record.body
    if body.get("records") != record.n:
        raise BrokenBundleError(record.n, f"it counts {body.get('records')!r} records, there are {record.n}")
    try:
        public = Ed25519PublicKey.from_public_bytes(public_key_of(record))
        public.verify(base64.b64decode(str(body.get("signature")), validate=True), _SIGNED + last.encode())
    except (InvalidSignature, ValueError) as error:
        raise BrokenBundleError(record.n, "the signature is not valid") from error


def public_key_of(end: Record) -> bytes:
    return base64.b64decode(str(end.body.get("public_key")), validate=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the bundle is about: an incident with its number, or the audit trail from `since` until `until`. Times are
    in RFC 3339."""

    what: str
    environment: str
    version: str
    exported_at: str
    by: str = ""
    incident: int | None = None
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A whole bundle that has been proved; `records` has neither head nor end. `fingerprint` is of the key."""

    head: Head
    records: tuple[Record, ...]
    fingerprint: str

    def of(self, *kinds: str) -> tuple[Mapping[str, Any], ...]:
        """What the records of these kinds say, in their order."""
        return tuple(each.body for each in self.records if each.kind in kinds)


def read_bundle(path: Path) -> Bundle:
    """Raises BrokenBundleError (`bundle-broken`), PlatformError `bundle-unreadable`, `bundle-schema`."""
    records = list(records_of(path))
    head, *between, end = records
    return Bundle(
        head=head_of(head),
        records=tuple(between),
        fingerprint=fingerprint_of(public_key_of(end)),
    )


def records_of(path: Path) -> Iterator[Record]:
    """One after the other, whatever the size of the file; raises as `read_bundle`."""
    try:
        with path.open("rb") as file:
            yield from checked(iter(lambda: file.readline(LONGEST_LINE_BYTES + 1), b""))
    except OSError as error:
        hint = "name a file that `incident export` or `audit export` wrote"
        text = f"{path} cannot be read: {error.strerror or error}"
        raise PlatformError("bundle-unreadable", text, hint=hint) from error


def head_of(record: Record) -> Head:
    """Raises BrokenBundleError."""
    told = {name: value for name, value in record.body.items() if name != "schema"}
    try:
        return msgspec.convert(told, Head)
    except msgspec.ValidationError as error:
        raise BrokenBundleError(0, str(error)) from error
