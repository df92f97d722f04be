"""The tables of the map, by their rows."""

from typing import NamedTuple

from tidings.core.cells.directory import OpenerKind
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.port.cell_map import (
    CellKind,
    CellState,
    PlatformKind,
    PlatformRow,
    ProcessEntry,
    RangeRun,
)
from tidings.store.sql.row_mapping import FLAG, ColumnCodec, StoredTable


class MapMeta(NamedTuple):
    """The counters."""

    incarnation: str
    version: int
    next_range: int
    granting: str


class MapVersion(NamedTuple):
    """The stamp of a version, which no other one has."""

    version: int
    stamp: bytes


class CellRow(NamedTuple):
    """A cell, and who owns it."""

    cell: CellId
    kind: CellKind
    state: CellState
    setting: str
    sealed: bytes
    epoch: int
    address: str
    version: int


class PlaceRow(NamedTuple):
    """Where a family is."""

    family: FamilyId
    cell: CellId
    number: int
    version: int


class OpenerRow(NamedTuple):
    """The family of something that opens."""

    digest: bytes
    kind: OpenerKind
    family: FamilyId
    made_ms: int


class ConfirmedRow(NamedTuple):
    """Up to which version the owner of a cell follows."""

    cell: CellId
    epoch: int
    incarnation: str
    version: int


META = StoredTable("map_meta", MapMeta)
VERSION = StoredTable("map_version", MapVersion)
CELL = StoredTable(
    "cell_entry",
    CellRow,
    {
        "kind": ColumnCodec(CellKind, lambda kind: kind.value),
        "state": ColumnCodec(CellState, int),
    },
)
PLACE = StoredTable("family_place", PlaceRow)
RUN = StoredTable("range_grant", RangeRun)
OPENER = StoredTable(
    "directory", OpenerRow, {"kind": ColumnCodec(OpenerKind, lambda kind: kind.value)}
)
PROCESS = StoredTable("process", ProcessEntry, {"takes": FLAG})
CONFIRMED = StoredTable("confirmed", ConfirmedRow)
PLATFORM = StoredTable(
    "platform_row", PlatformRow, {"kind": ColumnCodec(PlatformKind, lambda kind: kind.value)}
)
