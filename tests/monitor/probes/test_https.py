"""HTTPS checks: certificates that are good, old, foreign or about to expire, and handshakes that come to nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stationmaster.core.spec import CheckKind, HealthCheck
from stationmaster.monitor.answer import Fault, ProbeAnswer
from stationmaster.monitor.probes import http, wire
from stationmaster.monitor.probes.kinds import probe
from tests.monitor.probes.asking import at, saying
from tests.monitor.servers import Answer, http_bytes, says, serving

Ports = Callable[[], int]
CHECK = HealthCheck(kind=CheckKind.HTTPS, path="/healthz", timeout_ms=2000)
TRUSTING = HealthCheck(kind=CheckKind.HTTPS, path="/healthz", timeout_ms=2000, verify_certificate=False)


@dataclass(frozen=True)
class Authority:
    """Signs certificates for loopback; `trusted` is its own as a file."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @property
    def trusted(self) -> Path:
        return self.folder / "authority.pem"

    def server(self, *, days: float, host: str = "127.0.0.1") -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        name = x509.IPAddress(ip_address(host)) if host.replace(".", "").isdigit() else x509.DNSName(host)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([name]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        file = self.folder / f"server-{days}-{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Authority(key, certificate, tmp_path_factory.mktemp("tls"))
    made.trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return made


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of the test trusts the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.trusted))
    wire._context.cache_clear()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    wire._context.cache_clear()


async def ask(port: int, context: ssl.SSLContext, check: HealthCheck, answer: Answer | None = None) -> ProbeAnswer:
    async with serving(port, answer or says(http_bytes(200, b"all is well")), tls=context):
        return await probe(at(port), check)


@pytest.mark.usefixtures("trusted")
async def test_a_trusted_certificate_is_accepted_and_its_end_is_known(authority: Authority, free_port: Ports) -> None:
    answer = await ask(free_port(), authority.server(days=30), CHECK)
    assert (answer.ok, answer.detail, answer.status) == (True, "status 200", 200)
    assert answer.certificate_ends is not None
    assert timedelta(days=29) < answer.certificate_ends - answer.at < timedelta(days=31)


@pytest.mark.parametrize(
    ("days", "host", "detail"),
    [
        (-3, "127.0.0.1", "its certificate is not accepted: certificate has expired"),
        (30, "elsewhere.example", "its certificate is not accepted: IP address mismatch"),
    ],
)
@pytest.mark.usefixtures("trusted")
async def test_a_wrong_certificate_is_refused_in_words(
    authority: Authority, free_port: Ports, days: float, host: str, detail: str
) -> None:
    answer = await ask(free_port(), authority.server(days=days, host=host), CHECK)
    assert (answer.ok, answer.detail[: len(detail)], answer.fault) == (False, detail, Fault.BROKEN)


async def test_a_foreign_certificate_is_refused_unless_it_need_not_be_verified(
    authority: Authority, free_port: Ports
) -> None:
    context = authority.server(days=30)
    answer = await ask(free_port(), context, CHECK)
    assert not answer.ok
    assert answer.detail.startswith("its certificate is not accepted: unable to get local issuer certificate")
    answer = await ask(free_port(), context, TRUSTING)
    assert (answer.ok, answer.detail) == (True, "status 200")
    assert answer.certificate_ends is not None


@pytest.mark.parametrize(
    ("days", "ok", "detail"),
    [
        (15, True, "status 200"),
        (3.5, False, "certificate expires in 3 days, wanted are 14 days"),
        (1.5, False, "certificate expires in 1 day, wanted are 14 days"),
        (0.2, False, "certificate expires in 4 hours, wanted are 14 days"),
        (-3.5, False, "certificate expired 3 days ago, wanted are 14 days"),
    ],
)
async def test_a_certificate_has_to_be_good_for_so_many_days(
    authority: Authority, free_port: Ports, days: float, ok: bool, detail: str
) -> None:
    check = HealthCheck(kind=CheckKind.HTTPS, verify_certificate=False, min_certificate_days=14, timeout_ms=2000)
    answer = await ask(free_port(), authority.server(days=days), check)
    assert (answer.ok, answer.detail) == (ok, detail)


async def test_a_bad_answer_over_tls_is_told_before_its_certificate(authority: Authority, free_port: Ports) -> None:
    check = HealthCheck(kind=CheckKind.HTTPS, verify_certificate=False, min_certificate_days=14, timeout_ms=2000)
    answer = await ask(free_port(), authority.server(days=3), check, says(http_bytes(503)))
    assert (answer.ok, answer.detail, answer.status) == (False, "status 503", 503)


async def test_a_large_answer_comes_through_in_many_records(authority: Authority, free_port: Ports) -> None:
    body = b"x" * 200_000 + b"all is well"
    check = HealthCheck(kind=CheckKind.HTTPS, verify_certificate=False, contains="all is well", timeout_ms=5000)
    assert (await ask(free_port(), authority.server(days=30), check, says(http_bytes(200, body)))).ok


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (http_bytes(400), "no TLS connection: "),
        (b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03", "connection closed while TLS began"),
        (b"", "connection closed while TLS began"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "no TLS connection: "),
    ],
)
async def test_a_server_that_speaks_no_tls_or_half_of_it_is_said(free_port: Ports, raw: bytes, detail: str) -> None:
    port = free_port()
    async with saying(port, raw):
        answer = await probe(at(port), CHECK)
    assert (answer.ok, answer.detail[: len(detail)], answer.fault) == (False, detail, Fault.BROKEN)


async def test_a_handshake_that_hangs_is_left_after_the_time_limit(free_port: Ports) -> None:
    port = free_port()
    async with saying(port, b"\x16\x03\x03\x00\x7a\x02", close=False):
        check = HealthCheck(kind=CheckKind.HTTPS, timeout_ms=150)
        answer = await probe(at(port), check)
    assert (answer.ok, answer.detail, answer.fault) == (False, "no answer within 150 ms", Fault.SILENT)


@pytest.mark.usefixtures("trusted")
async def test_a_server_is_asked_by_the_name_that_its_client_gives(authority: Authority, free_port: Ports) -> None:
    port = free_port()
    async with serving(port, says(http_bytes(200)), tls=authority.server(days=30, host="shop.example")):
        client = http.Client(host="shop.example:8443")
        assert (await http.probe(at(port), CHECK, client=client)).ok
        assert not (await http.probe(at(port), CHECK)).ok


@asynccontextmanager
async def rude(port: int, context: ssl.SSLContext) -> AsyncIterator[None]:
    """Ends TLS connections without its farewell, in the middle of an answer."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    server = await asyncio.start_server(cut, "127.0.0.1", port, ssl=context)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def test_a_connection_that_is_cut_is_an_incomplete_answer(authority: Authority, free_port: Ports) -> None:
    port = free_port()
    check = HealthCheck(kind=CheckKind.HTTPS, verify_certificate=False, contains="never", timeout_ms=2000)
    async with rude(port, authority.server(days=30)):
        answer = await probe(at(port), check)
    assert not answer.ok
    assert answer.detail in ("connection closed before the answer was complete", "connection reset")
