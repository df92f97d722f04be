"""By which the master key of a store is known: a number made of it, which tells nothing of it."""

from typing import NamedTuple

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import insert_into

KEY_CHECK = "key_check"  # its key in `meta`; a store of before has none until its first start
_READ = f"SELECT value FROM meta WHERE key = '{KEY_CHECK}'"


class MetaRow(NamedTuple):
    """A row of `meta`: one fact of the whole database."""

    key: str
    value: int


_PUT = insert_into("meta", MetaRow, "INSERT OR IGNORE")


def read_key_check(connection: StoreConnection) -> int | None:
    """Return by which the key of a store is known; None of a store that has nothing of it yet."""
    row = connection.execute(_READ).fetchone()
    return None if row is None else int(row[0])


class KeyCheckRow:
    """Writes it, once and for all; shares the writer's connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection

    @answers(port.Store.key_check)
    def read(self) -> int | None:
        """See `port.ConfigurationStore.key_check`."""
        return read_key_check(self._connection)

    @answers(port.Store.put_key_check)
    def put(self, value: int) -> None:
        """See `port.ConfigurationStore.put_key_check`."""
        with self._connection:
            self._connection.execute(_PUT, MetaRow(key=KEY_CHECK, value=value))
