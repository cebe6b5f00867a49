"""Opens the file that holds the runs of one operator, and says in words what is wrong with one that cannot be used."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from stationmaster.core.problem import PlatformError
from stationmaster.runbooks.journal import TABLES
from stationmaster.runtime.db import Database, metadata, open_database

_PATIENCE_S = 10.0
VERSION = 1
"""Written into the file as SQLite's `user_version`; a file of a newer version is left alone.

The file gets its tables from `metadata.create_all` of the run's tables alone, not from the platform's migrations: it
belongs to one operator, must not hold the tables of a whole platform, and has to open at once."""


async def open_journal(path: Path) -> Database:
    """Raises PlatformError for a file that is damaged, locked, newer than this program, or cannot be written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # noqa: ASYNC240 a local file, once
        _must_be_writable(path)
        _looked_at(path)
        database = open_database(path)
    except OSError as error:
        hint = "choose another file with --journal"
        raise PlatformError("journal-not-writable", f"{path}: {error.strerror}", hint=hint) from error
    except sqlite3.Error as error:
        raise _told(path, str(error)) from error
    try:
        async with telling(path), database.write() as connection:
            await connection.run_sync(_prepare)
    except BaseException:
        await database.close()
        raise
    return database


def _must_be_writable(path: Path) -> None:
    """Told at once: SQLite would wait, and then speak of a database."""
    for each in (path, path.parent):
        if not os.access(each, os.W_OK):
            hint = "make the file and its folder writable, or choose another one with --journal"
            raise PlatformError("journal-not-writable", f"{each} cannot be written", hint=hint)


def _looked_at(path: Path) -> None:
    """Refuses a file that is no journal of ours before anything is opened that would have to be closed again."""
    with closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as found:
        version = int(found.execute("PRAGMA user_version").fetchone()[0])
        found.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > VERSION:
        message = f"{path} was written by a newer Stationmaster (journal version {version})"
        raise PlatformError("journal-newer", message, hint="update Stationmaster or choose another file with --journal")


def _prepare(connection: Connection) -> None:
    version = connection.execute(text("PRAGMA user_version")).scalar() or 0
    metadata.create_all(connection, tables=list(TABLES))
    if version < VERSION:
        connection.execute(text(f"PRAGMA user_version = {VERSION}"))


@asynccontextmanager
async def telling(path: Path | None) -> AsyncIterator[None]:
    """Turns what the store says of its file into words and a hint."""
    try:
        yield
    except IntegrityError:
        raise
    except DatabaseError as error:
        raise _told(path, str(error.orig or error)) from error


def _told(path: Path | None, problem: str) -> PlatformError:
    name = "the platform's store" if path is None else str(path)
    lowered = problem.lower()
    if "full" in lowered or "disk i/o" in lowered:
        hint = "free some space, then resume the run: what was written before is intact"
        return PlatformError("journal-not-written", f"{name}: {problem}", hint=hint, status=507)
    if "locked" in lowered or "busy" in lowered:
        hint = "another program holds the journal: wait for it, or choose another file with --journal"
        return PlatformError("journal-locked", f"{name}: {problem}", hint=hint, status=503)
    if "not a database" in lowered or "malformed" in lowered or "corrupt" in lowered:
        hint = "move the file away or choose another one with --journal; `sqlite3 FILE .recover` may save what it held"
        return PlatformError("journal-damaged", f"{name}: {problem}", hint=hint)
    if "readonly" in lowered or "unable to open" in lowered:
        hint = "make the file and its folder writable, or choose another one with --journal"
        return PlatformError("journal-not-writable", f"{name}: {problem}", hint=hint)
    hint = "choose another file with --journal"
    return PlatformError("journal-unusable", f"{name}: {problem}", hint=hint)
