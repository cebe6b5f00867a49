"""Follows the registry of the control plane, part by part, and keeps on disk what it saw last."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import httpx
import msgspec
import structlog

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import Part, RegisteredApi, RegisteredConsumer, RegisteredNode, RegistryPart
from stationmaster.runtime.files import write_private

log = structlog.get_logger("doctor")

REGISTRY_PATH = "/api/v1/registry"
_EVERY_S = 1.0
_EVERY_WHILE_BLIND_S = 0.2
_LIMIT_S = 5.0

Document: TypeAlias = RegistryPart[RegisteredApi] | RegistryPart[RegisteredNode] | RegistryPart[RegisteredConsumer]

_APIS = msgspec.json.Decoder(RegistryPart[RegisteredApi])
_NODES = msgspec.json.Decoder(RegistryPart[RegisteredNode])
_CONSUMERS = msgspec.json.Decoder(RegistryPart[RegisteredConsumer])


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A part as it was seen last; `tag` is its ETag, empty where it comes from an earlier run's file."""

    document: Document
    tag: str = ""


class RegistryFollower:
    """The last known registry outlives the control plane and this process."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._told: str | None = None
        self._seen_at = 0.0
        self._known: dict[Part, Known] = {}

    def file(self, part: Part) -> Path:
        return self._state.root / f"doctor.{part.value}.json"

    def recall(self) -> None:
        """Takes up what an earlier run left; a file that cannot be read counts as none."""
        seen_at = []
        for part in Part:
            file = self.file(part)
            try:
                self._known[part] = Known(document=_decoded(part, file.read_bytes()))
                seen_at.append(file.stat().st_mtime)
            except FileNotFoundError:
                continue
            except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
                log.warning("last known registry cannot be read", file=str(file), problem=str(error))
        self._seen_at = min(seen_at, default=0.0)

    def entries(
        self, part: Part
    ) -> tuple[RegisteredApi, ...] | tuple[RegisteredNode, ...] | tuple[RegisteredConsumer, ...]:
        """Raises PlatformError `registry-unknown` when the part was never seen."""
        known = self._known.get(part)
        if known is None:
            raise PlatformError(
                "registry-unknown",
                f"no registry was seen yet: {self._told or 'the control plane has not been asked yet'}",
                hint="start the control plane; the doctor asks it every second",
                status=503,
            )
        return known.document.data

    @property
    def age_ms(self) -> int:
        """Since the control plane last confirmed the registry."""
        return max(0, round((time.time() - self._seen_at) * 1000))

    @property
    def stale(self) -> bool:
        return self._told is not None

    async def follow(self) -> None:
        # Proxy settings of the environment are no business of a call to the control plane.
        async with httpx.AsyncClient(timeout=_LIMIT_S, trust_env=False) as client:
            while True:
                await self.ask(client)
                await asyncio.sleep(_EVERY_S if len(self._known) == len(Part) else _EVERY_WHILE_BLIND_S)

    async def ask(self, client: httpx.AsyncClient) -> None:
        """Asks once; whatever comes back, the last good registry stays until there is a newer good one."""
        problems = [problem for part in Part if (problem := await self._asked(client, part)) is not None]
        if not problems:
            self._seen_at = time.time()
        self._tell(problems[0] if problems else None)

    async def _asked(self, client: httpx.AsyncClient, part: Part) -> str | None:
        """What stood in the way, or None."""
        known = self._known.get(part)
        try:
            url, token = await asyncio.to_thread(self._whereabouts, part)
            headers = {"authorization": f"Bearer {token}"}
            if known is not None and known.tag:
                headers["if-none-match"] = known.tag
            answer = await client.get(url, headers=headers)
            if answer.status_code == httpx.codes.NOT_MODIFIED and known is not None:
                return await asyncio.to_thread(self._keep, part, None)
            if answer.status_code != httpx.codes.OK:
                return f"the control plane answers {answer.status_code}"
            document = await asyncio.to_thread(_decoded, part, answer.content)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, msgspec.DecodeError) as error:
            return f"{type(error).__name__}: {error}"
        changed = known is None or known.document != document
        self._known[part] = Known(document=document, tag=answer.headers.get("etag", ""))
        return await asyncio.to_thread(self._keep, part, answer.content if changed else None)

    def _whereabouts(self, part: Part) -> tuple[str, str]:
        """Read anew for every call: a new control plane may listen elsewhere and have another token."""
        base = httpx.URL(self._state.control_url.read_text("ascii").strip())
        if base.scheme not in ("http", "https") or not base.host or not 0 < (base.port or 80) < 2**16:
            raise httpx.InvalidURL(f"{self._state.control_url} holds no URL of a control plane")
        return str(base.join(f"{REGISTRY_PATH}/{part.value}")), self._state.doctor_token.read_text("ascii").strip()

    def _keep(self, part: Part, changed: bytes | None) -> str | None:
        """The file's time says when the part was last confirmed."""
        file = self.file(part)
        try:
            if changed is not None or not file.exists():
                known = self._known[part].document
                write_private(file, changed if changed is not None else msgspec.json.encode(known))
            else:
                os.utime(file)
        except OSError as error:
            return f"{file} cannot be written: {error.strerror}"
        return None

    def _tell(self, problem: str | None) -> None:
        if problem != self._told:
            if problem is None:
                log.info("following the registry")
            else:
                log.warning("registry cannot be followed", problem=problem, serving=bool(self._known))
        self._told = problem


def _decoded(part: Part, content: bytes) -> Document:
    match part:
        case Part.APIS:
            return _APIS.decode(content)
        case Part.NODES:
            return _NODES.decode(content)
        case Part.CONSUMERS:
            return _CONSUMERS.decode(content)
