"""What the control plane shows over HTTPS: declared files, or a certificate of its own authority, kept and renewed."""

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec, TlsCertificate
from stationmaster.runtime import authority
from stationmaster.runtime.authority import KeyPair
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.files import write_private

log = structlog.get_logger("tls")

_TICK_S = 3600.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 what may be listened on, not an address to bind
_MARK = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class TlsFolder:
    """Only its owner may read what stands in it; `ca` alone is to be handed on."""

    root: Path

    @property
    def ca(self) -> Path:
        """The certificate that clients trust."""
        return self.root / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.root / "ca.key"

    @property
    def shown(self) -> Path:
        """The control plane's own key and certificate."""
        return self.root / "control.pem"


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@dataclass(frozen=True, slots=True)
class ServerTls:
    """`context` is what a listener is given; what it shows is renewed under it. Supervise `run`.

    Declared files that cannot be read leave the certificate in place that was shown before.
    """

    declared: Cell[PlatformSpec]
    folder: TlsFolder
    context: ssl.SSLContext = field(default_factory=_context)

    async def start(self) -> None:
        """Raises PlatformError `certificate` when there is nothing that can be shown."""
        try:
            await asyncio.to_thread(self.load)
        except (OSError, ValueError) as error:
            hint = "see to the files under control.tls, or to the folder `tls` of the state folder"
            text = f"the certificate of the control plane cannot be used: {error}"
            raise PlatformError("certificate", text, hint=hint, status=500) from error

    def load(self) -> None:
        """Blocks. Raises OSError (ssl.SSLError is one) or ValueError."""
        tls = self.declared.value.control.tls
        certificate, key = (self._own(), None) if tls is None else (tls.certificate, tls.key)
        self.context.load_cert_chain(certificate, key, password="")

    async def run(self) -> None:
        """Looks at files and expiry once an hour, and whenever the declaration changes."""
        async for spec in self.declared.changes(tick=_TICK_S):
            if spec.control.api_tls is not None:
                await self.refresh(spec.control.tls)

    async def refresh(self, tls: TlsCertificate | None) -> None:
        try:
            await asyncio.to_thread(self.load)
        except (OSError, ValueError) as error:
            log.warning("certificate cannot be used", declared=tls is not None, error=str(error))

    def _own(self) -> Path:
        """The file of a certificate that is good for now."""
        now, names = utc_now(), names_of(self.declared.value)
        issuer = self._authority(now)
        kept = _kept(self.folder.shown, self.folder.shown)
        if kept is None or not authority.is_good(kept, issuer, names, now):
            made = authority.certify(issuer, names, now)
            write_private(self.folder.shown, (made.key + made.certificate).encode())
            log.info("made a certificate", names=names, until=str(made.read.not_valid_after_utc))
        return self.folder.shown

    def _authority(self, now: datetime) -> KeyPair:
        kept = _kept(self.folder.ca, self.folder.ca_key)
        if kept is not None and authority.is_good_authority(kept, now):
            return kept
        made = authority.make_authority(now)
        write_private(self.folder.ca_key, made.key.encode())
        write_private(self.folder.ca, made.certificate.encode())
        log.info("made a certificate authority", file=str(self.folder.ca))
        return made


def names_of(spec: PlatformSpec) -> tuple[str, ...]:
    """By which the control plane may be asked for: local ones, the address it listens on, the one links lead to."""
    listens = spec.control.api_tls.host if spec.control.api_tls is not None else ""
    here = socket.gethostname() if listens in _EVERYWHERE else listens
    public = urlsplit(spec.incidents.public_url).hostname or ""
    more = [each for each in (here, public) if each and each.isascii() and len(each) <= 253]
    return tuple(dict.fromkeys((*_LOCAL, *more)))


def _kept(certificate: Path, key: Path) -> KeyPair | None:
    """Files that cannot be understood count as none."""
    try:
        private, chain = key.read_text("utf-8").partition(_MARK)[0], certificate.read_text("utf-8")
        kept = KeyPair(certificate=_MARK + chain.partition(_MARK)[2], key=private)
        authority.check_pair(kept)
    except (FileNotFoundError, ValueError):
        return None
    return kept
