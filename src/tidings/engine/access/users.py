"""People who can sign in, and what they may do in which org.

An org adds people by invitation, and who opens the invitation sets a password. That the address is
theirs nobody has proved, for the org holds the link. So each invitation makes a person of its own,
whatever the address, and a password that was set through one org opens that org and no other: no
org can take a place elsewhere by it, nor learn that there is one. Persons of one address who have
set the same password are one account: who signs in with it works in the orgs of all of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidings.core.access.credential_rules import PASSWORD_MAX
from tidings.core.access.user_rules import NewPassword, WantedUser, email_of
from tidings.core.audit.audit_actions import (
    PASSWORD_SET,
    USER_ACCEPTED,
    USER_CHANGED,
    USER_INVITED,
    USER_LINKED,
    USER_REMOVED,
)
from tidings.core.declaration import read_body
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId
from tidings.engine.access.keys import digest_of, typed
from tidings.engine.access.links import Links
from tidings.engine.access.passwords import KNOWN, Passwords, PasswordsElsewhere, TooBusy
from tidings.engine.access.session_table import SessionTable
from tidings.engine.access.tokens import mark_of
from tidings.engine.access.user_records import (
    NewLink,
    UnknownUser,
    UserRecord,
    draft_for_orgs,
    is_active,
)
from tidings.engine.access.user_refusals import check_role, link_ended, user_refused
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import acting_as, current_actor, known_as
from tidings.engine.callables import RandomBytes
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.over_cells import NotConfirmed
from tidings.errors import Conflict, Forbidden, passed
from tidings.store import port
from tidings.values import describe_value

PER_ORG_MAX = 1000
INVITE, RESET = "invite", "reset"
INVITE_MS, RESET_MS = 7 * 86_400_000, 3_600_000


class UserBook:
    """All people, in memory, over the store."""

    def __init__(
        self,
        *,
        store: port.AccessStore,
        audit: AuditLog,
        links: Links,
        sessions: SessionTable,
        changes: Changes,
        clock: Clock,
        random_bytes: RandomBytes,
        passwords: Passwords,
    ) -> None:
        self._store = store
        self._audit = audit
        self._links = links
        self._sessions = sessions
        self._changes = changes
        self._clock = clock
        self._random_bytes = random_bytes
        self._passwords = passwords
        self._persons: dict[str, port.StoredPerson] = {}
        self._of_email: dict[str, list[str]] = {}
        self._members: dict[str, dict[int, port.Member]] = {}  # by person, by org
        changes.reread_beside.add(lambda beside: self.load(beside.people))

    def load(self, people: port.People) -> None:
        """Take over everybody at start."""
        self._persons = {person.id: person for person in people.persons}
        self._of_email = {}
        for person in people.persons:
            self._of_email.setdefault(person.email, []).append(person.id)
        self._members = {}
        for member in people.members:
            self._members.setdefault(member.person, {})[member.org] = member

    # -- asking -----------------------------------------------------------------------------------

    def list(self, org: OrgId) -> list[UserRecord]:
        """List the users of an org, by e-mail address."""
        users = [
            UserRecord(self._persons[person], members[org])
            for person, members in self._members.items()
            if org in members
        ]
        return sorted(users, key=lambda user: user.person.email)

    def get(self, org: OrgId, id: str) -> UserRecord:
        """Find a user of an org. Raise UnknownUser for anything else."""
        member = self._members.get(id, {}).get(org)
        if member is None:
            raise UnknownUser(id)
        return UserRecord(self._persons[id], member)

    def seats(self, person: str) -> Sequence[port.Member]:
        """List where a person's account may work now, lowest org first."""
        seats = [
            member
            for user in self._account(person)
            for member in self._members.get(user.id, {}).values()
            if is_active(member)
        ]
        return sorted(seats, key=lambda member: member.org)

    def users_of(self, person: str) -> Sequence[UserRecord]:
        """List the users that a person's account is, lowest org first."""
        users = [
            UserRecord(self._persons[user.id], member)
            for user in self._account(person)
            for member in self._members.get(user.id, {}).values()
        ]
        return sorted(users, key=lambda user: user.member.org)

    def accounts_of(self, email: str) -> Sequence[tuple[int, str]]:
        """Return the chains of the audit log that tell of tries at an address, each with who that
        is there; none where nobody knows it."""
        return [
            (org, person)
            for person in self.of_email(email)
            for org in self._members.get(person, {})
        ]

    def of_email(self, email: str) -> Sequence[str]:
        """List the ids of the persons of an address."""
        return self._of_email.get(email_of(email), ())

    def email(self, person: str) -> str:
        """Return a person's address; empty where they are forgotten."""
        known = self._persons.get(person)
        return "" if known is None else known.email

    def caller(self, person: str, org: OrgId) -> AuthenticatedCaller:
        """Build the caller that an account is in an org. Raise Forbidden where it has no seat."""
        member = next((seat for seat in self.seats(person) if seat.org == org), None)
        if member is None:
            raise Forbidden.because(
                "forbidden_org",
                f"The org must be one that you are a user of; got {org}. Choose another one.",
                place="session",
            )
        return UserRecord(self._persons[member.person], member).caller

    def mark(self, person: str) -> bytes | None:
        """Compute the mark by which a password is known as a sign-in's; None: cannot sign in."""
        hashed = self.hash_of(person)
        return None if hashed is None else mark_of(hashed.encode()).encode()

    def hash_of(self, person: str) -> str | None:
        """Return the hash of a person's password; None: cannot sign in."""
        known = self._persons.get(person)
        return None if known is None else known.password

    async def verify(
        self, email: str, password: str, only: str | None = None, network: str = KNOWN
    ) -> str | None:
        """Find a person of this address and password, who may work somewhere; `only` this one. None
        where there is none; it takes as long whoever has the address. Raise TooBusy. `network`:
        where a stranger signs in from."""
        persons = [self._persons[id] for id in self.of_email(email) if only in (None, id)]
        hashes = [person.password for person in persons if person.password is not None]
        fitting = await self._passwords.which(hashes, password[: PASSWORD_MAX + 1], network)
        seated = [
            person for person in persons if person.password in fitting and self.seats(person.id)
        ]
        if not seated:
            return None
        if len(fitting) > 1 or any(self._passwords.is_old(hashed) for hashed in fitting):
            # One hash for all: they are one account from now on, and cost one check.
            hashed = await self.hash_for(seated[0].email, password)
            await self._set_password(lambda: self._unchanged(seated), hashed, is_new=False)
        return min(seated, key=lambda one: self.seats(one.id)[0].org).id

    async def hash_for(self, email: str, password: str) -> str:
        """Compute the hash of a password, with the salt that other persons of the address have."""
        hashes = [self._persons[id].password for id in self.of_email(email)]
        like = (
            hashed for hashed in hashes if hashed is not None and not self._passwords.is_old(hashed)
        )
        return await self._passwords.hash(password, next(like, None))

    # -- changing ---------------------------------------------------------------------------------

    async def create(
        self, caller: AuthenticatedCaller, org: OrgId, body: dict[str, Any]
    ) -> tuple[UserRecord, NewLink | None]:
        """Add somebody. Returns the user and the invitation, whose token is shown once.

        With a password, which the platform alone may set, there is nothing to accept.
        """
        wanted = passed(read_body(WantedUser, body))
        check_role(caller, wanted.role)
        if wanted.password is not None and not caller.platform:
            raise user_refused(
                Forbidden,
                "operators_only",
                "password",
                "password must be set by the person, with the invitation; got one from their org. "
                "Leave it out and pass the invitation on.",
            )
        hashed = None
        if wanted.password is not None:
            hashed = await self.hash_for(wanted.email, wanted.password)

        async def change() -> tuple[UserRecord, NewLink | None]:
            person = self._person_for(org, wanted, hashed)
            now_ms = self._clock.now_ms()
            fresh = port.Member(
                org=org,
                person=person.id,
                name=wanted.name,
                role=wanted.role,
                created_ms=now_ms,
                created_by=caller.credential,
                accepted_ms=None if hashed is None else now_ms,
            )
            link, invitation = None, None
            if hashed is None:
                link, invitation = self._new_link(INVITE, person.id, org, INVITE_MS)
            user = UserRecord(person, fresh)
            with self._audit.recording(USER_INVITED, org, person.id, None, user.recorded):
                await self._store.put_people([person], [fresh], link)
            self._keep_person(person)
            self._keep_member(fresh)
            return user, invitation

        return await self._changes.run(change)

    async def change(
        self, caller: AuthenticatedCaller, org: OrgId, id: str, body: dict[str, Any]
    ) -> UserRecord:
        """Change name, role or `disabled`; in force for open sessions when this returns."""

        async def change() -> UserRecord:
            user = self.get(org, id)
            member = user.member
            old = user.asked
            wanted = passed(read_body(WantedUser, body, old))
            check_role(caller, member.role)
            check_role(caller, wanted.role)
            disabled_ms = member.disabled_ms
            if wanted.disabled is not old.disabled:
                disabled_ms = self._clock.now_ms() if wanted.disabled else None
            fresh = port.revise(member, name=wanted.name, role=wanted.role, disabled_ms=disabled_ms)
            changed = UserRecord(user.person, fresh)
            with self._audit.recording(USER_CHANGED, org, id, user.recorded, changed.recorded):
                await self._store.put_people([], [fresh])
            self._keep_member(fresh)
            return changed

        return await self._changes.run(change)

    async def remove(self, caller: AuthenticatedCaller, org: OrgId, id: str) -> None:
        """Take somebody out of an org. Who is in none any more is forgotten."""

        async def change() -> None:
            user = self.get(org, id)
            check_role(caller, user.member.role)
            others = [user.id for user in self._account(id) if user.id != id]
            if others and len(self._members[id]) == 1:
                await self._sessions.inherit(id, others[0])
            with self._audit.recording(USER_REMOVED, org, id, user.recorded):
                forgotten = await self._store.drop_member(org, id)
            del self._members[id][org]
            if forgotten:
                del self._members[id], self._persons[id]
                self._of_email[user.person.email].remove(id)

        await self._changes.run(change)

    async def link(self, caller: AuthenticatedCaller, org: OrgId, id: str) -> NewLink:
        """Make a new invitation for a user who has not accepted; for others, by the platform, a
        reset. Raise UnknownUser, or Forbidden where the caller may not."""

        async def change() -> NewLink:
            user = self.get(org, id)
            check_role(caller, user.member.role)
            if user.member.accepted_ms is None:
                return await self._link(INVITE, id, org, INVITE_MS)
            if not caller.platform:
                raise user_refused(
                    Forbidden,
                    "operators_only",
                    "",
                    "A user who has accepted must get a new password from the operator; got the "
                    "org's credential. Ask the operator for a reset.",
                )
            return await self._link(RESET, id, org, RESET_MS)

        return await self._changes.run(change)

    async def open_link(
        self, token: str, password: object, elsewhere: PasswordsElsewhere | None = None
    ) -> str:
        """Accept an invitation, or set a new password; the person. TooBusy.

        An invitation's password is that of its own org. Where it is the one that they have in
        another org, they work in both by it; whether it is nobody is told. `elsewhere`: asks other
        cells, which go on with a new password too, or NotConfirmed is raised and the link is good.
        """
        given = passed(read_body(NewPassword, {"password": password})).password
        link = await self._links.take(digest_of(token))
        if link is not None and link.purpose not in (INVITE, RESET):
            await self._links.give_back(link)  # it is for another door
            link = None
        person = None if link is None else self._persons.get(link.person)
        if link is None or person is None or link.expires_ms <= self._clock.now_ms():
            raise link_ended()
        try:
            hashed = await self.hash_for(person.email, given)
            if link.purpose == RESET:
                id = person.id
                if elsewhere is not None and person.password is not None:
                    former = mark_of(person.password.encode()).encode()
                    if missing := await elsewhere.replace_hash(person.email, former, hashed):
                        raise NotConfirmed(missing)
                if not await self._set_password(lambda: self._account(id), hashed):
                    raise link_ended()
                return id
            accepted = await self._changes.run(lambda: self._accept(link, hashed))
            return accepted or await self._accepted_before(link, person.email, given)
        except (TooBusy, port.StoreDown, NotConfirmed):
            await self._links.give_back(link)
            raise

    async def change_password(self, email: str, current: str, password: object) -> str | None:
        """Change a password and end all sessions; return whose. None: the two are not known. Of
        persons in this cell alone: see `SessionsEverywhere`."""
        given = passed(read_body(NewPassword, {"password": password})).password
        id = await self.verify(email, current)
        if id is None:
            return None
        account = self._account(id)
        hashed = await self.hash_for(account[0].email, given)
        is_set = await self._set_password(lambda: self._unchanged(account), hashed)
        known = self._persons.get(id)
        return id if is_set or (known is not None and known.password == hashed) else None

    async def replace_hash(self, person: str, former: str, hashed: str, *, is_new: bool) -> bool:
        """Have a person and their account go on with a hash, if they have the former one still;
        return whether they do. Without `is_new` it is of the same password. Raise StoreDown."""

        def account() -> Sequence[port.StoredPerson]:
            return self._account(person) if self.hash_of(person) == former else []

        return await self._set_password(account, hashed, is_new=is_new)

    # -- inside -----------------------------------------------------------------------------------

    def _account(self, person: str) -> Sequence[port.StoredPerson]:
        """List the persons of this one's account: of the same address and password."""
        own = self._persons.get(person)
        if own is None or own.password is None:
            return []
        alike = [self._persons[id] for id in self._of_email[own.email]]
        return [user for user in alike if user.password == own.password]

    def _unchanged(self, persons: Sequence[port.StoredPerson]) -> Sequence[port.StoredPerson]:
        """List those who still have the password that they had, as they are now."""
        return [
            now
            for person in persons
            if (now := self._persons.get(person.id)) is not None
            and now.password == person.password  # else they were faster
        ]

    async def _set_password(
        self,
        persons: Callable[[], Sequence[port.StoredPerson]],
        hashed: str,
        *,
        is_new: bool = True,
    ) -> bool:
        """Store a hash for these persons, as they are by then; return whether there are any.
        Without `is_new` it is of the same password as before."""

        async def change() -> bool:
            fresh = [port.revise(person, password=hashed) for person in persons()]
            if not fresh:
                return False
            users = [
                UserRecord(person, member)
                for person in fresh
                for member in self._members.get(person.id, {}).values()
            ]
            drafts = draft_for_orgs(users, current_actor(), PASSWORD_SET) if is_new else []
            with self._audit.recording_all(*drafts):
                await self._store.put_people(fresh)  # one account before, and after
            for person in fresh:
                self._keep_person(person)
            return True

        return await self._changes.run(change)

    async def _accepted_before(self, link: port.OneTimeLink, email: str, password: str) -> str:
        """Return who has accepted an invitation by this password, and had no answer. Raise Invalid
        where nobody has, and TooBusy."""
        person = await self.verify(email, password)
        if person is None or all(seat.org != link.org for seat in self.seats(person)):
            raise link_ended()
        return person

    async def _accept(self, link: port.OneTimeLink, hashed: str) -> str | None:
        """Accept an invitation; None where that was done, or it is gone. Runs inside
        `Changes.run`."""
        person = self._persons.get(link.person)
        member = self._members.get(link.person, {}).get(link.org)
        if person is None or member is None or member.accepted_ms is not None:
            return None
        accepted = port.revise(member, accepted_ms=self._clock.now_ms())
        own, former = port.revise(person, password=hashed), ""
        if person.password is not None:
            # Invited when an address was one person for all orgs: one of this org's own from now.
            former, id = person.id, typed("usr", self._random_bytes(10))
            own = msgspec.structs.replace(own, id=id, revision=1)
            accepted = msgspec.structs.replace(accepted, person=id)
        before, after = UserRecord(person, member).recorded, UserRecord(own, accepted).recorded
        if former:
            before, after = before | {"id": former}, after | {"id": own.id}
        with (
            acting_as(known_as("person", own.id, own.email)),
            self._audit.recording(USER_ACCEPTED, link.org, own.id, before, after),
        ):
            await self._store.put_people([own], [accepted], None, former)
        if former:
            del self._members[former][link.org]
        self._keep_person(own)
        self._keep_member(accepted)
        return own.id

    def _person_for(self, org: OrgId, wanted: WantedUser, hashed: str | None) -> port.StoredPerson:
        """Return a new person of an address, in `Changes.run`; raise Conflict if none may be."""
        if len(self.list(org)) >= PER_ORG_MAX:
            raise user_refused(
                Conflict,
                "too_many",
                "",
                f"An org must have at most {PER_ORG_MAX} users; got one more. Remove some.",
            )
        known = [self._persons[id] for id in self.of_email(wanted.email)]
        if any(org in self._members[person.id] for person in known):
            raise user_refused(
                Conflict,
                "user_exists",
                "email",
                f"email must be new in the org; got {describe_value(wanted.email)}. Change that "
                "user.",
            )
        if hashed is not None and any(person.password is not None for person in known):
            raise user_refused(
                Conflict,
                "person_exists",
                "password",
                "password must be for a new user; got one for a user who already has a password. "
                "Leave it out.",
            )
        id = typed("usr", self._random_bytes(10))
        return port.StoredPerson(id, wanted.email, hashed, created_ms=self._clock.now_ms())

    async def _link(self, purpose: str, person: str, org: OrgId, lasts_ms: int) -> NewLink:
        link, fresh = self._new_link(purpose, person, org, lasts_ms)
        with self._audit.recording(USER_LINKED, org, person, None, fresh.recorded):
            await self._links.put(link)
        return fresh

    def _new_link(
        self, purpose: str, person: str, org: OrgId, lasts_ms: int
    ) -> tuple[port.OneTimeLink, NewLink]:
        """Create a link; return it as it is stored and as it is shown."""
        shown = NewLink(
            typed("lnk", self._random_bytes(30)), purpose, self._clock.now_ms() + lasts_ms
        )
        return shown.stored(person, org), shown

    def _keep_person(self, person: port.StoredPerson) -> None:
        if person.id not in self._persons:
            self._of_email.setdefault(person.email, []).append(person.id)
        self._persons[person.id] = person
        self._members.setdefault(person.id, {})

    def _keep_member(self, member: port.Member) -> None:
        self._members.setdefault(member.person, {})[member.org] = member
