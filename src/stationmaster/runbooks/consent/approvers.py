"""Where approvers stand: the reviewed list beside the runbooks, the private key on an approver's own machine."""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.consent.approval import Approver, public_text, read_public

FILE_NAME = "approvers.yaml"
_HEAD = """\
# Who may approve as the second person. A change of this list is reviewed like code.
approvers:
"""


class _Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    key: str
    logins: tuple[str, ...] = ()
    until: date | None = None


class _Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    approvers: tuple[_Line, ...] | None = None


def find_approvers(runbook: Path) -> Path | None:
    """The list in the runbook's folder or in the nearest one above it, never above a repository's root."""
    for folder in runbook.absolute().parents:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            return None
    return None


def read_approvers(path: Path) -> tuple[Approver, ...]:
    try:
        document = msgspec.yaml.decode(path.read_bytes(), type=_Document)
    except OSError as error:
        hint = "make it with `stationmaster runbook approver add`"
        raise PlatformError("approvers-unreadable", f"{path}: {error.strerror}", hint=hint, status=404) from error
    except (msgspec.DecodeError, yaml.YAMLError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        hint = "a list `approvers:` of {name, key}, with `logins` and `until` where they are needed"
        raise PlatformError("approvers-broken", f"{path}: {told}", hint=hint) from error
    found = tuple(_approver(line) for line in document.approvers or ())
    for what, values in (("name", [each.name for each in found]), ("key", [public_text(each.key) for each in found])):
        if twice := next((value for value in values if values.count(value) > 1), None):
            raise PlatformError("approvers-broken", f"{path}: the {what} {twice} stands there twice", hint="keep one")
    return found


def line_of(approver: Approver) -> str:
    """One approver as it stands in the list: a flow mapping as JSON writes it, so that no name breaks out of it."""
    line = _Line(name=approver.name, key=public_text(approver.key), logins=approver.logins)
    text = msgspec.json.encode(line).decode()
    return f"  - {text[:-1]}, until: {approver.until}}}" if approver.until else f"  - {text}"


def add_approver(path: Path, approver: Approver) -> None:
    known = read_approvers(path) if path.exists() else ()
    if any(each.name == approver.name or each.key == approver.key for each in known):
        hint = f"remove it first: stationmaster runbook approver remove {approver.name}"
        raise PlatformError("approver-known", f"{path} lists {approver.name} or this key already", hint=hint)
    text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    text = text.replace("approvers: []", "approvers:") if not known else text
    _replace(path, f"{text.rstrip()}\n{_indented(text, line_of(approver))}\n")


def remove_approver(path: Path, name: str) -> None:
    """Takes the lines of one approver out and leaves every other line as it stands."""
    if all(each.name != name for each in read_approvers(path)):
        raise PlatformError("approver-unknown", f"{path} lists no approver {name}", hint="see `approver list`")
    text = path.read_text(encoding="utf-8")
    item = next(each for each in _items(text) if any(k.value == "name" and v.value == name for k, v in each.value))
    lines = text.splitlines(keepends=True)
    del lines[item.start_mark.line : _last_line(item) + 1]
    _replace(path, "".join(lines))


def make_key(path: Path, passphrase: bytes = b"") -> Ed25519PrivateKey:
    """A new private key as PKCS #8 in PEM, readable by its owner alone; never over an existing file."""
    key = Ed25519PrivateKey.generate()
    sealing = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        hint = "keep it, or move it away first; who has lost a passphrase makes a key under another --key-file"
        raise PlatformError("approver-key-exists", f"{path} exists already", hint=hint, status=409) from error
    except OSError as error:
        raise PlatformError("approver-key-unwritable", f"{path}: {error.strerror}", hint="choose --key-file") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return key


def is_sealed(path: Path) -> bool:
    """Whether the key file wants a passphrase."""
    return b"ENCRYPTED" in _pem(path)


def load_key(path: Path, passphrase: bytes = b"") -> Ed25519PrivateKey:
    pem = _pem(path)
    if path.stat().st_mode & 0o077:
        hint = f"chmod 600 {path}, and think about whether others have read it"
        raise PlatformError("approver-key-open", f"{path} can be read by others", hint=hint, status=403)
    try:
        key = load_pem_private_key(pem, passphrase or None)
    except TypeError as error:
        hint = "type it, or name --passphrase-file"
        raise PlatformError("passphrase-wanted", f"{path} does not fit: {error}", hint=hint, status=403) from error
    except ValueError as error:
        hint = "type it again; a lost passphrase wants a new key"
        raise PlatformError("passphrase-wrong", f"{path} does not open", hint=hint, status=403) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise PlatformError("approver-key-broken", f"{path} is no Ed25519 key", hint="make one: `approver new`")
    return key


def keys_in(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.key")) if folder.is_dir() else ()


def public_beside(path: Path) -> Path:
    """Where the public half of a private key file is kept, so that it is known without the passphrase."""
    return path.with_suffix(".pub")


def own_public_keys(folder: Path) -> frozenset[bytes]:
    """Public halves of the private keys that lie on this machine."""
    found = [public_beside(path) for path in keys_in(folder)]
    return frozenset(read_public(path.read_text(encoding="ascii").strip()) for path in found if path.is_file())


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "make one: stationmaster runbook approver new NAME"
        raise PlatformError("approver-key-missing", f"{path}: {error.strerror}", hint=hint, status=404) from error


def _approver(line: _Line) -> Approver:
    if not line.name.strip():
        raise PlatformError("approvers-broken", "an approver has no name", hint="give each its `name`")
    return Approver(name=line.name, key=read_public(line.key), logins=line.logins, until=line.until)


def _items(text: str) -> list[yaml.MappingNode]:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next(value.value for key, value in pairs if key.value == "approvers")


def _last_line(node: yaml.Node) -> int:
    """A block's own end mark stands behind the comments that follow it; that of its last scalar does not."""
    if not isinstance(node, yaml.CollectionNode) or not node.value or node.flow_style:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(node, yaml.MappingNode) else last)


def _indented(text: str, line: str) -> str:
    """A list may stand flush left below its key; what is appended follows it."""
    first = next((each for each in text.splitlines() if each.lstrip().startswith("- ")), "  -")
    return " " * (len(first) - len(first.lstrip())) + line.lstrip()


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
