"""The keys of a service, each derived from its master key for one purpose."""

import hashlib
from pathlib import Path

from tidings.engine.vault import KEY_FILE, SealedSecret, read_or_make_key
from tidings.ports import Keys

TERMS_PURPOSE, TERMS_BYTES = b"tidings.terms", 16
TOKENS_PURPOSE, CONSENTS_PURPOSE = b"tidings.tokens", b"tidings.consents"
AUDIT_PURPOSE = b"tidings.audit"


def keys_of(master: SealedSecret) -> Keys:
    """Derive the keys of a service."""
    return Keys(
        terms=derive_key(master, TERMS_PURPOSE, TERMS_BYTES),
        tokens=derive_key(master, TOKENS_PURPOSE),
        consents=derive_key(master, CONSENTS_PURPOSE),
        audit=derive_key(master, AUDIT_PURPOSE),
    )


def derive_key(master: SealedSecret, purpose: bytes, size: int = 32) -> bytes:
    """Derive a key of `size` bytes from the master key, for one purpose: no other use shares it."""
    return hashlib.blake2b(purpose, key=master.reveal(), digest_size=size).digest()


def terms_key(data: Path) -> bytes:
    """Derive the key of the search terms of a data directory."""
    return derived_key(data, TERMS_PURPOSE, TERMS_BYTES)


def derived_key(data: Path, purpose: bytes, size: int = 32) -> bytes:
    """Derive a key from the one that lies in a data directory."""
    return derive_key(read_or_make_key(data / KEY_FILE), purpose, size)
