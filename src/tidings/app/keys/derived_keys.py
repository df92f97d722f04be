"""The keys of a service, each derived from its master key for one purpose.

A store that was copied from one with another master key (`tidings store copy`) keeps the keys of
that one: search terms, ordering keys and the audit log hold what was made with them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tidings.core.sealed_columns import KEPT_KEY
from tidings.engine.vault import KEY_FILE, SealedSecret, Vault, read_or_make_key
from tidings.ports import Keys
from tidings.store.port import KeptKey

TERMS_PURPOSE, TERMS_BYTES = b"tidings.terms", 16
TOKENS_PURPOSE, CONSENTS_PURPOSE = b"tidings.tokens", b"tidings.consents"
AUDIT_PURPOSE = b"tidings.audit"
PURPOSES = {TERMS_PURPOSE: TERMS_BYTES, TOKENS_PURPOSE: 32, CONSENTS_PURPOSE: 32, AUDIT_PURPOSE: 32}


def keys_of(master: SealedSecret, vault: Vault, kept: Iterable[KeptKey] = ()) -> Keys:
    """Return the keys of a service: those that its store keeps, the others derived. Raise
    VaultRefused where one does not open."""
    keys = all_keys(master, open_kept(vault, kept))
    return Keys(
        terms=keys[TERMS_PURPOSE],
        tokens=keys[TOKENS_PURPOSE],
        consents=keys[CONSENTS_PURPOSE],
        audit=keys[AUDIT_PURPOSE],
    )


def all_keys(master: SealedSecret, kept: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the key of each purpose: the kept one, or else the derived one."""
    return {
        purpose: kept.get(purpose) or derive_key(master, purpose, size)
        for purpose, size in PURPOSES.items()
    }


def open_kept(vault: Vault, kept: Iterable[KeptKey]) -> dict[bytes, bytes]:
    """Open kept keys, by their purpose. Raise VaultRefused."""
    return {
        key.purpose.encode(): vault.open_at(
            key.sealed, KEPT_KEY.at(key.purpose), f"The kept key {key.purpose}"
        )
        for key in kept
    }


def derive_key(master: SealedSecret, purpose: bytes, size: int = 32) -> bytes:
    """Derive a key of `size` bytes from the master key, for one purpose: no other use shares it."""
    return hashlib.blake2b(purpose, key=master.reveal(), digest_size=size).digest()


def terms_key(data: Path) -> bytes:
    """Derive the key of the search terms of a data directory."""
    return derived_key(data, TERMS_PURPOSE, TERMS_BYTES)


def derived_key(data: Path, purpose: bytes, size: int = 32) -> bytes:
    """Derive a key from the one that lies in a data directory."""
    return derive_key(read_or_make_key(data / KEY_FILE), purpose, size)


def audit_key(master: SealedSecret, vault: Vault, kept: Iterable[KeptKey]) -> bytes:
    """Return the key of the audit log of a store that keeps these keys. Raise VaultRefused where
    one does not open."""
    return all_keys(master, open_kept(vault, kept))[AUDIT_PURPOSE]
