"""The numbers of what the store keeps: all of them are given here, by the owner, from memory.

Each kind is counted by itself. Where the store is the only one of its installation they begin with
1 and have no end; where it is one of several they are of ranges (core/cells/ranges.py). Numbers
that are taken in a transaction are given again where it is rolled back, and a range is begun by the
transaction that needs it.

A store that is the only one knows by its rows where to go on. Who deletes rows notes the greatest
number before (`keep`): a floor, in `meta`. What databases remember of numbers that they have given
by themselves, as they did before, is a floor too. A store of ranges asks neither: each owner begins
a fresh range.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from tidings.core.cells.ranges import (
    CellRanges,
    GiverPlace,
    NoRange,
    NumberGiver,
    end_endless,
    only_cell,
    take_over,
)
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import MAP_EPOCH, RAISE, MetaRow, read_fact
from tidings.store.sql.row_mapping import insert_into

EVENT, DELIVERY = "event", "delivery"
NUMBERED: Mapping[str, str] = {
    EVENT: "seq",
    DELIVERY: "id",
    "webhook": "number",
    "source": "number",
    "aside": "number",
    "inbox": "number",
    "arrival": "number",
    "rejection": "id",
    "replay": "number",
}
"""The tables whose rows the store numbers, and the column of the number."""
BEGUN = "range_begun"  # in `meta`; where it is missing the store is the only one
RANGES = "number_range"

_TOGETHER_MAX = 1 << 20  # numbers that are taken at once: what does not fit a range is left of it
_HIGHEST = "SELECT " + ", ".join(
    f"(SELECT coalesce(max({column}), 0) FROM {table})" for table, column in NUMBERED.items()
)
_GIVEN_TO_EVENTS = "SELECT first_delivery + deliveries - 1 FROM event ORDER BY seq DESC LIMIT 1"
_FLOORS = "SELECT key, value FROM meta"
_GRANTED = f"SELECT range_index FROM {RANGES} ORDER BY range_index"
GIVE_UP = (
    f"UPDATE meta SET value = (SELECT coalesce(max(range_index), -1) FROM {RANGES})"
    f" WHERE key = '{BEGUN}'"
)
"""Begin none of the ranges that a store has: it is a copy of one moment of another."""
_NONE_LEFT = "no range of numbers is left to begin; more are granted once the map is reached"


class GrantedRange(NamedTuple):
    """A row of `number_range`."""

    range_index: int


_GRANT = insert_into(RANGES, GrantedRange, "INSERT OR IGNORE")


def floor_of(kind: str) -> str:
    """Return under which name `meta` has the number above which those of a kind go on."""
    return "seq_floor" if kind == EVENT else f"{kind}_floor"


def read_ranges(connection: StoreConnection) -> CellRanges:
    """Return the ranges of a store. A schema before has no table for them: it is the only one."""
    begun = read_fact(connection, BEGUN)
    if begun is None:
        return only_cell()
    return CellRanges(tuple([index for (index,) in connection.execute(_GRANTED)]), begun)


def read_highest(connection: StoreConnection) -> dict[str, int]:
    """Return by kind the greatest number that a row has; of deliveries also those that are owed."""
    [numbers] = connection.execute(_HIGHEST).fetchall()
    highest = dict(zip(NUMBERED, map(int, numbers), strict=True))
    owed = connection.execute(_GIVEN_TO_EVENTS).fetchone()
    if owed is not None:
        highest[DELIVERY] = max(highest[DELIVERY], int(owed[0]))
    return highest


def leap(connection: StoreConnection, by: int) -> None:
    """Have numbers of events and deliveries go on so far above all that are known, and begin none
    of the ranges that a store has. In a transaction, before its numbers are given."""
    highest = read_highest(connection)
    for kind in (EVENT, DELIVERY):
        least = max(highest[kind], read_fact(connection, floor_of(kind)) or 0) + by
        connection.execute(RAISE, MetaRow(key=floor_of(kind), value=least))
    if connection.has_table(RANGES):
        connection.execute(GIVE_UP)


class StoreNumbers:
    """Shares the writer's connection."""

    _giver: NumberGiver

    def __init__(self, connection: StoreConnection, before: "StoreNumbers | None" = None) -> None:
        """`before`: those of the same owner over a connection that is lost."""
        self._connection = connection
        self._has_table = connection.has_table(RANGES)
        ranges = read_ranges(connection)
        self.highest = read_highest(connection)
        """By kind, the greatest number that was given, or that is there."""
        self._floors = dict.fromkeys(NUMBERED, 0)
        if ranges.is_endless:
            self._raise_to_floors()
        known = {} if before is None else before._giver.given
        given = {kind: max(number, known.get(kind, 0)) for kind, number in self.highest.items()}
        # What is changed back where the transaction is: of each number that was taken the kind,
        # the highest one before and the giver's place; of what is rare how it is changed back.
        self._undo: list[tuple[str, int, GiverPlace] | Callable[[], None]] = []
        self._depth = 0  # of blocks that are open
        # Of the former connection's last commit nobody knows whether it is there.
        goes_on = ranges.is_endless or before is not None
        self._giver = NumberGiver(ranges, given) if goes_on else take_over(ranges, NUMBERED)
        if ranges.is_endless:
            self.highest = given

    # -- giving -----------------------------------------------------------------------------------

    def take(self, kind: str, count: int = 1) -> int:
        """Return the first of so many neighbouring numbers, in a transaction. NoNumbers."""
        giver, ranges = self._giver, self._giver.ranges
        self._undo.append((kind, self.highest[kind], giver.place(kind)))
        try:
            first = giver.take(kind, count)
        except NoRange:
            raise port.NoNumbers(_NONE_LEFT) from None
        if giver.ranges is not ranges:
            self._note_begun(giver.ranges)
        self.highest[kind] = first + count - 1
        return first

    def take_each(self, kind: str, counts: Sequence[int]) -> Sequence[int]:
        """Return the first number for each of these counts of neighbouring ones, which may be 0."""
        total = sum(counts)
        if total > _TOGETHER_MAX:
            return [self.take(kind, count) if count else self.next(kind) for count in counts]
        first = self.take(kind, total) if total else self.next(kind)
        firsts = []
        for count in counts:
            firsts.append(first)
            first += count
        return firsts

    def next(self, kind: str) -> int:
        """Return the number above all of a kind: whoever needs none may name a place by it."""
        return self.highest[kind] + 1

    def keep(self, *kinds: str) -> None:
        """Have the greatest numbers of these kinds not be given again though their rows are deleted
        now, in the same transaction."""
        if not self._giver.ranges.is_endless:
            return
        for kind in kinds:
            number = self.highest[kind]
            if number > self._floors[kind]:
                self._undo.append(partial(self._floors.__setitem__, kind, self._floors[kind]))
                self._connection.execute(RAISE, MetaRow(key=floor_of(kind), value=number))
                self._floors[kind] = number

    def keep_all(self, connection: StoreConnection) -> None:
        """Have a database that knows fewer give no number again that this owner has given."""
        ranges = self._giver.ranges
        with connection:
            if ranges.is_endless:
                for kind, number in self.highest.items():
                    connection.execute(RAISE, MetaRow(key=floor_of(kind), value=number))
            else:
                _write(connection, ranges)

    # -- transactions -----------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Have what is written in the block be kept together, or be taken back with the numbers
        that were taken for it."""
        before = self.begin()
        self._depth += 1
        try:
            with self._connection:
                yield
        except BaseException:
            self.go_back(before)
            raise
        finally:
            self._depth -= 1

    def begin(self) -> int:
        """Begin a transaction, or a block in one; return to where it goes back."""
        if not self._depth:
            self._undo.clear()
        return len(self._undo)

    @property
    def here(self) -> int:
        """Return to where a part of a transaction goes back that begins now."""
        return len(self._undo)

    def go_back(self, to: int) -> None:
        """Give again what was taken since."""
        while len(self._undo) > to:
            done = self._undo.pop()
            if isinstance(done, tuple):
                kind, self.highest[kind], place = done
                self._giver.go_back(kind, place)
            else:
                done()

    # -- ranges -----------------------------------------------------------------------------------

    @answers(port.Store.number_ranges)
    def ranges(self) -> CellRanges:
        return self._giver.ranges

    @answers(port.Store.end_endless_range)
    def end_endless(self) -> int:
        ranges, index = end_endless(self._giver.ranges, max(self.highest.values()))
        self._write(ranges)
        self._giver.renew(ranges)
        return index

    @answers(port.Store.grant_ranges)
    def grant(self, indices: Sequence[int]) -> CellRanges:
        ranges = self._giver.ranges
        is_new = ranges.is_endless and not any(self.highest.values())
        if is_new:
            ranges = CellRanges()
        known = set(ranges.granted)
        try:
            ranges = ranges.with_granted([index for index in indices if index not in known])
        except ValueError as error:
            raise port.StaleChange(str(error)) from None
        self._write(ranges)
        if is_new:
            self._giver = take_over(ranges, NUMBERED)
        else:
            self._giver.renew(ranges)
        return ranges

    @answers(port.Store.begin_range)
    def begin_range(self, above: int) -> CellRanges:
        try:
            ranges = self._giver.ranges.begin_fresh(above)
        except NoRange:
            raise port.NoNumbers(_NONE_LEFT) from None
        self._write(ranges)
        self._giver.renew(ranges)
        return ranges

    @answers(port.Store.give_up_ranges)
    def give_up(self) -> CellRanges:
        ranges = self._giver.ranges
        if not ranges.is_endless:
            ranges = ranges.restored()
            self._write(ranges)
            self._giver = take_over(ranges, NUMBERED)
        return ranges

    @answers(port.Store.note_epoch)
    def note_epoch(self, epoch: int, is_own: bool) -> bool:
        if epoch <= (read_fact(self._connection, MAP_EPOCH) or 0):
            return False
        if not is_own:
            self.give_up()
        with self._connection:
            self._connection.execute(RAISE, MetaRow(key=MAP_EPOCH, value=epoch))
        return not is_own

    def _write(self, ranges: CellRanges) -> None:
        """Write a change of the ranges, in a transaction of its own or that of its entries."""
        if ranges is self._giver.ranges:
            return
        self._undo.append(partial(setattr, self, "_giver", self._giver.copy()))
        if not self._has_table:
            raise port.StoreDown("the database has no place for ranges yet: tidings migrate")
        with self._connection:
            _write(self._connection, ranges)

    def _note_begun(self, ranges: CellRanges) -> None:
        self._connection.execute(RAISE, MetaRow(key=BEGUN, value=ranges.begun))

    # -- where it goes on -------------------------------------------------------------------------

    def _raise_to_floors(self) -> None:
        facts: dict[str, int] = dict(self._connection.execute(_FLOORS).fetchall())
        counted = self._connection.counted()
        for kind, number in self.highest.items():
            floor = self._floors[kind] = facts.get(floor_of(kind), 0)
            self.highest[kind] = max(number, floor, counted.get(kind, 0))


def _write(connection: StoreConnection, ranges: CellRanges) -> None:
    connection.executemany(_GRANT, [GrantedRange(range_index=index) for index in ranges.granted])
    connection.execute(RAISE, MetaRow(key=BEGUN, value=ranges.begun))
