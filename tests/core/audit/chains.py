"""A chain of an org, and what a check finds in it."""

from collections.abc import Sequence

from tidings.core.audit.actor import SERVICE
from tidings.core.audit.audit_actions import ORG_CHANGED
from tidings.core.audit.chain import START, check_chain, numbered, sealed
from tidings.core.audit.entries import AuditEntry, draft

KEY = b"k" * 32


def chain_of(count: int, org: int = 7) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    previous = START
    for number in range(1, count + 1):
        change = draft(org, SERVICE, ORG_CHANGED, str(org), {"name": number}, {"name": number + 1})
        entries.append(sealed(KEY, previous, numbered(change, number, 1000 + number, "")))
        previous = entries[-1].mac
    return entries


def faults(entries: Sequence[AuditEntry]) -> list[tuple[int, int]]:
    return [(fault.chain, fault.number) for fault in check_chain(KEY, entries)]
