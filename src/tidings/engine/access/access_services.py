"""Everything that decides who comes in, put together and loaded as one."""

import hmac
import os
import time
from dataclasses import dataclass

from tidings.engine.access.access import CredentialBook
from tidings.engine.access.credentials import Credentials
from tidings.engine.access.guards.sign_in_guard import SignInGuard
from tidings.engine.access.limits import Quotas
from tidings.engine.access.links import Links
from tidings.engine.access.passwords import Passwords
from tidings.engine.access.portal.portals import Portals
from tidings.engine.access.saved_views import SavedViews
from tidings.engine.access.session_table import SessionTable
from tidings.engine.access.sessions import Sessions
from tidings.engine.access.sessions_everywhere import SessionsEverywhere
from tidings.engine.access.tokens import Tokens
from tidings.engine.access.upkeep import AccessUpkeep
from tidings.engine.access.users import UserBook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.sign_ins import SignInLog
from tidings.engine.callables import RandomBytes, ReadSeconds
from tidings.engine.changes import Changes
from tidings.engine.clock import Clock
from tidings.engine.orgs import Orgs
from tidings.engine.running.supervisor import Supervisor
from tidings.store import port


@dataclass(frozen=True, kw_only=True)
class AccessServices:
    """The parts."""

    access: CredentialBook
    credentials: Credentials
    users: UserBook
    sessions: Sessions
    everywhere: SessionsEverywhere
    portals: Portals
    views: SavedViews
    sign_ins: SignInLog
    guard: SignInGuard
    limits: Quotas
    upkeep: AccessUpkeep

    @classmethod
    def compose(
        cls,
        *,
        store: port.AccessStore,
        audit: AuditLog,
        orgs: Orgs,
        changes: Changes,
        clock: Clock,
        token_key: bytes,
        supervisor: Supervisor,
        random_bytes: RandomBytes = os.urandom,
        passwords: Passwords | None = None,
        now_s: ReadSeconds = time.monotonic,
    ) -> "AccessServices":
        """Build everything. `token_key` signs access tokens: with another one, all of them end."""
        sign_ins = SignInLog(audit, clock)
        access = CredentialBook(
            store=store,
            audit=audit,
            sign_ins=sign_ins,
            orgs=orgs,
            changes=changes,
            random_bytes=random_bytes,
            clock=clock,
            tokens=Tokens(token_key, random_bytes),
        )
        links, table = Links(store, clock), SessionTable(store, audit)
        users = UserBook(
            store=store,
            audit=audit,
            links=links,
            sessions=table,
            changes=changes,
            clock=clock,
            random_bytes=random_bytes,
            passwords=passwords or Passwords(),
        )
        guard = SignInGuard(hmac.digest(token_key, b"tidings.devices", "sha256"))
        sessions = Sessions(
            audit=audit,
            sign_ins=sign_ins,
            links=links,
            access=access,
            table=table,
            users=users,
            clock=clock,
            random_bytes=random_bytes,
            guard=guard,
        )
        return cls(
            access=access,
            credentials=Credentials(
                orgs=orgs, access=access, changes=changes, clock=clock, random_bytes=random_bytes
            ),
            users=users,
            sessions=sessions,
            everywhere=SessionsEverywhere(sessions, users, table, audit),
            portals=Portals(
                links=links,
                audit=audit,
                sign_ins=sign_ins,
                sessions=sessions,
                table=table,
                clock=clock,
                random_bytes=random_bytes,
            ),
            views=SavedViews(store, audit, random_bytes),
            sign_ins=sign_ins,
            guard=guard,
            limits=Quotas(orgs, now_s),
            upkeep=AccessUpkeep(
                store=store,
                access=access,
                sessions=sessions,
                table=table,
                sign_ins=sign_ins,
                clock=clock,
                supervisor=supervisor,
            ),
        )

    def load(self, snapshot: port.Snapshot, people: port.People) -> None:
        """Take over everybody at start."""
        self.access.load(snapshot)
        self.users.load(people)
        self.sessions.load(people)
