"""A change that is made once, also where it is asked for again because its answer was lost."""

from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.meta import RAISE, MetaRow, read_fact


class CountedChange:
    """Counts the changes of a kind twice: in the transaction of each, and here once its answer is
    known. Where the first count is ahead, the last one was made, and is not made again.

    That is of one owner: the next one begins with what is counted.
    """

    def __init__(self, connection: StoreConnection, key: str) -> None:
        """`key`: of the count, in the table `meta`."""
        self._connection = connection
        self._key = key
        self._answered = read_fact(connection, key) or 0

    def go_on_from(self, before: "CountedChange") -> None:
        """Go on as the same owner, over another connection."""
        self._answered = before._answered

    def count(self) -> bool:
        """Count it, in its transaction. Return whether it is still to be made."""
        self._connection.execute(RAISE, MetaRow(key=self._key, value=self._answered + 1))
        return self._connection.changes() > 0

    def is_unanswered(self) -> bool:
        """Return whether the last one was made and is not known to be."""
        return (read_fact(self._connection, self._key) or 0) > self._answered

    def answer(self) -> None:
        """Note that it is known to be made."""
        self._answered += 1
