import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from tests.served import Served, Server, eventually


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.close()


@pytest.fixture
def served(server: Server, free_port: Callable[[], int]) -> Served:
    port = free_port()
    call = f"serve(Address(host='127.0.0.1', port={port}), instance='sample-1')"
    return server.start(f"from stationmaster.sample.service import serve\n{call}", port)


def test_health_is_told_as_operational(served: Served) -> None:
    answer = served.get("/healthz")
    assert answer.status_code == 200
    assert "operational" in answer.text
    assert answer.headers["x-served-by"] == "sample-1"


def test_any_call_is_answered_with_who_answered_and_who_asked(served: Served) -> None:
    headers = {"x-consumer-username": "ada", "x-request-id": "r-1"}
    for method, path in (("GET", "/"), ("POST", "/a/b"), ("DELETE", "/caf%C3%A9"), ("PROPFIND", "/x")):
        answer = httpx.request(method, served.url + path, headers=headers, trust_env=False)
        assert answer.status_code == 200
        assert answer.json() == {
            "service": "sample_api",
            "instance": "sample-1",
            "method": method,
            "path": path.replace("%C3%A9", "é"),
            "consumer": "ada",
            "request_id": "r-1",
        }
    bare = served.get("/anything").json()
    assert (bare["consumer"], bare["request_id"]) == (None, None)


@pytest.mark.parametrize(
    "query", ["delay_ms=abc", "delay_ms=", "delay_ms=-1", "delay_ms=1.5", "delay_ms=1&delay_ms=2", "delay_ms=²"]
)
def test_a_delay_that_is_none_is_refused(served: Served, query: str) -> None:
    answer = served.get(f"/?{query}")
    assert answer.status_code == 400
    assert "delay_ms" in answer.json()["error"]


def test_a_delay_is_kept(served: Served) -> None:
    before = time.monotonic()
    assert served.get("/?delay_ms=120").status_code == 200
    assert time.monotonic() - before >= 0.12


def test_a_large_body_is_read_away_and_the_connection_stays_usable(served: Served) -> None:
    with httpx.Client(trust_env=False) as client:
        for _ in range(2):
            answer = client.post(served.url + "/upload", content=os.urandom(10_000_000))
            assert answer.status_code == 200
            assert "connection" not in answer.headers


def test_a_stop_signal_lets_an_open_request_end(served: Served) -> None:
    with httpx.Client(trust_env=False, timeout=10) as client:
        # The first chunk has arrived when the server asks for more, so the request is open when the signal comes.
        signalled: list[int] = []

        def body() -> Iterator[bytes]:
            yield b"begun"
            eventually(lambda: served.get("/healthz").status_code == 200, "still serving")
            served.process.send_signal(signal.SIGTERM)
            eventually(lambda: not served.listens(), "no longer listening")
            signalled.append(1)
            yield b"ended"

        answer = client.post(served.url + "/slow?delay_ms=50", content=body())
    assert (answer.status_code, signalled) == (200, [1])
    assert served.process.wait(10) == 0


def test_the_echo_shows_what_arrived(served: Served) -> None:
    answer = httpx.post(served.url + "/echo?a=1", content="hä", headers={"x-mine": "yes"}, trust_env=False).json()
    assert (answer["body"], answer["body_bytes"], answer["query"]) == ("hä", 3, "a=1")
    assert answer["headers"]["x-mine"] == "yes"
    large = httpx.post(served.url + "/echo", content=b"x" * 200_000, trust_env=False).json()
    assert (len(large["body"]), large["body_bytes"]) == (65_536, 200_000)


@pytest.mark.parametrize("status", [204, 404, 503])
def test_a_status_is_answered_as_asked(served: Served, status: int) -> None:
    assert served.get(f"/status/{status}").status_code == status
    assert served.get("/status/99").status_code == 200


def test_the_slow_path_takes_its_time_unless_told_otherwise(served: Served) -> None:
    before = time.monotonic()
    assert served.get("/slow?delay_ms=0").status_code == 200
    assert time.monotonic() - before < 1.5
    assert served.get("/slow").status_code == 200
    assert time.monotonic() - before >= 2


def test_events_are_streamed_one_by_one(served: Served) -> None:
    with httpx.stream("GET", served.url + "/stream?count=3&gap_ms=50", trust_env=False) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = [line for line in answer.iter_lines() if line.startswith("id: ")]
    assert lines == ["id: 1", "id: 2", "id: 3"]
    assert served.get("/stream?count=x").status_code == 400


def test_a_client_may_leave_a_stream(served: Served) -> None:
    with httpx.stream("GET", served.url + "/stream?count=1000&gap_ms=10000", trust_env=False) as answer:
        assert next(answer.iter_lines()) == "id: 1"
    assert served.stop() == 0


def test_a_websocket_returns_what_it_is_sent(served: Served) -> None:
    url = served.url.replace("http://", "ws://") + "/ws"
    with connect(url, proxy=None, compression=None) as socket:
        for message in ("hello", "é" * 300, b"\x00\x01", "x" * 70_000, ""):
            socket.send(message)
            assert socket.recv(timeout=5) == message
        socket.send(["in ", "two ", "parts"])
        assert socket.recv(timeout=5) == "in two parts"
        assert socket.ping().wait(5)
        assert socket.response is not None
        assert socket.response.headers["x-served-by"] == "sample-1"
    with connect(url, proxy=None, compression=None) as socket:
        socket.send("x" * 1_000_001)
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=5)
    assert served.get("/healthz").status_code == 200


def test_a_handshake_without_a_key_is_refused(served: Served) -> None:
    headers = {"connection": "upgrade", "upgrade": "websocket"}
    assert httpx.get(served.url + "/ws", headers=headers, trust_env=False).status_code == 400
