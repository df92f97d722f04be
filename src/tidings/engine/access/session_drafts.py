"""The entries of the audit log that tell of a session, in the chains of the orgs that it opens."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidings.core.audit.audit_actions import SESSION_BEGUN, AuditAction
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, draft
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.credential_records import chain_of
from tidings.engine.access.keys import shown_id
from tidings.engine.access.session_table import PortalSession
from tidings.engine.access.user_records import draft_for_orgs
from tidings.engine.access.users import UserBook
from tidings.engine.audit.current_actor import known_as
from tidings.store import port


class SessionDrafts:
    """Drafts them; apart from `Sessions` for its length."""

    def __init__(self, access: CredentialBook, users: UserBook) -> None:
        self._access = access
        self._users = users

    def of(
        self,
        action: AuditAction,
        session: port.StoredSession,
        opened: PortalSession | None,
        after: Mapping[str, Any],
        times: int = 1,
    ) -> Sequence[AuditDraft]:
        """Draft the entries of what becomes of a session. `opened`: what a portal's is limited
        to."""
        by = known_as("credential", session.credential, "")
        address = session.address if action is SESSION_BEGUN else by.address or session.address
        by = msgspec.structs.replace(by, face="console", address=address)
        id = shown_id(session.digest)
        if opened is not None:
            id_of = session.person or session.credential
            by = msgspec.structs.replace(by, kind="person", id=id_of, name=f"{opened.name} portal")
            return [draft(opened.org, by, action, id, None, after, times)]
        if session.person:
            users = self._users.users_of(session.person)
            return draft_for_orgs(users, by, action, id, after, times)
        credential = self._access.credential(session.credential)
        name, chain = "", PLATFORM_CHAIN
        if credential is not None:
            name, chain = credential.name, chain_of(credential)
        by = msgspec.structs.replace(by, name=name)
        return [draft(chain, by, action, id, None, after, times)]
