"""The files that processes write their output to: bounded, read from their end, followed."""

import asyncio
import codecs
import time
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

LIMIT_BYTES = 10_000_000
"""A file that grows beyond it is cut; as much of its end is kept beside it."""

_TAIL_BYTES = 262_144
_LOOK_EVERY_S = 0.2
_CHUNK_BYTES = 65_536


class LogFiles:
    """Processes append to their file themselves, so that they need nobody to carry their output."""

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._looked_at = 0.0

    def path(self, name: str) -> Path:
        """No name leads out of the folder: what is no plain character is written as its code."""
        plain = "".join(each if each.isalnum() or each in "._~-" else f"%{ord(each):x}%" for each in name)
        return self._folder / f"{plain}.log"

    def ready(self, name: str) -> Path:
        """The file for a process that is about to start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._bound(self.path(name))
        return self.path(name)

    def write(self, name: str, text: str) -> None:
        with self.ready(name).open("a", encoding="utf-8") as log:
            log.write(text)

    def bound(self, names: Iterable[str]) -> None:
        """Cuts what has grown too long; looks at most five times a second."""
        if time.monotonic() - self._looked_at < _LOOK_EVERY_S:
            return
        for name in names:
            self._bound(self.path(name))
        self._looked_at = time.monotonic()

    def tail(self, name: str, lines: int) -> str:
        return "\n".join(self._end(name)[0][-lines:])

    async def follow(self, name: str, lines: int) -> AsyncGenerator[str, None]:
        """The last lines, then what is written, as it comes; what was cut before it could be read is passed over."""
        last, offset = await asyncio.to_thread(self._end, name)
        if last[-lines:]:
            yield "\n".join(last[-lines:]) + "\n"
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            chunk, offset = await asyncio.to_thread(_read, self.path(name), offset)
            if text := decoder.decode(chunk):
                yield text
            if not chunk:
                await asyncio.sleep(_LOOK_EVERY_S)

    def _end(self, name: str) -> tuple[list[str], int]:
        """The last lines, and how far they were read."""
        path = self.path(name)
        if not path.exists():
            return [], 0
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode("utf-8", "replace").splitlines()
            return lines, log.tell()

    def _bound(self, path: Path) -> None:
        """The file stays the same one: whoever appends to it goes on at its new end. What is written between the
        copy and the cut is lost."""
        if not path.exists() or path.stat().st_size <= self._limit_bytes:
            return
        with path.open("rb+") as log:
            log.seek(-self._limit_bytes, 2)
            path.with_suffix(".log.1").write_bytes(log.read(self._limit_bytes))
            log.truncate(0)


def _read(path: Path, offset: int) -> tuple[bytes, int]:
    if not path.exists():
        return b"", 0
    with path.open("rb") as log:
        log.seek(offset if path.stat().st_size >= offset else 0)
        chunk = log.read(_CHUNK_BYTES)
        return chunk, log.tell()
