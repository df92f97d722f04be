"""Standard Webhooks signatures and static headers.

The signed text is `{webhook-id}.{webhook-timestamp}.{body}` over the bytes as they came; the header
holds a scheme, a comma and base64 for each key in force, separated by spaces (the Standard Webhooks
specification, "Signature scheme"). What a scheme is stands in `schemes/`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Union

from tidings_consumer.errors import (
    MalformedHeader,
    MissingHeader,
    SecretError,
    SignatureError,
    TimestampError,
)
from tidings_consumer.headers import HeaderView
from tidings_consumer.schemes.registry import scheme_of
from tidings_consumer.schemes.scheme import Scheme, Verify

SECRETS_MAX = 16
TOLERANCE_S = 300
_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
# A dot would let bytes move between the id, the time and the body.
_ID = re.compile(r"[A-Za-z0-9_:~-]{1,256}")
_SECONDS = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True)
class StaticHeader:
    """A header that the webhook sends with every request, instead of a signature or beside it.

    It proves who sends, not what was sent nor when: take a signature where you can.
    """

    name: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        parts: tuple[object, ...] = (self.name, self.value)
        for part in parts:
            # Of a value that is all space nothing is left to compare: an absent header has it too.
            if not isinstance(part, str) or not part.strip() or not part.strip().isascii():
                raise SecretError("a static header must have a name and a value, both in ASCII")


Secret = Union[str, StaticHeader]


@dataclass(frozen=True)
class Signed:
    """The headers of a request that may be believed. Times in seconds since the epoch."""

    id: str | None
    sent_at: int | None


class Verifier:
    """Checks requests with the secrets of one webhook: several while a secret is being changed.

    Where there are `whsec_…` secrets or `whpk_…` public keys, one of them must have signed; where
    there are static headers, one of them must be there with its value; where there are both, both
    must hold.
    """

    def __init__(
        self, secrets: Secret | Sequence[Secret], tolerance_s: float = TOLERANCE_S
    ) -> None:
        """SecretError where there is none, or one that cannot be."""
        if not isinstance(secrets, (str, StaticHeader, list, tuple)):
            raise SecretError(f"a secret must be text; got {type(secrets).__name__}")
        given = [secrets] if isinstance(secrets, (str, StaticHeader)) else secrets
        if not 1 <= len(given) <= SECRETS_MAX:
            raise SecretError(f"there must be 1 to {SECRETS_MAX} secrets; got {len(given)}")
        self._keys: dict[Scheme, list[Verify]] = {}
        for secret in [secret for secret in given if not isinstance(secret, StaticHeader)]:
            scheme = scheme_of(secret)
            self._keys.setdefault(scheme, []).append(scheme.verifier(secret))
        self._prefixes = [(scheme, f"{scheme.id},") for scheme in self._keys]
        self._static = [secret for secret in given if isinstance(secret, StaticHeader)]
        self._tolerance_s = tolerance_s
        self.names = frozenset(
            (*_SIGNED, *(static_header.name.lower() for static_header in self._static))
        )
        """The headers that it looks at, in lower case."""

    def verify(self, view: HeaderView, body: bytes, now_s: float) -> Signed:
        """Verify a request at `now_s`, in seconds since the epoch, and return what was signed;
        raise VerificationError if it cannot be trusted. `view` has the headers of `names`."""
        if self._static:
            self._check_static(view)
        if self._keys:
            return self._check_signature(view, body, now_s)
        id = view.get("webhook-id")
        return Signed(id if id is not None and _ID.fullmatch(id) else None, None)

    def _check_static(self, view: HeaderView) -> None:
        fits = False
        for static_header in self._static:  # all of them, whichever fits: time tells nothing
            got = view.get(static_header.name.lower()) or ""
            fits |= hmac.compare_digest(got.encode(), static_header.value.strip().encode())
        if not fits:
            names = ", ".join(sorted({static_header.name for static_header in self._static}))
            raise SignatureError(f"{names} must have the value that is configured")

    def _check_signature(self, view: HeaderView, body: bytes, now_s: float) -> Signed:
        id, sent_at, signatures = (_required(view, name) for name in _SIGNED)
        if not _ID.fullmatch(id):
            raise MalformedHeader("webhook-id must be 1 to 256 letters, digits or any of _ : ~ -")
        if not _SECONDS.fullmatch(sent_at):
            raise MalformedHeader("webhook-timestamp must be whole seconds since 1970")
        parts = signatures.split(" ")
        given = {
            scheme: [part[len(prefix) :] for part in parts if part.startswith(prefix)]
            for scheme, prefix in self._prefixes
        }
        if not any(given.values()):
            begins = " or ".join(f"{scheme.id}," for scheme in given)
            raise MalformedHeader(
                f"webhook-signature must hold a signature that begins with {begins}"
            )
        for scheme, found in given.items():
            if len(found) > scheme.signatures_max:
                raise MalformedHeader(
                    f"webhook-signature must contain at most {scheme.signatures_max} of them"
                )
        off_s = now_s - int(sent_at)
        if not abs(off_s) <= self._tolerance_s:  # so that a clock without a time believes nothing
            when = "ago" if off_s > 0 else "ahead"
            raise TimestampError(
                f"webhook-timestamp must be within {self._tolerance_s:g} s of our clock; it is"
                f" {abs(off_s):.0f} s {when}"
            )
        text = f"{id}.{sent_at}.".encode() + body
        fits = False
        for scheme, keys in self._keys.items():
            for verify in keys:  # all of them, whichever fits: time tells nothing
                fits |= verify(text, given[scheme])
        if not fits:
            raise SignatureError(
                "no signature in webhook-signature is that of these bytes with your secrets: is it"
                " the webhook's secret, and the body as it came, not parsed and written again?"
            )
        return Signed(id, int(sent_at))


def _required(view: HeaderView, name: str) -> str:
    value = view.get(name)
    if value is None:
        raise MissingHeader(f"{name} must be there")
    return value
