"""The control plane's own certificate authority: what it certifies, how clients verify it, how it is renewed."""

import asyncio
import socket
import ssl
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.core.response import IncidentSettings
from stationmaster.core.spec import Address, Control, PlatformSpec, TlsCertificate
from stationmaster.runtime import authority
from stationmaster.runtime.board import Cell
from stationmaster.runtime.tls import ServerTls, TlsFolder, names_of

NOW = datetime.now(UTC)
NAMES = ("localhost", "127.0.0.1")


def spec(host: str = "127.0.0.1", tls: TlsCertificate | None = None, public_url: str = "") -> PlatformSpec:
    control = Control(api_tls=Address(host=host, port=4582), tls=tls)
    return PlatformSpec(environment="lab", control=control, incidents=IncidentSettings(public_url=public_url))


def folder(tmp_path: Path) -> TlsFolder:
    return TlsFolder(tmp_path / "tls")


async def shown(server: ServerTls, trusted: Path) -> bytes:
    """The certificate that a client gets who trusts this file; ssl.SSLError where it does not verify."""

    async def leave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(leave, "127.0.0.1", 0, ssl=server.context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        context = ssl.create_default_context(cafile=str(trusted))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
        return found


async def test_a_client_that_trusts_the_authority_verifies_the_control_plane_strictly(tmp_path: Path) -> None:
    server = ServerTls(Cell(spec()), folder(tmp_path))
    await server.start()
    assert await shown(server, server.folder.ca)
    other = ServerTls(Cell(spec()), folder(tmp_path / "other"))
    await other.start()
    with pytest.raises(ssl.SSLCertVerificationError):
        await shown(server, other.folder.ca)


async def test_only_the_owner_may_read_the_keys(tmp_path: Path) -> None:
    server = ServerTls(Cell(spec()), folder(tmp_path))
    await server.start()
    for file in (server.folder.ca, server.folder.ca_key, server.folder.shown):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert "PRIVATE KEY" not in server.folder.ca.read_text()


async def test_a_second_start_shows_the_same_certificate(tmp_path: Path) -> None:
    first = ServerTls(Cell(spec()), folder(tmp_path))
    await first.start()
    second = ServerTls(Cell(spec()), folder(tmp_path))
    await second.start()
    assert await shown(first, first.folder.ca) == await shown(second, first.folder.ca)


async def test_another_name_makes_another_certificate_of_the_same_authority_under_a_running_server(
    tmp_path: Path,
) -> None:
    declared = Cell(spec())
    server = ServerTls(declared, folder(tmp_path))
    await server.start()
    before, trusted = await shown(server, server.folder.ca), server.folder.ca.read_bytes()
    declared.set(spec(public_url="https://ops.example.org/x"))
    await server.refresh(None)
    after = await shown(server, server.folder.ca)
    assert after != before
    assert server.folder.ca.read_bytes() == trusted
    assert b"ops.example.org" in after


@pytest.mark.parametrize("broken", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
async def test_files_that_cannot_be_understood_are_made_anew(tmp_path: Path, broken: str) -> None:
    server = ServerTls(Cell(spec()), folder(tmp_path))
    await server.start()
    for file in (server.folder.shown, server.folder.ca_key):
        file.write_text(broken)
        again = ServerTls(Cell(spec()), folder(tmp_path))
        await again.start()
        assert await shown(again, again.folder.ca)


async def test_declared_files_are_shown_and_a_broken_one_leaves_the_one_before(tmp_path: Path) -> None:
    issuer = authority.make_authority(NOW)
    pair = authority.certify(issuer, NAMES, NOW)
    files = TlsCertificate(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")
    files.certificate.write_text(pair.certificate)
    files.key.write_text(pair.key)
    (tmp_path / "ca.pem").write_text(issuer.certificate)
    server = ServerTls(Cell(spec(tls=files)), folder(tmp_path))
    await server.start()
    first = await shown(server, tmp_path / "ca.pem")
    assert not server.folder.ca.exists()
    files.key.write_text("nothing")
    await server.refresh(files)
    assert await shown(server, tmp_path / "ca.pem") == first
    with pytest.raises(PlatformError) as refused:
        await ServerTls(Cell(spec(tls=files)), folder(tmp_path)).start()
    assert refused.value.code == "certificate"


def test_a_certificate_is_renewed_a_month_before_its_end_and_the_authority_in_time() -> None:
    issuer = authority.make_authority(NOW)
    kept = authority.certify(issuer, NAMES, NOW)
    assert authority.is_good(kept, issuer, NAMES, NOW + timedelta(days=59))
    assert not authority.is_good(kept, issuer, NAMES, NOW + timedelta(days=61))
    assert not authority.is_good(kept, issuer, (*NAMES, "ops.example.org"), NOW)
    assert not authority.is_good(kept, authority.make_authority(NOW), NAMES, NOW)
    assert authority.is_good_authority(issuer, NOW + timedelta(days=3500))
    assert not authority.is_good_authority(issuer, NOW + timedelta(days=3600))


@pytest.mark.parametrize(
    ("declared", "more"),
    [
        (spec(), ()),
        (spec("0.0.0.0"), (socket.gethostname(),)),
        (spec("10.0.0.7"), ("10.0.0.7",)),
        (spec(public_url="https://ops.example.org:8443/x"), ("ops.example.org",)),
        (replace(spec(), control=Control()), ()),
    ],
)
def test_the_names_are_those_by_which_it_is_asked_for(declared: PlatformSpec, more: tuple[str, ...]) -> None:
    assert set(names_of(declared)) == {"localhost", "127.0.0.1", "::1", *more}
