"""Writes audit bundles: of one incident, or of the audit trail of a time."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stationmaster import __version__
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import bundle_gather, store
from stationmaster.incidents.bundle import HEAD, SCHEMA, Chain, fingerprint_of
from stationmaster.incidents.bundle_gather import Window
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now
from stationmaster.runtime.files import create_private

_KEY_BYTES = 32
_WRITTEN_AT_ONCE = 64 * 1024


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The key stands in a file that only the platform's user may read. Raises PlatformError `bundle-key`."""
    if not path.exists():
        create_private(path, Ed25519PrivateKey.generate().private_bytes_raw())
    found = path.read_bytes()
    if len(found) != _KEY_BYTES:
        hint = "put the file back from a backup; without it, take it away: a new key is made, with another fingerprint"
        raise PlatformError("bundle-key", f"{path} is no key of {_KEY_BYTES} bytes", hint=hint, status=500)
    return Ed25519PrivateKey.from_private_bytes(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    database: Database
    declared: Cell[PlatformSpec]
    private: Ed25519PrivateKey
    now: Callable[[], datetime] = utc_now

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.public)

    async def incident(self, number: int, out: BinaryIO, *, by: str) -> int:
        """Returns how many records there are. Raises PlatformError `unknown-incident`, before anything is written."""
        now = self.now()
        async with self.database.read() as connection:
            await store.known(connection, number)
            told = {"what": "incident", "incident": number}
            return await self._write(out, self._head(told, by, now), bundle_gather.of_incident(connection, number, now))

    async def audit(self, since: datetime, until: datetime, out: BinaryIO, *, by: str) -> int:
        """Returns how many records there are. Raises PlatformError `bad-span`, before anything is written."""
        if until <= since:
            hint = "name a beginning that lies before the end"
            raise PlatformError("bad-span", f"{since.isoformat()} to {until.isoformat()} is no time at all", hint=hint)
        told = {"what": "audit", "since": since.isoformat(), "until": until.isoformat()}
        window = Window(since=since, until=until)
        async with self.database.read() as connection:
            return await self._write(out, self._head(told, by, self.now()), bundle_gather.of_time(connection, window))

    def _head(self, told: Mapping[str, Any], by: str, now: datetime) -> dict[str, Any]:
        return {
            **told,
            "schema": SCHEMA,
            "environment": self.declared.value.environment,
            "version": __version__,
            "exported_at": now.isoformat(),
            "by": by,
        }

    async def _write(
        self, out: BinaryIO, head: Mapping[str, Any], records: AsyncGenerator[tuple[str, Mapping[str, Any]], None]
    ) -> int:
        chain = Chain(self.private)
        waiting = bytearray(chain.line(HEAD, head))
        async with aclosing(records) as found:
            async for kind, body in found:
                waiting += chain.line(kind, body)
                if len(waiting) >= _WRITTEN_AT_ONCE:
                    out.write(waiting)
                    waiting.clear()
        out.write(waiting + chain.end())
        return chain.count
