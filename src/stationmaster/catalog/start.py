"""Opens the catalog at a start of the control plane: what is stored, or the file when it is new or was changed."""

import asyncio
from pathlib import Path

import structlog

from stationmaster.catalog import store
from stationmaster.catalog.loop import Catalog, Leaving, Overlay, as_declared, digest_of, unnoticed
from stationmaster.core.problem import InvalidInputError, PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.manifest.entities import check_files, join, load_document
from stationmaster.runtime.db import Database

log = structlog.get_logger("catalog")

_BY = "up"
_NOTHING = PlatformSpec(environment="")
"""What is declared before the first file is taken; nobody sees it."""


async def open_catalog(
    database: Database, file: Path | None, *, overlay: Overlay = as_declared, leaving: Leaving = unnoticed
) -> Catalog:
    """Applies the file when nothing is stored, or when its text differs from when it was applied last; otherwise what
    is stored stands, with all that was changed since. A changed file that is invalid leaves what is stored and is told.

    Raises InvalidInputError when the file is invalid and nothing is stored, PlatformError `nothing-declared`.
    """
    stored = await _stored(database, overlay, leaving)
    if file is not None:
        stored = stored or Catalog(database, _NOTHING, overlay=overlay, leaving=leaving)
        await _take_file(stored, await asyncio.to_thread(file.absolute))
        return stored
    if stored is None:
        raise PlatformError(
            "nothing-declared", "no platform was declared yet", hint="start with a platform YAML: `up -f platform.yaml`"
        )
    return stored


async def _stored(database: Database, overlay: Overlay, leaving: Leaving) -> Catalog | None:
    async with database.read() as connection:
        rows, number = await store.everything(connection), await store.last_number(connection)
    if not rows:
        return None
    entities = [row.entity for row in rows]
    spec = await asyncio.to_thread(join, entities)
    for each in await asyncio.to_thread(check_files, entities):
        log.warning("declared file", code=each.code, message=each.message, origin=str(each.origin))
    return Catalog(database, spec, rows=rows, revision=number, overlay=overlay, leaving=leaving)


async def _take_file(catalog: Catalog, file: Path) -> None:
    digest = await asyncio.to_thread(_digest, file)
    if catalog.revision and digest is not None and await catalog.digest_applied(str(file)) == digest:
        return
    try:
        parsed = await asyncio.to_thread(load_document, file)
    except InvalidInputError as error:
        if not catalog.revision:
            raise
        catalog.told = error.diagnostics
        for each in error.diagnostics:
            log.error("the file is left aside", code=each.code, message=each.message, origin=str(each.origin))
        return
    for each in parsed.warnings:
        log.warning("declared", code=each.code, message=each.message, origin=str(each.origin))
    await catalog.take(parsed, who=_BY, file=str(file), digest=digest or "")


def _digest(file: Path) -> str | None:
    try:
        return digest_of(file.read_bytes())
    except OSError:
        return None
