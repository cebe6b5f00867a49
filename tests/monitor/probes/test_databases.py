"""PostgreSQL, Redis and Kafka checks against real servers of this machine, and against what only looks like one."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.core.spec import CheckKind
from stationmaster.monitor.answer import Fault
from stationmaster.monitor.probes.kafka import KafkaReading
from stationmaster.monitor.probes.postgresql import PostgresqlReading
from stationmaster.monitor.probes.redis import RedisReading
from tests.monitor.probes.asking import ask, saying

Ports = Callable[[], int]
LIMIT_S = 20.0
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")


async def until_well(port: int, kind: CheckKind, detail: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            answer = await ask(port, kind)
            if answer.ok and detail in answer.detail:
                return
            await asyncio.sleep(0.05)


@contextmanager
def running(*argv: str, stop: int = signal.SIGTERM, user: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    out = subprocess.DEVNULL
    process = subprocess.Popen(argv, stdout=out, stderr=out, user=user, group=user, cwd="/")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.send_signal(stop)
        process.wait(LIMIT_S)


@contextmanager
def redis(folder: Path, port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs redis-server on the PATH")
    with running(program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", *more) as own:
        yield own


async def test_a_redis_server_is_well_as_long_as_it_runs(tmp_path: Path, free_port: Ports) -> None:
    port = free_port()
    with redis(tmp_path, port):
        await until_well(port, CheckKind.REDIS, "PONG")
    answer = await ask(port, CheckKind.REDIS)
    assert (answer.ok, answer.detail, answer.fault) == (False, "connection refused", Fault.REFUSED)


async def test_a_redis_server_that_wants_a_password_is_well(tmp_path: Path, free_port: Ports) -> None:
    port = free_port()
    with redis(tmp_path, port, "--requirepass", "secret"):
        await until_well(port, CheckKind.REDIS, "it answers and wants a password (NOAUTH)")


async def test_a_redis_replica_without_its_master_is_down(tmp_path: Path, free_port: Ports) -> None:
    port = free_port()
    more = ("--replicaof", "127.0.0.1", str(free_port()), "--replica-serve-stale-data", "no")
    with redis(tmp_path, port, *more):
        async with asyncio.timeout(LIMIT_S):
            while "MASTERDOWN" not in (answer := await ask(port, CheckKind.REDIS)).detail:
                await asyncio.sleep(0.05)
    assert not answer.ok


async def test_a_redis_server_that_is_frozen_gives_no_answer_in_time(tmp_path: Path, free_port: Ports) -> None:
    port = free_port()
    with redis(tmp_path, port) as process:
        await until_well(port, CheckKind.REDIS, "PONG")
        process.send_signal(signal.SIGSTOP)
        answer = await ask(port, CheckKind.REDIS, timeout_ms=150)
    assert (answer.ok, answer.detail, answer.fault) == (False, "no answer within 150 ms", Fault.SILENT)


@contextmanager
def postgresql(port: int, auth: str) -> Iterator[subprocess.Popen[bytes]]:
    if not (POSTGRESQL / "initdb").exists():
        pytest.skip(f"needs PostgreSQL in {POSTGRESQL}")
    with tempfile.TemporaryDirectory(prefix="stm-pg-") as folder:
        user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        data, password = Path(folder) / "data", Path(folder) / "password"
        password.write_text("secret\n")
        if user:
            Path(folder).chmod(0o755)
            data.mkdir(mode=0o700)
            shutil.chown(data, user, user)
        make = [
            str(POSTGRESQL / "initdb"),
            "-D",
            str(data),
            "-A",
            auth,
            "-U",
            "owner",
            "--no-sync",
            f"--pwfile={password}",
        ]
        subprocess.run(make, check=True, capture_output=True, user=user, group=user, cwd=folder, timeout=60)
        more = ("-c", "unix_socket_directories=", "-c", "fsync=off")
        argv = (str(POSTGRESQL / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", *more)
        with running(*argv, stop=signal.SIGINT, user=user) as process:
            yield process


@pytest.mark.parametrize(
    ("auth", "detail"),
    [("trust", "takes connections, refuses us: role"), ("scram-sha-256", "takes connections and asks who is there")],
)
async def test_a_postgresql_server_is_well_whether_it_knows_us_or_not(free_port: Ports, auth: str, detail: str) -> None:
    port = free_port()
    with postgresql(port, auth) as process:
        await until_well(port, CheckKind.POSTGRESQL, detail)
        process.send_signal(signal.SIGSTOP)
        assert not (await ask(port, CheckKind.POSTGRESQL, timeout_ms=200)).ok
    answer = await ask(port, CheckKind.POSTGRESQL)
    assert (answer.ok, answer.detail) == (False, "connection refused")


def refusal(code: str, message: str) -> bytes:
    body = b"SFATAL\0VFATAL\0C%s\0M%s\0\0" % (code.encode(), message.encode())
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


LET_IN = b"R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x09a\x00b\x00\x00"


def versions(entries: int, *, told: int | None = None, error: int = 0, correlation: int = 0x5374_6174) -> bytes:
    count = entries if told is None else told
    body = correlation.to_bytes(4, "big") + error.to_bytes(2, "big", signed=True) + count.to_bytes(4, "big")
    body += b"\x00\x12\x00\x00\x00\x03" * entries
    return len(body).to_bytes(4, "big") + body


@pytest.mark.parametrize(
    ("kind", "said", "ok", "detail"),
    [
        (CheckKind.POSTGRESQL, LET_IN + b"Z\x00\x00\x00\x05I", True, "lets us in"),
        (CheckKind.POSTGRESQL, LET_IN + refusal("53300", "slots are reserved"), False, "slots are reserved (53300)"),
        (CheckKind.POSTGRESQL, LET_IN * 2000, False, "no PostgreSQL answer: it says that it is 8 bytes long"),
        (CheckKind.POSTGRESQL, b"R\x00\x00\x00\x08\x00\x00\x00\x05", True, "takes connections and asks who is there"),
        (
            CheckKind.POSTGRESQL,
            refusal("57P03", "the database system is starting up"),
            False,
            "the database system is starting up (57P03)",
        ),
        (
            CheckKind.POSTGRESQL,
            refusal("53300", "sorry, too many clients already"),
            False,
            "sorry, too many clients already (53300)",
        ),
        (
            CheckKind.POSTGRESQL,
            refusal("28000", "no pg_hba.conf entry"),
            True,
            "takes connections, refuses us: no pg_hba.conf entry (28000)",
        ),
        (CheckKind.POSTGRESQL, b"E\x00\x00\x00\x06Mx", False, "no PostgreSQL answer: an error without a code (x)"),
        (CheckKind.POSTGRESQL, b"E\x7f\xff\xff\xff", False, "no PostgreSQL answer: it says that it is 2147483647"),
        (CheckKind.POSTGRESQL, b"HTTP/1.1 400 Bad", False, "no PostgreSQL answer: it begins with 'H"),
        (CheckKind.POSTGRESQL, b"", False, "connection closed without an answer"),
        (CheckKind.REDIS, b"-LOADING Redis is loading the dataset in memory\r\n", False, "LOADING Redis is loading"),
        (
            CheckKind.REDIS,
            b"-NOPERM this user has no permissions\r\n",
            True,
            "it answers and wants a password (NOPERM)",
        ),
        (CheckKind.REDIS, b"+OK\r\n", False, "no answer to PING: '+OK'"),
        (CheckKind.REDIS, b"HTTP/1.1 400 Bad\r\n", False, "no Redis answer: it begins with 'H"),
        (CheckKind.REDIS, b"+" + b"P" * 5000, False, "no Redis answer: its line has no end"),
        (CheckKind.KAFKA, versions(30), True, "understands 30 kinds of request"),
        (CheckKind.KAFKA, versions(0), False, "no Kafka answer: it tells of 0 requests and does not list them"),
        (CheckKind.KAFKA, versions(1, told=1000), False, "no Kafka answer: it tells of 1000 requests and does not"),
        (CheckKind.KAFKA, versions(1, error=35), False, "Kafka error 35"),
        (CheckKind.KAFKA, versions(1, correlation=7), False, "no Kafka answer: it belongs to another request"),
        (CheckKind.KAFKA, b"HTTP/1.1 400 Bad\r\n", False, "no Kafka answer: it says that it is 1213486160 bytes long"),
        (CheckKind.KAFKA, b"\x00\x00", False, "connection closed without an answer"),
    ],
)
@pytest.mark.parametrize("piece", [1, 65_536])
async def test_every_answer_is_judged_and_said_in_words(
    free_port: Ports, kind: CheckKind, said: bytes, ok: bool, detail: str, piece: int
) -> None:
    port = free_port()
    async with saying(port, said, piece=piece):
        answer = await ask(port, kind)
    assert (answer.ok, answer.detail[: len(detail)]) == (ok, detail)


async def test_the_first_message_is_that_of_the_protocol(free_port: Ports) -> None:
    asked = {}
    for kind in (CheckKind.POSTGRESQL, CheckKind.REDIS, CheckKind.KAFKA):
        port = free_port()
        async with saying(port, b"") as heard:
            await ask(port, kind)
        asked[kind] = heard[0]
    startup = asked[CheckKind.POSTGRESQL]
    assert int.from_bytes(startup[:4], "big") == len(startup)
    assert startup[4:8] == b"\x00\x03\x00\x00"
    assert asked[CheckKind.REDIS] == b"*1\r\n$4\r\nPING\r\n"
    kafka = asked[CheckKind.KAFKA]
    assert int.from_bytes(kafka[:4], "big") == len(kafka) - 4
    assert kafka[4:8] == b"\x00\x12\x00\x00"


@given(st.binary(max_size=200), st.integers(1, 40), st.sampled_from([RedisReading, KafkaReading, PostgresqlReading]))
def test_any_bytes_in_any_pieces_are_read_without_a_fault(
    said: bytes, piece: int, reading: type[RedisReading | KafkaReading | PostgresqlReading]
) -> None:
    one = reading()
    for start in range(0, len(said), piece):
        if one.feed(said[start : start + piece]) is not None:
            return
