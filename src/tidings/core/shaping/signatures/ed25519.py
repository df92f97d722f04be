"""The scheme `v1a` of Standard Webhooks: Ed25519 (RFC 8032) by a key pair of the webhook.

The private key is 32 random bytes and leaves the service in no form. The public key is handed out
as `whpk_` and base64.
"""

import base64
import contextlib
from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tidings.core.shaping.signatures.scheme import PublicKeys, Scheme, Sign, Verify

PREFIX = "whpk_"
KEY_BYTES, SIGNATURE_BYTES = 32, 64
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
# The y of the points of order 8; with 0, 1 and -1 all that a point of small order can have.
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset((0, 1, _P - 1, _EIGHTH, _P - _EIGHTH))


def _signer(private: bytes) -> Sign:
    return Ed25519PrivateKey.from_private_bytes(private).sign


def _public_of(private: bytes) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _verifier(public: bytes) -> Verify:
    key = Ed25519PublicKey.from_public_bytes(public)

    def verify(text: bytes, signatures: Sequence[bytes]) -> bool:
        for signature in signatures:
            with contextlib.suppress(InvalidSignature):
                key.verify(signature, text)
                return True
        return False

    return verify


def _show(public: bytes) -> str:
    return PREFIX + base64.b64encode(public).decode()


def _read(text: str) -> bytes:
    """Decode the bytes of a `whpk_…` key. Raise ValueError unless it is a point of the curve that
    is written in the one way that there is, and not of small order: by such a key anybody could
    sign."""
    if not text.startswith(PREFIX):
        raise ValueError(f"a public key starts with {PREFIX}")
    try:
        public = base64.b64decode(text[len(PREFIX) :], validate=True)
    except ValueError as error:
        raise ValueError("a public key is base64 after its prefix") from error
    if len(public) != KEY_BYTES:
        raise ValueError(f"a public key has {KEY_BYTES} bytes; got {len(public)}")
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    is_point = y < _P and pow(x_squared, (_P - 1) // 2, _P) == 1
    if not is_point or y in _SMALL_ORDER:
        raise ValueError("a public key is a point of Ed25519 that is not of small order")
    return public


SCHEME = Scheme(
    id="v1a",
    label="Ed25519, by a key pair whose public key the receiver has",
    signature_bytes=SIGNATURE_BYTES,
    signer=_signer,
    verifier=_verifier,
    public=PublicKeys(_public_of, _show, _read, prefix=PREFIX),
)
