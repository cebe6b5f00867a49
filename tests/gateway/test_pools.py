"""Pools with real Envoy: what is spoken to targets, how they are checked, how they leave and come back."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stationmaster.core.facts import BalancerState
from stationmaster.core.names import ApiName
from stationmaster.core.spec import Address, Api, CheckKind, HealthCheck, PlatformSpec, Protocol, Target, VirtualHost
from stationmaster.gateway.sighting import sightings
from stationmaster.gateway.targets import Sighting
from stationmaster.runtime.db import Database
from tests.gateway.rig import HOST, Rig, declared, running

pytestmark = pytest.mark.e2e

QUICK = HealthCheck(interval_ms=100, timeout_ms=500)


def with_host(spec: PlatformSpec, **changes: Any) -> PlatformSpec:
    return replace(spec, virtual_hosts=(replace(spec.virtual_hosts[0], **changes),))


@pytest.fixture
def one(free_port: Callable[[], int]) -> PlatformSpec:
    return declared(free_port, nodes=1, targets=1)


async def seen(rig: Rig) -> dict[str, Sighting]:
    found = await sightings(rig.spec.nodes[0].admin, HOST)
    return {address: each for (_, address), each in (found or {}).items()}


async def becomes(rig: Rig, address: str, holds: Callable[[Sighting], bool], *, limit_s: float = 10) -> Sighting:
    async with asyncio.timeout(limit_s):
        while True:
            sighting = (await seen(rig)).get(address)
            if sighting is not None and holds(sighting):
                return sighting
            await asyncio.sleep(0.02)


async def test_a_tcp_check_needs_no_http(one: PlatformSpec, database: Database, tmp_path: Path) -> None:
    spec = with_host(one, health=replace(QUICK, kind=CheckKind.TCP))
    async with running(spec, database, tmp_path) as rig:
        (target,) = rig.targets
        await becomes(rig, target, lambda each: each.takes_requests)
        rig.programs[target].kill()
        rig.programs[target].wait(timeout=5)
        dead = await becomes(rig, target, lambda each: bool(each.failing))
        assert not dead.takes_requests
        rig.start_upstreams()
        await becomes(rig, target, lambda each: each.takes_requests)


async def test_a_grpc_server_is_spoken_to_in_http2_and_asked_for_its_health(
    one: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    grpc_api = Api(name=ApiName("grpc"), paths=("/shop.Shop",), virtual_host=HOST, strip_path=False)
    health = replace(QUICK, kind=CheckKind.GRPC, grpc_service="shop")
    spec = replace(with_host(one, health=health, protocol=Protocol.H2C), apis=(grpc_api,))
    target = spec.virtual_hosts[0].targets[0].address
    rig = Rig(spec=spec, database=database, folder=tmp_path)
    async with grpc_server(target) as server:
        try:
            rig.start_control()
            rig.start_node(spec.nodes[0])
            await rig.converged()
            await becomes(rig, str(target), lambda each: each.takes_requests)
            assert server.asked == {"shop"}
            async with grpc.aio.insecure_channel(str(spec.nodes[0].listen)) as channel:
                assert await channel.unary_unary("/shop.Shop/Ask")(b"two pots") == b"two pots of tea"
            server.serving = False
            sick = await becomes(rig, str(target), lambda each: bool(each.failing))
            assert sick.failing == ("it fails its health check",)
        finally:
            await rig.close()


class GrpcServer(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Answers `grpc.health.v1.Health/Check` and one method of its own, in raw messages."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.serving = True

    def service(self, handler_call_details: Any) -> Any:
        is_check = handler_call_details.method == "/grpc.health.v1.Health/Check"
        return grpc.unary_unary_rpc_method_handler(self.check if is_check else self.ask)

    async def check(self, request: bytes, _: Any) -> bytes:
        self.asked.add(request[2:].decode())
        return b"\x08\x01" if self.serving else b"\x08\x02"

    async def ask(self, request: bytes, _: Any) -> bytes:
        return request + b" of tea"


@asynccontextmanager
async def grpc_server(address: Address) -> AsyncIterator[GrpcServer]:
    handler, server = GrpcServer(), grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(str(address))
    await server.start()
    try:
        yield handler
    finally:
        await server.stop(None)


async def test_a_target_behind_tls_has_to_show_a_trusted_certificate_with_its_name(
    free_port: Callable[[], int], database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = declared(free_port, nodes=1, targets=2)
    right, wrong = (target.address for target in spec.virtual_hosts[0].targets)
    certify(tmp_path / "right.pem", "127.0.0.1")
    certify(tmp_path / "wrong.pem", "10.0.0.1")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes((tmp_path / "right.pem").read_bytes() + (tmp_path / "wrong.pem").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    rig = Rig(spec=with_host(spec, protocol=Protocol.HTTPS, health=QUICK), database=database, folder=tmp_path)
    async with tls_server(right, tmp_path / "right.pem"), tls_server(wrong, tmp_path / "wrong.pem"):
        try:
            rig.start_control()
            rig.start_node(spec.nodes[0])
            await rig.converged()
            await becomes(rig, str(right), lambda each: each.takes_requests)
            assert (await rig.request("GET", "/public")).text == "over tls"
            await becomes(rig, str(wrong), lambda each: bool(each.failing))
            assert {(await rig.request("GET", "/public")).status_code for _ in range(6)} == {200}
        finally:
            await rig.close()


def certify(path: Path, host: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {host}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.with_suffix(".key").write_bytes(pem)
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@asynccontextmanager
async def tls_server(address: Address, certificate: Path) -> AsyncIterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nover tls")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(answer, address.host, address.port, ssl=context):
        yield


async def test_targets_may_be_host_names(one: PlatformSpec, database: Database, tmp_path: Path) -> None:
    (target,) = one.virtual_hosts[0].targets
    named = replace(target, address=Address(host="localhost", port=target.address.port))
    async with running(with_host(one, targets=(named,)), database, tmp_path) as rig:
        assert (await rig.request("GET", "/public")).status_code == 200
        await becomes(rig, f"localhost:{target.address.port}", lambda each: each.takes_requests)


async def test_beyond_what_a_virtual_host_takes_at_once_requests_are_refused(
    one: PlatformSpec, database: Database, tmp_path: Path
) -> None:
    breaker = replace(VirtualHost(name=HOST).circuit_breaker, max_connections=1, max_requests=1, max_pending=1)
    async with running(with_host(one, circuit_breaker=breaker), database, tmp_path) as rig:
        answers = await asyncio.gather(*(rig.request("GET", "/public/slow") for _ in range(6)))
        codes = [each.status_code for each in answers]
        assert set(codes) == {200, 503}
        assert (await rig.request("GET", "/public")).status_code == 200


@pytest.mark.parametrize("percent", [0, 100])
async def test_the_declared_share_of_retries_is_kept(
    free_port: Callable[[], int], database: Database, tmp_path: Path, percent: int
) -> None:
    """Of two targets that nobody checks one is not there: without retries half of the requests would fail."""
    spec = declared(free_port, nodes=1, targets=2)
    breaker = replace(spec.virtual_hosts[0].circuit_breaker, retry_percent=percent)
    spec = with_host(spec, circuit_breaker=breaker, health=None, max_ejected_percent=0)
    rig = Rig(spec=spec, database=database, folder=tmp_path)
    try:
        rig.start_upstreams([spec.virtual_hosts[0].targets[0].address.port])
        rig.start_control()
        rig.start_node(spec.nodes[0])
        await rig.converged()
        async with asyncio.timeout(10):
            while (await rig.request("GET", "/public")).status_code != 200:
                await asyncio.sleep(0.05)
        codes = {(await rig.request("GET", "/public")).status_code for _ in range(8)}
        assert codes == ({200} if percent else {200, 503})
    finally:
        await rig.close()


async def test_a_target_that_comes_back_begins_with_a_small_share(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    spec = with_host(declared(free_port, nodes=1, targets=2), slow_start_ms=60_000)
    async with running(spec, database, tmp_path) as rig:
        back = rig.targets[0]
        rig.programs[back].kill()
        rig.programs[back].wait(timeout=5)
        await becomes(rig, back, lambda each: bool(each.failing))
        # What stayed has to have its whole share by then: it is past its own slow start only as an old target.
        rig.start_upstreams([int(back.rpartition(":")[2])])
        await becomes(rig, back, lambda each: each.takes_requests)
        ports = [(await rig.request("GET", "/public")).json()["port"] for _ in range(60)]
        assert 0 <= ports.count(int(back.rpartition(":")[2])) < 25


async def test_a_draining_target_finishes_what_it_has_and_gets_nothing_new(rig: Rig) -> None:
    targets: tuple[Target, ...] = rig.spec.virtual_hosts[0].targets
    slow = [asyncio.create_task(rig.request("GET", "/public/slow")) for _ in range(12)]
    for target in targets:
        await becomes(rig, str(target.address), lambda each: each.under_way > 0)
    fact = await rig.gateway.rotation.hold("shop", rig.targets[0], BalancerState.DRAIN, by="ada", why="new kernel")
    assert set(fact.acknowledged) == {"node-1", "node-2"}
    draining = await becomes(rig, rig.targets[0], lambda each: each.draining)
    assert draining.under_way > 0, "what it has goes on"
    assert not draining.takes_requests
    ports = {(await rig.request("GET", "/public")).json()["port"] for _ in range(12)}
    assert {f"127.0.0.1:{port}" for port in ports} == set(rig.targets[1:])
    assert {each.status_code for each in await asyncio.gather(*slow)} == {200}
    await becomes(rig, rig.targets[0], lambda each: each.under_way == 0)
    await rig.gateway.rotation.release("shop", rig.targets[0], by="ada", why="it is new")
    await becomes(rig, rig.targets[0], lambda each: each.takes_requests)


async def test_a_target_that_is_held_in_gets_requests_although_it_fails_the_checks_of_nodes(
    free_port: Callable[[], int], database: Database, tmp_path: Path
) -> None:
    spec = with_host(declared(free_port, nodes=1, targets=2), health=replace(QUICK, contains="never said"))
    async with running(spec, database, tmp_path) as rig:
        held, other = rig.targets
        for target in rig.targets:
            await becomes(rig, target, lambda each: "it fails its health check" in each.failing)
        assert (await rig.request("GET", "/public")).status_code == 503
        await rig.gateway.rotation.hold("shop", held, BalancerState.IN, by="ada", why="the check is wrong")
        await becomes(rig, held, lambda each: each.takes_requests)
        answers = [await rig.request("GET", "/public") for _ in range(6)]
        assert {f"127.0.0.1:{each.json()['port']}" for each in answers} == {held}
        assert not (await seen(rig))[other].takes_requests
        await rig.stop_control()
        rig.start_control()
        await rig.converged()
        assert (await rig.request("GET", "/public")).status_code == 200, "the hold outlives the control plane"
        await rig.gateway.rotation.release("shop", held, by="ada", why="mended")
        await becomes(rig, held, lambda each: not each.takes_requests)
        assert (await rig.request("GET", "/public")).status_code == 503
