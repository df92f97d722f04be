"""The keys of a data directory, each derived from its own one for one purpose."""

import hashlib
from pathlib import Path

from tidings.engine.vault import read_or_make_key
from tidings.ports import Keys

KEY_FILE = "key"
TERMS_PURPOSE = b"tidings.terms"
TOKENS_PURPOSE, CONSENTS_PURPOSE = b"tidings.tokens", b"tidings.consents"
AUDIT_PURPOSE = b"tidings.audit"


def keys_in(data: Path) -> Keys:
    """Derive the keys of a data directory."""
    return Keys(
        terms=terms_key(data),
        tokens=derived_key(data, TOKENS_PURPOSE),
        consents=derived_key(data, CONSENTS_PURPOSE),
        audit=derived_key(data, AUDIT_PURPOSE),
    )


def terms_key(data: Path) -> bytes:
    """Derive the key of the search terms, of 16 bytes."""
    return derived_key(data, TERMS_PURPOSE, 16)


def derived_key(data: Path, purpose: bytes, size: int = 32) -> bytes:
    """Derive a key of `size` bytes from the directory's own key, for one purpose: no other use
    shares it."""
    key = read_or_make_key(data / KEY_FILE).reveal()
    return hashlib.blake2b(purpose, key=key, digest_size=size).digest()
