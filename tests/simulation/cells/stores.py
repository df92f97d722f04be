"""The stores: of cells, each with an owner by epoch; and of the map."""

from typing import Any, NamedTuple

from tidings.core.cells.cell_map import CellMap, CellOwner, FamilyPlace, MapChanges, is_newer
from tidings.core.cells.families import (
    CellId,
    FamilyId,
    FamilyMove,
    FamilyRow,
    FamilyState,
    move_row,
    not_mine,
)
from tidings.core.cells.ranges import CellRanges, RangeGrants

BITS = 3  # of a range: eight numbers, so that they come to their ends

Event = tuple[FamilyId, str, int]  # its id, and the number that its owner would give it


class Ledger:
    """What has really happened, over all stores."""

    def __init__(self) -> None:
        self.here: dict[FamilyId, set[CellId]] = {}
        self.fresh: dict[str, CellId] = {}  # by the id of an event: where it was accepted
        self.numbers: set[int] = set()
        self.newest: dict[FamilyId, int] = {}
        self.lost: set[str] = set()  # accepted behind a backup that was put back

    def accepted(self, cell: CellId, event: Event, grants: RangeGrants) -> None:
        family, id, number = event
        assert self.here[family] == {cell}, "2 nothing is accepted where the family is not"
        assert id not in self.fresh, "4 nothing is accepted twice"
        assert number not in self.numbers, "5 a number is given once"
        assert number > self.newest.get(family, 0), "5 later ones of a family are greater"
        assert grants.cell_of(number, BITS) == cell, "5 its range says who took it"
        self.fresh[id] = cell
        self.numbers.add(number)
        self.newest[family] = number

    def lose(self, ids: set[str]) -> None:
        """Note events that are gone with a store that was put back: they may be accepted again."""
        self.lost |= ids
        for id in ids:
            self.fresh.pop(id, None)

    def moved(self, cell: CellId, family: FamilyId, row: FamilyRow) -> None:
        cells = self.here.setdefault(family, set())
        if row.state is FamilyState.HERE:
            cells.add(cell)
        else:
            cells.discard(cell)
        assert len(cells) <= 1, "1 a family is in one cell"


class StoreBackup(NamedTuple):
    """What a store was at some time."""

    rows: dict[FamilyId, FamilyRow]
    events: dict[FamilyId, dict[str, int]]
    ranges: CellRanges


class CellStore:
    """A cell's store: what is committed in it stays."""

    def __init__(self, cell: CellId, ledger: Ledger, grants: RangeGrants) -> None:
        self.cell = cell
        self.epoch = 0
        self.holder: Any = None  # the process
        self.renewed = 0
        self.rows: dict[FamilyId, FamilyRow] = {}
        self.changes = 0  # of rows
        self.events: dict[FamilyId, dict[str, int]] = {}
        self.ranges = CellRanges()
        self._ledger = ledger
        self._grants = grants

    def commit(
        self, epoch: int, events: list[tuple[Event, int]], ranges: CellRanges | None
    ) -> set[FamilyId] | None:
        """Accept events, each with the number by which its family was judged. None: it is not the
        owner's any more; else the families for which the batch was refused as a whole."""
        if epoch != self.epoch:
            return None
        self.renewed += 1
        if refused := not_mine(self.rows, ((event[0], number) for event, number in events)):
            return refused
        self._follow(ranges)
        for event, _ in events:
            family, id, number = event
            known = self.events.setdefault(family, {})
            if id not in known:
                self._ledger.accepted(self.cell, event, self._grants)
                known[id] = number
        return set()

    def move(
        self,
        epoch: int,
        family: FamilyId,
        move: FamilyMove | None,
        number: int,
        other: CellId | None = None,
        copied: dict[str, int] | None = None,
        ranges: CellRanges | None = None,
    ) -> FamilyRow | None:
        """Do a step of a move in one commit, or nothing; return the row as it is then. A step that
        is no move copies rows into a family that arrives."""
        if epoch != self.epoch:
            return None
        self.renewed += 1
        row = self.rows.get(family)
        if move is None:
            if row is not None and row.state is FamilyState.ARRIVING and row.number == number:
                self.events[family] = dict(copied or {})
            return row
        following = move_row(row, move, family=family, number=number, other=other)
        if following is not None:
            self._follow(ranges)
            self.rows[family] = row = following
            self.changes += 1
            self._ledger.moved(self.cell, family, following)
            if move is FamilyMove.EMPTY:
                self.events.pop(family, None)
        return row

    def back_up(self) -> StoreBackup:
        """Copy the store as it is."""
        events = {family: dict(known) for family, known in self.events.items()}
        return StoreBackup(dict(self.rows), events, self.ranges)

    def may_be_put_back(self, backup: StoreBackup, places: dict[FamilyId, FamilyPlace]) -> bool:
        """Return whether nothing has happened since a backup but events, and families that have
        gone, as the map knows: of whatever else an operator is told that a later one is needed."""
        if self.rows.keys() != backup.rows.keys():
            return False
        for family, row in self.rows.items():
            former, place = backup.rows[family], places[family]
            is_gone = row.state in (FamilyState.GONE, FamilyState.EMPTIED)
            if row.state is not FamilyState.HERE and not is_gone:
                return False
            is_left = former.state is FamilyState.HERE and is_gone
            if row != former and not (is_left and place.number >= row.number):
                return False
        return True

    def put_back(self, backup: StoreBackup) -> None:
        """Be as at a backup; nobody owns it, and no range of it is used any more."""
        for family, row in backup.rows.items():
            if row.state is FamilyState.HERE and self.rows[family] == row:
                known = backup.events.get(family, {})
                self._ledger.lose(self.events.get(family, {}).keys() - known.keys())
        self.epoch, self.holder, self.renewed = self.epoch + 1, None, self.renewed + 1
        self.rows, self.changes = dict(backup.rows), self.changes + 1
        self.events = {family: dict(known) for family, known in backup.events.items()}
        self.ranges = backup.ranges.restored()

    def _follow(self, ranges: CellRanges | None) -> None:
        if ranges is not None and (
            ranges.begun > self.ranges.begun or len(ranges.granted) > len(self.ranges.granted)
        ):
            self.ranges = ranges


class MapStore:
    """The map's store: every change has a version."""

    def __init__(self) -> None:
        self.version = 0
        self.families: dict[FamilyId, FamilyPlace] = {}
        self.owners: dict[CellId, CellOwner] = {}
        self._log: list[tuple[Any, Any]] = []
        self.grants = RangeGrants()

    def place(self, family: FamilyId, place: FamilyPlace) -> None:
        if is_newer(place, self.families.get(family)):
            self.families[family] = place
            self._log.append((family, place))

    def own(self, cell: CellId, owner: CellOwner) -> None:
        known = self.owners.get(cell)
        if known is None or owner.epoch >= known.epoch:
            self.owners[cell] = owner
            self._log.append((cell, owner))

    def read(self, cell_map: CellMap) -> None:
        """Bring a map up to date."""
        behind = self._log[cell_map.asks_from("first") :]
        if behind or not cell_map.incarnation:
            families = {key: told for key, told in behind if isinstance(told, FamilyPlace)}
            cells = {key: told for key, told in behind if isinstance(told, CellOwner)}
            cell_map.merge(MapChanges("first", len(self._log), families, cells))
