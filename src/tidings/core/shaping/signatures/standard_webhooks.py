"""Standard Webhooks signatures, `v1` (HMAC-SHA256).

The signed text is `{webhook-id}.{webhook-timestamp}.{body}` over the exact bytes sent; the header
holds one `v1,<base64>` for each secret in force, separated by spaces, newest first
(standard-webhooks specification, "Signature scheme").
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence

from tidings.core.shaping.signatures.scheme import Judgement, Scheme, SignatureVerdict
from tidings.values import describe_value

SECRET_PREFIX = "whsec_"
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64
BLOCK_BYTES = 64  # of SHA-256
_FOUR = "[A-Za-z0-9+/]"
SECRET_PATTERN = (
    f"^whsec_({_FOUR}{{4}}){{8,20}}({_FOUR}{{4}}|{_FOUR}{{2}}==|{_FOUR}{{3}}=|{_FOUR}{{6}}==)?$"
)
"""Of a secret as it is handed over, for JSON Schema."""
TOLERANCE_S = 300
SIGNATURES_MAX = 16  # of one header that are compared
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


class StandardWebhooksSigner:
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


def judge(
    headers: Sequence[tuple[str, str]], body: bytes, secrets: Sequence[bytes], now_s: int
) -> Judgement:
    """Judge the signature of what arrived, and say why: by the secrets of the webhooks that point
    here. `now_s` is seconds since the epoch."""
    given = {name.lower(): value for name, value in headers}
    if fault := _absent(given):
        return Judgement(SignatureVerdict.MISSING, fault)
    if not secrets:
        return Judgement(
            SignatureVerdict.UNKNOWN,
            "No webhook of the org has this address, so there is no secret to check it with. Set "
            "the address as a webhook's URL.",
        )
    id, timestamp, signatures = (given[name] for name in _NAMES)
    if fault := _undated(timestamp):
        return Judgement(SignatureVerdict.WRONG, fault)
    wanted = [
        StandardWebhooksSigner((secret,)).sign(id, int(timestamp), body).encode()
        for secret in secrets
    ]
    signed = any(
        hmac.compare_digest(part.encode(), signature)
        for part in signatures.split(" ")[:SIGNATURES_MAX]
        for signature in wanted
        if part.isascii()
    )
    if not signed:
        return Judgement(
            SignatureVerdict.WRONG,
            "No signature in webhook-signature is that of these bytes with a secret of the org's "
            "webhooks at this address.",
        )
    off_s = abs(now_s - int(timestamp))
    if off_s > TOLERANCE_S:
        return Judgement(
            SignatureVerdict.WRONG,
            f"The signature fits, but webhook-timestamp is {off_s} s off; receivers refuse more "
            f"than {TOLERANCE_S} s.",
        )
    return Judgement(SignatureVerdict.VALID, "The signature is that of these bytes.")


def head_fault(headers: Sequence[tuple[str, str]], now_s: int) -> str:
    """Say why the headers alone show that a message cannot be signed in time, whatever its body is;
    empty where they do not. `now_s` is seconds since the epoch."""
    given = {name.lower(): value for name, value in headers}
    if fault := _absent(given):
        return fault
    _, timestamp, signatures = (given[name] for name in _NAMES)
    if fault := _undated(timestamp):
        return fault
    if not any(_SIGNATURE.fullmatch(part) for part in signatures.split(" ")[:SIGNATURES_MAX]):
        return "webhook-signature must hold a signature of version v1; it does not."
    off_s = abs(now_s - int(timestamp))
    return (
        ""
        if off_s <= TOLERANCE_S
        else (f"webhook-timestamp is {off_s} s off; receivers refuse more than {TOLERANCE_S} s.")
    )


def _absent(given: dict[str, str]) -> str:
    absent = [name for name in _NAMES if not given.get(name)]
    return f"It came without {' and '.join(absent)}." if absent else ""


def _undated(timestamp: str) -> str:
    is_date = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15
    return (
        ""
        if is_date
        else f"webhook-timestamp must be seconds since 1970; got {describe_value(timestamp)}."
    )


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


SCHEME = Scheme("webhook-signature", StandardWebhooksSigner, judge)
