"""What is done to the audit log behind the changes: anchors, retention, and the mark of a restore.

Each slice of retention is one transaction with the mark that it leaves. It is not synced: a power
cut takes back the dropping and the mark alike. The mark is sealed like each entry.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.audit.anchors import anchor_mac
from tidings.core.audit.chain import START, Anchor, Remainder
from tidings.core.audit.entries import AuditDraft
from tidings.core.times import exact
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.audit.rows import ANCHOR, ANCHORS, CHAIN_HEAD, AuditRows
from tidings.store.sql.connection import StoreConnection

SHORTENED_AT_A_TIME = 500  # entries of one slice
HEADS_AT_A_TIME = 2000  # in the anchors of one slice, about
ANCHORS_AT_A_TIME = 500
COPIED = "copied_ms"  # in `meta`: when the copy was made that this is, until it is noted

_GROWN = f"{CHAIN_HEAD.select} WHERE number > anchored ORDER BY chain"
_NEWEST = "SELECT number, mac FROM audit_anchor ORDER BY number DESC LIMIT 1"
_ANCHORED = "UPDATE audit_chain SET anchored = number WHERE chain = ?"
_BEGINNING = "SELECT number, at_ms, mac FROM audit WHERE chain = ? ORDER BY number LIMIT ?"


class AuditUpkeep:
    """Shares the writer's connection."""

    def __init__(
        self, connection: StoreConnection, rows: AuditRows, is_here: Callable[[int], bool]
    ) -> None:
        """`is_here`: whether the family of an org is this store's to serve."""
        self._connection = connection
        self._is_here = is_here
        self._run: Callable[..., Any] = connection.execute
        self._rows = rows

    @answers(port.Store.put_anchor)
    def put_anchor(self, key: bytes, at_ms: int) -> Anchor | None:
        """See `port.AuditStore.put_anchor`."""
        with self._connection:
            all_grown = [CHAIN_HEAD.read(row) for row in self._run(_GROWN)]
            # What is copied must not change, and what arrives may be given up.
            grown = [head for head in all_grown if self._is_here(head.chain)]
            if not grown:
                return None
            number, previous = self._run(_NEWEST).fetchone() or (0, START)
            anchor = Anchor(number + 1, at_ms, grown, previous=previous)
            anchor = msgspec.structs.replace(anchor, mac=anchor_mac(key, anchor))
            self._run(ANCHOR.insert(), ANCHOR.write(anchor))
            if len(grown) == len(all_grown):
                self._run("UPDATE audit_chain SET anchored = number WHERE number > anchored")
            else:
                self._connection.executemany(_ANCHORED, [(head.chain,) for head in grown])
        return anchor

    @answers(port.Store.shorten_audit)
    def shorten(self, key: bytes, draft: AuditDraft, until_ms: int) -> int:
        """See `port.AuditStore.shorten_audit`."""
        with self._connection.unsynced(), self._connection:
            dropped, last, seal = 0, 0, b""
            for number, at_ms, mac in self._run(_BEGINNING, (draft.chain, SHORTENED_AT_A_TIME)):
                if at_ms >= until_ms:
                    break
                dropped, last, seal = dropped + 1, number, mac
            if dropped:
                self._run("DELETE FROM audit WHERE chain = ? AND number <= ?", (draft.chain, last))
                self._mark(key, draft, Remainder(last + 1, seal.hex(), dropped))
        return dropped

    @answers(port.Store.shorten_anchors)
    def shorten_anchors(self, key: bytes, draft: AuditDraft, until_ms: int, overdue_ms: int) -> int:
        """See `port.AuditStore.shorten_anchors`."""
        oldest = self._run("SELECT at_ms FROM audit_anchor ORDER BY number LIMIT 1").fetchone()
        dropped = self._old_anchors(until_ms) if oldest and oldest[0] < overdue_ms else []
        if not dropped:
            return 0
        last = dropped[-1]
        with self._connection.unsynced(), self._connection:
            self._run("DELETE FROM audit_anchor WHERE number <= ?", (last.number,))
            self._connection.executemany(
                "UPDATE audit_chain SET anchored = 0 WHERE chain = ? AND anchored = ?",
                [(head.chain, head.number) for anchor in dropped for head in anchor.heads],
            )
            self._mark(key, draft, Remainder(last.number + 1, last.mac.hex(), len(dropped)))
        return len(dropped)

    def _old_anchors(self, until_ms: int) -> list[Anchor]:
        """The oldest anchors before `until_ms`, as many as one slice takes, but for the newest."""
        newest, _ = self._run(_NEWEST).fetchone() or (0, b"")
        old: list[Anchor] = []
        heads = 0
        for row in self._run(f"{ANCHORS} LIMIT {ANCHORS_AT_A_TIME}"):
            anchor = ANCHOR.read(row)
            if anchor.at_ms >= until_ms or anchor.number == newest or heads > HEADS_AT_A_TIME:
                break
            heads += len(anchor.heads)
            old.append(anchor)
        return old

    @answers(port.Store.note_restore)
    def note_restore(self, key: bytes, draft: AuditDraft) -> int | None:
        """See `port.AuditStore.note_restore`."""
        with self._connection:
            copied = self._run(
                "DELETE FROM meta WHERE key = ? RETURNING value", (COPIED,)
            ).fetchone()
            if copied is None:
                return None
            newest, _ = self._run(_NEWEST).fetchone() or (0, b"")
            fields = {"backupMadeAt": exact(copied[0]), "newestAnchor": newest}
            self._write(key, draft, msgspec.json.encode(fields))
        return int(copied[0])

    def _mark(self, key: bytes, draft: AuditDraft, remainder: Remainder) -> None:
        self._write(key, draft, msgspec.json.encode(remainder))

    def _write(self, key: bytes, draft: AuditDraft, after: bytes) -> None:
        filled = msgspec.structs.replace(draft, after=after)
        self._rows.append(port.AuditWrite(key, (filled,)))
