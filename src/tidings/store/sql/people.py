"""People, their memberships, sessions and links, and the last uses of credentials."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from tidings.core.ids import OrgId
from tidings.store.port import (
    AccessStore,
    CredentialUse,
    Member,
    OneTimeLink,
    People,
    SessionUse,
    StaleChange,
    StoredPerson,
    StoredSession,
)
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.configuration.saved_views import drop_views_of
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

EXPIRED_SLICE = 500

_PERSON = StoredTable("person", StoredPerson)
_REVISED_PERSON = RevisedTable(_PERSON, "id", keeps=["created_ms"])
_MEMBER = StoredTable("member", Member)
# Who invited somebody, and when, stays.
_REVISED_MEMBER = RevisedTable(_MEMBER, "org", "person", keeps=["created_ms", "created_by"])
_END_REVISION = (
    "UPDATE member SET revision = revision + 1 WHERE org = ? AND person = ? AND revision = ?"
)
_SESSION = StoredTable("session", StoredSession)
_PUT_SESSION = _SESSION.upsert("digest", keeps=["created_ms", "seen_ms"])
_LINK = StoredTable("link", OneTimeLink)
# One that is given back may be there: the answer to its taking, or to its giving back, was lost.
_PUT_LINK = _LINK.upsert("digest")


class PeopleTables:
    """Tables of who can sign in and who has; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms

    @answers(AccessStore.note_uses)
    def note_uses(
        self, credentials: Sequence[CredentialUse], sessions: Sequence[SessionUse]
    ) -> None:
        with self._connection:
            self._connection.executemany(
                "UPDATE credential SET used_ms = ?1 WHERE id = ?2 AND coalesce(used_ms, 0) < ?1",
                [(use.at_ms, use.id) for use in credentials],
            )
            self._connection.executemany(
                "UPDATE session SET seen_ms = ?1 WHERE digest = ?2 AND seen_ms < ?1",
                [(seen.at_ms, seen.digest) for seen in sessions],
            )

    @answers(AccessStore.load_people)
    def load(self) -> People:
        run = self._connection.execute
        return People(
            [_PERSON.read(row) for row in run(f"{_PERSON.select} ORDER BY id")],
            [_MEMBER.read(row) for row in run(f"{_MEMBER.select} ORDER BY org, person")],
            [_SESSION.read(row) for row in run(f"{_SESSION.select} ORDER BY created_ms, digest")],
        )

    @answers(AccessStore.put_people)
    def put_people(
        self,
        persons: Sequence[StoredPerson],
        members: Sequence[Member] = (),
        link: OneTimeLink | None = None,
        instead_of: str = "",
    ) -> None:
        with self._connection:
            for person in persons:
                self._put_person(person)
            for member in members:
                if instead_of:
                    self._put_instead(member, instead_of)
                else:
                    self._put_member(member)
            if link is not None:
                self._put_link(link)

    @answers(AccessStore.drop_member)
    def drop_member(self, org: OrgId, person: str) -> bool:
        with self._connection:
            forgotten = self._drop_member(org, person)
        return forgotten

    @answers(AccessStore.put_session)
    def put_session(self, session: StoredSession) -> None:
        with self._connection:
            self._connection.execute(_PUT_SESSION, _SESSION.write(session))

    @answers(AccessStore.drop_sessions)
    def drop_sessions(self, digests: Sequence[bytes]) -> None:
        with self._connection:
            self._connection.executemany(
                "DELETE FROM session WHERE digest = ?", [(digest,) for digest in digests]
            )

    @answers(AccessStore.put_link)
    def put_link(self, link: OneTimeLink) -> None:
        with self._connection:
            self._put_link(link)

    @answers(AccessStore.list_links)
    def list_links(
        self, org: OrgId, purpose: str, now_ms: int, limit: int
    ) -> Sequence[OneTimeLink]:
        rows = self._connection.execute(
            f"{_LINK.select} WHERE org = ? AND purpose = ? AND expires_ms > ?"
            " ORDER BY expires_ms DESC, digest LIMIT ?",
            (org, purpose, now_ms, limit),
        )
        return [_LINK.read(row) for row in rows]

    @answers(AccessStore.take_link)
    def take_link(self, digest: bytes) -> OneTimeLink | None:
        with self._connection:
            row = self._connection.execute(
                f"DELETE FROM link WHERE digest = ? RETURNING {_LINK.columns}", (digest,)
            ).fetchone()
        return None if row is None else _LINK.read(row)

    @answers(AccessStore.drop_expired)
    def drop_expired(self, seen_to_ms: int, born_to_ms: int, now_ms: int) -> int:
        run = self._connection.execute
        with self._connection:
            run(
                "DELETE FROM session WHERE digest IN (SELECT digest FROM session"
                " WHERE seen_ms <= ? OR created_ms <= ? LIMIT ?)",
                (seen_to_ms, born_to_ms, EXPIRED_SLICE),
            )
            dropped = self._connection.changes()
            run(
                "DELETE FROM link WHERE digest IN (SELECT digest FROM link WHERE expires_ms <= ?"
                " LIMIT ?)",
                (now_ms, EXPIRED_SLICE),
            )
            dropped += self._connection.changes()
        return dropped

    # -- inside a transaction ---------------------------------------------------------------------

    def _put_person(self, person: StoredPerson) -> None:
        dated = replace(person, created_ms=person.created_ms or self._clock_ms())
        _REVISED_PERSON.put(self._connection, dated)

    def _put_member(self, member: Member) -> None:
        dated = replace(member, created_ms=member.created_ms or self._clock_ms())
        _REVISED_MEMBER.put(self._connection, dated)

    def _put_instead(self, member: Member, former: str) -> None:
        """Have a membership go on as that of another person, who is `former` no more."""
        self._connection.execute(_END_REVISION, (member.org, former, member.revision - 1))
        if not self._connection.changes():
            raise StaleChange(f"the membership of {former} has changed, or is gone")
        _REVISED_MEMBER.insert(self._connection, member)
        self._drop_member(member.org, former)

    def _drop_member(self, org: OrgId, person: str) -> bool:
        run = self._connection.execute
        run("DELETE FROM member WHERE org = ? AND person = ?", (org, person))
        run("DELETE FROM link WHERE org = ? AND person = ?", (org, person))
        drop_views_of(self._connection, person, org)
        if run("SELECT 1 FROM member WHERE person = ?", (person,)).fetchone():
            return False
        for table in ("session", "link"):
            run(f"DELETE FROM {table} WHERE person = ?", (person,))
        drop_views_of(self._connection, person)
        run("DELETE FROM person WHERE id = ?", (person,))
        return True

    def _put_link(self, link: OneTimeLink) -> None:
        run = self._connection.execute
        if not link.portal:  # of those many are open at once
            run(
                "DELETE FROM link WHERE purpose = ? AND person = ? AND org = ? AND credential = ?",
                (link.purpose, link.person, link.org, link.credential),
            )
        run(_PUT_LINK, _LINK.write(link))
