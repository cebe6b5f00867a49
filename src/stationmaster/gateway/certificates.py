"""The certificate of the gateway's TLS entrances: read from declared files, or made, kept and renewed here."""

import asyncio
from datetime import datetime
from pathlib import Path

import structlog

from stationmaster.core.problem import NOWHERE, Diagnostic
from stationmaster.core.spec import PlatformSpec, TlsCertificate
from stationmaster.gateway import self_signed
from stationmaster.gateway.ir_policy import Certificate
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import utc_now
from stationmaster.runtime.files import write_private

log = structlog.get_logger("gateway")

_TICK_S = 30.0
_FILE = "gateway.pem"


class Certificates:
    """`current` is what TLS entrances show; None as long as no node has one. Supervise `run`.

    A declared pair that cannot be read leaves the earlier certificate in place and is told by `problem`.
    """

    def __init__(self, declared: Cell[PlatformSpec], folder: Path) -> None:
        self._declared = declared
        self._file = folder / _FILE
        self.current: Cell[Certificate | None] = Cell(None)
        self.problem: Diagnostic | None = None

    async def run(self) -> None:
        """Looks at files and expiry twice a minute, and whenever the declaration changes."""
        async for spec in self._declared.changes(tick=_TICK_S):
            await self.refresh(spec)

    async def refresh(self, spec: PlatformSpec) -> None:
        try:
            found = await asyncio.to_thread(self._find, spec, utc_now())
        except (OSError, ValueError) as error:
            self._complain(spec, error)
            return
        self.problem = None
        self.current.set(found)

    def _find(self, spec: PlatformSpec, now: datetime) -> Certificate | None:
        if not any(node.listen_tls for node in spec.nodes):
            return None
        return _read(spec.tls) if spec.tls else self._own(self_signed.names_of(spec), now)

    def _own(self, names: tuple[str, ...], now: datetime) -> Certificate:
        kept = self._kept()
        if kept and self_signed.is_good(kept, names, now):
            return kept
        made = self_signed.make(names, now)
        write_private(self._file, (made.key + made.chain).encode())
        log.info("made a certificate", names=names, until=str(self_signed.expiry(made)))
        return made

    def _kept(self) -> Certificate | None:
        """A file that cannot be understood counts as none."""
        try:
            key, mark, chain = self._file.read_text("utf-8").partition("-----BEGIN CERTIFICATE-----")
            kept = Certificate(chain=mark + chain, key=key)
            self_signed.check_pair(kept)
        except (FileNotFoundError, ValueError):
            return None
        return kept

    def _complain(self, spec: PlatformSpec, error: Exception) -> None:
        message = f"the certificate of the gateway cannot be used: {error}"
        problem = Diagnostic(
            code="certificate",
            message=message,
            origin=next((node.origin for node in spec.nodes if node.listen_tls), NOWHERE),
            hint="TLS entrances go on with the one before, if there was one; see to the files under gateway.tls",
        )
        if problem != self.problem:
            log.warning("certificate cannot be used", error=str(error))
        self.problem = problem


def _read(pair: TlsCertificate) -> Certificate:
    """Raises OSError or ValueError for files that are no certificate and its key."""
    found = Certificate(chain=pair.certificate.read_text("utf-8"), key=pair.key.read_text("utf-8"))
    self_signed.check_pair(found)
    return found
