import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from stationmaster.core.registry import (
    Part,
    RegisteredApi,
    RegisteredConsumer,
    RegisteredNode,
    RegisteredTarget,
    Registry,
    RegistryPart,
)
from stationmaster.doctor.follower import RegistryFollower
from tests.served import Served, Server, eventually

TOKEN = "token-of-the-doctor"


def document(*names: str) -> Registry:
    target = RegisteredTarget(address="127.0.0.1:8081", weight=100, instance="sample-1", state="in")
    apis = tuple(
        RegisteredApi(
            name=name,
            paths=(f"/{name}",),
            hosts=(),
            strip_path=True,
            accepts=("api-key", "jwt"),
            virtual_host="sample_api",
            targets=(target,),
        )
        for name in names
    )
    node = RegisteredNode(name="gateway-1", listen="127.0.0.1:8000", connected=True, acknowledged=True)
    consumer = RegisteredConsumer(username="ada", apis=("sample",))
    return Registry(environment="sample", apis=apis, nodes=(node,), consumers=(consumer,))


def part_of(shown: Registry, part: str) -> bytes:
    data = getattr(shown, part)
    return msgspec.json.encode(RegistryPart(environment=shown.environment, data=data))


@dataclass
class ControlPlane:
    """Answers for the parts of the registry as the control plane does; tests change what it says."""

    port: int
    shown: Registry = field(default_factory=document)
    asked: list[str] = field(default_factory=list)
    answered: Counter[int] = field(default_factory=Counter)
    server: ThreadingHTTPServer | None = None

    def says(self, shown: Registry) -> None:
        self.shown = shown

    def start(self) -> None:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                plane.asked.append(f"{self.path} {self.headers['authorization']}")
                allowed = self.headers["authorization"] == f"Bearer {TOKEN}"
                body = part_of(plane.shown, self.path.rpartition("/")[2])
                tag = f'"{hash(body)}"'
                known = self.headers["if-none-match"] == tag
                status = 401 if not allowed else 304 if known else 200
                plane.answered[status] += 1
                self.send_response(status)
                self.send_header("etag", tag)
                self.send_header("content-length", "0" if known else str(len(body)))
                self.end_headers()
                self.wfile.write(b"" if known else body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


def answering(status: int, body: bytes) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: httpx.Response(status, content=body)))


def telling(shown: Registry) -> httpx.AsyncClient:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=part_of(shown, request.url.path.rpartition("/")[2]))

    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    state = StateDir(tmp_path / "state")
    state.root.mkdir()
    return state


@pytest.fixture
def plane(state: StateDir, free_port: Callable[[], int]) -> Iterator[ControlPlane]:
    made = ControlPlane(free_port())
    state.control_url.write_text(f"http://127.0.0.1:{made.port}\n")
    state.doctor_token.write_text(f"{TOKEN}\n")
    made.says(document("keys", "sample"))
    yield made
    made.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.close()


@pytest.fixture
def start(server: Server, state: StateDir, free_port: Callable[[], int]) -> Callable[[], Served]:
    def started() -> Served:
        port = free_port()
        call = f"serve(Address(host='127.0.0.1', port={port}), StateDir(Path({str(state.root)!r})))"
        return server.start(f"from stationmaster.doctor.service import serve\n{call}", port)

    return started


def names(served: Served) -> list[str]:
    answer = served.get("/kong/apis")
    return [each["name"] for each in answer.json()["data"]] if answer.status_code == 200 else []


def test_the_registered_things_are_listed(plane: ControlPlane, start: Callable[[], Served]) -> None:
    plane.start()
    served = start()
    eventually(lambda: served.get("/healthz").status_code == 200, "the registry is seen")
    answer = served.get("/kong/apis")
    expected = json.loads(msgspec.json.encode(document("keys", "sample").apis))
    assert answer.json() == {"data": expected, "next": None, "total": 2}
    assert 0 <= int(answer.headers["x-registry-age-ms"]) < 10_000
    assert served.get("/kong/nodes").json()["data"][0]["name"] == "gateway-1"
    (consumer,) = served.get("/kong/consumers").json()["data"]
    assert consumer == {"username": "ada", "apis": ["sample"], "groups": []}
    assert served.get("/healthz").json()["status"] == "ok"
    assert set(plane.asked) == {f"/api/v1/registry/{part.value} Bearer {TOKEN}" for part in Part}
    eventually(lambda: plane.answered[304] >= 3, "what has not changed is not sent again")
    assert plane.answered[200] == 3


def test_changes_show_and_the_last_known_state_outlives_control_plane_and_doctor(
    plane: ControlPlane, start: Callable[[], Served], state: StateDir
) -> None:
    plane.start()
    served = start()
    eventually(lambda: names(served) == ["keys", "sample"], "first document")
    plane.says(document("keys", "sample", "new"))
    eventually(lambda: names(served) == ["keys", "sample", "new"], "second document")
    eventually(lambda: "new" in (state.root / "doctor.apis.json").read_text(), "kept on disk")
    plane.stop()
    eventually(lambda: served.get("/healthz").json()["status"] == "stale", "the loss is noticed")
    assert names(served) == ["keys", "sample", "new"]
    served.process.kill()
    served.process.wait(10)
    again = start()
    assert names(again) == ["keys", "sample", "new"]
    before = int(again.get("/kong/apis").headers["x-registry-age-ms"])
    eventually(lambda: int(again.get("/kong/apis").headers["x-registry-age-ms"]) > before, "the age grows")
    plane.says(document("keys"))
    plane.start()
    eventually(lambda: names(again) == ["keys"], "the control plane is followed again")


def test_without_a_registry_every_answer_says_so(state: StateDir, start: Callable[[], Served]) -> None:
    served = start()
    for path in ("/kong/apis", "/kong/nodes", "/kong/consumers", "/healthz"):
        answer = served.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "registry-unknown")
        assert answer.json()["hint"]
    assert served.get("/kong/nothing").status_code == 404
    assert served.process.poll() is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (302, b""),
        (401, b""),
        (200, b""),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b'{"environment": "sample", "data": [{}]}'),
        (200, b'{"environment": "sample", "data": "\xff"}'),
        (304, b""),
    ],
)
async def test_an_answer_that_is_no_registry_does_not_replace_the_last_good_one(
    plane: ControlPlane, state: StateDir, status: int, body: bytes
) -> None:
    registry = RegistryFollower(state)
    shown = document("keys", "sample")
    async with telling(shown) as good, answering(status, body) as bad:
        stale = []
        for client in (good, bad, good):
            await registry.ask(client)
            stale.append(registry.stale)
            assert [registry.entries(part) for part in Part] == [shown.apis, shown.nodes, shown.consumers]
        assert stale == [False, status != 304, False]


async def test_an_answer_that_nothing_has_changed_is_none_while_nothing_is_known(
    plane: ControlPlane, state: StateDir
) -> None:
    registry = RegistryFollower(state)
    async with answering(304, b"") as odd:
        await registry.ask(odd)
    assert registry.stale


@pytest.mark.parametrize("url", ["", "not a url", "http://[::1", "ftp://127.0.0.1/", "http://127.0.0.1:99999", "é"])
async def test_a_bad_control_url_is_told(plane: ControlPlane, state: StateDir, url: str) -> None:
    state.control_url.write_text(url)
    registry = RegistryFollower(state)
    async with httpx.AsyncClient(trust_env=False) as client:
        await registry.ask(client)
    with pytest.raises(PlatformError) as refused:
        registry.entries(Part.APIS)
    assert refused.value.code == "registry-unknown"
    assert "has not been asked" not in refused.value.message


@pytest.mark.parametrize("token", ["two\nlines", "é", "\x00"])
async def test_a_bad_token_is_told(plane: ControlPlane, state: StateDir, token: str) -> None:
    plane.start()
    state.doctor_token.write_text(token)
    registry = RegistryFollower(state)
    async with httpx.AsyncClient(trust_env=False) as client:
        await registry.ask(client)
    assert registry.stale


async def test_a_folder_that_cannot_be_written_leaves_the_doctor_at_work(plane: ControlPlane, state: StateDir) -> None:
    (state.root / "doctor.apis.json").mkdir()
    registry = RegistryFollower(state)
    registry.recall()
    async with telling(document("keys", "sample")) as good:
        await registry.ask(good)
    assert registry.entries(Part.APIS) == document("keys", "sample").apis
    assert registry.stale


def test_a_token_that_is_replaced_is_read_again(
    plane: ControlPlane, start: Callable[[], Served], state: StateDir
) -> None:
    state.doctor_token.write_text("old")
    plane.start()
    served = start()
    eventually(lambda: "answers 401" in served.get("/kong/apis").text, "refused")
    state.doctor_token.write_text(TOKEN)
    eventually(lambda: names(served) == ["keys", "sample"], "let in")
    assert TOKEN not in served.log.read_text()


def test_a_spoiled_last_known_file_counts_as_none(
    plane: ControlPlane, start: Callable[[], Served], state: StateDir
) -> None:
    (state.root / "doctor.apis.json").write_bytes(b'{"version": 1')
    served = start()
    assert served.get("/kong/apis").status_code == 503
    plane.start()
    eventually(lambda: names(served) == ["keys", "sample"], "followed")
    eventually(lambda: "sample" in (state.root / "doctor.apis.json").read_text(), "kept on disk")
    assert (state.root / "doctor.apis.json").stat().st_mode & 0o777 == 0o600
