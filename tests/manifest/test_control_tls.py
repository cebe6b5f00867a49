"""Where the control plane takes HTTPS, and with which certificate, as it is declared."""

from pathlib import Path

import pytest

from stationmaster.core.problem import InvalidInputError
from stationmaster.core.spec import Address, TlsCertificate
from stationmaster.manifest.read import parse_document
from stationmaster.runtime import authority
from stationmaster.runtime.db import utc_now

TLS = "{api_tls: '127.0.0.1:4582', tls: {certificate: chain.pem, key: key.pem}}"


def read(control: str, folder: Path) -> Address | TlsCertificate | None:
    spec = parse_document(f"environment: lab\ncontrol: {control}\n", file="p.yaml", folder=folder).spec
    return spec.control.tls or spec.control.api_tls


def codes(control: str, folder: Path) -> list[str]:
    with pytest.raises(InvalidInputError) as refused:
        read(control, folder)
    return [each.code for each in refused.value.diagnostics]


def test_there_is_none_unless_it_is_declared(tmp_path: Path) -> None:
    assert read("{}", tmp_path) is None
    assert read("{api_tls: '0.0.0.0:4582'}", tmp_path) == Address(host="0.0.0.0", port=4582)


def test_its_address_is_nobody_elses(tmp_path: Path) -> None:
    assert codes("{api_tls: '127.0.0.1:4580'}", tmp_path) == ["address-taken"]
    assert codes("{api_tls: '4582'}", tmp_path) == ["bad-address"]


def test_its_files_are_found_from_the_folder_of_the_file_and_belong_together(tmp_path: Path) -> None:
    assert codes(TLS, tmp_path) == ["no-file", "no-file"]
    issuer = authority.make_authority(utc_now())
    one, other = (authority.certify(issuer, ["localhost"], utc_now()) for _ in range(2))
    (tmp_path / "chain.pem").write_text(one.certificate)
    (tmp_path / "key.pem").write_text(other.key)
    assert codes(TLS, tmp_path) == ["bad-certificate"]
    (tmp_path / "key.pem").write_text(one.key)
    assert read(TLS, tmp_path) == TlsCertificate(certificate=tmp_path / "chain.pem", key=tmp_path / "key.pem")
