"""A half of the store in PostgreSQL as a child process, which opens its connections anew when they
are lost.

    python -m tidings.store.postgres.process write|read GIVEN DESCRIPTOR

Where the database is, which may hold a password, and whose the store is, come by an open file.
"""

import os
import socket
import sys
import time
from collections.abc import Callable
from functools import partial

import msgspec

from tidings.store import port
from tidings.store.hosting.host import (
    ANSWER_S,
    READER_NICE,
    HostedHalf,
    StoreHost,
    reading_operations,
    run_child,
    writing_operations,
)
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.faults import down_where_refused, refused_as_store
from tidings.store.postgres.halves import PostgresAnswerBound, PostgresReader, PostgresWriter
from tidings.store.postgres.inspection.lineage import note_lineage
from tidings.store.postgres.ownership import CommitsLost, Ownership, renewals
from tidings.store.sql.halves import passed_s

OPENED_AGAIN_S = 0.5  # between two tries: who asks meanwhile is refused at once


class OwnedDatabase(msgspec.Struct, frozen=True, array_like=True):
    """A database whose store is ours, as a half is told of it.

    `environment`: what libpq and its libraries take from there. A process that is started has
    nothing of it by itself.
    """

    uri: str
    schema: str
    epoch: int
    holder: str
    environment: dict[str, str] = {}

    @property
    def database(self) -> StoreDatabase:
        """The database, and the schema in it."""
        return StoreDatabase(self.uri, self.schema)

    @property
    def ours(self) -> Ownership:
        """The right to write."""
        return Ownership(self.epoch, self.holder)


class _Writer:
    """The half that writes, over a connection that may be lost."""

    def __init__(self, given: OwnedDatabase) -> None:
        self._given = given
        connection = given.database.open_writer(given.ours)
        try:
            self._half = PostgresWriter(connection, given.ours, passed_s=passed_s)
        except BaseException:
            connection.close()
            raise

    def hosted(self) -> HostedHalf:
        return HostedHalf(writing_operations(self._half), record=self._half.record)

    def is_lost(self) -> bool:
        return self._half.connection.is_lost()

    def open_again(self) -> HostedHalf:
        """Go on over a new connection, with all that is known read again: of what the last one has
        begun, nobody here knows whether it is kept.

        Raise CommitsLost where the database has lost what it had acknowledged, as it does by a
        failover to a server that had not received it, or by a restore in its place. The service
        knows of webhooks and deliveries that are not there, and their numbers would be given again
        to others: its next start reads what is there.
        """
        connection = self._given.database.open_writer(self._given.ours)
        try:
            renewed = renewals(connection.driver, self._given.ours)
            if renewed < self._half.connection.acknowledged:
                self._half.keep_numbers(connection)
                raise CommitsLost(
                    "The database has lost commits that it had acknowledged: it failed over to a "
                    "server that had not received them, or was restored in its place. This process "
                    "stops; the next start reads what is there."
                )
            # What was committed without an answer can be read here, and may be on this server
            # alone. A transaction that writes waits for the standby, and so for all before it.
            with connection:
                pass
            note_lineage(connection)
            self._half = PostgresWriter(connection, self._given.ours, before=self._half)
        except BaseException:
            connection.close()
            raise
        return self.hosted()


class _Reader:
    """The half that reads, over connections that may be lost."""

    def __init__(self, given: OwnedDatabase) -> None:
        self._given = given
        self._half = self._opened()

    def _opened(self) -> PostgresReader:
        database, ours = self._given.database, self._given.ours
        log = database.open_reader(ours, ANSWER_S)
        try:
            return PostgresReader(log, database.open_search(ours, ANSWER_S))
        except BaseException:
            log.close()  # it is tried again and again, and a server has few
            raise

    def hosted(self) -> HostedHalf:
        return HostedHalf(
            reading_operations(self._half),
            background=self._half.background,
            bounded=PostgresAnswerBound(self._half.connections, ANSWER_S),
        )

    def is_lost(self) -> bool:
        return any(connection.is_lost() for connection in self._half.connections)

    def open_again(self) -> HostedHalf:
        self._half.close()
        self._half = self._opened()
        return self.hosted()


class _Reopening:
    """Opens a half again where its connections are lost, not too often."""

    def __init__(self, half: _Writer | _Reader) -> None:
        self._half = half
        self._again_at_s = 0.0

    def __call__(self) -> HostedHalf | None:
        if not self._half.is_lost():
            return None
        now_s = time.monotonic()
        if now_s < self._again_at_s:
            raise port.StoreDown("the connection to the database was lost and is opened again")
        try:
            with down_where_refused("the connection to the database was lost once more"):
                return self._half.open_again()
        finally:
            self._again_at_s = time.monotonic() + OPENED_AGAIN_S


def open_half(role: str, given: Callable[[], OwnedDatabase], line: socket.socket) -> StoreHost:
    """Open the connections of a half. Raises StoreRefused; StoreDown where the database is not to
    be reached."""
    half: _Writer | _Reader
    with refused_as_store("the connection to the database was lost as it was opened"):
        if role == "write":
            half = _Writer(given())
        else:
            os.nice(READER_NICE)
            half = _Reader(given())
    return StoreHost(line, half.hosted(), _Reopening(half))


def read_given(descriptor: str) -> OwnedDatabase:
    """Read what a half is started with, to the end of an open file."""
    with open(int(descriptor), "rb") as file:
        given = msgspec.msgpack.decode(file.read(), type=OwnedDatabase)
    os.environ.update(given.environment)
    return given


if __name__ == "__main__":
    sys.exit(
        run_child(sys.argv[3], partial(open_half, sys.argv[1], partial(read_given, sys.argv[2])))
    )
