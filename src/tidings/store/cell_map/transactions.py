"""Transactions of the map: those that read see one moment, those that change it come one by one.

A transaction that changes the map raises its version before anything else. It has that row to
itself until its end, so the next one begins behind its commit, and versions are seen in their
order. One that has changed nothing is taken back, its version with it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from tidings.errors import TidingsError
from tidings.store.cell_map.tables import META, VERSION, MapMeta, MapVersion
from tidings.store.port.cell_map import SPARED_VERSIONS, MapDown
from tidings.store.sql.connection import StoreConnection

STAMP_BYTES = 16
SHOWN_MAX = 300

_NO_META = "the map has lost its counters; restore it"

_RAISE = f"UPDATE map_meta SET version = version + 1 RETURNING {META.columns}"
_DROP_VERSIONS = "DELETE FROM map_version WHERE version <= ?"
# Who has not read of it by now reads the map as a whole, where it is not.
_DROP_PLATFORM = "DELETE FROM platform_row WHERE version <= ? AND content IS NULL"


class MapConnection(StoreConnection, Protocol):
    """A connection to the map. All that is asked over it ends within some seconds."""

    def begin_reading(self) -> None:
        """Begin a transaction that sees the map as it is at one moment."""

    def must_be_current(self) -> None:
        """Raise an error of the database where this leads to a map that was taken away."""

    def make_sure(self) -> None:
        """Return when all that this connection has seen is on stable storage: the answer to a
        commit of before may have been lost because it was not."""

    def is_fault(self, error: BaseException) -> bool:
        """Return whether an error is the database's, and no fault of ours. A connection that is of
        no use behind it counts as lost."""

    def is_lost(self) -> bool:
        """Return whether nothing can be asked over it any more."""


class MapChange:
    """A change of the map while it is made. `meta`: the counters, with the version that it gets if
    anything is changed."""

    def __init__(self, meta: MapMeta) -> None:
        self.meta = meta
        self.is_made = False

    @property
    def version(self) -> int:
        """Return the version that has what was asked for, once the block has ended: where nothing
        was to be changed, the one that there is."""
        return self.meta.version if self.is_made else self.meta.version - 1


class MapTransactions:
    """Makes transactions over one connection."""

    def __init__(self, connection: MapConnection) -> None:
        self.connection = connection

    def meta(self) -> MapMeta:
        """Read the counters."""
        row = self.connection.execute(META.select).fetchone()
        if row is None:
            raise MapDown(_NO_META)
        return META.read(row)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read in a block, all of it of one moment."""
        with self._faults():
            self.connection.begin_reading()
            yield
            self.connection.roll_back()

    @contextmanager
    def unversioned(self) -> Iterator[None]:
        """Change in a block what no reader of changes asks for."""
        with self._faults():
            self.connection.begin()
            yield
            self._commit()

    @contextmanager
    def changing(self) -> Iterator["MapChange"]:
        """Change the map in a block, which is given its own version."""
        with self._faults():
            self.connection.begin()
            rows = self.connection.execute(_RAISE).fetchall()
            if len(rows) != 1:
                raise MapDown(_NO_META)
            change = MapChange(META.read(rows[0]))
            before = self.connection.total_changes()
            yield change
            if self.connection.total_changes() == before:
                self.connection.roll_back()
                self.connection.make_sure()
                return
            change.is_made = True
            stamp = MapVersion(change.meta.version, secrets.token_bytes(STAMP_BYTES))
            self.connection.execute(VERSION.insert(), VERSION.write(stamp))
            spared = (change.meta.version - SPARED_VERSIONS,)
            self.connection.execute(_DROP_VERSIONS, spared)
            self.connection.execute(_DROP_PLATFORM, spared)
            self._commit()

    def _commit(self) -> None:
        self.connection.commit()
        self.connection.must_be_current()  # else it is a file's that nobody has any more

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Take back what the block has begun and not ended. Raise MapDown for what the database
        refuses, and for rows that no release of ours has written."""
        try:
            self.connection.must_be_current()
            try:
                yield
            except BaseException:
                with suppress(Exception):  # what it came of is told
                    self.connection.roll_back()
                raise
        except TidingsError:
            raise
        except Exception as error:
            is_row = isinstance(error, ValueError | TypeError)
            if not is_row and not self.connection.is_fault(error):
                raise
            reason = "".join(sign if sign.isprintable() else "?" for sign in str(error))
            doing = "the map holds what cannot be read" if is_row else "the map cannot be asked now"
            raise MapDown(f"{doing}: {reason[:SHOWN_MAX]}") from error
