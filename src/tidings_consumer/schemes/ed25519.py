"""The scheme `v1a`: Ed25519 (RFC 8032) by the public key of the webhook.

Who has the public key can verify and cannot sign. It takes the library `cryptography`, which
`pip install "$(ls dist/tidings_consumer-*.whl)[ed25519]"` brings.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from tidings_consumer.errors import SecretError
from tidings_consumer.schemes.scheme import Scheme, Verify

PREFIX = "whpk_"
_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{86}==")
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P
# The y of the points of order 8; with 0, 1 and -1 all that a point of small order can have.
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER = frozenset((0, 1, _P - 1, _EIGHTH, _P - _EIGHTH))


def _verifier(key: str) -> Verify:
    text = key[len(PREFIX) :]
    if not _KEY.fullmatch(text):
        raise SecretError(f"a public key must be {PREFIX} and the base64 of 32 bytes")
    public = base64.b64decode(text)
    if not _is_sound(public):
        raise SecretError("a public key must be a point of Ed25519, and not of small order")
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
            Ed25519PublicKey,
        )
    except ImportError:
        raise SecretError(
            f"a key that begins with {PREFIX} needs the library cryptography: "
            'pip install "$(ls dist/tidings_consumer-*.whl)[ed25519]"'
        ) from None
    point = Ed25519PublicKey.from_public_bytes(public)

    def verify(text: bytes, signatures: Sequence[str]) -> bool:
        for signature in signatures:
            if _SIGNATURE.fullmatch(signature):
                try:
                    point.verify(base64.b64decode(signature), text)
                except InvalidSignature:
                    continue
                return True
        return False

    return verify


def _is_sound(public: bytes) -> bool:
    """Return whether 32 bytes are a point of the curve, written in the one way that there is, and
    not of small order: by such a key anybody could sign."""
    y = int.from_bytes(public, "little") & (1 << 255) - 1
    x_squared = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    is_point = y < _P and pow(x_squared, (_P - 1) // 2, _P) == 1
    return is_point and y not in _SMALL_ORDER


# The sender has at most four keys in force; each signature takes 0.1 ms with each key of yours.
SCHEME = Scheme("v1a", PREFIX, _verifier, signatures_max=4)
