"""The scheme `v1`: HMAC-SHA256 by the secret that sender and receiver share."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence

from tidings_consumer.errors import SecretError
from tidings_consumer.schemes.scheme import Scheme, Verify

PREFIX = "whsec_"
SECRET_MIN, SECRET_MAX = 24, 64  # bytes
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _verifier(secret: str) -> Verify:
    key = _key(secret)

    def verify(text: bytes, signatures: Sequence[str]) -> bool:
        ours = binascii.b2a_base64(hmac.digest(key, text, "sha256"), newline=False)
        fits = False
        for theirs in signatures:  # all of them, whichever fits: time tells nothing
            fits |= hmac.compare_digest(ours, theirs.encode())
        return fits

    return verify


def _key(secret: str) -> bytes:
    text = secret[len(PREFIX) :]
    # `b64decode` takes more padding than there may be, also where it validates (Python 3.11).
    if not _BASE64.fullmatch(text) or len(text) % 4:
        raise SecretError("a signing secret must be base64 after its prefix")
    key = base64.b64decode(text)
    if not SECRET_MIN <= len(key) <= SECRET_MAX:
        raise SecretError(
            f"a signing secret must have {SECRET_MIN} to {SECRET_MAX} bytes; got {len(key)}"
        )
    return key


SCHEME = Scheme("v1", PREFIX, _verifier, signatures_max=32)
