"""The second person's yes: a request that says what is asked, and a code that only a listed approver can make of it."""

import binascii
import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import TypeAlias

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stationmaster.core.problem import PlatformError

REQUEST_MARK = "stm-request-1"
KEY_MARK = "ed25519:"
_SIGNED_AS = b"stationmaster second person 1\n"
_CHECKSUM_BYTES = 9
_KEY_ID_BYTES = 8
_KEY_BYTES = 32
_CODE = re.compile(r"[A-Za-z0-9_-]{96}")


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the second person is asked to allow. `digest` is the run's own, over the resolved command, its targets and
    the runbook's revision; `nonce` makes each asking its own, so that a code answers one question and no other."""

    run: str
    step: str
    runbook: str
    command: str
    risk: str
    why: tuple[str, ...]
    targets: str
    digest: str
    requested_by: str
    expires_at: datetime
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """`logins` are the names under which this person asks; nobody approves what they asked for themselves."""

    name: str
    key: bytes
    logins: tuple[str, ...] = ()
    until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    why: str


Answer: TypeAlias = Granted | Refused


def request_text(ask: Ask) -> str:
    """One line without blanks that can be pasted anywhere."""
    payload = _payload(ask)
    return f"{REQUEST_MARK}.{_encoded(payload)}.{_encoded(_checksum(payload))}"


def read_request(text: str) -> Ask:
    """The ask of a pasted line; line breaks that a mail or chat put into it are taken out."""
    parts = "".join(text.split()).split(".")
    if len(parts) != 3 or parts[0] != REQUEST_MARK:
        raise _broken("it is no request of this program")
    try:
        payload = _decoded(parts[1])
        if not compare_digest(_decoded(parts[2]), _checksum(payload)):
            raise _broken("it was changed on its way, or a part of it is missing")
        ask = msgspec.json.decode(payload, type=Ask)
    except (ValueError, msgspec.DecodeError) as error:
        raise _broken("it was changed on its way, or a part of it is missing") from error
    if _payload(ask) != payload or ask.expires_at.tzinfo is None:
        raise _broken("it was not written by this program")
    return ask


def sign(ask: Ask, key: Ed25519PrivateKey) -> str:
    """The code: the key's id and an Ed25519 signature (RFC 8032) of the whole ask, base64url, 96 characters."""
    public = key.public_key().public_bytes_raw()
    return _encoded(_key_id(public) + key.sign(_SIGNED_AS + _payload(ask)))


def check_code(
    code: str, ask: Ask, approvers: Sequence[Approver], *, now: datetime, own_keys: Collection[bytes] = ()
) -> Answer:
    """Whether `code` is a listed approver's yes to exactly this ask. `own_keys` are public keys whose private halves
    lie with the requester: what they sign is no second person's."""
    if _CODE.fullmatch(code) is None:
        return Refused(why="that is no code: a code has 96 letters, digits, - and _")
    if now >= ask.expires_at:
        return Refused(why=f"the request expired at {ask.expires_at:%H:%M:%S} UTC; ask again")
    raw = urlsafe_b64decode(code)
    approver = next((each for each in approvers if _key_id(each.key) == raw[:_KEY_ID_BYTES]), None)
    if approver is None:
        return Refused(why="it was made with a key that approvers.yaml does not list")
    if not _signed(approver.key, raw[_KEY_ID_BYTES:], ask):
        return Refused(why=f"it bears {approver.name}'s key but is no signature of this request")
    if approver.until is not None and now.date() > approver.until:
        return Refused(why=f"{approver.name} was an approver until {approver.until}")
    if is_requester(approver, ask.requested_by):
        return Refused(why=f"{approver.name} asked for it: another person has to approve")
    if approver.key in own_keys:
        return Refused(
            why=f"the private key of {approver.name} lies on the machine that asks: that is no second person"
        )
    return Granted(by=approver.name)


def is_requester(approver: Approver, requested_by: str) -> bool:
    """Compared without regard to case and to the forms in which Unicode writes the same name."""
    return _plain(requested_by) in {_plain(name) for name in (approver.name, *approver.logins)}


def public_text(key: bytes) -> str:
    return f"{KEY_MARK}{_encoded(key)}"


def read_public(text: str) -> bytes:
    """The 32 bytes of `ed25519:…`; a text that is no usable public key is refused."""
    try:
        key = _decoded(text.removeprefix(KEY_MARK)) if text.startswith(KEY_MARK) else b""
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        hint = "take the line that `stationmaster runbook approver new` printed"
        raise PlatformError("approver-key-broken", f"{text[:80]!r} is no public key of an approver", hint=hint)
    return key


def fingerprint(key: bytes) -> str:
    """Short enough to be read out over a telephone."""
    digest = sha256(key).hexdigest()[:16]
    return "-".join(digest[start : start + 4] for start in range(0, 16, 4))


def _signed(key: bytes, signature: bytes, ask: Ask) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _SIGNED_AS + _payload(ask))
    except InvalidSignature:
        return False
    return True


def _payload(ask: Ask) -> bytes:
    return msgspec.json.encode(ask)


def _checksum(payload: bytes) -> bytes:
    return sha256(payload).digest()[:_CHECKSUM_BYTES]


def _key_id(key: bytes) -> bytes:
    return sha256(key).digest()[:_KEY_ID_BYTES]


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    """Refuses everything but the one way in which `_encoded` writes the bytes."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if _encoded(raw) != text:
        raise ValueError("not the canonical form")
    return raw


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _broken(why: str) -> PlatformError:
    hint = "copy the whole line again, from stm-request to its end"
    return PlatformError("request-broken", f"the request cannot be read: {why}", hint=hint)
