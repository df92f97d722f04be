"""What is always true of a store, as queries: each finds what breaks it.

The rows of a batch are committed together, so these hold at every moment, beside a service that
writes and after any crash. But for a family that arrives, or whose rows are dropped because it has
gone: of those any part may be there.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tidings.core.cells.ranges import range_of
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.absences import read_absent
from tidings.store.sql.facts.numbers import BEGUN, NUMBERED, RANGES, read_ranges
from tidings.store.sql.queries import ORPHANS
from tidings.store.sql.states import HELD, WAITING, is_unfinished

NAMED_MAX = 3


class Invariant(NamedTuple):
    """A rule of the rows: the words for rows that break it, and the query for them."""

    finding: str
    source: str  # FROM … WHERE …, of what breaks it
    key: str

    def counting(self) -> str:
        """Write the query that counts what breaks it."""
        return f"SELECT count(*) {self.source}"

    def naming(self) -> str:
        """Write the query that names some of what breaks it."""
        return f"SELECT {self.key} {self.source} ORDER BY {self.key} LIMIT {NAMED_MAX}"


INVARIANTS = (
    Invariant(
        "deliveries belong to no event",
        "FROM delivery d WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = d.event)",
        "d.id",
    ),
    Invariant(
        "unfinished deliveries belong to no webhook, so nobody sends them",
        f"FROM delivery d WHERE {is_unfinished('d')}"
        " AND NOT EXISTS (SELECT 1 FROM webhook w WHERE w.number = d.webhook)",
        "d.id",
    ),
    Invariant(
        "unfinished deliveries are of a version that their webhook does not have",
        f"FROM delivery d WHERE {is_unfinished('d')} AND NOT EXISTS"
        " (SELECT 1 FROM webhook_version v WHERE v.webhook = d.webhook AND v.version = d.version)",
        "d.id",
    ),
    Invariant(
        "deliveries wait and do not name for what",
        f"FROM delivery d WHERE d.state = {WAITING}"
        " AND NOT EXISTS (SELECT 1 FROM waiting w WHERE w.delivery = d.id)",
        "d.id",
    ),
    Invariant(
        "deliveries are held and have no ordering key, so nothing frees them",
        f"FROM delivery d WHERE d.state = {HELD} AND d.key IS NULL",
        "d.id",
    ),
    Invariant(
        "deliveries are owed for no event",
        "FROM fan_out f WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = f.event)",
        "f.first",
    ),
    Invariant(
        "events name deliveries above the newest number that was given, so it would be given again",
        "FROM event e WHERE e.deliveries > 0 AND e.first_delivery + e.deliveries - 1 >"
        " (SELECT coalesce(max(given), 0) FROM (SELECT max(id) AS given FROM delivery"
        " UNION ALL SELECT value AS given FROM meta WHERE key = 'delivery_floor'"
        " UNION ALL SELECT max(first + count - 1) AS given FROM fan_out) numbers)",
        "e.seq",
    ),
    Invariant(
        "bodies belong to no event",
        "FROM body b WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.seq = b.seq)",
        "b.seq",
    ),
    Invariant(
        "chains of the audit log have entries above the one that their note names",
        "FROM audit_chain c WHERE EXISTS"
        " (SELECT 1 FROM audit a WHERE a.chain = c.chain AND a.number > c.number)",
        "c.chain",
    ),
)
_META = (
    "registry_version",
    "clean_stop",
    "seq_floor",
    "delivery_floor",
)


def find_broken(connection: StoreConnection) -> Iterator[str]:
    """Yield a sentence for each invariant that does not hold. All is read of one moment where the
    connection is in a transaction."""
    is_whole = read_absent(connection) is None
    for invariant in INVARIANTS if is_whole else ():
        [(count,)] = connection.execute(invariant.counting()).fetchall()
        if count:
            rows = connection.execute(invariant.naming()).fetchall()
            yield _sentence(int(count), invariant.finding, [str(key) for (key,) in rows])
    [(orphans,)] = connection.execute(ORPHANS).fetchall()
    if orphans and is_whole:
        yield f"{int(orphans):,} deliveries are held, and none before them is unfinished."
    [(installations,)] = connection.execute("SELECT count(*) FROM installation").fetchall()
    if installations != 1:
        yield f"The table installation must have one row; it has {installations}."
    if is_whole and connection.has_table(RANGES):
        yield from _find_numbers(connection)
    values = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    for key in _META:
        if key not in values:
            yield f"The table meta must have a value of {key}; it has none."
        elif values[key] < 0:
            yield f"The value of {key} in the table meta must be 0 or more; it is {values[key]}."


def _find_numbers(connection: StoreConnection) -> Iterator[str]:
    """Find numbers that would be given again, of a store whose numbers are from ranges."""
    ranges = read_ranges(connection)
    if ranges.is_endless:
        return
    if ranges.begun not in (-1, *ranges.granted):
        yield (
            f"The value of {BEGUN} in the table meta must be a row of {RANGES}; it is "
            f"{ranges.begun}."
        )
    for table, column in NUMBERED.items():
        query = f"SELECT coalesce(max({column}), 0) FROM {table}"
        [(highest,)] = connection.execute(query).fetchall()
        if highest and range_of(highest) > ranges.begun:
            yield (
                f"The numbers of {table} must be of ranges that are begun, up to {ranges.begun}; "
                f"{highest:,} is above them, and would be given again."
            )


def _sentence(count: int, finding: str, named: list[str]) -> str:
    more = ", …" if count > len(named) else ""
    return f"{count:,} {finding}: {', '.join(named)}{more}."
