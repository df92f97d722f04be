"""A log of audit entries for parts that are tested over a store that keeps none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.store.in_process import MemoryStore
from tidings.core.audit.audit_actions import AuditAction
from tidings.core.audit.entries import AuditDraft, AuditEntry
from tidings.engine.audit.audit_log import AuditLog


class UnkeptLog(AuditLog):
    """Notes what is recorded and asks no store to keep it."""

    def __init__(self) -> None:
        self.recorded: list[tuple[str, int, str | None]] = []

    @contextmanager
    def recording(
        self, action: AuditAction, chain: int, object: str | None, *_: Any, **__: Any
    ) -> Iterator[None]:
        yield
        self.recorded.append((action.name, chain, object))

    @contextmanager
    def recording_all(self, *drafts: AuditDraft, if_changed: bool = False) -> Iterator[None]:
        yield
        self.recorded += [(draft.action, draft.chain, draft.object) for draft in drafts]

    async def append_all(self, *drafts: AuditDraft) -> None:
        self.recorded += [(draft.action, draft.chain, draft.object) for draft in drafts]

    async def append(
        self, action: AuditAction, chain: int, object: str, *_: Any, **__: Any
    ) -> None:
        self.recorded.append((action.name, chain, object))


def entries_of(store: MemoryStore, chain: int) -> list[AuditEntry]:
    """Return all entries of a chain, oldest first."""
    return list(store.operations["audit_slice"](chain, 0, 10_000))
