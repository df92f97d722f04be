"""A person in an org, shown and as the audit log keeps it, and a link that was made for them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.core.access.scopes import ROLES, grants_of
from tidings.core.access.user_rules import WantedUser
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import AuditAction
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, draft
from tidings.core.declaration import show_resource
from tidings.core.events.attribution import of_person
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.core.times import iso
from tidings.engine.access.denials import unknown_of
from tidings.engine.access.keys import digest_of
from tidings.errors import NotFound
from tidings.store import port

CHAINS_MAX = 20  # of the orgs of one person; what more are told of is in the platform's chain


class UnknownUser(NotFound):
    """The org has no user of this id."""

    def __init__(self, id: str) -> None:
        super().__init__(unknown_of("user", id))


class UserRecord(msgspec.Struct, frozen=True):
    """A person in an org."""

    person: port.StoredPerson
    member: port.Member

    @property
    def asked(self) -> WantedUser:
        """Return the user as a body would ask for it."""
        member = self.member
        return WantedUser(
            self.person.email, member.name, member.role, disabled=member.disabled_ms is not None
        )

    @property
    def status(self) -> str:
        """Return the status: invited, active or disabled."""
        if self.member.disabled_ms is not None:
            return "disabled"
        return "active" if self.member.accepted_ms is not None else "invited"

    @property
    def recorded(self) -> dict[str, Any]:
        """Return the user as the audit log keeps it."""
        return dict(show_resource(self.asked)) | {"status": self.status}

    @property
    def caller(self) -> AuthenticatedCaller:
        """Build the caller that they are in the org."""
        member = self.member
        return AuthenticatedCaller(
            org=member.org,
            credential=member.person,
            grants=grants_of(ROLES.get(member.role, "")),
            attribution=of_person(member.person, self.person.email, member.name),
            role=member.role,
        )


class NewLink(msgspec.Struct, frozen=True):
    """A link that was made just now; the only time that its token is known."""

    token: str
    purpose: str
    expires_ms: int

    def __repr__(self) -> str:
        """Show it without the token."""
        return f"NewLink(purpose={self.purpose!r})"

    def stored(self, person: str, org: OrgId) -> port.OneTimeLink:
        """Return the link of a person in an org, as the store keeps it: without its token."""
        return port.OneTimeLink(
            digest=digest_of(self.token),
            purpose=self.purpose,
            person=person,
            org=org,
            credential="",
            expires_ms=self.expires_ms,
        )

    @property
    def recorded(self) -> dict[str, Any]:
        """Return the link as the audit log keeps it: without its token."""
        return {"purpose": self.purpose, "expiresAt": iso(self.expires_ms)}


def is_active(member: port.Member) -> bool:
    """Return whether somebody may work there now."""
    return member.accepted_ms is not None and member.disabled_ms is None


def draft_for_orgs(
    users: Sequence[UserRecord],
    by: Actor,
    action: AuditAction,
    object: str | None = None,
    after: Mapping[str, Any] | None = None,
    times: int = 1,
) -> list[AuditDraft]:
    """Draft the entries of what somebody does who may be a user of several orgs: one for each, as
    the person that they are there, so that no org learns of the others. `object`: without one it
    is the person."""

    def as_person(chain: int, user: UserRecord) -> AuditDraft:
        person = user.person
        actor = msgspec.structs.replace(by, kind="person", id=person.id, name=person.email)
        return draft(chain, actor, action, object or person.id, None, after, times)

    if len(users) > CHAINS_MAX:
        return [as_person(PLATFORM_CHAIN, users[0])]
    return [as_person(user.member.org, user) for user in users]
