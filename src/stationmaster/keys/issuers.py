"""Key sets of foreign token issuers: read from files, fetched on a schedule, the last good set kept."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog

from stationmaster.core.problem import Diagnostic, PlatformError
from stationmaster.core.proofs import NO_KEYS, IssuerProof
from stationmaster.core.spec import PlatformSpec, TokenIssuer
from stationmaster.keys import revoked_store
from stationmaster.keys.jwks import LARGEST_SET, public_set
from stationmaster.keys.revoked_store import FetchedSet
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database, utc_now

log = structlog.get_logger("keys")

_EVERY_S, _FILE_EVERY_S = 300.0, 1.0
_FIRST_DELAY_S = 1.0
_LIMIT_S = 10.0


@dataclass(slots=True)
class _Watched:
    """One issuer: what is known of its keys, and when to look again (in the loop's time)."""

    declared: TokenIssuer
    jwks: str = NO_KEYS
    problem: str = ""
    mark: tuple[int, ...] | None = None
    due_s: float = 0.0
    delay_s: float = _FIRST_DELAY_S
    known: bool = False


@dataclass(slots=True, kw_only=True)
class Issuers:
    """`show` is handed the proofs after every change; `problems` tells what cannot be had, at the line of the
    issuer. An issuer of which no key set was ever seen proves nobody."""

    database: Database
    declared: Cell[PlatformSpec]
    show: Callable[[tuple[IssuerProof, ...]], None]
    problems: Cell[tuple[Diagnostic, ...]] = field(default_factory=lambda: Cell(()))
    _watched: dict[str, _Watched] = field(default_factory=dict)

    async def open(self) -> None:
        """Shows what was kept of the declared issuers, before anything is fetched."""
        async with self.database.read() as connection:
            kept = await revoked_store.kept_sets(connection)
        self._watched = {}
        for issuer in self.declared.value.token_issuers:
            watched = _Watched(issuer)
            found = kept.get(issuer.name)
            if found is not None and found.source == _source(issuer):
                watched.jwks, watched.known = found.jwks, True
            self._watched[issuer.name] = watched
        self._tell()

    async def run(self) -> None:
        while True:
            seen = self.declared.changed.count
            self._follow_declared()
            await asyncio.gather(*(self._look(each) for each in self._watched.values() if each.due_s <= _now_s()))
            self._tell()
            due_s = min((each.due_s for each in self._watched.values()), default=_now_s() + _EVERY_S)
            await self.declared.changed.beyond(seen, max(0.0, due_s - _now_s()))

    def _follow_declared(self) -> None:
        before, self._watched = self._watched, {}
        for issuer in self.declared.value.token_issuers:
            old = before.get(issuer.name)
            if old is not None and _source(old.declared) == _source(issuer):
                old.declared = issuer
                self._watched[issuer.name] = old
            else:
                self._watched[issuer.name] = _Watched(issuer)

    async def _look(self, watched: _Watched) -> None:
        try:
            if watched.declared.jwks_file is not None:
                await self._look_at_file(watched, watched.declared.jwks_file)
            else:
                await self._fetch(watched, watched.declared.jwks_uri or "")
        except PlatformError as error:
            if error.message != watched.problem:
                log.error("key set of an issuer", issuer=watched.declared.name, problem=error.message)
            watched.problem, watched.mark = error.message, None
            if watched.declared.jwks_file is not None:
                watched.due_s = _now_s() + _FILE_EVERY_S
                return
            watched.due_s = _now_s() + watched.delay_s * random.uniform(0.7, 1.3)  # noqa: S311 jitter needs no secrecy
            watched.delay_s = min(watched.delay_s * 2, _EVERY_S)

    async def _look_at_file(self, watched: _Watched, path: Path) -> None:
        mark = await asyncio.to_thread(_mark, path)
        if mark is None or mark != watched.mark:
            content = await asyncio.to_thread(_read, path)
            await self._keep(watched, content)
            watched.mark = mark
        watched.due_s = _now_s() + _FILE_EVERY_S

    async def _fetch(self, watched: _Watched, uri: str) -> None:
        await self._keep(watched, await _fetched(uri))
        watched.due_s = _now_s() + _EVERY_S * random.uniform(0.9, 1.0)  # noqa: S311 jitter needs no secrecy

    async def _keep(self, watched: _Watched, content: bytes) -> None:
        jwks, issuer = public_set(content), watched.declared
        if jwks != watched.jwks or not watched.known:
            kept = FetchedSet(name=issuer.name, source=_source(issuer), jwks=jwks, fetched_at=utc_now())
            async with self.database.write() as connection:
                await revoked_store.keep_set(connection, kept)
            log.info("key set of an issuer", issuer=issuer.name, bytes=len(jwks))
        watched.jwks, watched.known, watched.problem, watched.delay_s = jwks, True, "", _FIRST_DELAY_S

    def _tell(self) -> None:
        watched = self._watched.values()
        self.show(tuple(_proof(each) for each in watched))
        self.problems.set(tuple(_diagnostic(each) for each in watched if each.problem))


def _proof(watched: _Watched) -> IssuerProof:
    issuer = watched.declared
    return IssuerProof(
        name=issuer.name,
        issuer=issuer.issuer,
        audiences=issuer.audiences,
        jwks=watched.jwks,
        user_claim=issuer.user_claim,
    )


def _diagnostic(watched: _Watched) -> Diagnostic:
    going_on = "the last good key set is used" if watched.known else "its tokens are refused until then"
    return Diagnostic(
        code="issuer-keys",
        message=f"the key set of the token issuer {watched.declared.name}: {watched.problem}; {going_on}",
        origin=watched.declared.origin,
        hint="a JWK set (RFC 7517) has to be there; it is looked for again by itself",
    )


def _source(issuer: TokenIssuer) -> str:
    return str(issuer.jwks_file) if issuer.jwks_file is not None else issuer.jwks_uri or ""


async def _fetched(uri: str) -> bytes:
    """At most 1 MB within 10 s; no redirects, which could lead anywhere, and no proxies of the environment."""
    try:
        async with asyncio.timeout(_LIMIT_S), httpx.AsyncClient(trust_env=False, timeout=_LIMIT_S) as client:
            return await _body(client, uri)
    except TimeoutError as error:
        raise _unusable(f"{uri} does not answer within {_LIMIT_S:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _unusable(f"{uri}: {type(error).__name__} {error}".strip()) from error


async def _body(client: httpx.AsyncClient, uri: str) -> bytes:
    content = bytearray()
    async with client.stream("GET", uri, headers={"accept": "application/jwk-set+json, application/json"}) as answer:
        if answer.status_code != 200:
            raise _unusable(f"{uri} answers {answer.status_code}")
        async for chunk in answer.aiter_bytes(64 * 1024):
            content += chunk
            if len(content) > LARGEST_SET:
                raise _unusable(f"{uri} sends more than {LARGEST_SET} bytes")
    return bytes(content)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SET + 1)
    except OSError as error:
        raise _unusable(f"{path}: {error.strerror}") from error
    if len(content) > LARGEST_SET:
        raise _unusable(f"{path} has more than {LARGEST_SET} bytes")
    return content


def _unusable(why: str) -> PlatformError:
    return PlatformError("issuer-keys", why, hint="a JWK set (RFC 7517) has to be there", status=502)


def _mark(path: Path) -> tuple[int, ...] | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _now_s() -> float:
    return asyncio.get_running_loop().time()
