"""A person in an org, and a link that was made for them."""

import msgspec

from tidings.core.access.user_rules import WantedUser
from tidings.engine.access.denials import unknown_of
from tidings.errors import NotFound
from tidings.store import port


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
        """As a body would ask for it."""
        member = self.member
        return WantedUser(
            self.person.email, member.name, member.role, member.disabled_ms is not None
        )

    @property
    def status(self) -> str:
        """invited, active or disabled."""
        if self.member.disabled_ms is not None:
            return "disabled"
        return "active" if self.member.accepted_ms is not None else "invited"


class NewLink(msgspec.Struct, frozen=True):
    """A link that was made just now; the only time that its token is known."""

    token: str
    purpose: str
    expires_ms: int

    def __repr__(self) -> str:
        """Without the token."""
        return f"NewLink(purpose={self.purpose!r})"


def is_active(member: port.Member) -> bool:
    """Return whether somebody may work there now."""
    return member.accepted_ms is not None and member.disabled_ms is None
