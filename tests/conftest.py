"""Fixtures that every room's tests share."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stationmaster.runtime.db import Database, metadata, open_database
from tests.ports import free_ports


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh SQLite file with every table that the imported rooms declare."""
    opened = open_database(tmp_path / "test.db")
    async with opened.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Hands out loopback TCP ports that nobody listens on, each once."""
    return free_ports()


@pytest.fixture
def seeds() -> Path:
    """The seed runbooks, where this checkout has them beside it."""
    folder = Path(__file__).parents[2] / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("needs the seed runbooks in ../shared/seeds, which are not part of this repository")
    return folder
