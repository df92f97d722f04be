"""Changes of an org with their entries in the audit log, and the entries of its chain."""

from typing import Any

import msgspec

from tests.store.conformance.subject import Subject
from tidings.core.audit.actor import SERVICE
from tidings.core.audit.audit_actions import ORG_CHANGED
from tidings.core.audit.entries import AuditDraft, AuditEntry, draft
from tidings.core.ids import OrgId
from tidings.store import port

KEY = b"k" * 32
ORG = port.StoredOrg(OrgId(7), "Acme")


def change(name: str = "Acme", org: int = 7, **more: Any) -> AuditDraft:
    return draft(org, SERVICE, ORG_CHANGED, str(org), {"name": ""}, {"name": name}, **more)


def put(subject: Subject, name: str, *drafts: AuditDraft) -> int:
    async def asked(store: port.Store) -> int:
        orgs = {org.id: org for org in (await store.load()).orgs}
        known = orgs.get(ORG.id, msgspec.structs.replace(ORG, revision=0))
        with port.recorded(port.AuditWrite(KEY, drafts or (change(name),))):
            return await store.put_org(port.revise(known, name=name))

    return subject.ask(asked)


def entries(subject: Subject, chain: int = 7) -> list[AuditEntry]:
    return list(subject.ask(lambda store: store.audit_slice(chain, 0, 10_000)))
