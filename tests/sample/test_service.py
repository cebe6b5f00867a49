import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

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
