"""Secrets at rest: AES-256-GCM envelopes under a master key, and under older ones while a rotation is under way."""

import hashlib
import os
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stationmaster.core.problem import PlatformError

_MAGIC = b"STMSEAL1"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
KEY_BYTES = 32
_TAG_BYTES = 16
HEADER_BYTES = len(_MAGIC) + _KEY_ID_BYTES
_WRAPPED_BYTES = _NONCE_BYTES + KEY_BYTES + _TAG_BYTES
_BODY_AT = HEADER_BYTES + _WRAPPED_BYTES


class Cipher:
    """Seals under the newest master key and opens under any that it knows. Seal inside the write transaction that
    stores the result: a rotation holds the writer while it makes sure that nothing stands under the old key.

    Sealed form: magic with version (8 bytes), id of the master key (8), the data key wrapped by the master key
    (nonce 12, key 32, tag 16), nonce (12), ciphertext with tag. Every message has a data key of its own. Random
    96-bit nonces under one master key are safe for 2**32 messages (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_masters", "key_id")

    def __init__(self, key: bytes, older: Iterable[bytes] = ()) -> None:
        """Each key has 32 bytes."""
        self._masters = {key_id(each): AESGCM(each) for each in (key, *older)}
        self.key_id = key_id(key)

    def __repr__(self) -> str:
        return f"Cipher(key_id={self.key_id.hex()})"

    @property
    def older(self) -> tuple[bytes, ...]:
        """Ids of the keys that still open and no longer seal."""
        return tuple(each for each in self._masters if each != self.key_id)

    @property
    def header(self) -> bytes:
        """What everything begins with that stands under the newest key."""
        return _MAGIC + self.key_id

    def renew(self, key: bytes) -> None:
        """Seals under `key` from now on; what stands under the keys before it still opens."""
        masters = {key_id(key): AESGCM(key), **self._masters}
        self._masters, self.key_id = masters, key_id(key)

    def forget_older(self) -> None:
        self._masters = {self.key_id: self._masters[self.key_id]}

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """`context` says what the message is for; it opens under the same context alone."""
        header = self.header
        bound = _bound(header, context)
        data_key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        key_nonce, nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
        master = self._masters[header[len(_MAGIC) :]]
        wrapped = key_nonce + master.encrypt(key_nonce, data_key, b"key" + bound)
        return header + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, b"body" + bound)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises PlatformError: `sealed-malformed`, `sealed-other-key` or `sealed-tampered`."""
        header, master = self._master_of(sealed)
        bound = _bound(header, context)
        wrapped, body = sealed[HEADER_BYTES:_BODY_AT], sealed[_BODY_AT:]
        try:
            data_key = master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], b"key" + bound)
            return AESGCM(data_key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], b"body" + bound)
        except InvalidTag as error:
            raise PlatformError(
                "sealed-tampered",
                f"a sealed secret ({context}) was changed or belongs somewhere else",
                hint="restore it from a backup, or make the secret anew",
                status=500,
            ) from error

    def reseal(self, sealed: bytes, context: str) -> bytes:
        """The same message under the newest key."""
        return self.seal(self.open(sealed, context), context)

    def _master_of(self, sealed: bytes) -> tuple[bytes, AESGCM]:
        header = sealed[:HEADER_BYTES]
        if len(sealed) < _BODY_AT + _NONCE_BYTES + _TAG_BYTES or not header.startswith(_MAGIC):
            raise PlatformError(
                "sealed-malformed",
                "this is no sealed secret of a version that can be opened here",
                hint="restore it from a backup; a newer version of the platform may have written it",
                status=500,
            )
        master = self._masters.get(header[len(_MAGIC) :])
        if master is None:
            raise PlatformError(
                "sealed-other-key",
                f"sealed under master key {header[len(_MAGIC) :].hex()}, but this is {self.key_id.hex()}",
                hint="put the master key file back that belongs to this state folder",
                status=500,
            )
        return header, master


def key_id(key: bytes) -> bytes:
    """Tells master keys apart and says nothing about them."""
    return hashlib.sha256(b"stationmaster master key id\0" + key).digest()[:_KEY_ID_BYTES]


def _bound(header: bytes, context: str) -> bytes:
    return header + context.encode()
