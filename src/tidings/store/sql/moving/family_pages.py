"""Reads, writes, sums and drops the rows of a family: see `port.FamilyRowsStore`."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

import msgspec

from tidings.core.cells.families import FamilyId, FamilyState
from tidings.core.cells.ranges import RANGE_BITS, range_of
from tidings.store import port
from tidings.store.port.family_rows import PAGE_BYTES
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.families import FamilyRows
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.leaps import read_leaps
from tidings.store.sql.facts.meta import read_fact
from tidings.store.sql.facts.numbers import NUMBERED, read_highest
from tidings.store.sql.facts.owned_keys import NUMBERED_OWNERS, OwnedKeys, listed
from tidings.store.sql.moving.belonging import must_belong
from tidings.store.sql.moving.family_tables import (
    FAMILY_ROWS,
    FamilyRowsList,
    FoundBy,
)
from tidings.store.sql.moving.family_walks import FamilyWalks, Key, Row, Walk, WalkBounds, WalkStep
from tidings.store.sql.moving.rooms import held_since
from tidings.store.sql.row_mapping import insert_columns

WORK_S = 0.02  # of a call; what was begun by then is ended
PAGE_ROWS = 2048
DROPPED_ROWS = 1000
LOOKED_AT = 2000  # events at a time, for an estimate
SAMPLE = 200  # of these events, whose bodies are measured
ROW_BYTES = 160  # about what a row takes beside a body, with its part of the indexes
RANGES_LOOKED_AT = 256  # of numbers, for the same
DIGEST_BYTES = 16
_MODULUS = 1 << 8 * DIGEST_BYTES

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode
_NAMED = {rows.name: rows for rows in FAMILY_ROWS}
_OF_TABLE = {rows.table: rows for rows in reversed(FAMILY_ROWS)}
_ORDER = [rows.name for rows in FAMILY_ROWS]
_KEEPS_OWNERS = frozenset(("org", *NUMBERED_OWNERS))
_GIVEN_TO_OWED = "SELECT coalesce(max(first + count - 1), 0) FROM fan_out"
_BETWEEN = (
    "SELECT t.seq, t.org, t.deliveries FROM event t WHERE t.seq > ? AND t.seq < ? ORDER BY t.seq"
)
_OLDEST, _NEWEST = f"{_BETWEEN} LIMIT ?", f"{_BETWEEN} DESC LIMIT ?"
_FIRST = "SELECT min(seq) FROM event WHERE seq > ? AND seq < ?"
_LAST = "SELECT max(seq) FROM event WHERE seq > ? AND seq < ?"
_BODY_BYTES = (
    "SELECT coalesce(avg(length(t.bytes)), 0) FROM body t"
    " WHERE t.seq IN (SELECT value FROM json_each(?))"
)
_NOTHING = port.RowsSum(0, bytes(DIGEST_BYTES))


RowNumbers = Callable[[str, Sequence[int]], None]  # of a table


def _let_be(table: str, numbers: Sequence[int]) -> None:
    """Nothing else is made of these rows."""


class _FamilySize(NamedTuple):
    rows: int
    events: int
    sample: Sequence[int]


class FamilyPages:
    """Shares the writer's connection."""

    def __init__(
        self,
        connection: StoreConnection,
        families: FamilyRows,
        admit: RowNumbers = _let_be,
        note: RowNumbers = _let_be,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`admit` is called before rows of a numbered table are written, with their numbers; `note`
        in the transaction that writes or drops them."""
        self._admit = admit
        self._note = note
        self._connection = connection
        self._families = families
        self._now_s = now_s
        # Of the family that was asked for last: whose what is.
        self._walks: tuple[tuple[FamilyId, int, FamilyState], FamilyWalks, OwnedKeys] | None = None
        # Where dropping has come, of families that are gone: nothing is left before it.
        self._dropped: dict[tuple[FamilyId, int], tuple[str, Key]] = {}

    # -- reading ----------------------------------------------------------------------------------

    @answers(port.Store.read_family_rows)
    def read(
        self, family: FamilyId, number: int, place: port.RowsPlace | None
    ) -> port.FamilyRowsPage:
        walks = self._walks_of(family, number, FamilyState.SEALED)
        bounds = WalkBounds(PAGE_ROWS, PAGE_BYTES, self._now_s() + WORK_S)
        for rows, step in self._steps(walks, place, lambda: bounds):
            if step.rows or bounds.are_over or _place_behind(rows, step) is None:
                packed = _encode([list(row) for row in step.rows])
                behind = _place_behind(rows, step)
                return port.FamilyRowsPage(rows.table, packed, len(step.rows), next=behind)
        raise AssertionError("the last step is at the end")

    @answers(port.Store.sum_family_rows)
    def sum(
        self,
        family: FamilyId,
        number: int,
        place: port.RowsPlace | None,
        so_far: Mapping[str, port.RowsSum],
    ) -> port.FamilyRowsSums:
        walks = self._walks_of(family, number, FamilyState.SEALED, FamilyState.ARRIVING)
        bounds = WalkBounds(PAGE_ROWS, PAGE_BYTES, self._now_s() + WORK_S)
        sums = {} if place is None else dict(so_far)
        for rows, step in self._steps(walks, place, lambda: bounds):
            if rows.is_summed:
                sums[rows.table] = _added(sums.get(rows.table, _NOTHING), rows, step.rows)
            behind = _place_behind(rows, step)
            if bounds.are_over or behind is None:
                return port.FamilyRowsSums(sums, behind)
        raise AssertionError("the last step is at the end")

    @answers(port.Store.count_family_rows)
    def count(self, family: FamilyId) -> int:
        return self._estimate(family).rows

    @answers(port.Store.facts_of_family)
    def facts(self, family: FamilyId) -> port.FamilyFacts:
        size = self._estimate(family)
        asked = (listed(size.sample),)
        [(of_body,)] = self._connection.execute(_BODY_BYTES, asked).fetchall()
        return port.FamilyFacts(
            size.rows,
            size.rows * ROW_BYTES + round(size.events * float(of_body)),
            held_ms=read_fact(self._connection, held_since(family)),
        )

    @answers(port.Store.clock_leaps)
    def leaps(self) -> Sequence[port.ClockLeap]:
        return read_leaps(self._connection)

    def _estimate(self, family: FamilyId) -> "_FamilySize":
        """Estimate how large a family is, by the oldest and the newest events of all."""
        orgs = {*OwnedKeys(self._connection, family).orgs}
        events, found, low, high = 0, len(orgs), -1, 1 << 62
        sample: list[int] = []
        until_s = self._now_s() + WORK_S
        while self._now_s() < until_s:  # from both ends, for numbers have gaps
            for query in (_OLDEST, _NEWEST):
                rows = self._connection.execute(query, (low, high, LOOKED_AT)).fetchall()
                mine = [(seq, int(made)) for seq, org, made in rows if org in orgs]
                events += len(mine)
                found += sum(3 + 2 * made for _, made in mine)
                sample += [seq for seq, _ in mine[: SAMPLE - len(sample)]]
                if len(rows) < LOOKED_AT:
                    return _FamilySize(found, events, sample)
                if query is _OLDEST:
                    low = int(rows[-1][0])
                else:
                    high = int(rows[-1][0])
        between = self._span(low, high)
        outside = self._span(-1, 1 << 62) - between
        return _FamilySize(
            rows=int(found + between * found // max(1, outside)),
            events=int(events + between * events // max(1, outside)),
            sample=sample,
        )

    def _span(self, low: int, high: int) -> int:
        """Return about how many numbers of events lie between two: those from the first event of
        a range to its last one. What was skipped at starts and moves has none."""
        span = 0
        for _ in range(RANGES_LOOKED_AT):
            [(first,)] = self._connection.execute(_FIRST, (low, high)).fetchall()
            if first is None:
                break
            end = min(high, (range_of(int(first)) + 1) << RANGE_BITS)
            [(last,)] = self._connection.execute(_LAST, (low, end)).fetchall()
            span += int(last) - int(first) + 1
            low = int(last)
        return span

    @answers(port.Store.highest_numbers_of)
    def highest(self, family: FamilyId) -> int:
        [(owed,)] = self._connection.execute(_GIVEN_TO_OWED).fetchall()
        return max(int(owed), *read_highest(self._connection).values())

    # -- writing ----------------------------------------------------------------------------------

    @answers(port.Store.write_family_rows)
    def write(self, family: FamilyId, number: int, page: port.FamilyRowsPage) -> None:
        self._must_be(family, number, FamilyState.ARRIVING)
        rows = _unpacked(page)
        if not rows:
            return
        of = _OF_TABLE[page.table]
        if of.table in _KEEPS_OWNERS:
            self._walks = None  # read again behind it
            owned = OwnedKeys(self._connection, family)
        else:
            owned = self._owned(family, number, FamilyState.ARRIVING)
        insert = insert_columns(of.table, of.columns, "INSERT OR IGNORE")
        numbers = _numbers_of(of, of.columns, rows)
        if numbers:
            self._admit(of.table, numbers)
        try:
            with self._connection.unsynced(), self._connection:
                must_belong(self._connection, family, owned, of, rows)
                self._connection.executemany(insert, rows)
                if numbers:
                    self._note(of.table, numbers)
        except Exception as error:
            fault = self._connection.refusal_of(error)
            if fault is not None and self._connection.is_full(fault):
                raise port.StoreFull(str(fault)) from error
            raise

    @answers(port.Store.drop_family_rows)
    def drop(self, family: FamilyId, number: int) -> bool:
        walks = self._walks_of(family, number, FamilyState.GONE)
        try:
            with self._connection.unsynced(), self._connection:
                return self._drop(walks, family, number)
        except BaseException:
            self._dropped.pop((family, number), None)  # what was taken back is there again
            raise

    def _drop(self, walks: FamilyWalks, family: FamilyId, number: int) -> bool:
        """Drop what the time allows for; whether there is more."""
        bounds = WalkBounds(DROPPED_ROWS, PAGE_BYTES, self._now_s() + WORK_S)
        while True:
            at, after = self._dropped.get((family, number), (_ORDER[-1], ()))
            rows = _NAMED[at]
            if rows.found is FoundBy.ORGS:
                return self._drop_orgs(family, number)
            step = walks.walk(rows, rows.key, rows.drop_condition)(after, bounds)
            _delete(self._connection, rows, step.rows)
            if numbers := _numbers_of(rows, rows.key, step.rows):
                self._note(rows.table, numbers)
            behind = at if step.after is not None else _ORDER[_ORDER.index(at) - 1]
            self._dropped[family, number] = behind, step.after or ()
            if bounds.are_over or len(step.rows) >= DROPPED_ROWS:
                return True

    def _drop_orgs(self, family: FamilyId, number: int) -> bool:
        """Drop orgs, of which each stands behind its parent, from the last one on: what is left is
        found by them."""
        orgs = OwnedKeys(self._connection, family).orgs
        last = [(org,) for org in reversed(orgs[-DROPPED_ROWS:])]
        self._connection.executemany("DELETE FROM org WHERE id = ?", last)
        if is_more := len(orgs) > len(last):
            return is_more
        self._walks = None
        self._dropped.pop((family, number), None)
        return False

    # -- inside -----------------------------------------------------------------------------------

    def _steps(
        self, walks: FamilyWalks, place: port.RowsPlace | None, bounds: Callable[[], WalkBounds]
    ) -> Iterator[tuple[FamilyRowsList, WalkStep]]:
        """Walk on from a place, from list to list."""
        begin = 0 if place is None else _index_of(place)
        after: Key = () if place is None or not place.after else _decode(place.after)
        for rows in FAMILY_ROWS[begin:]:
            walk: Walk = walks.walk(rows, rows.columns)
            for _ in count():
                step = walk(after, bounds())
                yield rows, step
                if step.after is None:
                    break
                after = step.after
            after = ()

    def _must_be(self, family: FamilyId, number: int, *states: FamilyState) -> FamilyState:
        row = self._families.row(family)
        if row is None or row.number != number or row.state not in states:
            words = " or ".join(state.name.lower() for state in states)
            raise port.StaleChange(
                f"The family {family} must be {words} under number {number}; it is"
                f" {'unknown here' if row is None else f'{row.state.name.lower()} {row.number}'}."
            )
        return row.state

    def _walks_of(self, family: FamilyId, number: int, *states: FamilyState) -> FamilyWalks:
        asked = family, number, self._must_be(family, number, *states)
        if self._walks is None or self._walks[0] != asked:
            owned = OwnedKeys(self._connection, family)
            self._walks = asked, FamilyWalks(self._connection, owned), owned
        return self._walks[1]

    def _owned(self, family: FamilyId, number: int, *states: FamilyState) -> OwnedKeys:
        self._walks_of(family, number, *states)
        assert self._walks is not None
        return self._walks[2]


def _place_behind(rows: FamilyRowsList, step: WalkStep) -> port.RowsPlace | None:
    if step.after is not None:
        return port.RowsPlace(rows.name, _encode(list(step.after)))
    at = _ORDER.index(rows.name) + 1
    return port.RowsPlace(_ORDER[at]) if at < len(_ORDER) else None


def _index_of(place: port.RowsPlace) -> int:
    if place.table not in _NAMED:
        raise port.StaleChange(f"No rows of a family are called {place.table!r} here.")
    return _ORDER.index(place.table)


def _unpacked(page: port.FamilyRowsPage) -> Sequence[Row]:
    of = _OF_TABLE.get(page.table)
    rows = [] if of is None else _decode(page.rows) if page.rows else []
    if of is None or len(rows) != page.count or any(len(row) != len(of.columns) for row in rows):
        raise port.StaleChange(
            f"The page of rows of {page.table!r} must be of this release; it is of another one."
        )
    return rows


def _numbers_of(of: FamilyRowsList, columns: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """Return the numbers of rows that a store numbers; none of others."""
    if (column := NUMBERED.get(of.table)) is None:
        return []
    at = columns.index(column)
    return [row[at] for row in rows]


def _added(sum: port.RowsSum, of: FamilyRowsList, rows: Sequence[Row]) -> port.RowsSum:
    digest = int.from_bytes(sum.digest, "big")
    places = [of.columns.index(column) for column in of.key] if of.is_shared else None
    for row in rows:
        values = list(row) if places is None else [row[place] for place in places]
        hashed = hashlib.blake2b(_encode(values), digest_size=DIGEST_BYTES)
        digest += int.from_bytes(hashed.digest(), "big")
    return port.RowsSum(sum.rows + len(rows), (digest % _MODULUS).to_bytes(DIGEST_BYTES, "big"))


def _delete(connection: StoreConnection, of: FamilyRowsList, keys: Sequence[Row]) -> None:
    if keys:
        where = " AND ".join(f"{column} = ?" for column in of.key)
        connection.executemany(f"DELETE FROM {of.table} WHERE {where}", keys)
