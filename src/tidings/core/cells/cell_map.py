"""The map: which cell a family is in, and at which address that cell's owner is.

It is a hint. What decides stands in the cells' own stores, and every owner judges each call by
that; so a map may be old, cut off, or restored from a backup, and costs a second try at most. Each
entry carries what tells the newer of two by itself: a family's the number of its newest move, a
cell's the epoch of its owner. So entries are merged in any order and from any side, answers of
owners among them, and none goes back.

`version` is that of the map's store, which counts its changes, so that a reader asks only for what
is behind its own. A store that was restored has another `incarnation`: it is read as a whole then.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from tidings.core.cells.families import CellId, FamilyId


class FamilyPlace(NamedTuple):
    """Where a family is, and by the how-manieth move."""

    cell: CellId
    number: int


class CellOwner(NamedTuple):
    """Name who owns a cell, by an epoch; no address: nobody, it was let go."""

    epoch: int
    address: str


class MapChanges(msgspec.Struct, frozen=True, array_like=True):
    """Hold what a reader gets of the map's store: all changes behind the version it has."""

    incarnation: str
    version: int
    families: Mapping[FamilyId, FamilyPlace] = {}
    cells: Mapping[CellId, CellOwner] = {}


class CellMap:
    """Hold what a process knows of the map."""

    def __init__(self) -> None:
        self.incarnation = ""
        self.version = 0
        self._families: dict[FamilyId, FamilyPlace] = {}
        self._owners: dict[CellId, CellOwner] = {}

    def place_of(self, family: FamilyId) -> FamilyPlace | None:
        """Return where a family is, as far as this map knows."""
        return self._families.get(family)

    def cells_of_families(self) -> Collection[CellId]:
        """List for each family the cell that it is in."""
        return [place.cell for place in self._families.values()]

    def cells_with_moved(self, first_number: int) -> set[CellId]:
        """List the cells that have a family which was in another one before: by the number of its
        move, which is `first_number` where it was made."""
        return {place.cell for place in self._families.values() if place.number > first_number}

    def highest_family(self) -> FamilyId:
        """Return the highest id of a family; 0: none is known."""
        return max(self._families, default=FamilyId(0))

    def is_owned(self, cell: CellId) -> bool:
        """Return whether a cell has an owner, as far as this map knows."""
        owner = self._owners.get(cell)
        return owner is not None and bool(owner.address)

    def owner_of(self, cell: CellId) -> CellOwner | None:
        """Return who owns a cell, as far as this map knows."""
        return self._owners.get(cell)

    def asks_from(self, incarnation: str) -> int:
        """Return the version behind which changes have to be read of a store of that
        incarnation."""
        return self.version if incarnation == self.incarnation else 0

    def merge(self, changes: MapChanges) -> bool:
        """Take in what was read; return whether anything is new."""
        is_known = changes.incarnation == self.incarnation
        self.incarnation = changes.incarnation
        self.version = max(self.version, changes.version) if is_known else changes.version
        learned = [self.learn(family, place) for family, place in changes.families.items()]
        learned += [self.learn_owner(cell, owner) for cell, owner in changes.cells.items()]
        return any(learned)

    def learn(self, family: FamilyId, place: FamilyPlace) -> bool:
        """Take in where a family is, by whoever says so; return whether that is news."""
        if is_newer(place, self._families.get(family)):
            self._families[family] = place
            return True
        return False

    def learn_owner(self, cell: CellId, owner: CellOwner) -> bool:
        """Take in who owns a cell; return whether that is news."""
        known = self._owners.get(cell)
        if (
            known is None
            or owner.epoch > known.epoch
            or (owner.epoch == known.epoch and not owner.address and known.address)
        ):
            self._owners[cell] = owner
            return True
        return False


def is_newer(place: FamilyPlace, known: FamilyPlace | None) -> bool:
    """Return whether the map's store takes an entry in place of the one it has: by the number of
    the move alone, so that a delayed one changes nothing."""
    return known is None or place.number > known.number


def lost_places(
    here: Mapping[FamilyId, int], known: Mapping[FamilyId, FamilyPlace], cell: CellId
) -> dict[FamilyId, FamilyPlace]:
    """Return what an owner writes into the map again: its families, `here` by the number of their
    newest move, of which the map has an older entry or none. Asked at a take-over and when the map
    has another incarnation, it mends a map that was restored."""
    return {
        family: place
        for family, number in here.items()
        if is_newer(place := FamilyPlace(cell, number), known.get(family))
    }


def are_confirmed(
    version: int, confirmed: Mapping[CellId, int], lease_over: Collection[CellId]
) -> bool:
    """Return whether what was written into the map with this version is in force everywhere, as
    stops, revocations and sign-outs are before they are answered: each cell's owner has read it, or
    sends nothing any more (its lease is over), and its successor reads it before its first send.

    `confirmed`: of every cell the version that its owner has read."""
    return all(read >= version or cell in lease_over for cell, read in confirmed.items())


def unconfirmed(
    version: int, confirmed: Mapping[CellId, int], lease_over: Iterable[CellId]
) -> list[CellId]:
    """List the cells for which `are_confirmed` still waits, for the caller to be told."""
    over = set(lease_over)
    return sorted(cell for cell, read in confirmed.items() if read < version and cell not in over)
