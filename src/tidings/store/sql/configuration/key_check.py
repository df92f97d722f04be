"""By which the master key of a store is known: a number made of it, which tells nothing of it."""

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import PUT_ONCE, MetaRow, read_fact

KEY_CHECK = "key_check"  # its key in `meta`; a store of before has none until its first start


def read_key_check(connection: StoreConnection) -> int | None:
    """Return by which the key of a store is known; None of a store that has nothing of it yet."""
    return read_fact(connection, KEY_CHECK)


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
            self._connection.execute(PUT_ONCE, MetaRow(key=KEY_CHECK, value=value))
