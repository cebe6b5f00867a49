"""Certificates that the platform makes itself: for which names, and when they are due for renewal."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir_policy import Certificate

LIFETIME = timedelta(days=90)
RENEWED_BEFORE = timedelta(days=30)
_CLOCKS_APART = timedelta(hours=1)
_MOST_NAMES = 100
_LOCAL = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 what a node may listen on, not an address to bind


def names_of(spec: PlatformSpec) -> tuple[str, ...]:
    """Hosts of APIs and addresses of nodes, at most a hundred; the local ones are always there."""
    hosts = {host.lower() for api in spec.apis for host in api.hosts}
    listens = {node.listen_tls.host for node in spec.nodes if node.listen_tls} - {*_EVERYWHERE}
    more = sorted(name for name in (hosts | listens) - {*_LOCAL} if _may_be_certified(name))
    return (*_LOCAL, *more)[:_MOST_NAMES]


def make(names: Iterable[str], now: datetime) -> Certificate:
    """A key on the curve P-256 and a certificate for it that it signs itself (RFC 5280)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stationmaster gateway")])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(chain=certificate.public_bytes(serialization.Encoding.PEM).decode(), key=private.decode())


def is_good(certificate: Certificate, names: Iterable[str], now: datetime) -> bool:
    """Whether it stands for all of the names and is not due for renewal."""
    read = x509.load_pem_x509_certificate(certificate.chain.encode())
    stands_for = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return now < read.not_valid_after_utc - RENEWED_BEFORE and all(_general_name(name) in stands_for for name in names)


def expiry(certificate: Certificate) -> datetime:
    """Raises ValueError for what is no certificate in PEM."""
    return x509.load_pem_x509_certificate(certificate.chain.encode()).not_valid_after_utc


def check_pair(certificate: Certificate) -> None:
    """Raises ValueError, saying what is wrong, unless the key is that of the certificate."""
    read = x509.load_pem_x509_certificate(certificate.chain.encode())
    key = serialization.load_pem_private_key(certificate.key.encode(), password=None)
    if key.public_key() != read.public_key():
        raise ValueError("the key does not belong to the certificate")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _may_be_certified(name: str) -> bool:
    return name.isascii() and 0 < len(name) <= 253 and name != "*"
