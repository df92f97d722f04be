"""The signature schemes, a module each, and the keys of a webhook that sign by those it has chosen.

Nobody but this module names one of them.

Add a scheme here; the rest follows.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tidings.core.shaping.signatures import ed25519, hmac_sha256
from tidings.core.shaping.signatures.scheme import Scheme
from tidings.core.shaping.signatures.secrets import read_secret

SCHEMES: Final[dict[str, Scheme]] = {
    scheme.id: scheme for scheme in (hmac_sha256.SCHEME, ed25519.SCHEME)
}
"""By their ids, in the order in which their signatures stand in the header."""
DEFAULT: Final = ("v1",)
"""What signs where a webhook's owner has chosen nothing: what all receivers verify."""


SECRET_SCHEMES: Final = tuple(id for id, scheme in SCHEMES.items() if scheme.public is None)
"""Those that sign by the secret which sender and receiver share."""


class KeyPair(msgspec.Struct, frozen=True):
    """A key pair in force. Not printable: it holds the private key."""

    scheme: str
    private: bytes
    public: bytes
    until_ms: int | None = None
    """None: of the newest pair of its scheme, which has no end yet."""

    def __repr__(self) -> str:
        """Show it without the private key."""
        return f"KeyPair({self.shown})"

    @property
    def shown(self) -> str:
        """Return the public key as it is handed to a receiver."""
        public = SCHEMES[self.scheme].public
        return "" if public is None else public.show(self.public)


class VerificationKey(msgspec.Struct, frozen=True):
    """A key by which a scheme verifies. Not printable: it may be a shared secret."""

    scheme: str
    key: bytes

    def __repr__(self) -> str:
        """Show it without the key."""
        return f"VerificationKey({self.scheme})"


def chosen(value: object) -> tuple[str, ...]:
    """Read a list of schemes, into their order in the header; empty where it is no such list, or
    names one twice."""
    if not isinstance(value, list) or not all(isinstance(id, str) for id in value):
        return ()
    known = tuple(id for id in SCHEMES if id in value)
    return known if len(known) == len(value) else ()


def paired(signatures: Iterable[str]) -> list[Scheme]:
    """Select the schemes of these that sign by key pairs of their own."""
    return [SCHEMES[id] for id in signatures if SCHEMES[id].public is not None]


def key_pair(scheme: Scheme, private: bytes, until_ms: int | None = None) -> KeyPair:
    """Make the key pair of a private key, of a scheme that signs by pairs."""
    if scheme.public is None:
        raise ValueError(f"{scheme.id} signs by a shared secret")
    return KeyPair(scheme.id, private, scheme.public.of(private), until_ms=until_ms)


def verification_keys(
    signatures: Iterable[str], secrets: Sequence[bytes], pairs: Sequence[KeyPair]
) -> list[VerificationKey]:
    """Collect what verifies the messages of a webhook that signs by these schemes."""
    keys = []
    for id in signatures:
        own = [pair.public for pair in pairs if pair.scheme == id]
        material = secrets if SCHEMES[id].public is None else own
        keys += [VerificationKey(id, key) for key in material]
    return keys


def read_verification_keys(text: str) -> list[VerificationKey]:
    """Read a shared secret, or a public key, as it was handed to a receiver, into all that verifies
    by it. ValueError where it is neither."""
    for scheme in SCHEMES.values():
        if scheme.public is not None and text.startswith(scheme.public.prefix):
            return [VerificationKey(scheme.id, scheme.public.read(text))]
    secret = read_secret(text)
    return [VerificationKey(id, secret) for id in SECRET_SCHEMES]
