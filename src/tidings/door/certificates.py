"""Who is of this installation: both ends of a line between doors prove it by TLS 1.3.

The authority is made of the installation's key alone, so each process makes the same one and none
has to be handed round. A process makes itself a leaf at its start, whose key is never in a file.
Neither ends by date: what they prove is the key, and clocks may be adrift. Another key is another
installation.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tidings.core.cells.door_address import is_loopback
from tidings.errors import Unusable

DOOR_PURPOSE = b"tidings.door"  # of the key that is derived for it: 32 bytes
PEER_NAME = "door.tidings.internal"  # of every leaf: an address is no proof, the authority is
_BEGIN, _END = datetime(2020, 1, 1), datetime(9999, 12, 31, 23, 59, 59)


class DoorAuthority:
    """The authority of an installation, and a leaf of it for this process."""

    def __init__(self, key: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        name = _name("Tidings door authority")
        public = self._key.public_key()
        builder = _builder(name, name, public, public).serial_number(1)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), True)
        self._certificate = builder.add_extension(_usage(signs=True), True).sign(self._key, None)

    @property
    def certificate(self) -> bytes:
        """The certificate, in DER: of the same key, always the same bytes."""
        return self._certificate.public_bytes(Encoding.DER)

    def server_context(self) -> ssl.SSLContext:
        """Make what a door listens with."""
        return self._context(ssl.PROTOCOL_TLS_SERVER)

    def client_context(self) -> ssl.SSLContext:
        """Make what a door calls another one with, by the name `PEER_NAME`."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self.certificate)
        if protocol == ssl.PROTOCOL_TLS_SERVER:
            context.num_tickets = 0  # lines are kept, not taken up again
        with _passing_file(self._leaf()) as path:
            context.load_cert_chain(path)
        return context

    def _leaf(self) -> bytes:
        """Make a new key and its certificate, in PEM."""
        key = Ed25519PrivateKey.generate()
        builder = _builder(
            _name(PEER_NAME), self._certificate.subject, key.public_key(), self._key.public_key()
        ).serial_number(x509.random_serial_number())
        builder = builder.add_extension(x509.BasicConstraints(False, None), True)
        builder = builder.add_extension(_usage(signs=False), True)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), False)
        named = x509.SubjectAlternativeName([x509.DNSName(PEER_NAME)])
        leaf = builder.add_extension(named, False).sign(self._key, None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return private + leaf.public_bytes(Encoding.PEM)


def require_loopback(host: str) -> None:
    """Raise `Unusable` where a door without TLS would be reached from another machine."""
    if not is_loopback(host):
        raise Unusable(
            f"A door without TLS must be on a loopback address; got {host}. Use 127.0.0.1, or TLS."
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: Ed25519PublicKey, signer: Ed25519PublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def _passing_file(content: bytes) -> Iterator[Path]:
    """Lend the path of a file in memory, since OpenSSL reads keys from files alone."""
    if not hasattr(os, "memfd_create"):
        with tempfile.NamedTemporaryFile() as file:  # of mode 0600, for a moment
            file.write(content)
            file.flush()
            yield Path(file.name)
        return
    descriptor = os.memfd_create("door", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
