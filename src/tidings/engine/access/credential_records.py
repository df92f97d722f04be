"""A credential as a body would ask for it, as the audit log keeps it, and as nobody was told."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tidings.core.access.credential_rules import CredentialLimits, CredentialRequest
from tidings.core.audit.audit_actions import (
    CREDENTIAL_CHANGED,
    CREDENTIAL_CREATED,
    CREDENTIAL_REVOKED,
    CREDENTIAL_ROTATED,
    AuditAction,
)
from tidings.core.audit.entries import PLATFORM_CHAIN, Hidden
from tidings.core.declaration import show_resource
from tidings.core.times import iso
from tidings.store import port


def asked(old: port.StoredCredential) -> CredentialRequest:
    """Return a stored credential as a body would ask for it."""
    return CredentialRequest(
        old.name,
        old.scopes,
        old.expires_ms,
        limits=CredentialLimits(old.calls_per_minute, old.events_per_s),
        kind=old.kind,
    )


def chain_of(credential: port.StoredCredential) -> int:
    """Return the chain of the audit log that tells of a credential: the platform's own are hidden
    from everybody else, of whichever org they are."""
    return PLATFORM_CHAIN if credential.platform else credential.org


def recorded_credential(credential: port.StoredCredential) -> dict[str, Any]:
    """Return what the audit log keeps of a credential."""
    return dict(show_resource(asked(credential))) | {
        "orgId": credential.org,
        "platform": credential.platform,
        "secret": Hidden(credential.digest),
        "oldSecretUntil": iso(credential.previous_until_ms),
        "revokedAt": iso(credential.revoked_ms),
    }


def action_on(old: port.StoredCredential | None, fresh: port.StoredCredential) -> AuditAction:
    """Return what was done to a credential, by what it was before."""
    if old is None:
        return CREDENTIAL_CREATED
    if fresh.revoked_ms is not None and old.revoked_ms is None:
        return CREDENTIAL_REVOKED
    return CREDENTIAL_CHANGED if fresh.digest == old.digest else CREDENTIAL_ROTATED


class ShownCredential(msgspec.Struct, frozen=True):
    """A credential whose secret was shown, and until when that secret is good."""

    credential: port.StoredCredential
    digest: bytes  # of the secret that was shown
    until_ms: int

    def __repr__(self) -> str:
        """Show it without the digest."""
        return f"Proof(credential={self.credential.id!r})"


class UnansweredCredentials:
    """Knows the credentials whose last change had no answer: what the store has, and nobody was
    told. They are at most as many as credentials."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._answered_digests: dict[str, bytes] = {}  # of the last secret that anybody was told

    def compare(
        self, known: Mapping[str, port.StoredCredential], stored: Iterable[port.StoredCredential]
    ) -> None:
        """Note what was read again from the store, and differs from what is known; at a start
        nothing is."""
        for credential in stored if known else ():
            old = known.get(credential.id)
            if old is None:
                self._made.add(credential.id)
            elif old.digest != credential.digest:
                self._answered_digests.setdefault(credential.id, old.digest)

    def answer(self, old: port.StoredCredential | None, credential: port.StoredCredential) -> None:
        """Note a change whose answer is known."""
        if old is None or old.digest != credential.digest:
            self._answered_digests.pop(credential.id, None)
        self._made.discard(credential.id)

    def is_made(self, id: str) -> bool:
        """Return whether a credential was made, and nobody was told."""
        return id in self._made

    def answered_digest(self, credential: port.StoredCredential) -> bytes:
        """Return the digest of the newest secret that anybody was told: a rotation whose answer
        was lost has made one that nobody knows."""
        return self._answered_digests.get(credential.id, credential.digest)
