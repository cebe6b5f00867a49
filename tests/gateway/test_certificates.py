"""The certificates that nodes show: made, kept, renewed, or read from declared files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stationmaster.core.names import ApiName, NodeName
from stationmaster.core.spec import Address, Api, GatewayNode, PlatformSpec, TlsCertificate
from stationmaster.gateway import self_signed
from stationmaster.gateway.certificates import Certificates
from stationmaster.gateway.plan.entrances import entrances
from stationmaster.gateway.plan.live import Live
from stationmaster.runtime.board import Cell

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def spec(*hosts: str, tls: bool = True) -> PlatformSpec:
    node = GatewayNode(
        name=NodeName("n"),
        listen=Address(host="127.0.0.1", port=1),
        admin=Address(host="127.0.0.1", port=2),
        listen_tls=Address(host="10.0.0.7", port=3) if tls else None,
    )
    api = Api(name=ApiName("a"), paths=("/",), virtual_host=None, hosts=hosts)
    return PlatformSpec(environment="test", apis=(api,), nodes=(node,))


def test_a_certificate_stands_for_local_names_hosts_and_addresses() -> None:
    names = self_signed.names_of(spec("shop.test", "*.pets.test"))
    assert names == ("localhost", "127.0.0.1", "::1", "*.pets.test", "10.0.0.7", "shop.test")
    read = x509.load_pem_x509_certificate(self_signed.make(names, NOW).chain.encode())
    shown = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert shown.get_values_for_type(x509.DNSName) == ["localhost", "*.pets.test", "shop.test"]
    assert [str(each) for each in shown.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1", "10.0.0.7"]


@pytest.mark.parametrize(
    ("names", "days", "good"), [(("a", "b"), 0, True), (("a",), 59, True), (("a",), 61, False), (("c",), 0, False)]
)
def test_a_certificate_is_renewed_a_month_before_its_end_or_for_another_name(
    names: tuple[str, ...], days: int, good: bool
) -> None:
    made = self_signed.make(("a", "b"), NOW)
    assert self_signed.is_good(made, names, NOW + timedelta(days=days)) is good


async def test_a_certificate_is_made_once_kept_private_and_found_again(tmp_path: Path) -> None:
    declared = Cell(spec("shop.test"))
    first, second = (Certificates(declared, tmp_path) for _ in range(2))
    for each in (first, second):
        await each.refresh(declared.value)
    assert first.current.value
    assert first.current.value == second.current.value
    assert (tmp_path / "gateway.pem").stat().st_mode & 0o777 == 0o600
    await second.refresh(spec("other.test"))
    assert second.current.value != first.current.value


async def test_a_broken_file_is_replaced(tmp_path: Path) -> None:
    declared = Cell(spec())
    (tmp_path / "gateway.pem").write_text("-----BEGIN CERTIFICATE-----\nnonsense")
    certificates = Certificates(declared, tmp_path)
    await certificates.refresh(declared.value)
    assert certificates.current.value
    assert certificates.problem is None


async def test_nobody_needs_a_certificate_without_a_tls_entrance(tmp_path: Path) -> None:
    declared = Cell(spec(tls=False))
    certificates = Certificates(declared, tmp_path / "none")
    await certificates.refresh(declared.value)
    assert certificates.current.value is None
    assert not (tmp_path / "none").exists()


async def test_declared_files_are_read_and_a_bad_pair_leaves_the_earlier_one(tmp_path: Path) -> None:
    made, other = (self_signed.make(("a",), NOW) for _ in range(2))
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_text(made.chain)
    key.write_text(made.key)
    declared = Cell(replace(spec(), tls=TlsCertificate(certificate=chain, key=key)))
    certificates = Certificates(declared, tmp_path)
    await certificates.refresh(declared.value)
    assert certificates.current.value == made
    for content in (other.key, "nonsense"):
        key.write_text(content)
        await certificates.refresh(declared.value)
        assert certificates.current.value == made
        assert certificates.problem
        assert certificates.problem.code == "certificate"
    key.unlink()
    await certificates.refresh(declared.value)
    assert certificates.current.value == made
    key.write_text(made.key)
    await certificates.refresh(declared.value)
    assert certificates.problem is None


def test_without_a_certificate_no_entrance_is_planned_for_tls() -> None:
    made = self_signed.make(("a",), NOW)
    assert [each.secure for each in entrances(spec(), Live())] == [False]
    assert [each.secure for each in entrances(spec(), Live(certificate=made))] == [False, True]
    assert [each.secure for each in entrances(spec(tls=False), Live(certificate=made))] == [False]
