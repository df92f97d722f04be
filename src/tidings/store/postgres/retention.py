"""Retention in PostgreSQL: a run of events goes by one statement, whatever of them there is.

Visited one by one (`sql/retention.py`), events cost round trips and look-ups by hash, which are
most of a slice. So a slice takes the events behind its place together, up to the first that it has
to look at by itself: one that is unfinished, was replayed, or is too young. That one, and what is
kept back, is left to the walk of both stores. Events of orgs that keep for another time lie
between, and stay.

Days are no partitions, as most of what the writer asks names no number: docs/decisions/0023.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import psycopg

from tidings.core.orgs.retention import ROWS_MAX, RowKind
from tidings.store import port
from tidings.store.postgres.arrays import array_of
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.sql.delivery.caps import UNDONE
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.retention import SLICE_BYTES, RetentionCursor, RetentionRows
from tidings.store.sql.row_mapping import Projection
from tidings.store.sql.states import is_unfinished

SLICE_ROWS = 4_000  # some 5 ms; a row of a run is a tenth of what one costs that is looked up
RUN_MIN = 20  # events; a shorter run is walked
MARGIN = 0.95  # events differ: what the last run's were is nearly what the next ones' are
TRIES = 4  # to find a run that a slice may hold
SPAN = 4  # a run's deliveries lie among so many times as many ids as a slice has rows, at most

_HAS_NUMBERS = "SELECT to_regclass('event_id_seq') IS NOT NULL"
# Plans are made once, of whatever numbers: to plan each slice anew would cost as much as the slice.
# And whatever is thought of a table that was empty once, its key is the way to a few of its rows.
_PLANS = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off"
_OF_GROUP = "(e.org = ANY ($5)) <> ($6 <> 0)"


class DropRun(NamedTuple):
    """The next events behind a place that are old: those of the group, and what lies between."""

    events: int
    chosen: int  # of the group
    last: int  # its greatest number
    first_id: int
    behind_id: int
    deliveries: int  # of those of the group


_NEXT = Projection(
    DropRun,
    columns={
        "events": "count(*)",
        "chosen": "count(*) FILTER (WHERE chosen)",
        "last": "coalesce(max(seq), 0)",
        "first_id": "coalesce(min(first_delivery), 0)",
        "behind_id": "coalesce(max(first_delivery + deliveries), 0)",
        "deliveries": "coalesce(sum(deliveries) FILTER (WHERE chosen), 0)::bigint",
    },
)
_RUN = (
    f"{_NEXT.select} FROM (SELECT e.seq, e.first_delivery, e.deliveries, {_OF_GROUP} AS chosen,"
    " bool_and(e.at_ms < $4) OVER (ORDER BY e.seq) AS old FROM event e"
    " WHERE e.seq > $1 AND e.seq < $2 ORDER BY e.seq LIMIT $3) looked WHERE old"
)
_OF_RUN = "e.seq > $1 AND e.seq <= $2"
_IDS = "delivery >= $3 AND delivery < $4"
# The first of a run that has to be looked at by itself, the rows beside the events' own and their
# deliveries, and the bytes of bodies.
_LOOK = (
    "SELECT least("
    "(SELECT min(d.event) FROM delivery d JOIN event e ON e.seq = d.event"
    f" WHERE d.id >= $3 AND d.id < $4 AND {is_unfinished('d')} AND {_OF_RUN} AND {_OF_GROUP}),"
    " (SELECT min(f.event) FROM fan_out f WHERE f.first >= $3 AND f.first < $4),"
    " (SELECT min(r.event) FROM delivery_replay r WHERE r.event > $1 AND r.event <= $2)),"
    " {rows}, (SELECT coalesce(sum(length(b.bytes)), 0)::bigint FROM body b"
    " WHERE b.seq > $1 AND b.seq <= $2)"
)
_BESIDE = {
    RowKind.PAYLOAD: ("sent",),
    RowKind.METADATA: ("attempt", "sent", "left_out", "waiting", "cap_use"),
}
_GONE = (
    f"WITH gone AS MATERIALIZED (SELECT e.seq FROM event e WHERE {_OF_RUN} AND {_OF_GROUP}),"
    " ids AS MATERIALIZED (SELECT d.id, d.state FROM delivery d WHERE d.id >= $3 AND d.id < $4"
    " AND d.event IN (SELECT g.seq FROM gone g)),"
    " back AS (DELETE FROM kept_back k WHERE k.kind = $7 AND k.seq > $1 AND k.seq <= $2"
    " AND k.seq IN (SELECT g.seq FROM gone g))"
)
# The numbers are not given again, even if nothing is left that has them.
_FLOORS = (
    ", floors AS (UPDATE meta SET value = CASE key WHEN 'seq_floor' THEN $2 ELSE $4 - 1 END"
    " WHERE key IN ('seq_floor', 'delivery_floor')"
    " AND value < CASE key WHEN 'seq_floor' THEN $2 ELSE $4 - 1 END)"
)
_BY_EVENT = " WHERE seq > $1 AND seq <= $2 AND seq IN (SELECT g.seq FROM gone g)"
_BY_DELIVERY = f" WHERE {_IDS} AND delivery IN (SELECT i.id FROM ids i{{state}})"


def _statement(kind: RowKind) -> str:
    """Write what drops a run, and counts the rows."""
    drops = {
        table: _BY_DELIVERY.format(
            state=f" WHERE i.state IN ({UNDONE})" if table == "cap_use" else ""
        )
        for table in _BESIDE[kind]
    } | {"body": _BY_EVENT}
    if kind == RowKind.METADATA:
        drops["delivery"] = " WHERE id >= $3 AND id < $4 AND id IN (SELECT i.id FROM ids i)"
        drops |= {"event": _BY_EVENT, "event_id": _BY_EVENT}
    parts = [
        f"of_{table} AS (DELETE FROM {table}{where} RETURNING 1)" for table, where in drops.items()
    ]
    counts = " + ".join(f"(SELECT count(*) FROM of_{table})" for table in drops)
    floors = _FLOORS if kind == RowKind.METADATA else ""
    return f"{_GONE}{floors}, {', '.join(parts)} SELECT {counts}"


def _look(kind: RowKind) -> str:
    rows = " + ".join(f"(SELECT count(*) FROM {table} WHERE {_IDS})" for table in _BESIDE[kind])
    return _LOOK.format(rows=rows)


_LOOKS = {kind: _look(kind) for kind in _BESIDE}
_DROPS = {kind: _statement(kind) for kind in _BESIDE}


class EventShare(NamedTuple):
    """The share that an event of a run has in a slice."""

    rows: float
    bytes: float
    ids: float  # among which its deliveries lie

    def in_slice(self, rows_max: int) -> int:
        """Compute how many events a slice may hold."""
        shares = rows_max / self.rows, SLICE_BYTES / self.bytes, SPAN * SLICE_ROWS / self.ids
        return max(RUN_MIN, min(SLICE_ROWS, int(MARGIN * min(shares))))


class PostgresRetention(RetentionRows):
    """See `RetentionRows`."""

    def __init__(self, connection: PostgresConnection, numbers: StoreNumbers) -> None:
        super().__init__(connection, numbers)
        self._driver = connection.driver
        # On the schema before this one there is no way from an event's number to its id.
        self._takes_runs = bool(self._ask(_HAS_NUMBERS)[0])
        self._shares = dict.fromkeys(_BESIDE, EventShare(4, 1024, 1))  # of the last run

    def retention_state(self) -> port.RetentionState:
        """See `port.RetentionStore`."""
        return msgspec.structs.replace(
            super().retention_state(), slice_rows=SLICE_ROWS, slice_rows_min=ROWS_MAX
        )

    def _drop_of_events(self, wanted: port.DropSlice) -> tuple[int, bool]:
        if self._takes_runs and (wanted.kind, wanted.days) not in self._again:
            span = self._span(wanted)
            after = self._place(wanted, span).at
            self._driver.execute(_PLANS, prepare=False)
            if (run := self._find(wanted, after, span.end)) is not None:
                rows = self._drop_run(wanted, after, run)
                self._move(wanted, RetentionCursor(run.last), span)
                return rows, True
        walked = min(wanted.rows_max, ROWS_MAX)
        return super()._drop_of_events(msgspec.structs.replace(wanted, rows_max=walked))

    def _find(self, wanted: port.DropSlice, after: int, below: int) -> DropRun | None:
        """Return the longest run below a number that a slice may hold, of a few that are tried;
        None where the next events have to be looked at one by one."""
        kind = RowKind(wanted.kind)
        orgs = array_of("bigint", wanted.orgs), int(wanted.others)
        for _ in range(TRIES):
            most = self._shares[kind].in_slice(wanted.rows_max)
            run = _NEXT.read(self._ask(_RUN, after, below, most, wanted.before_ms, *orgs))
            if run.events < RUN_MIN:
                return None
            ids = run.first_id, run.behind_id
            span = max(1, ids[1] - ids[0])
            if span > SPAN * SLICE_ROWS:
                share = self._shares[kind]._replace(ids=span / run.events)
                self._shares[kind] = share  # the next try is shorter
                continue
            odd, beside, size = self._ask(_LOOKS[kind], after, run.last, *ids, *orgs)
            own = run.chosen if kind == RowKind.PAYLOAD else 3 * run.chosen + run.deliveries
            rows = own + beside
            shares = max(1, rows), max(1, size), span
            self._shares[kind] = EventShare(*(share / run.events for share in shares))
            if odd is None and rows <= wanted.rows_max and size <= SLICE_BYTES:
                return run
            below = below if odd is None else odd
        return None

    def _drop_run(self, wanted: port.DropSlice, after: int, run: DropRun) -> int:
        orgs = array_of("bigint", wanted.orgs), int(wanted.others)
        ids, drop = (run.first_id, run.behind_id), _DROPS[RowKind(wanted.kind)]
        [rows] = self._ask(drop, after, run.last, *ids, *orgs, wanted.kind)
        return int(rows)

    def _ask(self, statement: str, *values: Any) -> Sequence[Any]:
        """Return the one row that a statement gives."""
        cursor = psycopg.RawCursor(self._driver)
        row: Sequence[Any] | None = cursor.execute(statement, values, binary=True).fetchone()
        assert row is not None
        return row
