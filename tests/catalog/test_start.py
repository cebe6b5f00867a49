"""A start takes what is stored, or the file when it is new or was changed."""

from pathlib import Path

import pytest

from stationmaster.catalog.loop import Catalog, Source
from stationmaster.catalog.start import open_catalog
from stationmaster.core.problem import InvalidInputError, PlatformError
from stationmaster.manifest.entity import EntityKind
from stationmaster.runtime.audit import Asked
from stationmaster.runtime.db import Database
from tests.catalog.conftest import PLATFORM, meant, rewrite

API = EntityKind.API
HERE = Source(file="request")


async def test_changes_survive_a_restart_with_the_same_file_and_a_changed_file_wins(
    catalog: Catalog, file: Path, database: Database
) -> None:
    await catalog.patch(API, "orders", {"timeout": "3s"}, source=HERE, who="lin")
    assert (await open_catalog(database, file)).declared.value.apis[0].timeout_ms == 3000
    rewrite(file, f"{PLATFORM}# changed\n")
    restarted = await open_catalog(database, file)
    assert restarted.declared.value.apis[0].timeout_ms == 15_000
    assert (await restarted.changes(Asked(limit=1)))[0][1].who == "up"


async def test_a_file_that_became_invalid_is_left_aside_and_told(
    catalog: Catalog, file: Path, database: Database
) -> None:
    rewrite(file, PLATFORM.replace("regions", "regionz"))
    restarted = await open_catalog(database, file)
    assert meant(restarted.declared.value) == meant(catalog.declared.value)
    assert {each.code for each in restarted.told} >= {"unknown-field"}


async def test_a_first_start_with_an_invalid_file_is_refused(database: Database, file: Path) -> None:
    rewrite(file, "environment: x\nregionz: []\n")
    with pytest.raises(InvalidInputError):
        await open_catalog(database, file)
    with pytest.raises(PlatformError) as refusal:
        await open_catalog(database, None)
    assert refusal.value.code == "nothing-declared"


async def test_a_file_that_is_gone_leaves_what_is_stored(catalog: Catalog, file: Path, database: Database) -> None:
    gone(file)
    restarted = await open_catalog(database, file)
    assert meant(restarted.declared.value) == meant(catalog.declared.value)
    assert restarted.told


def gone(file: Path) -> None:
    file.unlink()
