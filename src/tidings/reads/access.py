"""Who may come in, as it is shown: credentials, people, and the links that they get."""

from typing import Any

from tidings.core.declaration import show_resource
from tidings.core.times import iso
from tidings.engine.access.credential_records import asked
from tidings.engine.access.user_records import NewLink, UserRecord
from tidings.store.port import StoredCredential


def show_credential(credential: StoredCredential, used_ms: int | None) -> dict[str, Any]:
    """Show a credential, never its secret; and when it was used last."""
    return {
        "id": credential.id,
        **dict(show_resource(asked(credential))),
        "platform": credential.platform,
        "createdAt": iso(credential.created_ms) if credential.created_ms else None,
        "createdBy": credential.created_by,
        "lastUsedAt": iso(used_ms),
        "oldSecretUntil": iso(credential.previous_until_ms),
        "revokedAt": iso(credential.revoked_ms),
    }


def show_user(user: UserRecord) -> dict[str, Any]:
    """Show a person in one org."""
    member = user.member
    return {
        "id": user.person.id,
        **dict(show_resource(user.asked)),
        "status": user.status,
        "createdAt": iso(member.created_ms) if member.created_ms else None,
        "createdBy": member.created_by,
    }


def show_link(link: NewLink) -> dict[str, Any]:
    """Show an invitation or a reset; its token is shown this once."""
    return {"token": link.token, "purpose": link.purpose, "expiresAt": iso(link.expires_ms)}
