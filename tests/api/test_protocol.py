"""Bytes on the wire of the control API, as a hostile or broken client sends them."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.served import Served, Server


@pytest.fixture(scope="module")
def control(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("control"), free_port()
    server = Server(folder)
    state = str(folder / "state")
    yield server.start(f"from tests.api.only_access import serve\nserve(StateDir(Path({state!r})), {port})", port)
    server.close()


def answer(control: Served, sent: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem document; the server closes the connection."""
    address = ("127.0.0.1", int(control.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split(b" ", 2)[1]), json.loads(body)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "bad-request"),
        (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", 400, "bad-request"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", 400, "bad-request"),
        (b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", 400, "bad-request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad-request"),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: " + b"x" * 70_000, 431, "headers-too-large"),
        (b"GET /" + b"x" * 70_000, 431, "headers-too-large"),
    ],
    ids=["nonsense", "no host", "two hosts", "bad header", "two lengths", "tls", "huge header", "huge path"],
)
def test_what_is_no_request_is_refused_with_a_problem_document(
    control: Served, sent: bytes, status: int, code: str
) -> None:
    found, problem = answer(control, sent)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"]
    assert problem["hint"]
    assert control.get("/healthz").status_code == 200


def test_a_body_that_ends_too_soon_harms_nobody(control: Served) -> None:
    address = ("127.0.0.1", int(control.url.rpartition(":")[2]))
    head = b"POST /api/v1/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head)
    assert control.get("/healthz").status_code == 200
    assert control.call("POST", "/api/v1/login", json={"name": "x", "password": "y"}).status_code == 401
    assert "Traceback" not in control.log.read_text()
