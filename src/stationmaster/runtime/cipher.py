"""Secrets at rest: AES-256-GCM envelopes under one master key that lives in a private file."""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.files import create_private

_MAGIC = b"STMSEAL1"
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_KEY_BYTES = 32
_TAG_BYTES = 16
_HEADER_BYTES = len(_MAGIC) + _KEY_ID_BYTES
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + _TAG_BYTES
_BODY_AT = _HEADER_BYTES + _WRAPPED_BYTES

_FILE_PREFIX = "stationmaster-master-key-1:"


class Cipher:
    """Seals and opens messages.

    Sealed form: magic with version (8 bytes), id of the master key (8), the data key wrapped by the master key
    (nonce 12, key 32, tag 16), nonce (12), ciphertext with tag. Every message has a data key of its own, so that a new
    master key will have to rewrap 60 bytes and not the message. Random 96-bit nonces under one master key are safe
    for 2**32 messages (NIST SP 800-38D, 8.3).
    """

    __slots__ = ("_master", "key_id")

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes."""
        self._master = AESGCM(key)
        self.key_id = hashlib.sha256(b"stationmaster master key id\0" + key).digest()[:_KEY_ID_BYTES]

    def __repr__(self) -> str:
        return f"Cipher(key_id={self.key_id.hex()})"

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """`context` says what the message is for; it opens under the same context alone."""
        header = _MAGIC + self.key_id
        bound = _bound(header, context)
        data_key = AESGCM.generate_key(bit_length=_KEY_BYTES * 8)
        key_nonce, nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
        wrapped = key_nonce + self._master.encrypt(key_nonce, data_key, b"key" + bound)
        return header + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext, b"body" + bound)

    def open(self, sealed: bytes, context: str) -> bytes:
        """Raises PlatformError: `sealed-malformed`, `sealed-other-key` or `sealed-tampered`."""
        header = self._header(sealed)
        bound = _bound(header, context)
        wrapped, body = sealed[_HEADER_BYTES:_BODY_AT], sealed[_BODY_AT:]
        try:
            data_key = self._master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], b"key" + bound)
            return AESGCM(data_key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], b"body" + bound)
        except InvalidTag as error:
            raise PlatformError(
                "sealed-tampered",
                f"a sealed secret ({context}) was changed or belongs somewhere else",
                hint="restore it from a backup, or make the secret anew",
                status=500,
            ) from error

    def _header(self, sealed: bytes) -> bytes:
        header = sealed[:_HEADER_BYTES]
        if len(sealed) < _BODY_AT + _NONCE_BYTES + _TAG_BYTES or not header.startswith(_MAGIC):
            raise PlatformError(
                "sealed-malformed",
                "this is no sealed secret of a version that can be opened here",
                hint="restore it from a backup; a newer version of the platform may have written it",
                status=500,
            )
        if header[len(_MAGIC) :] != self.key_id:
            raise PlatformError(
                "sealed-other-key",
                f"sealed under master key {header[len(_MAGIC) :].hex()}, but this is {self.key_id.hex()}",
                hint="put the master key file back that belongs to this state folder",
                status=500,
            )
        return header


def _bound(header: bytes, context: str) -> bytes:
    return header + context.encode()


def load_cipher(path: Path) -> Cipher:
    """Reads the master key. Raises PlatformError: `master-key-missing`, `-exposed`, `-unreadable` or `-malformed`."""
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            content = file.read(1024)
    except FileNotFoundError as error:
        raise PlatformError(
            "master-key-missing",
            f"there is no master key at {path}",
            hint="the control plane makes it on its first start",
            status=500,
        ) from error
    except OSError as error:
        hint = "run as the user that owns the file"
        raise PlatformError("master-key-unreadable", f"{path}: {error.strerror}", hint=hint, status=500) from error
    return Cipher(_parsed(path, content))


def load_or_make_cipher(path: Path) -> Cipher:
    """Reads the master key and makes it first (mode 0600) where there is none."""
    if not path.exists():
        text = _FILE_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode() + "\n"
        try:
            create_private(path, text.encode())
        except OSError as error:
            hint = "the state folder must be writable and on a disk that is not full"
            raise PlatformError("master-key-unwritable", f"{path}: {error.strerror}", hint=hint, status=500) from error
    return load_cipher(path)


def _check_mode(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PlatformError(
            "master-key-exposed",
            f"{path} is open to other users (mode {stat.S_IMODE(mode):04o})",
            hint=f"chmod 600 {path}; when others may have read it, replace the key",
            status=500,
        )


def _parsed(path: Path, content: bytes) -> bytes:
    try:
        text = content.decode("ascii").strip()
        key = base64.urlsafe_b64decode(text.removeprefix(_FILE_PREFIX))
    except (UnicodeDecodeError, binascii.Error):
        text, key = "", b""
    if not text.startswith(_FILE_PREFIX) or len(key) != _KEY_BYTES:
        raise PlatformError(
            "master-key-malformed",
            f"{path} holds no master key",
            hint="put the right file back; without it what was sealed cannot be opened",
            status=500,
        )
    return key
