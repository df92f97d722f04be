"""What every signature scheme declares, and what is said of a signature that came.

A scheme signs the text that Standard Webhooks composes (`standard_webhooks.py`), and its signatures
begin with its id. It either signs by the secret that sender and receiver share, or by a key pair of
its own, of which the receiver has the public key.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

import msgspec

Sign = Callable[[bytes], bytes]
"""Signs a text; returns the signature."""
Verify = Callable[[bytes, Sequence[bytes]], bool]
"""Tells of a text whether one of the signatures is its own."""


class SignatureVerdict(StrEnum):
    """Of one arrival."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its reason, one sentence or two."""

    verdict: SignatureVerdict
    reason: str


class PublicKeys(msgspec.Struct, frozen=True):
    """Make, write and read the public keys of a scheme."""

    of: Callable[[bytes], bytes]
    """Computes the public key of a private one."""
    show: Callable[[bytes], str]
    """Writes a public key as it is handed to a receiver."""
    read: Callable[[str], bytes]
    """Reads what `show` wrote; ValueError where it is no key that can be believed."""
    prefix: str
    """Text that every written public key begins with."""


class Scheme(msgspec.Struct, frozen=True, kw_only=True):
    """A way to sign."""

    id: str
    """Text that its signatures begin with, before a comma and their base64."""
    label: str
    """What the console calls it, and documents."""
    signature_bytes: int
    signer: Callable[[bytes], Sign]
    """Makes of a secret, or of a private key, what signs by it."""
    verifier: Callable[[bytes], Verify]
    """Makes of a secret, or of a public key, what verifies by it. Never raises
    on signatures of `signature_bytes`."""
    public: PublicKeys | None = None
    """None: it signs by the secret that sender and receiver share."""
    key_bytes: int = 32
    """Random bytes that make a private key."""
