"""Who writes to a schema: one owner at a time, by a row with an epoch.

The owner looks at its epoch in every commit, and so renews; the commit of a former owner fails
whole. Who waits takes over when the row has not changed for a whole lease by its own clock, so no
clocks are compared. First it ends the writing connection of the former owner, found by its name,
so that nothing which that one has begun commits behind the look.

Who waits may be of the release before: it takes over beside a migration, as its owner goes on
beside one, but never from an owner that may have written what only the newer release reads.
"""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from tidings.core.running.lease import LEASE_S, STANDS_BY
from tidings.store import port
from tidings.store.postgres.faults import refused_as_store
from tidings.store.postgres.migration import DatabaseRefused, newest_schema, refuse_newer

if TYPE_CHECKING:
    from tidings.core.cells.owners_seen import WatchedOwner

_LOOK = "SELECT epoch, holder, renewed FROM owner"
# Both of one snapshot.
_LOOK_WITH_SCHEMA = (
    "SELECT epoch, holder, renewed, (SELECT max(number) FROM schema_version) FROM owner"
)
# Of those that we may end: another role's connection can have any name, and its commit fails by the
# epoch, whoever it is. Asked of one that we may not, PostgreSQL refuses the whole statement.
_END = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE starts_with(application_name, %s) AND datname = current_database()"
    " AND pg_has_role(usesysid, 'USAGE')"
)
_TAKE = (
    "UPDATE owner SET epoch = epoch + 1, holder = %s, renewed = 0"
    " WHERE epoch = %s AND renewed = %s RETURNING epoch"
)
_CONFIRM = "UPDATE owner SET renewed = renewed + 1 WHERE epoch = %s AND holder = %s"
_RELEASE = "UPDATE owner SET holder = '' WHERE epoch = %s"
_GIVE_BACK = f"{_RELEASE} AND holder = %s"
RENEW = "UPDATE owner SET renewed = renewed + 1 WHERE epoch = $1 RETURNING renewed"
WAIT_S = 5.0  # for the commit of a take-over


class NotOwner(port.StoreRefused):
    """Another process owns the store now: nothing of this one is written any more."""


class AnotherOwns(port.StoreDown):
    """The store has a living owner: whoever asks stands by."""


class CommitsLost(port.StoreRefused):
    """The database has not what it had acknowledged: what is known in memory is not so."""


class OwnerRow(NamedTuple):
    """The row of the owner. `holder`: the name of its writing connection; none: it has let go."""

    epoch: int
    holder: str
    renewed: int


class Ownership(NamedTuple):
    """The right to write: the epoch that each commit looks at, and the owner's name, with which
    those of its connections begin."""

    epoch: int
    holder: str


def _holder(epoch: int, cell: int | None) -> str:
    """Make the name of an owner, which no other has. What it is followed by in the names of its
    connections stands within the 63 bytes that PostgreSQL keeps of one."""
    name = uuid.uuid4().hex
    return f"tidings {name}" if cell is None else f"tidings cell={cell} epoch={epoch} {name[:16]}"


class OwnerWatch:
    """Waits for the store to be nobody's, by its own clock."""

    def __init__(
        self,
        connect: Callable[[str], "psycopg.Connection[Any]"],
        passed_s: Callable[[], float],
        cell: int | None = None,
        former: "WatchedOwner | None" = None,
    ) -> None:
        """`connect` opens a connection of a name; `passed_s` is never set, and counts the machine's
        sleep. `cell`: of a store that is one of several, for whoever reads the names of its
        connections. `former`: its owner, as another process of this machine has watched it."""
        self._connect = connect
        self._cell = cell
        self._ours: Ownership | None = None
        self._passed_s = passed_s
        self._seen = None if former is None else OwnerRow(*former[:3])
        self._since_s = 0.0 if former is None else former.since_s
        self._newest_schema = newest_schema()
        self._known_epoch: int | None = None  # the last that was seen with a schema we know

    def take(self) -> Ownership:
        """Take the store over, if its owner has let go or has not renewed for a whole lease.

        Raise AnotherOwns where there is a living owner, StoreDown where the database cannot be
        asked now; StoreRefused where it refuses what an owner asks, and where a newer release
        owns it.
        """
        with refused_as_store("the database cannot be written now"):
            return self._take()

    def _take(self) -> Ownership:
        with self._connect("tidings standby") as connection, _BoundedLine(connection) as line:
            if self._ours is not None and _confirms(line, self._ours):
                return self._ours  # the answer was lost, or its processes could not be started
            seen = self._look_at_owner(connection)
            if seen.holder:
                self._wait_for(seen)
                connection.execute(_END.encode(), (seen.holder,))
            # Known before it is asked for: its answer may be lost.
            self._ours = ours = Ownership(seen.epoch + 1, _holder(seen.epoch + 1, self._cell))
            taken = line.write(_TAKE, (ours.holder, seen.epoch, seen.renewed)).fetchone()
            if taken is None:
                self._seen = self._ours = None
                raise AnotherOwns(f"{STANDS_BY} another process has just taken the store over")
            if seen.holder:  # what came in between has seen the old epoch, and can commit no more
                connection.execute(_END.encode(), (seen.holder,))
        return ours

    def give_back(self) -> None:
        """Let the store go where it was taken, perhaps without an answer. Raise as `take` does."""
        ours, self._ours = self._ours, None
        if ours is None:
            return
        with refused_as_store("the store cannot be given back now"):
            with self._connect("tidings standby") as connection, _BoundedLine(connection):
                connection.execute(_GIVE_BACK.encode(), ours)

    def _look_at_owner(self, connection: "psycopg.Connection[Any]") -> OwnerRow:
        """Return the row of the owner. Raise StoreRefused where its owner may be of a release that
        we are too old for: the schema is newer than ours, and not by one alone, or the owner has
        taken over since it is."""
        *values, schema = _one_row(connection, _LOOK_WITH_SCHEMA)
        seen = OwnerRow(*values)
        if schema <= self._newest_schema:
            self._known_epoch = seen.epoch
        elif seen.epoch != self._known_epoch or schema > self._newest_schema + 1:
            try:
                refuse_newer(schema, self._newest_schema)
            except DatabaseRefused as refused:
                raise port.StoreRefused(str(refused)) from None
        return seen

    def _wait_for(self, seen: OwnerRow) -> None:
        """Raise StoreDown until the row has been the same for a whole lease."""
        now_s = self._passed_s()
        if seen != self._seen:
            self._seen, self._since_s = seen, now_s
        left_s = LEASE_S - (now_s - self._since_s)
        if left_s > 0:
            raise AnotherOwns(
                f"{STANDS_BY} another process owns the store, and this one takes over "
                f"{LEASE_S:.0f} s after it has ended"
            )


class _BoundedLine:
    """Asks a server what a take-over needs: all of it ends within some seconds, where the server
    works at all.

    A commit waits for its standby without end, and who waits with it could neither say so nor be
    told to end. The wait is cancelled; the server then answers that it has committed, with a
    warning. The next look at it writes, and so waits for the standby, too.
    """

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._warnings: list[str] = []
        connection.add_notice_handler(self._note)
        self._timer = threading.Timer(WAIT_S, self._cancel)
        self._timer.daemon = True

    def __enter__(self) -> "_BoundedLine":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def write(self, statement: str, values: tuple[object, ...]) -> "psycopg.Cursor[Any]":
        """Commit a change. Raise StoreDown where it is not known whether the standby has it."""
        self._warnings.clear()
        found = self._connection.execute(statement.encode(), values)
        if self._warnings:
            raise port.StoreDown(
                "its commits wait for a synchronous standby, and none has confirmed one "
                f"({self._warnings[0]})"
            )
        return found

    def _note(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            self._warnings.append(diagnostic.message_primary or "a warning")

    def _cancel(self) -> None:
        with suppress(psycopg.Error):  # it has ended, or nobody is there who could be told
            self._connection.cancel_safe(timeout=WAIT_S)


def renewals(connection: "psycopg.Connection[Any]", ours: Ownership) -> int:
    """Return how often the store was renewed, on a connection that was opened anew. Raise NotOwner
    where it is not ours any more."""
    row = _look(connection)
    if (row.epoch, row.holder) != ours:
        raise NotOwner("Another process has taken the store over; this one stops.")
    return row.renewed


def _confirms(line: _BoundedLine, ours: Ownership) -> bool:
    """Return whether the store is ours, by a transaction that writes: the standby has it too."""
    return line.write(_CONFIRM, ours).rowcount == 1


def release(connection: "psycopg.Connection[Any]", ours: Ownership) -> None:
    """Let the store go: who stands by need not wait for a lease."""
    connection.execute(_RELEASE.encode(), (ours.epoch,))


def _look(connection: "psycopg.Connection[Any]") -> OwnerRow:
    return OwnerRow(*_one_row(connection, _LOOK))


def _one_row(connection: "psycopg.Connection[Any]", query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query.encode()).fetchone()
    if row is None:
        raise port.StoreRefused("The table owner must hold its one row; it is gone. Restore it.")
    return row
