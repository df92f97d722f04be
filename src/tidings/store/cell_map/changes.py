"""What readers of the map get: changes behind the place up to which they have read."""

import secrets
from typing import Any

from tidings.core.cells.cell_map import CellOwner, MapChanges
from tidings.store.cell_map.entries import entry_of, place_of
from tidings.store.cell_map.tables import CELL, PLACE, PLATFORM, RUN, VERSION, MapMeta
from tidings.store.cell_map.transactions import MapTransactions
from tidings.store.port.cell_map import (
    MapPlace,
    MapReading,
    MapWentBack,
    PlatformKind,
    is_behind,
    number_of,
)

_STAMP = f"{VERSION.select} WHERE version = ?"
_CELLS = f"{CELL.select} WHERE version > ? ORDER BY cell"
_PLACES = f"{PLACE.select} WHERE version > ?"
_RUNS = f"{RUN.select} WHERE version > ? ORDER BY first"
# A later release may know further kinds.
_KINDS = ", ".join(f"'{kind.value}'" for kind in PlatformKind)
_PLATFORM = f"{PLATFORM.select} WHERE version > ? AND kind IN ({_KINDS}) ORDER BY kind, name"
_INCARNATE = "UPDATE map_meta SET incarnation = ?"


class ChangeRows:
    """Reads changes, and sees whether the map is the one that the reader knows."""

    def __init__(self, transactions: MapTransactions) -> None:
        self._transactions = transactions
        self._connection = transactions.connection

    def read(self, known: MapPlace) -> MapReading:
        """See `CellMapStore`."""
        with self._transactions.reading():
            meta = self._transactions.meta()
            stamp = self._stamp_of(meta.version)
            place = MapPlace(incarnation=meta.incarnation, version=meta.version, stamp=stamp)
            if place == known:
                changes = MapChanges(meta.incarnation, meta.version)
                return MapReading(place=place, changes=changes, next_range=meta.next_range)
            is_whole = self._is_unknown(meta, known)
            return self._behind(0 if is_whole else known.version, meta, place)

    def begin_incarnation(self, known: str) -> str:
        """See `CellMapStore`. Ranges are granted again once `restore_grants` has been asked."""
        with self._transactions.changing() as change:
            present = change.meta.incarnation
            if number_of(present) > number_of(known):
                return present
            following = f"{number_of(known) + 1}.{secrets.token_hex(16)}"
            self._connection.execute(_INCARNATE, (following,))
        return following

    def _is_unknown(self, meta: MapMeta, known: MapPlace) -> bool:
        """Return whether a reader has to read all there is. Raise MapWentBack where it knows what
        the map does not."""
        if not known.version:
            return True
        if is_behind(meta.incarnation, known.incarnation):
            raise MapWentBack(_gone_back(meta, known))
        if meta.incarnation != known.incarnation:
            return True
        stamp = self._stamp_of(known.version)
        if known.version > meta.version or (stamp and stamp != known.stamp):
            raise MapWentBack(_gone_back(meta, known))
        return not stamp

    def _stamp_of(self, version: int) -> bytes:
        """Return the stamp of a version; none, if it is too old."""
        row = self._connection.execute(_STAMP, (version,)).fetchone()
        return b"" if row is None else VERSION.read(row).stamp

    def _behind(self, version: int, meta: MapMeta, place: MapPlace) -> MapReading:
        cells = [CELL.read(row) for row in self._rows(_CELLS, version)]
        places = [PLACE.read(row) for row in self._rows(_PLACES, version)]
        return MapReading(
            place=place,
            changes=MapChanges(
                incarnation=meta.incarnation,
                version=meta.version,
                families={row.family: place_of(row) for row in places},
                cells={row.cell: CellOwner(row.epoch, row.address) for row in cells if row.epoch},
            ),
            is_whole=not version,
            cells=[entry_of(row) for row in cells],
            runs=[RUN.read(row) for row in self._rows(_RUNS, version)],
            next_range=meta.next_range,
            platform=[PLATFORM.read(row) for row in self._rows(_PLATFORM, version)],
        )

    def _rows(self, query: str, version: int) -> list[Any]:
        return self._connection.execute(query, (version,)).fetchall()


def _gone_back(meta: MapMeta, known: MapPlace) -> str:
    return (
        f"the map has gone back: it is at version {meta.version} of incarnation "
        f"{meta.incarnation}, and was at {known.version} of {known.incarnation}"
    )
