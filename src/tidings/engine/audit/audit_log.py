"""The audit log as whoever makes a change uses it: the change is written with its entry.

    with self._audit.recording(WEBHOOK_CHANGED, org, id, before, after):
        await self._store.put_webhook(…)

The entry is in the transaction of the write: there is no change without it, and none of it without
the change. Who acts is known by where the call came in (`current_actor.py`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog

from tidings.core.audit.actor import SERVICE, Actor
from tidings.core.audit.audit_actions import LOG_SHORTENED, STORE_RESTORED, AuditAction
from tidings.core.audit.chain import ANCHORS, Anchor
from tidings.core.audit.entries import PLATFORM_CHAIN, AuditDraft, draft
from tidings.core.times import exact
from tidings.engine.audit.current_actor import current_actor
from tidings.store import port

Fields = Mapping[str, Any]

log = structlog.get_logger(__name__)


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
        if_changed: bool = False,
    ) -> Iterator[None]:
        """Record what the block asks the store to write: one call.

        `chain` is the org's id, or `PLATFORM_CHAIN`. `object` is the id of what is changed; None
        where the write gives it a number. `before` and `after` hold what an answer shows of it, by
        field; of both the fields are kept that differ. `if_changed`: there is no entry where the
        write finds nothing to change.
        """
        made = draft(chain, current_actor(), action, object, before, after, times)
        with self.recording_all(made, if_changed=if_changed):
            yield

    @contextmanager
    def recording_all(self, *drafts: AuditDraft, if_changed: bool = False) -> Iterator[None]:
        """Record several entries with what the block asks the store to write: one call."""
        if not drafts:
            yield
            return
        with port.recorded(port.AuditWrite(self._key, drafts, if_changed)):
            yield

    async def append_all(self, *drafts: AuditDraft) -> None:
        """Record several at once that are no changes of the store. StoreDown."""
        await self._store.append_audit(self.write_of(*drafts))

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
        happened = draft(chain, actor or current_actor(), action, object, None, after, times)
        await self._store.append_audit(self.write_of(happened))

    async def put_anchor(self, at_ms: int) -> Anchor | None:
        """Anchor all chains that have grown since the last anchor; None where none has.
        StoreDown."""
        return await self._store.put_anchor(self._key, at_ms)

    async def shorten(self, chain: int, until_ms: int) -> int:
        """Drop a slice of a chain's entries that are older; how many. StoreDown."""
        mark = draft(chain, SERVICE, LOG_SHORTENED, str(chain))
        return await self._store.shorten_audit(self._key, mark, until_ms)

    async def shorten_anchors(self, until_ms: int, overdue_ms: int) -> int:
        """Drop a slice of the anchors before `until_ms` if there is one before `overdue_ms`; how
        many. StoreDown."""
        mark = draft(PLATFORM_CHAIN, SERVICE, LOG_SHORTENED, ANCHORS)
        return await self._store.shorten_anchors(self._key, mark, until_ms, overdue_ms)

    async def note_restore(self) -> None:
        """Record that the store is a restored copy, once, if it is one. StoreDown."""
        mark = draft(PLATFORM_CHAIN, SERVICE, STORE_RESTORED, "store")
        copied_ms = await self._store.note_restore(self._key, mark)
        if copied_ms is not None:
            log.warning("the store was restored from a backup", backup_made=exact(copied_ms))

    def write_of(self, *drafts: AuditDraft) -> port.AuditWrite:
        """Return entries as the store is given them."""
        return port.AuditWrite(self._key, drafts)
