"""Secrets that sender and receiver share: `whsec_` and base64 (Standard Webhooks)."""

import base64

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32  # of one that Tidings makes
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
_FOUR = "[A-Za-z0-9+/]"
SECRET_PATTERN = (
    f"^whsec_({_FOUR}{{4}}){{8,20}}({_FOUR}{{4}}|{_FOUR}{{2}}==|{_FOUR}{{3}}=|{_FOUR}{{6}}==)?$"
)
"""Of a secret as it is handed over, for JSON Schema."""


def show_secret(secret: bytes) -> str:
    """Write a secret as it is handed to a person: `whsec_` and base64."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def read_secret(text: str) -> bytes:
    """Decode the bytes of a `whsec_…` secret. Raise ValueError unless it holds 24 to 64 bytes in
    base64."""
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
