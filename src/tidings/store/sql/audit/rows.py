"""The audit log as rows: chains that grow in the transactions of the changes that they tell of."""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.audit.chain import (
    START,
    Anchor,
    ChainHead,
    numbered,
    sealed,
)
from tidings.core.audit.entries import AuditDraft, AuditEntry
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.audit.pages import read_page
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import ColumnCodec, StoredTable

_ENTRY = StoredTable("audit", AuditEntry)
_INSERT = _ENTRY.insert()
CHAIN_HEAD = StoredTable("audit_chain", ChainHead)
_HEAD = f"{CHAIN_HEAD.select} WHERE chain = ?"
_PUT_HEAD = CHAIN_HEAD.upsert("chain")
_OVERDUE = (
    "SELECT chain FROM audit_chain c WHERE"
    " (SELECT at_ms FROM audit a WHERE a.chain = c.chain ORDER BY number LIMIT 1) < ? LIMIT ?"
)
OVERDUE_MAX = 1000  # chains of one answer
_HEADS = ColumnCodec(msgspec.msgpack.Decoder(list[ChainHead]).decode, msgspec.msgpack.encode)
ANCHOR = StoredTable("audit_anchor", Anchor, {"heads": _HEADS})
ANCHORS = f"{ANCHOR.select} ORDER BY number"


class AuditRows:
    """Writes entries; shares the writer's connection."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    def append(self, write: port.AuditWrite, made: str = "") -> None:
        """Write entries, in the transaction that is open. `made`: the number of what was made."""
        for draft in write.entries:
            self._append(write.key, draft, made)

    def append_of(self, write: port.AuditWrite, answer: object) -> None:
        """Write the entries of a change whose answer is known, in the transaction that is open."""
        if write.is_due(answer):
            self.append(write, made=str(getattr(answer, "number", "")))

    @answers(port.Store.append_audit)
    def write(self, write: port.AuditWrite) -> None:
        """See `port.AuditStore.append_audit`."""
        with self._connection:
            self.append(write)

    def _append(self, key: bytes, draft: AuditDraft, made: str) -> None:
        row = self._run(_HEAD, (draft.chain,)).fetchone()
        head = CHAIN_HEAD.read(row) if row else None
        number, previous = (head.number + 1, head.mac) if head else (1, START)
        entry = sealed(key, previous, numbered(draft, number, self._clock_ms(), made))
        self._run(_INSERT, _ENTRY.write(entry))
        self._run(_PUT_HEAD, CHAIN_HEAD.write(ChainHead(entry.chain, entry.number, entry.mac)))


class AuditReader:
    """Reads the audit log, on the read-only connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.audit_page)
    def page(self, query: port.AuditQuery) -> port.AuditPage:
        """See `port.AuditStore.audit_page`."""
        return read_page(self._run, query)

    @answers(port.Store.audit_slice)
    def slice(self, chain: int, after: int, limit: int) -> list[AuditEntry]:
        """See `port.AuditStore.audit_slice`."""
        rows = self._run(
            f"{_ENTRY.select} WHERE chain = ? AND number > ? ORDER BY number LIMIT ?",
            (chain, after, limit),
        )
        return [_ENTRY.read(row) for row in rows]

    @answers(port.Store.audit_heads)
    def heads(self) -> list[ChainHead]:
        """See `port.AuditStore.audit_heads`."""
        rows = self._run(f"{CHAIN_HEAD.select} ORDER BY chain")
        return [CHAIN_HEAD.read(row) for row in rows]

    @answers(port.Store.overdue_audit)
    def overdue(self, before_ms: int) -> list[int]:
        """See `port.AuditStore.overdue_audit`."""
        return [chain for (chain,) in self._run(_OVERDUE, (before_ms, OVERDUE_MAX))]

    @answers(port.Store.anchors)
    def anchors(self) -> list[Anchor]:
        """See `port.AuditStore.anchors`."""
        return [ANCHOR.read(row) for row in self._run(ANCHORS)]
