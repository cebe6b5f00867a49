"""`service` and the newer verbs of `instance`, against a control plane with the fleet's loops and real processes."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from stationmaster.api.app import make_api
from stationmaster.app import build
from stationmaster.catalog.loop import Catalog
from stationmaster.cli.client import ControlClient
from stationmaster.cli.main import app
from stationmaster.config import StateDir
from stationmaster.core.spec import PlatformSpec
from stationmaster.fleet.traffic import NoTraffic
from stationmaster.runtime.db import metadata, open_database
from tests.fleet.test_deploys import service
from tests.served import LIMIT_S, eventually


@contextmanager
def control(state: StateDir, port: int) -> Iterator[None]:
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        state.root.mkdir()
        database = open_database(state.database)
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        spec = PlatformSpec(environment="test", services=(service(),))
        platform = await build(Catalog(database, spec), state, database)
        platform.fleet.traffic = NoTraffic()
        tasks = [asyncio.ensure_future(loop()) for loop in (platform.fleet.run, platform.loops["deploys"])]
        config = uvicorn.Config(make_api(platform), port=port, lifespan="off", ws="none", log_config=None)
        servers.append(uvicorn.Server(config))
        await servers[0].serve()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.fleet.stop_all()
        await platform.fleet.inside.close()
        await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    eventually(lambda: bool(servers) and servers[0].started, "the control plane listens")
    state.control_url.write_text(f"http://127.0.0.1:{port}\n", "utf-8")
    try:
        yield
    finally:
        servers[0].force_exit = servers[0].should_exit = True
        thread.join(LIMIT_S)


@pytest.fixture
def state(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[StateDir]:
    made = StateDir(tmp_path / "state")
    # The runner takes all that this process prints for the verb's words.
    with capture_logs(), control(made, free_port()):
        eventually(
            lambda: asked(made, "service", "versions", "api").json_of("deployment")["phase"] == "baking", "it runs"
        )
        yield made


class Asked:
    def __init__(self, result: Result) -> None:
        self.result = result

    def json_of(self, field: str) -> Any:
        return json.loads(self.result.stdout)[field]


def said(state: StateDir, *words: str) -> Result:
    verb, argv = list(words), []
    if "--" in verb:
        argv = verb[verb.index("--") :]
        verb = verb[: verb.index("--")]
    return CliRunner().invoke(app, [*verb, "--state", str(state.root), *argv])


def asked(state: StateDir, *words: str) -> Asked:
    result = said(state, *words, "--json")
    assert result.exit_code == 0, result.output
    return Asked(result)


def test_a_version_is_deployed_with_its_progress_and_one_that_fails_is_told(state: StateDir) -> None:
    dry = said(state, "service", "deploy", "api", "--env", "COLOUR=blue", "--dry-run")
    assert "api would move from version 1 to version 2 (new)" in dry.output
    done = said(state, "service", "deploy", "api", "--env", "COLOUR=blue", "--bake", "0.2", "--reason", "new colour")
    assert done.exit_code == 0, done.output
    assert "one after the other: a, b, c" in done.output
    assert done.output.splitlines()[-1] == "version 2 good, 3 of 3 instances run it"
    inside = said(state, "instance", "exec", "a", "--", "/bin/sh", "-c", "echo is $COLOUR; exit 3")
    assert (inside.exit_code, inside.output) == (3, "is blue\n")
    failed = said(state, "service", "deploy", "api", "-c", "/no/such/program", "--within", "2", "--bake", "0.1")
    assert failed.exit_code == 1
    assert "version 3 failed: a cannot be started: /no/such/program" in failed.output
    assert "hint: `stationmaster instance logs a` shows what it said" in failed.output
    listed = said(state, "service", "versions", "api").output
    assert "2 *" in listed
    assert "COLOUR=blue" in listed
    refused = said(state, "service", "rollback", "api")
    assert "no other version of api ever stood well [no-good-version]" in refused.output


def test_a_service_is_scaled_and_an_instance_is_looked_into(state: StateDir) -> None:
    assert said(state, "service", "scale", "api", "2", "--dry-run").output == "stops: c\n"
    assert asked(state, "service", "scale", "api", "2", "--reason", "night").json_of("stops") == ["c"]
    assert asked(state, "service", "versions", "api").json_of("scale") == 2
    assert said(state, "service", "scale", "api", "2").output == "nothing changes\n"
    assert "1 processes" in said(state, "instance", "usage", "a").output
    eventually(lambda: said(state, "instance", "usage", "c").output == "c does not live\n", "c has ended")
    gone = said(state, "instance", "exec", "c", "--", "true")
    assert (gone.exit_code, gone.output) == (125, "not runnable here: c does not live\n")


def test_a_log_is_followed_until_the_control_plane_ends_it(state: StateDir) -> None:
    pieces = ControlClient(state).stream("/api/v1/instances/a/log/follow", tail="5")
    assert next(pieces) == "first a\n"
    pieces.close()
