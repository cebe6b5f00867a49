"""E-mail by a real SMTP server: letters, STARTTLS, logins, and servers that refuse, hang or are away."""

import asyncio
import email
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import Message as Letter
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stationmaster.core.response import Contact, ContactKind, Smtp
from stationmaster.incidents.notify.mail import Mail
from stationmaster.incidents.notify.receipt import Delivery, Receipt
from tests.incidents.notify.messages import page

ADA = Contact(name="mail", kind=ContactKind.EMAIL, address="ada@example.org")


@dataclass(slots=True)
class Box:
    """`answer` is what the server says to the recipient, or to the letter."""

    recipient: str = "250 OK"
    data: str = "250 OK"
    letters: list[Letter] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 as the server calls it
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient

    async def handle_DATA(  # noqa: N802 as the server calls it
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        content = envelope.content
        self.letters.append(email.message_from_bytes(content if isinstance(content, bytes) else b""))
        return self.data

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: Any) -> AuthResult:
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == b"right")


@asynccontextmanager
async def served(box: Box, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()

    def make() -> SMTP:
        # Without TLS a login is still taken: this is a test of our side.
        return SMTP(
            box, hostname="mx", tls_context=tls, authenticator=box.login, auth_require_tls=tls is not None, loop=loop
        )

    server = await loop.create_server(make, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def sent(server: Smtp, **limits: float) -> Receipt:
    with ThreadPoolExecutor(1) as threads:
        return await Mail(smtp=lambda: server, threads=threads, **limits).send(ADA, page(), "")


def smtp(port: int, **more: Any) -> Smtp:
    return replace(Smtp(host="127.0.0.1", port=port, sender="stationmaster@example.org", starttls=False), **more)


async def test_the_letter_says_it_all_and_can_be_acknowledged(free_port: Callable[[], int]) -> None:
    box, port = Box(), free_port()
    async with served(box, port):
        assert (await sent(smtp(port))).delivery is Delivery.DELIVERED
        assert (await sent(smtp(port))).delivery is Delivery.DELIVERED
    first, second = box.letters
    assert (first["From"], first["To"]) == ("stationmaster@example.org", "ada@example.org")
    assert first["Subject"] == "[CRITICAL] #7 ServiceInstanceDown: key-1 (keys, us-south)"
    assert first["Message-ID"] == second["Message-ID"], "a second sending of the same page is the same letter"
    assert first["Auto-Submitted"] == "auto-generated"
    text = first.get_payload(decode=True)
    assert b"http://127.0.0.1:4580/i/TOKEN" in (text if isinstance(text, bytes) else b"")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(recipient="550 no such user"), Delivery.REFUSED),
        (Box(recipient="451 greylisted"), Delivery.FAILED),
        (Box(data="554 spam"), Delivery.REFUSED),
        (Box(data="452 disk full"), Delivery.FAILED),
    ],
)
async def test_what_the_server_refuses_for_ever_and_what_for_now(
    free_port: Callable[[], int], box: Box, expected: Delivery
) -> None:
    port = free_port()
    async with served(box, port):
        assert (await sent(smtp(port))).delivery is expected


async def test_a_server_that_hangs_is_left_and_one_that_is_away_is_named(free_port: Callable[[], int]) -> None:
    port, over = free_port(), asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", port)
    hung = await sent(smtp(port), step_s=0.3, limit_s=5)
    over.set()
    server.close()
    await server.wait_closed()
    away = await sent(smtp(free_port()))
    assert (hung.delivery, away.delivery) == (Delivery.FAILED, Delivery.FAILED)
    assert "SMTPServerDisconnected" in hung.detail
    assert "ConnectionRefusedError" in away.detail


def certificate(folder: Path) -> Path:
    """Self-signed, for 127.0.0.1; certificate and key in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "mx.pem"
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file


async def test_nothing_is_said_before_tls_and_only_to_a_server_whose_certificate_holds(
    free_port: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, password = certificate(tmp_path), tmp_path / "password"
    password.write_text("right\n", "utf-8")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    box, port = Box(), free_port()
    server = smtp(port, starttls=True, user="stm", password_file=password)
    async with served(box, port, tls):
        unknown = await sent(server)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        trusted = await sent(server)
        password.write_text("wrong", "utf-8")
        wrong = await sent(server)
    assert unknown.delivery is Delivery.FAILED
    assert "certificate" in unknown.detail
    assert trusted.delivery is Delivery.DELIVERED
    assert wrong.delivery is Delivery.FAILED
    assert "wrong" not in wrong.detail
    assert box.logins == [(b"stm", b"right"), (b"stm", b"wrong")]
    assert len(box.letters) == 1


async def test_without_a_declared_server_the_page_is_refused_at_once() -> None:
    with ThreadPoolExecutor(1) as threads:
        receipt = await Mail(smtp=lambda: None, threads=threads).send(ADA, page(), "")
    assert (receipt.delivery, receipt.detail) == (
        Delivery.REFUSED,
        "no server takes e-mail: declare `incidents.smtp`",
    )
