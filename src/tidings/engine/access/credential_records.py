"""A credential as a body would ask for it, and as the audit log keeps it."""

from typing import Any

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
