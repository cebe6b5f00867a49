"""Keys and processes that the tests of this room share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stationmaster.config import StateDir
from stationmaster.core.names import ApiName, UserName
from stationmaster.core.spec import Api, ApiUser, PlatformSpec, TokenTerms
from stationmaster.keys.loop import Keys, Published, nobody_to_tell
from stationmaster.keys.signing import KeySet, SigningAlgorithm, SigningKey, make_signing_key
from stationmaster.runtime.board import Cell
from stationmaster.runtime.db import Database
from stationmaster.runtime.master_key import load_or_make_cipher
from tests.served import Server

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA, GRACE = UserName("ada"), UserName("grace")


@pytest.fixture(scope="session")
def signing_keys() -> dict[SigningAlgorithm, SigningKey]:
    return {each: make_signing_key(each, NOW, active_from=NOW) for each in SigningAlgorithm}


@pytest.fixture(scope="session")
def key_set(signing_keys: dict[SigningAlgorithm, SigningKey]) -> KeySet:
    return KeySet(tuple(signing_keys.values()))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


PETS, ORDERS, OPEN = ApiName("pets"), ApiName("orders"), ApiName("open")
APIS = (
    Api(name=PETS, paths=("/pets",), virtual_host=None),
    Api(name=ORDERS, paths=("/orders",), virtual_host=None, groups=("clerks",)),
    Api(name=OPEN, paths=("/open",), virtual_host=None, any_user=True),
)


def declaration(*users: ApiUser | UserName, **changes: Any) -> PlatformSpec:
    """A platform of these users; a name alone stands for one that may call `pets`."""
    made = tuple(each if isinstance(each, ApiUser) else ApiUser(name=each, apis=(PETS,)) for each in users)
    spec = PlatformSpec(environment="sample", apis=APIS, api_users=made, tokens=TokenTerms(algorithm="ES256"))
    return replace(spec, **changes)


@pytest.fixture
def declared() -> Cell[PlatformSpec]:
    return Cell(declaration(ADA, GRACE))


@pytest.fixture
def make_keys(database: Database, state: StateDir, declared: Cell[PlatformSpec]) -> Callable[..., Keys]:
    """A control plane's `Keys`; called again, that of a restarted one."""

    def made(*users: UserName, lead_s: float = 0.0) -> Keys:
        if users:
            declared.set(declaration(*users))
        cipher = load_or_make_cipher(state.master_key)
        return Keys(database=database, cipher=cipher, state_dir=state, declared=declared, lead_s=lead_s)

    return made


@pytest.fixture
async def keys(make_keys: Callable[..., Keys]) -> Keys:
    made = make_keys()
    await made.start()
    return made


@asynccontextmanager
async def running(keys: Keys, published: Published = nobody_to_tell) -> AsyncIterator[Keys]:
    """The loop of `keys` for as long as the block runs; what it raises ends the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keys.run(published))
        yield keys
        task.cancel()


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


def held(keys: Keys) -> dict[str, str]:
    """The API keys that the gateway is shown, with their users."""
    return {proof.key: proof.user for shard in keys.public.value.shards.values() for proof in shard}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.close()
