"""The part of the port that knows who may come in: uses of credentials, people, sessions, links.

Promises, beside those of `tidings.store.port`:

* Several persons may have one e-mail address.
* `take_link` hands a link out once, whoever asks at the same time.
* Credentials, persons and memberships are written in the order of their revisions (`StaleChange`).
* `drop_member` forgets a person who is a member of nothing any more, with all sessions and links.
* The saved views of an org are found by their owner alone. They go with the membership, with the
  person, and with the credential that is revoked.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.ids import OrgId


class StoredCredential(msgspec.Struct, frozen=True, array_like=True):
    """A credential as it is stored. Only a digest of the secret is kept."""

    id: str
    org: OrgId
    platform: bool  # the platform's own: may name any org
    digest: bytes
    scopes: str
    created_ms: int = 0
    revoked_ms: int | None = None
    kind: str = "key"  # or "till", "oauth"
    name: str = ""
    expires_ms: int | None = None
    previous: bytes | None = None  # the digest of the secret before the last rotation …
    previous_until_ms: int | None = None  # … and until when it is taken too
    calls_per_minute: float | None = None
    events_per_s: float | None = None
    created_by: str = ""
    used_ms: int | None = None  # kept by `note_uses`; `put_credential` writes it at the first time
    revision: int = 1


class StoredPerson(msgspec.Struct, frozen=True, array_like=True):
    """Somebody who can sign in. `password` is an Argon2id hash; None until one is set."""

    id: str
    email: str  # in lower case
    password: str | None = None
    created_ms: int = 0
    revision: int = 1

    def __repr__(self) -> str:
        """Without the hash."""
        return f"Person(id={self.id!r})"


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A person's place in an org."""

    org: OrgId
    person: str
    name: str
    role: str
    created_ms: int = 0
    created_by: str = ""
    accepted_ms: int | None = None  # None: invited
    disabled_ms: int | None = None
    revision: int = 1


class StoredSession(msgspec.Struct, frozen=True, array_like=True):
    """A sign-in that has not ended. It belongs to a person or to a credential; the other is ''."""

    digest: bytes  # of the token
    person: str
    credential: str
    proof: bytes  # what was proved at sign-in; the session ends when it is true no more
    created_ms: int
    seen_ms: int
    address: str = ""
    agent: str = ""
    portal: bytes = b""  # what it is limited to, where a portal's link began it


class OneTimeLink(msgspec.Struct, frozen=True, array_like=True):
    """A token that can be used once: to sign in, to accept an invitation, to set a password."""

    digest: bytes
    purpose: str
    person: str
    org: OrgId
    credential: str
    expires_ms: int
    portal: bytes = b""  # what it opens, of a portal's link


class StoredView(msgspec.Struct, frozen=True, array_like=True):
    """The filters and the order of a list, under a name that its owner has given them."""

    org: OrgId  # whose list it is
    owner: str  # the id of a person or of a credential
    id: str
    list: str
    name: str
    query: str
    created_ms: int = 0
    revision: int = 1


class CredentialUse(msgspec.Struct, frozen=True, array_like=True):
    """The last use of a credential."""

    id: str
    at_ms: int


class SessionUse(msgspec.Struct, frozen=True, array_like=True):
    """The last use of a session."""

    digest: bytes
    at_ms: int


class People(msgspec.Struct, frozen=True, array_like=True):
    """Everybody who can sign in, and everybody who has."""

    persons: Sequence[StoredPerson] = ()
    members: Sequence[Member] = ()
    sessions: Sequence[StoredSession] = ()


class AccessStore(Protocol):
    """The store of credentials, people and sessions."""

    def put_credential(self, credential: StoredCredential) -> Awaitable[None]:
        """Insert a credential, or replace the revision before. Raise StaleChange."""

    def note_uses(
        self, credentials: Sequence[CredentialUse], sessions: Sequence[SessionUse]
    ) -> Awaitable[None]:
        """Write down last uses. At most some hundred at a time; unknown ids are passed over."""

    def load_people(self) -> Awaitable[People]:
        """Load everybody, at start."""

    def put_people(
        self,
        persons: Sequence[StoredPerson],
        members: Sequence[Member] = (),
        link: OneTimeLink | None = None,
        instead_of: str = "",
    ) -> Awaitable[None]:
        """Insert persons and memberships, or replace the revisions before, and store a link as
        `put_link` does: all of it, or nothing. In these orgs the membership of the person
        `instead_of` ends as by `drop_member`, and is the revision before. Raise StaleChange."""

    def drop_member(self, org: OrgId, person: str) -> Awaitable[bool]:
        """End a membership; whether the person was forgotten with it, being in no other org."""

    def put_session(self, session: StoredSession) -> Awaitable[None]:
        """Insert a session, or replace it but for when it began and was last seen."""

    def drop_sessions(self, digests: Sequence[bytes]) -> Awaitable[None]:
        """End sessions."""

    def put_link(self, link: OneTimeLink) -> Awaitable[None]:
        """Store a link, which is never changed. Older ones of the same purpose, person, org and
        credential end, but for links of portals."""

    def list_links(
        self, org: OrgId, purpose: str, now_ms: int, limit: int
    ) -> Awaitable[Sequence[OneTimeLink]]:
        """List the links of an org for a purpose that have not expired, the last to expire
        first."""

    def take_link(self, digest: bytes) -> Awaitable[OneTimeLink | None]:
        """Take the link of this digest, which is gone with this answer; None where there is
        none."""

    def drop_expired(self, seen_to_ms: int, born_to_ms: int, now_ms: int) -> Awaitable[int]:
        """Forget up to 500 sessions last seen or begun at these times or earlier, and as many links
        that have expired; how many were forgotten."""

    def saved_views(self, org: OrgId, owner: str) -> Awaitable[Sequence[StoredView]]:
        """Return the views that somebody has saved of an org's lists, by name."""

    def put_saved_view(self, view: StoredView) -> Awaitable[StoredView]:
        """Insert (revision 1), or rename the revision before; as it is stored. Raise StaleChange;
        NotKept on a schema before, which has no table of views."""

    def drop_saved_view(self, org: OrgId, owner: str, id: str) -> Awaitable[StoredView | None]:
        """Forget a view, and return it; None where there was none."""
