"""How an inbound webhook knows who calls: the schemes, each declared with what it needs. Pure.

Two secrets may be in force, so that a sender can change to a new one. What is secret is sealed with
the source, and shown only masked. Compared in constant time.

Add a field here; the rest follows.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec

from tidings.core.declaration import Field
from tidings.core.shaping.signatures import secrets, standard_webhooks
from tidings.core.shaping.signatures.scheme import SignatureVerdict
from tidings.core.shaping.signatures.schemes import SECRET_SCHEMES, read_verification_keys
from tidings.core.sources.message import ForeignMessage
from tidings.core.webhooks.variants import Variants, VariantText

TOLERANCE_S = 300
SIGNATURES_MAX = 16  # of one header that are compared
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEADER = VariantText("a header's name, such as X-Hub-Signature-256", _NAME, 128)
_VALUE = VariantText(
    "text of 16 to 1024 visible ASCII characters, spaces between them allowed",
    r"[\x21-\x7e][\x20-\x7e]{14,}[\x21-\x7e]",
    1024,
    secret=True,
)
_KEY = VariantText("text of 16 to 256 ASCII characters", r"[\x20-\x7e]{16,}", 256, secret=True)
_WHSEC = VariantText(
    "a signing secret, whsec_ and the base64 of 24 to 64 bytes",
    secrets.SECRET_PATTERN.strip("^$"),
    100,
    secret=True,
)


def _one_of(*words: str) -> VariantText:
    must = f"{', '.join(words[:-1])} or {words[-1]}"
    return VariantText(must, "|".join(words), 40, words=words)


class StandardWebhooks(msgspec.Struct, frozen=True, tag="standardWebhooks"):
    """Signed by Standard Webhooks, as Tidings, Svix and others do."""

    secret: Annotated[str, Field("secret", _WHSEC, label="Signing secret")]
    previous_secret: Annotated[
        str | None, Field("previousSecret", _WHSEC, label="Former signing secret")
    ] = None

    def __repr__(self) -> str:
        """Show it without secrets."""
        return "StandardWebhooks()"

    def head_refusal(self, head: ForeignMessage, now_s: int) -> str | None:
        """See `head_refusal_of`."""
        return standard_webhooks.head_fault(head.headers, now_s, SECRET_SCHEMES) or None

    def refusal(self, message: ForeignMessage, now_s: int) -> str | None:
        """See `refusal_of`."""
        keys = [key for secret in _both(self) for key in read_verification_keys(secret)]
        judged = standard_webhooks.judge(list(message.headers), message.body, keys, now_s)
        if judged.verdict is SignatureVerdict.VALID:
            return None
        return judged.reason.replace(
            "with a secret of the org's webhooks at this address", "with the secret of this source"
        )


class StaticHeader(msgspec.Struct, frozen=True, tag="header"):
    """A header with a value that the sender alone knows, as the original sends."""

    header: Annotated[str, Field("header", _HEADER, label="Header")]
    value: Annotated[str, Field("value", _VALUE, label="Value")]
    previous_value: Annotated[str | None, Field("previousValue", _VALUE, label="Former value")] = (
        None
    )

    def __repr__(self) -> str:
        """Show it without the values."""
        return f"StaticHeader(header={self.header!r})"

    def head_refusal(self, head: ForeignMessage, now_s: int) -> str | None:
        """See `head_refusal_of`: the head is all that proves it."""
        return self.refusal(head, now_s)

    def refusal(self, message: ForeignMessage, now_s: int) -> str | None:
        """See `refusal_of`."""
        received = message.header(self.header)
        if received is None:
            return f"The header {self.header} must be there; it is not."
        fits = [
            _same(received, wanted_value)
            for wanted_value in (self.value, self.previous_value)
            if wanted_value is not None
        ]
        return None if any(fits) else f"The header {self.header} has another value."


class HmacHeader(msgspec.Struct, frozen=True, tag="hmac", omit_defaults=True):
    """An HMAC of the body in a header, as GitHub, Shopify and many others send."""

    header: Annotated[str, Field("header", _HEADER, label="Header")]
    secret: Annotated[str, Field("secret", _KEY, label="Secret")]
    previous_secret: Annotated[str | None, Field("previousSecret", _KEY, label="Former secret")] = (
        None
    )
    hash: Annotated[
        Literal["sha256", "sha512", "sha1"],
        Field("hash", _one_of("sha256", "sha512", "sha1"), label="Hash"),
    ] = "sha256"
    encoding: Annotated[
        Literal["hex", "base64"], Field("encoding", _one_of("hex", "base64"), label="Encoding")
    ] = "hex"
    prefix: Annotated[
        str,
        Field(
            "prefix",
            VariantText("what stands before the signature, such as sha256=", r"[\x21-\x7e]*", 40),
            label="Prefix",
        ),
    ] = ""
    timestamp_header: Annotated[
        str | None,
        Field(
            "timestampHeader",
            VariantText(
                "the name of the header with the time in seconds, which is signed before the body",
                _NAME,
                128,
            ),
            label="Header of the time",
        ),
    ] = None
    separator: Annotated[
        str,
        Field(
            "separator",
            VariantText("what is signed between time and body", r"[\x20-\x7e]*", 8),
            label="Between time and body",
        ),
    ] = "."

    def __repr__(self) -> str:
        """Show it without secrets."""
        return f"HmacHeader(header={self.header!r})"

    def head_refusal(self, head: ForeignMessage, now_s: int) -> str | None:
        """See `head_refusal_of`."""
        if (fault := self._incomplete(head)) is not None:
            return fault
        digest = _ENCODED[self.encoding](bytes(hashlib.new(self.hash).digest_size))
        if not any(len(signature) == len(digest) for signature in self._signatures(head)):
            return f"The header {self.header} must hold a signature by {self.hash}; it does not."
        if self.timestamp_header is not None:
            off_s = abs(now_s - int(head.header(self.timestamp_header) or 0))
            if off_s > TOLERANCE_S:
                return f"The time of the request is {off_s} s off; at most {TOLERANCE_S} s."
        return None

    def refusal(self, message: ForeignMessage, now_s: int) -> str | None:
        """See `refusal_of`."""
        if (fault := self._incomplete(message)) is not None:
            return fault
        text, off_s = message.body, 0
        if self.timestamp_header is not None:
            at = message.header(self.timestamp_header) or ""
            text = f"{at}{self.separator}".encode() + text
            off_s = abs(now_s - int(at))
        signatures = self._signatures(message)
        wanted = [
            _ENCODED[self.encoding](_digest(secret, text, self.hash)) for secret in _both(self)
        ]
        if not any(
            [
                _same(_folded(signature, self.encoding), to)
                for signature in signatures
                for to in wanted
            ]
        ):
            return f"No signature in {self.header} is that of these bytes with the secret."
        if off_s > TOLERANCE_S:
            return f"The signature fits, but its time is {off_s} s off; at most {TOLERANCE_S} s."
        return None

    def _incomplete(self, message: ForeignMessage) -> str | None:
        """Say which header is missing, or holds no time."""
        if message.header(self.header) is None:
            return f"The header {self.header} must be there; it is not."
        if self.timestamp_header is not None:
            at = message.header(self.timestamp_header) or ""
            if not (at.isascii() and at.isdigit() and len(at) <= 15):
                return f"The header {self.timestamp_header} must be seconds since 1970; it is not."
        return None

    def _signatures(self, message: ForeignMessage) -> list[str]:
        received = message.header(self.header) or ""
        parts = [part.strip() for part in received.split(",")[:SIGNATURES_MAX]]
        return [part.removeprefix(self.prefix) for part in parts if part.startswith(self.prefix)]


Verification = StandardWebhooks | StaticHeader | HmacHeader
VERIFICATION = Variants[Verification](
    "verification",
    {"standardWebhooks": StandardWebhooks, "header": StaticHeader, "hmac": HmacHeader},
    "bad_verification",
    example='{"type": "standardWebhooks", "secret": "whsec_…"}',
)
LABELS = {
    "standardWebhooks": "Standard Webhooks signature",
    "header": "Header with a secret value",
    "hmac": "HMAC of the body in a header",
}


def refusal_of(verification: Verification, message: ForeignMessage, now_s: int) -> str | None:
    """Say why a message is not from whom it must be; None where it is. `now_s`: since 1970."""
    return verification.refusal(message, now_s)


def head_refusal_of(verification: Verification, head: ForeignMessage, now_s: int) -> str | None:
    """Say why the headers of a message show that it is not from whom it must be, whatever its body
    is; None where they do not. `now_s`: since 1970."""
    return verification.head_refusal(head, now_s)


def is_proven_by_head(verification: Verification) -> bool:
    """Return whether a message proves by its headers alone whom it is from."""
    return isinstance(verification, StaticHeader)


def secret_headers(verification: Verification) -> frozenset[str]:
    """Return the headers, in small letters, that prove who calls: nobody is shown their values."""
    if isinstance(verification, StandardWebhooks):
        return frozenset((standard_webhooks.SIGNATURE_HEADER,))
    return frozenset((verification.header.lower(),))


def _both(scheme: StandardWebhooks | HmacHeader) -> list[str]:
    return [secret for secret in (scheme.secret, scheme.previous_secret) if secret is not None]


def _digest(secret: str, text: bytes, hash_name: str) -> bytes:
    return hmac.digest(secret.encode(), text, getattr(hashlib, hash_name))


def _folded(signature: str, encoding: str) -> str:
    return signature.lower() if encoding == "hex" else signature


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


_ENCODED: dict[str, Callable[[bytes], str]] = {
    "hex": lambda digest: binascii.hexlify(digest).decode(),
    "base64": lambda digest: base64.b64encode(digest).decode(),
}
SCHEMA: dict[str, Any] = VERIFICATION.schema(answers=False, closed=True)
ANSWER_SCHEMA: dict[str, Any] = VERIFICATION.schema(answers=True)
