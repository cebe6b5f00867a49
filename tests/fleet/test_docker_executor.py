"""The docker executor passes the contract on a real engine, and its containers are those that people expect."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import ExecutorKind
from stationmaster.fleet.executor import Executor
from stationmaster.fleet.executors.commands import run_here
from stationmaster.fleet.executors.container import container_name
from stationmaster.fleet.executors.docker import DockerExecutor
from stationmaster.fleet.executors.engine import Engine
from stationmaster.fleet.inventory import Launch
from stationmaster.runtime.master_key import KEY_VARIABLE
from tests.fleet.contract import SLEEPER, ExecutorContract, launch
from tests.fleet.engine_rig import IMAGE, TestEngine, mounts, running_engine


@pytest.fixture(scope="module")
def engine() -> Iterator[TestEngine]:
    with running_engine() as running:
        yield running


@pytest.fixture
async def executor(engine: TestEngine, tmp_path: Path) -> AsyncIterator[DockerExecutor]:
    made = DockerExecutor(StateDir(tmp_path), Engine(engine.url), lambda: "lab")
    yield made
    await made.close()
    engine.remove_containers()


@pytest.fixture
async def successor(executor: DockerExecutor, engine: TestEngine, tmp_path: Path) -> AsyncIterator[DockerExecutor]:
    made = DockerExecutor(StateDir(tmp_path), Engine(engine.url), lambda: "lab")
    yield made
    await made.close()


def contained(name: str, program: str) -> Launch:
    return replace(launch(name, program), executor=ExecutorKind.DOCKER, image=IMAGE, mounts=mounts())


class TestDockerExecutor(ExecutorContract):
    @pytest.fixture(autouse=True)
    def known_engine(self, engine: TestEngine) -> None:
        self.engine = engine

    def launch(self, name: str, program: str) -> Launch:
        return contained(name, program)

    def log_bytes(self, executor: Executor, name: str) -> int:
        with self.engine.client() as client:
            shown = client.get(f"/containers/{container_name(name)}/json").raise_for_status().json()
        return sum(each.stat().st_size for each in Path(shown["LogPath"]).parent.glob("*-json.log*"))


async def test_a_container_bears_its_instances_name_and_is_of_its_platform_and_environment(
    executor: DockerExecutor, engine: TestEngine, tmp_path: Path
) -> None:
    await executor.start(contained("key-us-south", SLEEPER))
    with engine.client() as client:
        shown = client.get("/containers/key-us-south/json").raise_for_status().json()
    labels = shown["Config"]["Labels"]
    assert labels["stationmaster.instance"] == "key-us-south"
    assert (labels["stationmaster.platform"], labels["stationmaster.environment"]) == (str(tmp_path), "lab")
    assert shown["HostConfig"]["NetworkMode"] == "host"
    assert shown["HostConfig"]["RestartPolicy"]["Name"] == "no"


async def test_people_read_the_log_and_restart_by_the_name_of_the_instance(
    executor: DockerExecutor, engine: TestEngine
) -> None:
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("needs the docker command")
    await executor.start(contained("key-service", SLEEPER))
    await TestDockerExecutor().wait_for_log(executor, "key-service", "up")
    before = (await executor.seen())["key-service"]
    asked = [docker, "-H", engine.url]
    told = await run_here((*asked, "logs", "key-service"), timeout_s=30)
    assert (told.exit_status, told.output) == (0, "up\n")
    restarted = await run_here((*asked, "restart", "key-service"), timeout_s=60)
    assert (restarted.exit_status, restarted.output) == (0, "key-service\n")
    async with asyncio.timeout(10):
        while (await executor.seen())["key-service"].pid == before.pid:
            await asyncio.sleep(0.05)


async def test_a_service_in_a_container_answers_on_the_loopback_address_that_is_declared(
    executor: DockerExecutor, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    argv = (sys.executable, "-m", "stationmaster", "sample-api", "--listen", address, "--instance", "sample-1")
    await executor.start(replace(contained("sample-1", SLEEPER), argv=argv))
    async with asyncio.timeout(30), httpx.AsyncClient(base_url=f"http://{address}") as client:
        while (answer := await _answer(client)) is None:
            await asyncio.sleep(0.1)
    assert answer.status_code == 200
    assert "operational" in answer.text
    assert await executor.stop("sample-1", grace_s=10) is True


async def _answer(client: httpx.AsyncClient) -> httpx.Response | None:
    try:
        return await client.get("/healthz")
    except httpx.TransportError:
        return None


async def test_an_image_that_is_not_there_is_named_and_not_fetched(executor: DockerExecutor) -> None:
    with pytest.raises(PlatformError, match="No such image: nobody/has-it:7") as refused:
        await executor.start(replace(contained("a", SLEEPER), image="nobody/has-it:7"))
    assert refused.value.code == "image-missing"
    assert "never pulled" in refused.value.hint
    assert "nobody/has-it:7" in await executor.logs("a", tail=3)


async def test_what_is_declared_anew_is_made_anew_and_the_old_log_is_kept(executor: DockerExecutor) -> None:
    contract = TestDockerExecutor()
    await executor.start(contained("api", "print('of the old one')"))
    await contract.wait_for_log(executor, "api", "of the old one")
    await contract.wait_for_seen(executor)
    await executor.start(contained("api", "print('of the new one')"))
    await contract.wait_for_log(executor, "api", "of the new one")
    assert await executor.logs("api", tail=10) == "of the old one\nof the new one"


async def test_a_container_of_somebody_else_is_left_alone(executor: DockerExecutor, engine: TestEngine) -> None:
    with engine.client() as client:
        body = {"Image": IMAGE, "Cmd": ["/bin/sleep", "60"], "Labels": {}, "HostConfig": {"NetworkMode": "host"}}
        made = client.post("/containers/create", params={"name": "api"}, json=body).raise_for_status().json()
        with pytest.raises(PlatformError) as refused:
            await executor.start(contained("api", SLEEPER))
        assert refused.value.code == "container-name-taken"
        assert await executor.stop("api", grace_s=1) is False
        assert client.get(f"/containers/{made['Id']}/json").is_success


async def test_another_platform_on_the_engine_is_left_alone(
    executor: DockerExecutor, engine: TestEngine, tmp_path: Path
) -> None:
    await executor.start(contained("api", SLEEPER))
    stranger = DockerExecutor(StateDir(tmp_path / "other"), Engine(engine.url))
    assert await stranger.seen() == {}
    assert await stranger.kill("api") is False
    await stranger.close()


async def test_only_what_opens_secrets_gets_them_and_no_command_inside_does(
    executor: DockerExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "the master key")
    told = f"import os; print('up', os.environ.get({KEY_VARIABLE!r}), flush=True); import time; time.sleep(60)"
    await executor.start(replace(contained("keys", told), opens_secrets=True))
    await executor.start(contained("shop", told))
    await TestDockerExecutor().wait_for_log(executor, "keys", "up the master key")
    await TestDockerExecutor().wait_for_log(executor, "shop", "up None")
    inside = await executor.exec("keys", ("/usr/bin/env",), timeout_s=10)
    assert inside.exit_status == 0
    assert "the master key" not in inside.output


async def test_an_engine_that_is_away_is_named_when_something_is_to_run_on_it(tmp_path: Path) -> None:
    executor = DockerExecutor(StateDir(tmp_path), Engine(f"unix://{tmp_path}/none.sock"))
    assert await executor.seen() == {}
    with pytest.raises(PlatformError) as refused:
        await executor.start(contained("api", SLEEPER))
    assert refused.value.code == "docker-away"
    assert "DOCKER_HOST" in refused.value.hint
    await executor.close()
