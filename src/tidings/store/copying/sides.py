"""What a copy asks of each of its two stores, and of what seals their secrets."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tidings.core.sealed_columns import SealedColumn
from tidings.errors import Unusable
from tidings.store.port import KeptKey
from tidings.store.sql.connection import StoreConnection


class CopyRefused(Unusable):
    """A store cannot be copied so; the text says why and what to do."""


class TableShape(NamedTuple):
    """A table as its database describes it: the types of its columns, and what is unique in it."""

    columns: Mapping[str, str]
    key: tuple[str, ...]  # none: no columns are


class StoreSide(Protocol):
    """A store that is stopped, and that nobody else starts as long as this is open."""

    @property
    def name(self) -> str:
        """Return its place, for people."""

    @property
    def connection(self) -> StoreConnection:
        """Return the connection that writes to it."""

    def tables(self) -> Mapping[str, TableShape]:
        """Describe its tables, but for those of which only its database knows."""

    def numbers(self) -> Mapping[str, int]:
        """Return the greatest number that was given in each table whose numbers the database
        remembers, also where its row is gone."""

    def raise_numbers(self, least: Mapping[str, int]) -> None:
        """Have each table give numbers above these, and above those that are there."""

    def renew(self) -> None:
        """Go on to hold it: whoever waits for it to be let go must see now and then that it is
        not."""

    def has_no_room(self, fault: BaseException) -> bool:
        """Return whether a refusal of its connection says that its disk is full."""

    def close(self) -> None:
        """Let it go. Idempotent."""


class StoreSecrets(Protocol):
    """The secrets of a store: sealed with its master key, or derived from it."""

    def check(self) -> int:
        """Return the number by which a store knows this key."""

    def open(self, column: SealedColumn, of: Sequence[Any], sealed: bytes) -> bytes:
        """Open a value. Raise an Unusable where it does not open with this store's key."""

    def seal(self, column: SealedColumn, of: Sequence[Any], plain: bytes) -> bytes:
        """Seal a value for its place."""

    def keys(self, kept: Sequence[KeptKey]) -> Mapping[bytes, bytes]:
        """Return the key of each purpose, of a store that keeps these."""

    def keep(self, keys: Mapping[bytes, bytes]) -> Sequence[KeptKey]:
        """Seal those of these keys that the master key of this store does not give."""
