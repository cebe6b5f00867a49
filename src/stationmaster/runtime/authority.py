"""A certificate authority of our own: how it is made, what it certifies, and when that is due for renewal."""

import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=90)
RENEWED_BEFORE = timedelta(days=30)
_CLOCKS_APART = timedelta(hours=1)
_CURVE = ec.SECP256R1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A private key and its certificate, both in PEM."""

    certificate: str
    key: str = field(repr=False)

    @property
    def read(self) -> x509.Certificate:
        """Raises ValueError for what is no certificate."""
        return x509.load_pem_x509_certificate(self.certificate.encode())


def make_authority(now: datetime) -> KeyPair:
    """It certifies servers and no further authorities (RFC 5280)."""
    key = ec.generate_private_key(_CURVE())
    # No two platforms have an authority of the same name: a client may trust both.
    name = _name(f"Stationmaster authority {secrets.token_hex(4)}")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        _begun(name, key, now, AUTHORITY_LIFETIME)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return _pair(built.sign(key, hashes.SHA256()), key)


def certify(authority: KeyPair, names: Iterable[str], now: datetime) -> KeyPair:
    """A new key on P-256 and a certificate for a server of these names and addresses."""
    key, issuer = ec.generate_private_key(_CURVE()), authority.read
    signer = serialization.load_pem_private_key(authority.key.encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise ValueError("the key of the authority is none that it was made with")
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    built = (
        _begun(_name("Stationmaster control plane"), key, now, LIFETIME)
        .issuer_name(issuer.subject)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False)
    )
    return _pair(built.sign(signer, hashes.SHA256()), key)


def check_pair(pair: KeyPair) -> None:
    """Raises ValueError unless the key is that of the certificate."""
    key = serialization.load_pem_private_key(pair.key.encode(), password=None)
    if key.public_key() != pair.read.public_key():
        raise ValueError("the key does not belong to the certificate")


def is_good_authority(authority: KeyPair, now: datetime) -> bool:
    return now < authority.read.not_valid_after_utc - LIFETIME


def is_good(kept: KeyPair, authority: KeyPair, names: Iterable[str], now: datetime) -> bool:
    """Whether the authority certified it for all of the names, and it is not due for renewal."""
    read = kept.read
    try:
        read.verify_directly_issued_by(authority.read)
    except (ValueError, TypeError, InvalidSignature):
        return False
    stands_for = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return now < read.not_valid_after_utc - RENEWED_BEFORE and all(_general_name(each) in stands_for for each in names)


def _begun(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(certificate=certificate.public_bytes(serialization.Encoding.PEM).decode(), key=private.decode())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
