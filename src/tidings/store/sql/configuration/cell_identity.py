"""Which cell of which installation a store is.

A store that is the only one says nothing of it. The others say it in `meta`, so that none is taken
for another one, or for one of another installation, whatever place it was put into; and so that
nothing serves the first one as if it were the only one.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tidings.core.cells.families import CellId
from tidings.store import port
from tidings.store.sql.configuration.key_check import KeyCheckRow, read_key_check
from tidings.store.sql.configuration.snapshot import KEPT_KEY
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import PUT, PUT_ONCE, MetaRow, read_fact
from tidings.store.sql.facts.numbers import StoreNumbers, read_ranges

CELL = "cell"  # its key in `meta`
_INSTALLATION = "SELECT id FROM installation"
_PUT_INSTALLATION = "UPDATE installation SET id = ?"
_ORG = "SELECT 1 FROM org LIMIT 1"


class StoreIdentity(NamedTuple):
    """Hold what a store says of itself. `cell`: None where it is the only one; `key_check`: None
    where it was never served."""

    cell: CellId | None
    installation: str
    key_check: int | None
    kept_keys: tuple[port.KeptKey, ...] = ()


def read_identity(connection: StoreConnection) -> StoreIdentity:
    """Read what a store says of itself, also while it is served."""
    cell = read_fact(connection, CELL)
    row = connection.execute(_INSTALLATION).fetchone()  # of broken rows `store check` tells
    kept = connection.execute(f"{KEPT_KEY.select} ORDER BY purpose").fetchall()
    return StoreIdentity(
        cell=None if cell is None else CellId(cell),
        installation="" if row is None else str(row[0]),
        key_check=read_key_check(connection),
        kept_keys=tuple(KEPT_KEY.read(row) for row in kept),
    )


def name_cell(connection: StoreConnection, cell: CellId) -> None:
    """Have a store that was the only one say which cell it is. Done again, nothing changes."""
    with connection:
        connection.execute(PUT_ONCE, MetaRow(key=CELL, value=cell))


def found_cell(connection: StoreConnection, numbers: StoreNumbers, identity: StoreIdentity) -> None:
    """Make a new store a cell, in one transaction; done again, nothing changes. It has no range of
    numbers before one is granted. Raise StoreRefused where it is anything else already."""
    present = read_identity(connection)
    assert identity.cell is not None
    for problem in _problems(connection, present, identity):
        raise port.StoreRefused(
            f"The store of a new cell must be empty; {problem}. Take it out of the way, or name "
            "another one."
        )
    with numbers.transaction():
        connection.execute(_PUT_INSTALLATION, (identity.installation,))
        connection.execute(f"DELETE FROM {KEPT_KEY.name}")
        for key in identity.kept_keys:
            connection.execute(KEPT_KEY.insert(), KEPT_KEY.write(key))
        if identity.key_check is not None:
            KeyCheckRow(connection).put(identity.key_check)
        connection.execute(PUT, MetaRow(key=CELL, value=identity.cell))
        numbers.grant(())  # it is one of several, and begins no range without an end


def _problems(
    connection: StoreConnection, present: StoreIdentity, identity: StoreIdentity
) -> Iterator[str]:
    """Say why a store cannot be made a cell. One that was begun to be made, and got no number yet,
    can be."""
    if present.cell is None:
        if present.key_check is not None or connection.execute(_ORG).fetchall():
            yield "this one was served by itself"
        return
    if present.installation != identity.installation:
        yield f"this one is cell {present.cell} of another installation"
    elif present.cell != identity.cell and read_ranges(connection).granted:
        yield f"this one is cell {present.cell}"
    elif connection.execute(_ORG).fetchall():
        yield f"this one is cell {present.cell}, and has orgs"
