"""A connection to a database that keeps the store's rows: what this folder asks of it.

Statements are written in SQLite's words; an adapter whose database has others translates them.
Blocks of a connection (`with`) are transactions, those within them savepoints: their changes are
kept together where the block ends well, and taken back where it does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol

Values = Sequence[Any] | Mapping[str, Any]  # by `?` in their order or `?1` by place; by `:name`


class Found(Protocol):
    """The rows of a statement, read as they are asked for."""

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """Return the next row; None at the end."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def close(self, force: bool = False) -> None:
        """Stop reading, whatever is left."""


class LongBytes(Protocol):
    """One value of bytes, read by pieces."""

    def __enter__(self) -> "LongBytes": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...

    def seek(self, offset: int) -> None:
        """Go to so many bytes from the beginning."""

    def read(self, length: int) -> bytes:
        """Return the next bytes, and stand behind them."""


class StoreConnection(Protocol):
    """One connection; a statement at a time."""

    def execute(self, statement: str, bindings: Values = (), /) -> Found:
        """Run one statement."""

    def executemany(self, statement: str, bindings: Iterable[Values], /) -> object:
        """Run a statement for each of these values, in their order."""

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None: ...

    def begin(self) -> None:
        """Begin a transaction that writes."""

    def commit(self) -> None:
        """End it: when this returns, its changes are on stable storage."""

    def roll_back(self) -> None:
        """Take back what the transaction has changed; nothing where none is open."""

    def insert_new(self, statement: str, rows: Sequence[Values]) -> bool:
        """Insert rows, all or none. False: the key of one of them is there already."""

    def changes(self) -> int:
        """Count the rows that the last statement has changed."""

    def total_changes(self) -> int:
        """Count the rows that this connection has changed so far."""

    def unsynced(self) -> AbstractContextManager[object]:
        """Have commits in the block wait for no sync: what they did may be undone by a power cut,
        in their order. Begun outside of a transaction."""

    def log_version(self) -> object:
        """Return what differs once anybody has changed the database."""

    def counted(self) -> Mapping[str, int]:
        """Return the greatest number that the database has given by itself in each table, also
        where its row is gone; only of tables whose numbers it remembers."""

    def has_table(self, name: str) -> bool:
        """Return whether the schema has a table: it may be the one before the newest."""

    def long_bytes(self, table: str, column: str, key: str, value: int) -> LongBytes:
        """Open a column of bytes, of the row whose `key` has this value."""

    def refusal_of(self, error: BaseException) -> BaseException | None:
        """Return the refusal of the database, or of its disk, that an error is or came of: nothing
        is wrong with what was asked, and it may pass. None where it is none."""

    def is_full(self, fault: BaseException) -> bool:
        """Return whether a refusal is that there is no room."""

    def close(self) -> None:
        """Close it. Idempotent."""
