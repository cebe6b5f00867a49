"""The files and folders that a platform names: whether they can be used, and their absolute names."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from stationmaster.manifest.files_response import Named, secret_files, with_absolute_secrets
from stationmaster.manifest.nodes import quoted
from stationmaster.manifest.parts import Part
from stationmaster.manifest.places import Places, moved
from stationmaster.manifest.problems import Problems
from stationmaster.manifest.schema import (
    ControlDocument,
    GatewaySettingsDocument,
    SettingsDocument,
    TlsDocument,
    TokenIssuerDocument,
)
from stationmaster.manifest.schema_monitoring import MonitoringDocument, PrometheusDocument, ScrapeDocument
from stationmaster.manifest.words import BROKEN_TEXT

H = TypeVar("H", ScrapeDocument, PrometheusDocument)
Shown = TypeVar("Shown", GatewaySettingsDocument, ControlDocument)

_LARGEST_KEY_SET = 1024 * 1024


def check_files(part: Part, folder: Path | None, problems: Problems) -> None:
    """Adds what is wrong with the files that a part names; relative names are looked for in `folder`."""
    relative = [each for each in _names(part) if not Path(each[2]).is_absolute()] if folder is None else []
    for thing, steps, name in relative:
        message = f"the file name {quoted(name)} is relative, and nobody knows to what"
        problems.add("relative-file", message, part.origin(thing, *steps), "write it from its '/' on")
    if relative:
        return
    folder = folder or Path("/")
    match part.document:
        case SettingsDocument() as settings:
            for at, name in enumerate(settings.runbooks):
                _check_folder(part, at, folder / name, problems)
            for tls in filter(None, (settings.gateway.tls, settings.control.tls)):
                _check_certificate(part, tls, folder, problems)
            _check_monitoring(part, settings.monitoring, folder, problems)
            _check_readable(part, secret_files(settings), folder, problems)
        case TokenIssuerDocument(jwks_file=str() as name) as issuer:
            _check_key_set(part, issuer, folder / name, problems)
        case document:
            _check_readable(part, secret_files(document), folder, problems)


def _names(part: Part) -> Iterator[Named]:
    match part.document:
        case SettingsDocument() as settings:
            for at, name in enumerate(settings.runbooks):
                yield settings, ("runbooks", at), name
            for tls in filter(None, (settings.gateway.tls, settings.control.tls)):
                yield tls, ("certificate",), tls.certificate
                yield tls, ("key",), tls.key
            yield from _monitoring_names(settings.monitoring)
            yield from secret_files(settings)
        case TokenIssuerDocument(jwks_file=str() as name) as issuer:
            yield issuer, ("jwks_file",), name
        case document:
            yield from secret_files(document)


def _monitoring_names(monitoring: MonitoringDocument) -> Iterator[Named]:
    for at, name in enumerate(monitoring.rules):
        yield monitoring, ("rules", at), name
    for holder in (*monitoring.scrape, monitoring.prometheus):
        if holder is not None and holder.token_file is not None:
            yield holder, ("token_file",), holder.token_file


def absolute(part: Part, folder: Path | None) -> Part:
    """The part with the absolute names of its files."""
    if folder is None or not any(_names(part)):
        return part
    document = part.document
    if isinstance(document, TokenIssuerDocument):
        name = str(folder.absolute() / (document.jwks_file or ""))
        return replace(part, document=moved(document, part.places, jwks_file=name))
    if isinstance(document, SettingsDocument):
        runbooks = [str(folder.absolute() / name) for name in document.runbooks]
        gateway = _absolute_tls(document.gateway, folder.absolute(), part.places)
        control = _absolute_tls(document.control, folder.absolute(), part.places)
        monitoring = _absolute_monitoring(document.monitoring, folder.absolute(), part.places)
        moving = {"runbooks": runbooks, "gateway": gateway, "control": control, "monitoring": monitoring}
        document = moved(document, part.places, **moving)
    return replace(part, document=with_absolute_secrets(document, folder.absolute(), part.places))


def _absolute_monitoring(monitoring: MonitoringDocument, folder: Path, places: Places) -> MonitoringDocument:
    if not any(_monitoring_names(monitoring)):
        return monitoring
    external = monitoring.prometheus
    return moved(
        monitoring,
        places,
        rules=[str(folder / name) for name in monitoring.rules],
        scrape=[_with_token_file(job, folder, places) for job in monitoring.scrape],
        prometheus=None if external is None else _with_token_file(external, folder, places),
    )


def _with_token_file(holder: H, folder: Path, places: Places) -> H:
    if holder.token_file is None:
        return holder
    return moved(holder, places, token_file=str(folder / holder.token_file))


def _absolute_tls(shown: Shown, folder: Path, places: Places) -> Shown:
    tls = shown.tls
    if tls is None:
        return shown
    names = {"certificate": str(folder / tls.certificate), "key": str(folder / tls.key)}
    return moved(shown, places, tls=moved(tls, places, **names))


def _check_folder(part: Part, at: int, path: Path, problems: Problems) -> None:
    try:
        wrong = "" if path.is_dir() else "is no folder" if path.exists() else "does not exist"
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    if wrong:
        settings = part.document
        written = settings.runbooks[at] if isinstance(settings, SettingsDocument) else str(path)
        message = f"the runbook folder {quoted(written)} {wrong}"
        hint = f"folders are looked for from {path.parent}"
        problems.add("no-runbook-folder", message, part.origin(settings, "runbooks", at), hint)


def _check_monitoring(part: Part, monitoring: MonitoringDocument, folder: Path, problems: Problems) -> None:
    for thing, steps, name in _monitoring_names(monitoring):
        path, wrong = folder / name, ""
        if "*" in path.name and steps[0] == "rules":
            wrong = "" if any(path.parent.glob(path.name)) else "names no file"
        else:
            wrong = _unreadable(path)
        if wrong:
            message = f"the file {quoted(name)} {wrong}"
            problems.add("no-file", message, part.origin(thing, *steps), f"files are looked for from {folder}")


def _check_readable(part: Part, named: Iterator[Named], folder: Path, problems: Problems) -> None:
    for thing, steps, name in named:
        wrong = _unreadable(folder / name) if name != BROKEN_TEXT else ""
        if wrong:
            message = f"the file {quoted(name)} {wrong}"
            problems.add("no-file", message, part.origin(thing, *steps), f"files are looked for from {folder}")


def _check_certificate(part: Part, tls: TlsDocument, folder: Path, problems: Problems) -> None:
    if BROKEN_TEXT in (tls.certificate, tls.key):
        return
    files = {"certificate": folder / tls.certificate, "key": folder / tls.key}
    wrong = {field: _unreadable(path) for field, path in files.items()}
    for field, reason in wrong.items():
        if reason:
            message = f"the file {quoted(getattr(tls, field))} {reason}"
            hint = f"files are looked for from {folder}"
            problems.add("no-file", message, part.origin(tls, field), hint)
    if any(wrong.values()):
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files["certificate"], files["key"], password="")
    except (ssl.SSLError, OSError) as error:
        message = f"certificate and key cannot be used together: {getattr(error, 'reason', None) or error}"
        hint = "both are PEM files, the key without a password and of this certificate"
        problems.add("bad-certificate", message, part.origin(tls, "certificate"), hint)


def _check_key_set(part: Part, issuer: TokenIssuerDocument, path: Path, problems: Problems) -> None:
    origin = part.origin(issuer, "jwks_file")
    reason = _unreadable(path)
    if reason:
        message = f"the file {quoted(issuer.jwks_file or '')} {reason}"
        problems.add("no-file", message, origin, f"files are looked for from {path.parent}")
        return
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST_KEY_SET + 1))
        keys = found.get("keys") if isinstance(found, dict) else None
    except (OSError, ValueError, RecursionError):
        keys = None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) and "kty" in key for key in keys):
        message = f"the file {quoted(issuer.jwks_file or '')} holds no key set"
        problems.add("bad-key-set", message, origin, 'a key set is JSON: {"keys": [{"kty": …}]} (RFC 7517)')


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return ""
