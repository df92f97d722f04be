"""Numbers that are unique over all cells, in ranges from one counter that only rises.

A range is 2^24 neighbouring numbers. Its cell gives from it numbers of every kind (events,
deliveries, webhooks, sources, …): numbers of two kinds are never compared. In a range they are
given one after the other; ranges are begun from the lowest to the highest, so a greater number of
a kind was given later. A fresh range is begun

* at a take-over, so that nothing which the former owner may have given is given again;
* when a family arrives, above all its numbers, so that its log keeps its order;
* by a kind that has come to the end of its range.

Ranges that were granted and not begun are the cell's spares. They stand in its own store, enough
for a day, so neither accept nor a take-over asks the map. What is skipped is never given: gaps of
any length cost nothing.

The only cell of an installation is one range without end, until a second one is added.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tidings.core.cells.families import CellId
from tidings.errors import TidingsError

RANGE_BITS = 24
NOBODY = CellId(0)  # whose the ranges are that no cell may give numbers of
# Ranges that are skipped where what cells had of late may be lost: more than all begin in a day.
SKIPPED = 4096
TAKE_OVERS_A_DAY = 8  # that need no map
HOUR_S, LOOKS_A_DAY = 3_600.0, 24
MARGIN = 2  # a day may bring twice what the busiest one of late has brought
GIVEN_A_SECOND_MAX = 1_000_000  # more than one process gives; ranges beyond that were skipped


def range_of(number: int, bits: int = RANGE_BITS) -> int:
    """Return the index of the range that a number is in."""
    return number >> bits


def wanted_spares(given_a_day: int, bits: int = RANGE_BITS) -> int:
    """Return how many spare ranges a cell keeps. `given_a_day`: numbers of the busiest kind in the
    busiest day of late."""
    return TAKE_OVERS_A_DAY + -(-MARGIN * given_a_day >> bits)


class RangeUse:
    """Counts how many numbers a cell gives in a day, by the ranges that it has begun while it was
    watched: one look an hour, for a day. What is skipped for a family that arrives is no use: it
    may be all spares, and would have more kept at each move, to be skipped at the next."""

    def __init__(self) -> None:
        self.numbers_a_day = 0
        self._looks: list[tuple[float, int]] = []
        self._last: tuple[float, int] | None = None
        self._used = 0

    def note(self, ranges: "CellRanges", now_s: float) -> None:
        """Note what a cell has. `now_s`: of a clock that is never set."""
        begun = len(ranges.granted) - len(ranges.spares)
        last_s, last = self._last or (now_s, begun)
        most = 1 + (round((now_s - last_s) * GIVEN_A_SECOND_MAX) >> RANGE_BITS)
        self._used += min(begun - last, most)
        self._last = now_s, begun
        if not self._looks or now_s - self._looks[-1][0] >= HOUR_S:
            self._looks = [*self._looks[-LOOKS_A_DAY:], (now_s, self._used)]
        since_s, before = self._looks[0]
        watched_s = max(now_s - since_s, HOUR_S)  # a burst of minutes is none of a day
        used = (self._used - before) * max(1.0, LOOKS_A_DAY * HOUR_S / watched_s)
        self.numbers_a_day = round(used) << RANGE_BITS


class NoRange(TidingsError):
    """The cell has no spare range, and needs the map: nothing can be given a number meanwhile."""


class CellRanges(msgspec.Struct, frozen=True, array_like=True):
    """Hold what stands in a cell's own store of its ranges."""

    granted: tuple[int, ...] = ()  # the indices of all that it ever got, rising
    begun: int = -1  # the highest from which any kind may have been given a number
    is_endless: bool = False  # the last one has no end

    @property
    def spares(self) -> Sequence[int]:
        """List the ranges that are not begun."""
        return self.granted[bisect_right(self.granted, self.begun) :]

    @property
    def may_be_restored(self) -> bool:
        """Return whether it may be that the store comes from a backup: whoever puts one back, and a
        database that has gone back, give up all that is not begun (`restored`)."""
        return not self.is_endless and not self.spares

    def with_granted(self, indices: Sequence[int]) -> "CellRanges":
        """Return this with further ranges. ValueError where they are not above all others: a
        counter that has gone back would give numbers twice."""
        granted = (*self.granted, *indices)
        if self.is_endless or any(
            index >= following for index, following in zip(granted, granted[1:], strict=False)
        ):
            raise ValueError(f"ranges {list(indices)} are not above {self.granted[-1:]}")
        return msgspec.structs.replace(self, granted=granted)

    def begin_fresh(self, above: int = -1, bits: int = RANGE_BITS) -> "CellRanges":
        """Return this with a fresh range begun, for a take-over; for a family that arrives, above
        its highest number. Spares below that are given up. NoRange where none is left."""
        if self.is_endless:
            return self
        highest = max(self.begun, range_of(above, bits) if above >= 0 else -1)
        place = bisect_right(self.granted, highest)
        if place == len(self.granted):
            raise NoRange
        return msgspec.structs.replace(self, begun=self.granted[place])

    def restored(self) -> "CellRanges":
        """Return what a store that comes from a backup may use of this: nothing. Behind the backup
        it may have begun any of them."""
        return msgspec.structs.replace(self, begun=max((self.begun, *self.granted)))


def only_cell() -> CellRanges:
    """Return the ranges of a cell that is the only one: all numbers are its own."""
    return CellRanges((0,), begun=0, is_endless=True)


def end_endless(ranges: CellRanges, highest: int, bits: int = RANGE_BITS) -> tuple[CellRanges, int]:
    """Return the ranges of the first cell when a second one is added, and the index at which the
    counter of ranges begins: above the highest number of any kind that was given. All below is the
    first cell's own, for ever. It is one commit in its store, and done twice it changes nothing."""
    if not ranges.is_endless:
        return ranges, max(ranges.granted) + 1
    last = range_of(highest, bits)
    return CellRanges((0, last) if last else (0,), begun=last), last + 1


GiverPlace = tuple[CellRanges, int | None, int | None]


class NumberGiver:
    """Gives the numbers of a cell, in the memory of its owner. What is given counts when it is
    committed; a new owner begins a fresh range instead of asking what that was (`take_over`)."""

    def __init__(
        self,
        ranges: CellRanges,
        given: Mapping[str, int] | None = None,
        bits: int = RANGE_BITS,
    ) -> None:
        """`given`: by kind, the highest number that was given. Of ranges with an end those count
        that are in the one that is begun: the same owner goes on from there."""
        self.ranges = ranges
        self._bits = bits
        self._next: dict[str, int] = {}
        self._end: dict[str, int | None] = {}
        end = None if ranges.is_endless else (ranges.begun + 1) << bits
        for kind, number in (given or {}).items():
            if end is None or range_of(number, bits) == ranges.begun:
                self._next[kind], self._end[kind] = number + 1, end

    @property
    def given(self) -> Mapping[str, int]:
        """By kind, the number behind which it goes on."""
        return {kind: number - 1 for kind, number in self._next.items()}

    def copy(self) -> "NumberGiver":
        """Return one that gives the same numbers, for a transaction that may be taken back."""
        same = NumberGiver(self.ranges, bits=self._bits)
        same._next, same._end = self._next.copy(), self._end.copy()
        return same

    def place(self, kind: str) -> "GiverPlace":
        """Return where it stands with a kind. A transaction takes of few: it goes back sooner by
        the places of these than by a copy."""
        return self.ranges, self._next.get(kind), self._end.get(kind, -1)

    def go_back(self, kind: str, place: "GiverPlace") -> None:
        """Give a kind again from a place on; where several were noted, from the last of them
        first."""
        self.ranges, number, self._end[kind] = place
        if number is not None:
            self._next[kind] = number
        else:
            self._next.pop(kind, None)

    def take(self, kind: str, count: int = 1) -> int:
        """Return the first of so many numbers of a kind that follow each other. NoRange where none
        are left; what was begun for that is in `ranges`, to be written by the same commit."""
        end = self._end.get(kind, -1)
        first = self._next.get(kind, 0)
        if end is not None and first + count > end:
            first, end = self._range_above(kind)
            if end is not None and first + count > end:
                raise ValueError(f"{count} numbers are more than a range has")
            self._end[kind] = end
        self._next[kind] = first + count
        return first

    def renew(self, ranges: CellRanges) -> None:
        """Follow a change of the ranges: further spares; a fresh one, from which each kind is given
        its next number; or the end of the endless one, in which a kind goes on up to that."""
        if self.ranges.is_endless and not ranges.is_endless:
            end = (ranges.begun + 1) << self._bits
            self._end = dict.fromkeys(self._end, end)
        elif ranges.begun != self.ranges.begun:
            self._end = dict.fromkeys(self._end, -1)
        self.ranges = ranges

    def _range_above(self, kind: str) -> tuple[int, int | None]:
        """Return where the next range for a kind begins and ends: the one that was begun by
        whichever kind, or a fresh one."""
        ranges, bits = self.ranges, self._bits
        if ranges.is_endless:
            return max(1, self._next.get(kind, 1)), None
        used = range_of(self._next[kind] - 1, bits) if kind in self._next else -1
        if used >= ranges.begun:
            self.ranges = ranges = ranges.begin_fresh()
        first = ranges.begun << bits
        return max(1, first), first + (1 << bits)


def take_over(ranges: CellRanges, kinds: Iterable[str], bits: int = RANGE_BITS) -> NumberGiver:
    """Return the giver of a new owner of a cell that is one of several. The first number that it
    needs begins a fresh range; until then it begins none, however often owners change."""
    last = ((ranges.begun + 1) << bits) - 1
    return NumberGiver(ranges, dict.fromkeys(kinds, last), bits)


class RangeGrants:
    """Which cell took a number: the grants of the counter, in the map."""

    def __init__(self, first: int = 0, base: CellId | None = None) -> None:
        """`first`: the range with which the counter begins; all below are those of `base`."""
        self.next = first
        self._starts: list[int] = [] if base is None else [0]
        self._cells: list[CellId] = [] if base is None else [base]

    def grant(self, cell: CellId, count: int) -> range:
        """Give the next ranges to a cell; return their indices. They are its own for ever."""
        granted = range(self.next, self.next + count)
        if count and (not self._cells or self._cells[-1] != cell):
            self._starts.append(self.next)
            self._cells.append(cell)
        self.next += count
        return granted

    def skip(self) -> None:
        """Have ranges go on far above all that are known here: stores that were lost may have given
        numbers of those in between. They are nobody's, for ever."""
        self.grant(NOBODY, SKIPPED)

    def cell_of(self, number: int, bits: int = RANGE_BITS) -> CellId | None:
        """Return the cell that took a number; None, or NOBODY, where none did."""
        index = range_of(number, bits)
        if index >= self.next or not self._starts or index < self._starts[0]:
            return None
        return self._cells[bisect_right(self._starts, index) - 1]


def restored_grants(by_cell: Mapping[CellId, CellRanges], cells: Iterable[CellId]) -> RangeGrants:
    """Return the grants of a map that was restored, by what stands in each cell's own store; its
    counter begins above the highest range in any of them. ValueError where a cell was not asked."""
    if missing := sorted(set(cells) - by_cell.keys()):
        raise ValueError(f"the ranges of the cells {missing} are not known")
    found = sorted((index, cell) for cell, ranges in by_cell.items() for index in ranges.granted)
    grants = RangeGrants()
    for index, cell in found:
        if index < grants.next:
            raise ValueError(f"range {index} is of two cells")
        grants.next = index
        grants.grant(cell, 1)
    return grants
