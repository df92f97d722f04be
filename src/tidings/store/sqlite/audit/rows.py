"""The audit log as rows: chains that grow in the transactions of the changes that they tell of."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apsw
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
from tidings.store.sqlite.answers import answers
from tidings.store.sqlite.numbered_pages import PAGE_BYTES
from tidings.store.sqlite.tables import StoredTable

_ENTRY = StoredTable("audit", AuditEntry)
_INSERT = _ENTRY.insert()
_HEAD = "SELECT number, mac FROM audit_chain WHERE chain = ?"
_PUT_HEAD = (
    "INSERT INTO audit_chain (chain, number, mac) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (chain) DO UPDATE SET number = ?2, mac = ?3"
)
WALKED = 5000  # entries that one question looks at, and some index more
_NUMBER_MAX = (1 << 63) - 1
_INDEXES = {
    "object =": "audit_object",
    "action =": "audit_action",
    "actor =": "audit_actor",
    "object_kind =": "audit_kind",
}
_SINCE = (
    "SELECT min(number) FROM (SELECT number FROM audit INDEXED BY audit_time"
    " WHERE chain = ? AND at_ms >= ? ORDER BY at_ms, number LIMIT ?)"
)
_UNTIL = (
    "SELECT max(number) FROM (SELECT number FROM audit INDEXED BY audit_time"
    " WHERE chain = ? AND at_ms < ? ORDER BY at_ms DESC, number DESC LIMIT ?)"
)
_OVERDUE = (
    "SELECT chain FROM audit_chain c WHERE"
    " (SELECT at_ms FROM audit a WHERE a.chain = c.chain ORDER BY number LIMIT 1) < ? LIMIT ?"
)
OVERDUE_MAX = 1000  # chains of one answer
ANCHORS = "SELECT number, at_ms, heads, previous, mac FROM audit_anchor ORDER BY number"
_heads = msgspec.msgpack.Decoder(list[ChainHead])


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

    def append_of(self, write: port.AuditWrite, answer: object) -> None:
        """Write the entries of a change whose answer is known, in the transaction that is open."""
        if not write.if_changed or port.is_change(answer):
            self.append(write, made=str(getattr(answer, "number", "")))

    @answers(port.Store.append_audit)
    def write(self, write: port.AuditWrite) -> None:
        """See `port.AuditStore.append_audit`."""
        with self._connection:
            self.append(write)

    def _append(self, key: bytes, draft: AuditDraft, made: str) -> None:
        head = self._run(_HEAD, (draft.chain,)).fetchone()
        number, previous = (head[0] + 1, head[1]) if head else (1, START)
        entry = sealed(key, previous, numbered(draft, number, self._clock_ms(), made))
        self._run(_INSERT, _ENTRY.write(entry))
        self._run(_PUT_HEAD, (entry.chain, entry.number, entry.mac))


class AuditReader:
    """Reads the audit log, on the read-only connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.audit_page)
    def page(self, query: port.AuditQuery) -> port.AuditPage:
        """See `port.AuditStore.audit_page`.

        It walks at most `WALKED` entries, by the index that leads furthest; where that does not
        reach the end, the next page goes on there.
        """
        select, given, end = self._walk(query)
        found: list[AuditEntry] = []
        size = 0
        for row in self._run(select, (*given, query.limit + 1)):
            entry = _ENTRY.read(row)
            size += len(entry.before or b"") + len(entry.after or b"")
            if found and (len(found) == query.limit or size > PAGE_BYTES):
                end = found[-1].number
                break
            found.append(entry)
        if query.after is not None:
            found.reverse()
            return port.AuditPage(found, found[-1].number if found else query.after + 1, end)
        newer = None
        if query.before is not None:
            newer = found[0].number if found else max(query.before - 1, 0)
        return port.AuditPage(found, end, newer)

    def _walk(self, query: port.AuditQuery) -> tuple[str, Sequence[Any], int | None]:
        """Return the SELECT of a question but for its limit, its values, and the number at which
        it ends before all is looked at."""
        first, last = self._span(query)
        order, furthest = ("DESC", min) if query.after is None else ("ASC", max)
        conditions = _conditions(query)
        ends: dict[str, int | None] = {}
        for index, condition, value in _indexes(conditions):
            ends[index] = self._run(
                f"SELECT max(number) FROM (SELECT number FROM audit INDEXED BY {index}"
                f" WHERE chain = ? AND number BETWEEN ? AND ?{condition}"
                f" ORDER BY number {order} LIMIT 1 OFFSET ?)",
                (query.chain, first, last, *value, WALKED - 1),
            ).fetchone()[0]
            if ends[index] is None:
                end = None
                break
        else:
            end = furthest(number for number in ends.values() if number is not None)
            index = next(name for name, number in ends.items() if number == end)
            first, last = (end, last) if query.after is None else (first, end)
        where = "".join(f" AND {condition} ?" for condition, _ in conditions)
        select = (
            f"{_ENTRY.select} INDEXED BY {index} WHERE chain = ? AND number BETWEEN ? AND ?{where}"
            f" ORDER BY number {order} LIMIT ?"
        )
        return select, (query.chain, first, last, *(value for _, value in conditions)), end

    def _span(self, query: port.AuditQuery) -> tuple[int, int]:
        """Return the first and the last number that may be of a question's time and page.

        Numbers follow time but where a clock was set back: `WALKED` entries on the inner side of a
        time are looked at for its place.
        """
        first, last = 1, _NUMBER_MAX
        if query.since_ms is not None:
            [[number]] = self._run(_SINCE, (query.chain, query.since_ms, WALKED))
            first = _NUMBER_MAX if number is None else number
        if query.until_ms is not None:
            [[number]] = self._run(_UNTIL, (query.chain, query.until_ms, WALKED))
            last = number or 0
        if query.after is not None:
            first = max(first, min(query.after, _NUMBER_MAX - 1) + 1)
        elif query.before is not None:
            last = min(last, query.before - 1)
        return first, last

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
        rows = self._run("SELECT chain, number, mac FROM audit_chain ORDER BY chain")
        return [ChainHead(*row) for row in rows]

    @answers(port.Store.overdue_audit)
    def overdue(self, before_ms: int) -> list[int]:
        """See `port.AuditStore.overdue_audit`."""
        return [chain for (chain,) in self._run(_OVERDUE, (before_ms, OVERDUE_MAX))]

    @answers(port.Store.anchors)
    def anchors(self) -> list[Anchor]:
        """See `port.AuditStore.anchors`."""
        return [read_anchor(row) for row in self._run(ANCHORS)]


def read_anchor(row: Sequence[Any]) -> Anchor:
    """Return a row of `ANCHORS` as an anchor."""
    number, at_ms, heads, previous, mac = row
    return Anchor(number, at_ms, _heads.decode(heads), previous, mac)


def _conditions(query: port.AuditQuery) -> list[tuple[str, Any]]:
    """List the conditions that a question sets to an entry, beside its chain and number."""
    action = "action =" if "." in query.action else "object_kind ="
    asked = [
        ("at_ms >=", query.since_ms),
        ("at_ms <", query.until_ms),
        ("object =", query.object or None),
        (action, query.action or None),
        ("actor =", query.actor or None),
        ("object_kind =", query.object_kind or None),
    ]
    return [(condition, value) for condition, value in asked if value is not None]


def _indexes(conditions: Sequence[tuple[str, Any]]) -> Iterator[tuple[str, str, Sequence[Any]]]:
    """Yield the indexes by which entries of these conditions are found, each with its condition."""
    for condition, value in conditions:
        if condition in _INDEXES:
            yield _INDEXES[condition], f" AND {condition} ?", (value,)
    yield "audit_number", "", ()
