"""The audit log as whoever makes a change uses it: the change is written with its entry.

    with self._audit.recording(WEBHOOK_CHANGED, org, id, before, after):
        await self._store.put_webhook(…)

The entry is in the transaction of the write: there is no change without it, and none of it without
the change. Who acts is known by where the call came in (`acting.py`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tidings.core.audit.actions import AuditAction
from tidings.core.audit.actor import Actor
from tidings.core.audit.entries import AuditDraft, draft
from tidings.engine.audit.acting import acting
from tidings.store import port

Fields = Mapping[str, Any]


class AuditLog:
    """Records changes, and what is no change of the store."""

    def __init__(self, store: port.AuditStore, key: bytes) -> None:
        """`key` seals the entries; it is not in the store's tables."""
        self._store = store
        self._key = key

    @contextmanager
    def recording(
        self,
        action: AuditAction,
        chain: int,
        object: str | None,
        before: Fields | None = None,
        after: Fields | None = None,
        *,
        times: int = 1,
    ) -> Iterator[None]:
        """Record what the block asks the store to write: one call.

        `chain` is the org's id, or `PLATFORM_CHAIN`. `object` is the id of what is changed; None
        where the write gives it a number. `before` and `after` hold what an answer shows of it, by
        field; of both the fields are kept that differ.
        """
        with port.recorded(
            self.write_of(draft(chain, acting(), action, object, before, after, times))
        ):
            yield

    async def append(
        self,
        action: AuditAction,
        chain: int,
        object: str,
        after: Fields | None = None,
        *,
        actor: Actor | None = None,
        times: int = 1,
    ) -> None:
        """Record what is no change of the store. StoreDown."""
        told = draft(chain, actor or acting(), action, object, None, after, times)
        await self._store.append_audit(self.write_of(told))

    def write_of(self, *drafts: AuditDraft) -> port.AuditWrite:
        """Return entries as the store is given them."""
        return port.AuditWrite(self._key, drafts)
