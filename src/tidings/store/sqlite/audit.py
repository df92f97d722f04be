"""The audit log as rows: chains that grow in the transactions of the changes that they tell of."""

from collections.abc import Callable, Sequence
from typing import Any

import apsw
import msgspec

from tidings.core.audit.chain import (
    START,
    Anchor,
    ChainHead,
    Remainder,
    anchor_mac,
    numbered,
    sealed,
)
from tidings.core.audit.entries import AuditDraft, AuditEntry
from tidings.store import port
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.tables import StoredTable

SHORTENED_AT_A_TIME = 2000

_ENTRY = StoredTable("audit", AuditEntry)
_INSERT = _ENTRY.insert()
_LAST = "SELECT number, mac FROM audit WHERE chain = ? ORDER BY number DESC LIMIT 1"
_HEADS = (
    "SELECT a.chain, a.number, a.mac FROM audit a JOIN"
    " (SELECT chain, max(number) AS number FROM audit GROUP BY chain) n"
    " ON a.chain = n.chain AND a.number = n.number ORDER BY a.chain"
)
_heads = msgspec.msgpack.Decoder(list[ChainHead])
_pack = msgspec.msgpack.Encoder().encode


class AuditRows:
    """Writes entries; shares the writer's connection."""

    def __init__(self, connection: apsw.Connection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    def append(self, write: port.AuditWrite, made: str = "") -> None:
        """Write entries, in the transaction that is open. `made`: the number of what was made."""
        for draft in write.entries:
            self._append(write.key, draft, made)

    @answers(port.Store.append_audit)
    def write(self, write: port.AuditWrite) -> None:
        """See `port.AuditStore.append_audit`."""
        with self._connection:
            self.append(write)

    @answers(port.Store.put_anchor)
    def put_anchor(self, key: bytes, at_ms: int) -> Anchor | None:
        """See `port.AuditStore.put_anchor`."""
        with self._connection:
            known: dict[int, int] = {}
            for (heads,) in self._run("SELECT heads FROM audit_anchor ORDER BY number"):
                known |= {head.chain: head.number for head in _heads.decode(heads)}
            grown = [
                head for head in _read_heads(self._run) if head.number > known.get(head.chain, 0)
            ]
            if not grown:
                return None
            [(number,)] = self._run("SELECT coalesce(max(number), 0) + 1 FROM audit_anchor")
            anchor = Anchor(number, at_ms, grown)
            anchor = msgspec.structs.replace(anchor, mac=anchor_mac(key, anchor))
            row = (anchor.number, anchor.at_ms, _pack(anchor.heads), anchor.mac)
            self._run("INSERT INTO audit_anchor VALUES (?, ?, ?, ?)", row)
        return anchor

    @answers(port.Store.shorten_audit)
    def shorten(self, key: bytes, draft: AuditDraft, until_ms: int) -> int:
        """See `port.AuditStore.shorten_audit`."""
        chain = draft.chain
        with self._connection:
            numbers = self._run(
                "SELECT number, mac FROM audit WHERE chain = ?1 AND at_ms < ?2"
                " AND number < (SELECT max(number) FROM audit WHERE chain = ?1)"
                " ORDER BY number LIMIT ?3",
                (chain, until_ms, SHORTENED_AT_A_TIME),
            ).fetchall()
            if not numbers:
                return 0
            last, mac = numbers[-1]
            self._run("DELETE FROM audit WHERE chain = ? AND number <= ?", (chain, last))
            self._run("DELETE FROM audit_anchor WHERE at_ms < ?", (until_ms,))
            left = Remainder(last + 1, mac.hex(), len(numbers))
            told = msgspec.structs.replace(draft, after=msgspec.json.encode(left))
            self._append(key, told, "")
        return len(numbers)

    def _append(self, key: bytes, draft: AuditDraft, made: str) -> None:
        last = self._run(_LAST, (draft.chain,)).fetchone()
        number, previous = (last[0] + 1, last[1]) if last else (1, START)
        entry = sealed(key, previous, numbered(draft, number, self._clock_ms(), made))
        self._run(_INSERT, _ENTRY.write(entry))


class AuditReader:
    """Reads the audit log, on the read-only connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.audit_page)
    def page(self, query: port.AuditQuery) -> port.AuditPage:
        """See `port.AuditStore.audit_page`."""
        where, given = _conditions(query)
        backwards = query.after is not None
        order = "number" if backwards else "number DESC"
        rows = self._run(
            f"{_ENTRY.select} WHERE {where} ORDER BY {order} LIMIT ?", (*given, query.limit + 1)
        ).fetchall()
        more = len(rows) > query.limit
        entries = [_ENTRY.read(row) for row in rows[: query.limit]]
        if backwards:
            entries.reverse()
        if not entries:
            return port.AuditPage([])
        older = entries[-1].number if more or backwards else None
        newer = entries[0].number if (query.before is not None or (backwards and more)) else None
        return port.AuditPage(entries, older, newer)

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
        return _read_heads(self._run)

    @answers(port.Store.anchors)
    def anchors(self) -> list[Anchor]:
        """See `port.AuditStore.anchors`."""
        rows = self._run("SELECT number, at_ms, heads, mac FROM audit_anchor ORDER BY number")
        return [
            Anchor(number, at_ms, _heads.decode(heads), mac) for number, at_ms, heads, mac in rows
        ]


def _read_heads(run: Callable[..., Any]) -> list[ChainHead]:
    return [ChainHead(*row) for row in run(_HEADS)]


def _conditions(query: port.AuditQuery) -> tuple[str, Sequence[Any]]:
    """Return the WHERE of a question and its values."""
    wanted: list[tuple[str, Any]] = [("chain = ?", query.chain)]
    if query.since_ms is not None:
        wanted.append(("at_ms >= ?", query.since_ms))
    if query.until_ms is not None:
        wanted.append(("at_ms < ?", query.until_ms))
    if query.actor:
        wanted.append(("actor = ?", query.actor))
    if query.action:
        wanted.append(("action = ?", query.action))
    if query.object_kind:
        wanted.append(("object_kind = ?", query.object_kind))
    if query.object:
        wanted.append(("object = ?", query.object))
    if query.after is not None:
        wanted.append(("number > ?", query.after))
    elif query.before is not None:
        wanted.append(("number < ?", query.before))
    return " AND ".join(condition for condition, _ in wanted), [value for _, value in wanted]
