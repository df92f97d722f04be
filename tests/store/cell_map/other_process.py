"""Another process that changes the map: `python -m tests.store.cell_map.other_process ROLE …`.

Each line that it prints is something that was answered, or `in`: a change is begun and not ended.
It starts as fast as what it imports.
"""

import itertools
import sys
import time
from pathlib import Path

from tidings.core.cells.cell_map import FamilyPlace
from tidings.core.cells.families import CellId, FamilyId
from tidings.store.cell_map.map_rows import MapRows
from tidings.store.cell_map.tables import PROCESS
from tidings.store.port.cell_map import ProcessEntry

FAMILIES = [FamilyId(number) for number in range(1, 21)]
SCHEMA = "tidings_map"
PATIENT_S = 120


def place_and_grant(rows: MapRows, first: int, count: int) -> None:
    """Place families of its own, one by one, and take ranges for a cell, two at a time."""
    highest = -1
    for family in range(first, first + count):
        places = {FamilyId(family): FamilyPlace(CellId(1), 1)}
        version = rows.entries.place_families(places)
        granted = rows.grants.grant(CellId(first), highest, 2)
        highest = granted[-1]
        print(family, version, *granted, flush=True)


def move_all(rows: MapRows, first: int, _: int) -> None:
    """Move the same families again and again, all in one change."""
    for number in itertools.count(first):
        places = {family: FamilyPlace(CellId(1), number) for family in FAMILIES}
        print(number, rows.entries.place_families(places), flush=True)


def stand_still(rows: MapRows, first: int, _: int) -> None:
    """Begin a change, and never end it."""
    transactions = rows.processes._transactions
    with transactions.changing():
        half = ProcessEntry(name="half", address="", beat=first)
        transactions.connection.execute(PROCESS.upsert("name"), PROCESS.write(half))
        print("in", flush=True)
        time.sleep(600)


def open_map(adapter: str, place: str) -> MapRows:
    """Open a map with the patience of a busy machine."""
    if adapter == "sqlite":
        from tidings.store.cell_map import sqlite_map  # noqa: PLC0415

        sqlite_map.WAIT_S = PATIENT_S
        return sqlite_map.open_sqlite_map(Path(place))
    from tidings.store.cell_map import postgres_map  # noqa: PLC0415

    postgres_map.BOUNDS_S.update(dict.fromkeys(postgres_map.BOUNDS_S, PATIENT_S))
    return postgres_map.open_postgres_map(place, SCHEMA)


ROLES = {run.__name__: run for run in (place_and_grant, move_all, stand_still)}

if __name__ == "__main__":
    role, adapter, place, first, count = sys.argv[1:]
    ROLES[role](open_map(adapter, place), int(first), int(count))
