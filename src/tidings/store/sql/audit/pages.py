"""Pages of the audit log: entries by who, when, what and on what, each for a bounded price."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tidings.core.audit.entries import AuditEntry
from tidings.store import port
from tidings.store.sql.numbered_pages import PAGE_BYTES, Row, rows_in_pieces
from tidings.store.sql.row_mapping import StoredTable

_ENTRY = StoredTable("audit", AuditEntry)
_NUMBER = _ENTRY.place("number")
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


def read_page(run: Callable[..., Any], query: port.AuditQuery) -> port.AuditPage:
    """Return a page of a chain.

    It walks at most `WALKED` entries, by the index that leads furthest; where that does not reach
    the end, the next page goes on there.
    """
    walk, end = _walk(run, query)

    def ask(behind: int, most: int) -> list[Row]:
        return walk.rows_behind(run, behind, most)

    found: list[AuditEntry] = []
    size = 0
    at = walk.first - 1 if query.after is not None else walk.last + 1
    for row in rows_in_pieces(ask, at, query.limit + 1, _NUMBER):
        entry = _ENTRY.read(row)
        size += len(entry.before or b"") + len(entry.after or b"")
        if found and (len(found) == query.limit or size > PAGE_BYTES):
            end = found[-1].number
            break
        found.append(entry)
    if query.after is not None:
        found.reverse()
        older = found[-1].number if found else min(query.after, _NUMBER_MAX - 1) + 1
        return port.AuditPage(found, older, end)
    newer = None
    if query.before is not None:
        newer = found[0].number if found else max(query.before - 1, 0)
    return port.AuditPage(found, end, newer)


class EntryWalk(NamedTuple):
    """Entries of a chain between two numbers that fit, along an index."""

    select: str
    chain: int
    first: int
    last: int
    values: Sequence[Any]
    newest_first: bool

    def rows_behind(self, run: Callable[..., Any], at: int, most: int) -> list[Row]:
        """Return rows behind a number, as many as these at most."""
        first, last = (self.first, at - 1) if self.newest_first else (at + 1, self.last)
        rows: list[Row] = run(self.select, (self.chain, first, last, *self.values, most)).fetchall()
        return rows


def _walk(run: Callable[..., Any], query: port.AuditQuery) -> tuple[EntryWalk, int | None]:
    """Return how a question is answered, and the number at which that ends before all is looked
    at."""
    first, last = _span(run, query)
    order, furthest = ("DESC", min) if query.after is None else ("ASC", max)
    conditions = _conditions(query)
    ends: dict[str, int | None] = {}
    for index, condition, value in _indexes(conditions):
        ends[index] = run(
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
    walk = EntryWalk(
        select=select,
        chain=query.chain,
        first=first,
        last=last,
        values=[value for _, value in conditions],
        newest_first=query.after is None,
    )
    return walk, end


def _span(run: Callable[..., Any], query: port.AuditQuery) -> tuple[int, int]:
    """Return the first and the last number that may be of a question's time and page.

    Numbers follow time but where a clock was set back: `WALKED` entries on the inner side of a
    time are looked at for its place.
    """
    first, last = 1, _NUMBER_MAX
    if query.since_ms is not None:
        [[number]] = run(_SINCE, (query.chain, query.since_ms, WALKED))
        first = _NUMBER_MAX if number is None else number
    if query.until_ms is not None:
        [[number]] = run(_UNTIL, (query.chain, query.until_ms, WALKED))
        last = number or 0
    if query.after is not None:
        first = max(first, min(query.after, _NUMBER_MAX - 1) + 1)
    elif query.before is not None:
        last = min(last, query.before - 1)
    return first, last


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
