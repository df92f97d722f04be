"""What is sealed goes as it is: every cell of an installation has the same keys."""

from typing import Any

from tests.store.moving.families_filled import family_rows, put_rows
from tests.store.moving.stores_in_memory import BASE, THEIRS, copy, step, stored
from tidings.app.keys.key_check import unlock
from tidings.app.keys.master_key import key_place
from tidings.app.store_copying import MasterSecrets
from tidings.core.cells.families import CellId, FamilyMove
from tidings.core.sealed_columns import SEALED_COLUMNS, SealedColumn
from tidings.engine.vault import SealedSecret
from tidings.settings.load import load
from tidings.store import port
from tidings.store.sql.configuration.cell_identity import found_cell, read_identity
from tidings.store.sql.configuration.snapshot import KEPT_KEY
from tidings.store.sql.moving.family_tables import FAMILY_ROWS
from tidings.store.sqlite.halves import WritingHalf

KEY = SealedSecret(bytes(range(32)))
OF_FAMILIES = [
    column for column in SEALED_COLUMNS if column.table in {rows.table for rows in FAMILY_ROWS}
]


def secrets() -> MasterSecrets:
    """What opens the secrets of a process of the installation."""
    return MasterSecrets(KEY, unlock(KEY, None, key_place(load({}))))


def places(half: WritingHalf, column: SealedColumn) -> list[tuple[Any, ...]]:
    """What the places of a column's values are made of, and the values."""
    of = ", ".join(column.of)
    text = f"SELECT {of}, {column.column} FROM {column.table}"
    return sorted(tuple(row) for row in half.connection.execute(text).fetchall())


def test_a_further_cell_has_the_keys_that_the_first_one_keeps() -> None:
    first, further = WritingHalf(":memory:"), WritingHalf(":memory:")
    for purpose in ("tidings.terms", "tidings.audit"):
        kept = port.KeptKey(purpose, purpose.encode())
        first.connection.execute(KEPT_KEY.insert(), KEPT_KEY.write(kept))
    identity = read_identity(first.connection)._replace(cell=CellId(2))
    found_cell(further.connection, further.numbers, identity)
    assert further.configuration.kept_keys() == first.configuration.kept_keys() != []


def test_what_is_sealed_opens_where_it_has_gone() -> None:
    assert {(column.table, column.column) for column in OF_FAMILIES} == {
        ("webhook_version", "config"),
        ("reference", "value"),
        ("keyed_call", "answer"),
        ("source", "sealed"),
        ("alert_channel", "sealed"),
    }
    source, target = stored(), stored()
    put_rows(source.connection, family_rows(THEIRS, {2: 1}, BASE))
    source.families.begin(THEIRS)  # type: ignore[arg-type]
    for column in OF_FAMILIES:
        for *of, _ in places(source, column):
            where = " AND ".join(f"{part} = ?" for part in column.of)
            sealed = secrets().seal(column, of, repr(of).encode())
            change = f"UPDATE {column.table} SET {column.column} = ? WHERE {where}"
            source.connection.execute(change, (sealed, *of))
    step(source, FamilyMove.BEGIN, FamilyMove.SEAL)
    step(target, FamilyMove.RECEIVE)
    copy(source.family_pages, target.family_pages)
    for column in OF_FAMILIES:
        found = places(target, column)
        assert found
        for *of, sealed in found:
            assert secrets().open(column, of, sealed) == repr(of).encode()
