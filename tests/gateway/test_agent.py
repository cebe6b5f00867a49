"""A node's agent with real Envoy: it records, stands in, restarts what died, and drains before it stops."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import psutil
import pytest

from stationmaster.core.spec import GatewayNode
from stationmaster.gateway import node as gateway_node
from stationmaster.gateway.snapshot import Kind
from stationmaster.runtime.db import Database
from tests.gateway.rig import Rig, declared, eventually

pytestmark = pytest.mark.e2e

KEY = {"apikey": "stm_adkey-of-ada"}


@pytest.fixture
async def rig(free_port: Callable[[], int], database: Database, tmp_path: Path) -> AsyncIterator[Rig]:
    """One node under its agent, two targets, a control plane: up and converged."""
    rig = Rig(spec=declared(free_port, nodes=2, targets=2), database=database, folder=tmp_path)
    try:
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        for node in rig.spec.nodes:
            start_agent(rig, node)
        await rig.converged()
        await eventually(lambda: all("entrance" in recorded(rig, node)[Kind.ENTRANCE] for node in rig.spec.nodes))
        yield rig
    finally:
        children = [child for program in rig.programs.values() for child in children_of(program.pid)]
        await rig.close()
        await eventually(lambda: not any(child.is_running() for child in children))


def start_agent(rig: Rig, node: GatewayNode) -> None:
    start = gateway_node.prepare(node, rig.spec.control.xds, rig.spec.environment, rig.folder)
    rig._start(node.name, start.argv)


def children_of(pid: int) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).children()
    return []


def recorded(rig: Rig, node: GatewayNode) -> dict[Kind, set[str]]:
    found: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    with suppress(sqlite3.OperationalError):
        database = sqlite3.connect(rig.folder / node.name / "acknowledged.db")
        for kind, name in database.execute("SELECT kind, name FROM acknowledged").fetchall():
            found[Kind(kind)].add(name)
        database.close()
    return found


async def answers(rig: Rig, path: str, node: int = 0, *, headers: dict[str, str] | None = None) -> int:
    try:
        return (await rig.request("GET", path, node, headers=headers)).status_code
    except httpx.TransportError:
        return 0


async def eventually_answers(rig: Rig, wanted: int, path: str, *, headers: dict[str, str] | None = None) -> None:
    async with asyncio.timeout(10):
        while await answers(rig, path, headers=headers) != wanted:
            await asyncio.sleep(0.05)


async def kill(rig: Rig, name: str) -> None:
    """The agent dies, and its Envoy with it."""
    (envoy,) = children_of(rig.programs[name].pid)
    rig.send(name, signal.SIGKILL)
    rig.programs[name].wait(timeout=5)
    await eventually(lambda: not envoy.is_running() or envoy.status() == psutil.STATUS_ZOMBIE)


async def test_a_node_that_starts_while_the_control_plane_is_away_serves_what_it_acknowledged_last(rig: Rig) -> None:
    assert await answers(rig, "/both", headers=KEY) == 200
    await rig.stop_control()
    await kill(rig, "node-1")
    start_agent(rig, rig.spec.nodes[0])
    await eventually_answers(rig, 200, "/both", headers=KEY)
    assert await answers(rig, "/both") == 401
    assert await answers(rig, "/both", headers={"apikey": "key-of-nobody"}) == 401
    assert await answers(rig, "/both", headers={"apikey": "stm_11key-of-mallory"}) == 403
    assert await answers(rig, "/nothing") == 404

    rig.credentials.set(replace(rig.credentials.value, shards={}))
    rig.start_control()
    await rig.converged()
    assert await answers(rig, "/both", headers=KEY) == 401


async def test_the_control_plane_sends_a_node_that_stood_alone_nothing_that_it_has(rig: Rig) -> None:
    await rig.stop_control()
    await kill(rig, "node-1")
    start_agent(rig, rig.spec.nodes[0])
    await eventually_answers(rig, 200, "/both", headers=KEY)
    rig.start_control()
    began = asyncio.get_running_loop().time()
    await rig.converged()
    assert asyncio.get_running_loop().time() - began < 2
    assert {name: each.session.count for name, each in rig.gateway.publication.followers.items()} == {
        "node-1": 0,
        "node-2": 0,
    }
    await rig.gateway.rotation.take_out("shop", rig.targets[0], by="tester", why="to see")
    ports = {(await rig.request("GET", "/public")).json()["port"] for _ in range(6)}
    assert {f"127.0.0.1:{port}" for port in ports} == {rig.targets[1]}


async def test_a_node_without_a_record_waits_for_the_control_plane(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    rig = Rig(spec=declared(free_port, nodes=1, targets=1), database=database, folder=tmp_path)
    try:
        start_agent(rig, rig.spec.nodes[0])
        admin = rig.spec.nodes[0].admin
        async with asyncio.timeout(10):
            while await gateway_node.endpoints(admin) is None:
                await asyncio.sleep(0.05)
        assert not await gateway_node.ready(admin)
        assert await answers(rig, "/both", headers=KEY) == 0
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        await rig.converged()
        await eventually_answers(rig, 200, "/both", headers=KEY)
    finally:
        await rig.close()


async def test_the_record_follows_what_is_removed_and_is_its_owners_alone(rig: Rig) -> None:
    node = rig.spec.nodes[0]
    assert recorded(rig, node)[Kind.POOL] == {"shop"}
    folder = rig.folder / node.name
    assert folder.stat().st_mode & 0o077 == 0
    assert all(each.stat().st_mode & 0o077 == 0 for each in folder.iterdir())
    rig.declared.set(replace(rig.spec, virtual_hosts=(), apis=()))
    await eventually(lambda: recorded(rig, node)[Kind.POOL] == set())


async def test_left_overs_of_an_earlier_life_leave_the_record(rig: Rig) -> None:
    node = rig.spec.nodes[0]
    await kill(rig, "node-1")
    database = sqlite3.connect(rig.folder / node.name / "acknowledged.db")
    with database:
        database.execute("INSERT INTO acknowledged VALUES (?, 'ghost', '1', x'')", (Kind.POOL.value,))
    database.close()
    start_agent(rig, node)
    await eventually(lambda: recorded(rig, node)[Kind.POOL] == {"shop"})
    assert await answers(rig, "/public") == 200


async def test_a_record_that_cannot_be_read_is_begun_anew(rig: Rig) -> None:
    node = rig.spec.nodes[0]
    await kill(rig, "node-1")
    (rig.folder / node.name / "acknowledged.db").write_bytes(b"no database" * 1000)
    start_agent(rig, node)
    await eventually_answers(rig, 200, "/both", headers=KEY)
    await eventually(lambda: recorded(rig, node)[Kind.POOL] == {"shop"})


async def test_the_role_of_the_command_line_runs_a_declared_node_alone(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    spec = declared(free_port, nodes=1, targets=1)
    rig, node = Rig(spec=spec, database=database, folder=tmp_path), spec.nodes[0]
    manifest = tmp_path / "platform.yaml"
    manifest.write_text(
        f"environment: {spec.environment}\ncontrol: {{xds: '{spec.control.xds}'}}\n"
        f"gateway: {{nodes: [{{name: {node.name}, listen: '{node.listen}', admin: '{node.admin}'}}]}}\n"
    )
    role = (sys.executable, "-m", "stationmaster", "gateway", "--node", node.name, "--file", str(manifest))
    try:
        rig.start_upstreams()
        await rig.upstreams_listen()
        rig.start_control()
        rig._start(node.name, (*role, "--state", str(tmp_path / "state")))
        await rig.converged()
        await eventually_answers(rig, 200, "/both", headers=KEY)
        program = psutil.Process(rig.programs[node.name].pid)
        assert "stationmaster.gateway.agent" in program.cmdline()
        assert program.memory_info().rss < 80_000_000
        rig.send(node.name, signal.SIGTERM)
        assert await asyncio.to_thread(rig.programs[node.name].wait, 10) == 0
    finally:
        await rig.close()


async def test_an_envoy_that_dies_is_started_again_by_its_agent(rig: Rig) -> None:
    agent = rig.programs["node-1"].pid
    (first,) = children_of(agent)
    first.kill()
    await eventually(lambda: [each.pid for each in children_of(agent)] not in ([], [first.pid]))
    await eventually_answers(rig, 200, "/both", headers=KEY)
    assert rig.programs["node-1"].poll() is None


async def test_a_node_that_is_stopped_loses_no_request_that_it_took(rig: Rig) -> None:
    """Clients that keep to `connection: close`, and go to the other node where nobody listens any more.

    What waits in the kernel's queue at the moment when the entrance closes is reset without ever having reached the
    node: at most the one new connection of each client, on which no byte was answered. Such a client goes elsewhere.
    """
    clients = [Client(rig) for _ in range(8)]
    running = [asyncio.create_task(client.run()) for client in clients]
    slow = asyncio.create_task(rig.request("GET", "/public/slow"))
    await eventually(lambda: sum(client.done for client in clients) > 200)
    before = sum(client.done for client in clients)
    rig.send("node-1", signal.SIGTERM)
    assert (await slow).status_code == 200
    await eventually(lambda: rig.programs["node-1"].poll() is not None)
    await eventually(lambda: sum(client.done for client in clients) > before + 200)
    for client in clients:
        client.stopped = True
    await asyncio.gather(*running)
    assert [lost for client in clients for lost in client.lost] == []
    assert max(client.never_taken for client in clients) <= 1
    assert rig.programs["node-1"].returncode == 0


@dataclass(slots=True)
class Client:
    """`never_taken` counts new connections that were reset before a byte was answered, `lost` tells everything else."""

    rig: Rig
    done: int = 0
    never_taken: int = 0
    lost: list[str] = field(default_factory=list)
    stopped: bool = False

    async def run(self) -> None:
        while not self.stopped:
            for node in self.rig.spec.nodes:
                try:
                    reader, writer = await asyncio.open_connection(node.listen.host, node.listen.port)
                except OSError:
                    continue
                await self._use(reader, writer)
                break

    async def _use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answered = 0
        try:
            while not self.stopped and await _exchange(reader, writer):
                answered += 1
                self.done += 1
                await asyncio.sleep(0.002)
        except ConnectionResetError as error:
            if answered:
                self.lost.append(repr(error))
            self.never_taken += 1
        except (OSError, asyncio.IncompleteReadError) as error:
            self.lost.append(repr(error))
        finally:
            writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the connection may be used again."""
    writer.write(b"GET /public HTTP/1.1\r\nhost: shop\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = next(line for line in head.split("\r\n") if line.startswith("content-length"))
    await reader.readexactly(int(length.partition(":")[2]))
    assert head.startswith("http/1.1 200")
    return "connection: close" not in head
