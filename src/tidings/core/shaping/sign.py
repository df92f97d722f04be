"""Standard Webhooks signatures, `v1` (HMAC-SHA256).

The signed text is `{webhook-id}.{webhook-timestamp}.{body}` over the exact bytes sent; the header
holds one `v1,<base64>` for each secret in force, separated by spaces, newest first
(standard-webhooks specification, "Signature scheme").
"""

import base64
import binascii
import hashlib

SECRET_PREFIX = "whsec_"
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
BLOCK_BYTES = 64  # of SHA-256
_FOUR = "[A-Za-z0-9+/]"
SECRET_PATTERN = (
    f"^whsec_({_FOUR}{{4}}){{8,20}}({_FOUR}{{4}}|{_FOUR}{{2}}==|{_FOUR}{{3}}=|{_FOUR}{{6}}==)?$"
)
"""Of a secret as it is handed over, for JSON Schema."""


class Signer:
    """Signs for one webhook. Not printable: it holds secrets."""

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._keyed = [_KeyedHmac(secret) for secret in secrets]

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """The value of the `webhook-signature` header."""
        text = f"{message_id}.{timestamp_s}.".encode() + body
        return " ".join(
            [
                "v1," + binascii.b2a_base64(keyed.digest(text), newline=False).decode()
                for keyed in self._keyed
            ]
        )


class _KeyedHmac:
    """HMAC-SHA256 (RFC 2104) with the key taken in once: half of what `hmac.digest` costs."""

    def __init__(self, key: bytes) -> None:
        block = (hashlib.sha256(key).digest() if len(key) > BLOCK_BYTES else key).ljust(
            BLOCK_BYTES, b"\0"
        )
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, text: bytes) -> bytes:
        inner = self._inner.copy()
        inner.update(text)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def show_secret(secret: bytes) -> str:
    """The form in which a secret is handed to a person: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """The bytes of a `whsec_…` secret. ValueError unless it holds 24 to 64 bytes in base64."""
    if not text.startswith(SECRET_PREFIX):
        raise ValueError(f"a signing secret starts with {SECRET_PREFIX}")
    try:
        secret = base64.b64decode(text[len(SECRET_PREFIX) :], validate=True)
    except ValueError as error:
        raise ValueError("a signing secret is base64 after its prefix") from error
    if not SECRET_BYTES_MIN <= len(secret) <= SECRET_BYTES_MAX:
        raise ValueError(
            f"a signing secret has {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes;"
            f" got {len(secret)}"
        )
    return secret
