"""Keys and processes that the tests of this room share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stationmaster.config import StateDir
from stationmaster.core.names import UserName
from stationmaster.core.spec import ApiUser
from stationmaster.keys.loop import Keys
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, make_signing_key
from stationmaster.runtime.cipher import load_or_make_cipher
from stationmaster.runtime.db import Database
from tests.served import Server

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA, GRACE = UserName("ada"), UserName("grace")


@pytest.fixture(scope="session")
def signing_keys() -> dict[SigningAlgorithm, SigningKey]:
    return {each: make_signing_key(each, NOW) for each in SigningAlgorithm}


@pytest.fixture(scope="session")
def key_set(signing_keys: dict[SigningAlgorithm, SigningKey]) -> KeySet:
    return KeySet(tuple(signing_keys.values()))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@pytest.fixture
def make_keys(database: Database, state: StateDir) -> Callable[..., Keys]:
    """A control plane's `Keys`; called again, that of a restarted one."""

    def made(*users: UserName) -> Keys:
        return Keys(
            database=database,
            cipher=load_or_make_cipher(state.master_key),
            state_dir=state,
            issuer="stationmaster",
            audience="sample",
            users=tuple(ApiUser(name=user) for user in users or (ADA, GRACE)),
        )

    return made


@pytest.fixture
async def keys(make_keys: Callable[..., Keys]) -> Keys:
    made = make_keys()
    await made.start(SigningAlgorithm.ES256)
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.close()
