"""Drops what is old of the audit log, a slice at a time: entries of each chain, and anchors.

A chain is looked at once its first entry is a day older than it has to be kept. So retention leaves
one mark a day in a chain at most, or one for each slice where more has become old.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.orgs.retention import DAY_MS, RetentionPace
from tidings.engine.audit.audit_log import AuditLog
from tidings.store import port

Rest = Callable[[float], Awaitable[None]]


class AuditRetention:
    """Part of each pass of retention."""

    def __init__(self, store: port.AuditStore, audit: AuditLog, days: int) -> None:
        """`days`: for how long entries are kept."""
        self._store = store
        self._audit = audit
        self._days = days

    async def drop(self, now_ms: int, rest: Rest) -> int:
        """Drop what is too old at `now_ms`; how many entries that were. `rest` is awaited for some
        seconds between two slices. StoreDown."""
        until_ms = now_ms - self._days * DAY_MS
        overdue_ms = until_ms - DAY_MS
        dropped = 0
        while chains := await self._store.overdue_audit(overdue_ms):
            before = dropped
            for chain in chains:
                if chain == PLATFORM_CHAIN:  # by its marks those go that older anchors name
                    await self._drop_anchors(until_ms, until_ms, rest)
                with suppress(port.FamilyAway):  # it is moved: its chain is another cell's to drop
                    while rows := await self._paced(self._audit.shorten(chain, until_ms), rest):
                        dropped += rows
            if dropped == before:
                break
        await self._drop_anchors(until_ms, overdue_ms, rest)
        return dropped

    async def _drop_anchors(self, until_ms: int, overdue_ms: int, rest: Rest) -> None:
        while await self._paced(self._audit.shorten_anchors(until_ms, overdue_ms), rest):
            pass

    async def _paced(self, dropping: Awaitable[int], rest: Rest) -> int:
        """Drop a slice, and leave the writer to others for four times as long as it took."""
        began_s = monotonic()
        rows = await dropping
        pace = RetentionPace()
        pace.slice_took((monotonic() - began_s) * 1e3)
        await rest(pace.wait_s)
        return rows
