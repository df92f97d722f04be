"""Alone with a table: one source of one process, and one installation."""

import asyncio
from typing import NamedTuple, NoReturn

import psycopg

from tidings.connections.port import ConnectionDown
from tidings.core.sources.table_owner import TableOwner, client_name, installation_of
from tidings.sources.outbox.reader_mark import ReaderMark, ReaderMarks
from tidings.sources.outbox.reading import Line
from tidings.sources.port import TableOwnerStore

LOCK_WAIT_S, LOCK_AGAIN_S = 2.0, 0.1

# By name: a table that is made anew under the same name is the same lock.
_KEY = "hashtextextended('tidings outbox ' || %s, 0)"
_LOCK = f"SELECT pg_try_advisory_lock({_KEY})"
_HOLDER = f"""
SELECT a.pid, a.application_name
  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32 | l.objid::bigint) = {_KEY}
"""
_NAME = "SELECT set_config('application_name', %s, false)"
_END = "SELECT pg_terminate_backend(%s)"


class TableClaim(NamedTuple):
    """The claim of a source to a table. `name`: with its schema. `place`: with server and
    database."""

    installation: str
    source: int
    owners: TableOwnerStore
    table: str
    name: str
    place: str


async def claim_table(line: Line, claim: TableClaim, marks: ReaderMarks | None) -> None:
    """Take the lock of the table, which ends with the connection, and mark it as ours. The process
    before us may be about to let go. `marks`: None where the application has made no table for
    them; then who was met is remembered. ConnectionDown, StoreDown, psycopg.Error."""
    await line.execute(_NAME, (client_name(claim.installation),))
    owner = await claim.owners.table_owner(claim.source)
    takes_over = owner is not None and owner.takes_over
    give_up_s = asyncio.get_running_loop().time() + LOCK_WAIT_S
    while True:
        row = await (await line.execute(_LOCK.encode(), (claim.name,))).fetchone()
        if row == (True,):
            await _be_owner(claim, owner, marks)
            return
        holder = await (await line.execute(_HOLDER.encode(), (claim.name,))).fetchone()
        stranger = "" if holder is None else installation_of(holder[1])
        if holder is not None and stranger not in ("", claim.installation):
            if not takes_over:
                await claim.owners.put_table_owner(TableOwner(claim.source, claim.place, stranger))
                _refuse(claim, stranger)
            await _end(line, claim, holder[0], stranger)
        if asyncio.get_running_loop().time() > give_up_s:
            raise ConnectionDown(
                f"Table {claim.table} must be read by one source of one process at a time; another "
                "one reads it. Give each source a table of its own; it is taken over when it is "
                "free."
            )
        await asyncio.sleep(LOCK_AGAIN_S)


async def _be_owner(claim: TableClaim, owner: TableOwner | None, marks: ReaderMarks | None) -> None:
    """Make the table ours, whose lock we hold, unless it is another installation's, which crashed
    or starts again. ConnectionDown, StoreDown, psycopg.Error."""
    mark = None if marks is None else await marks.read()
    if owner is None or not owner.takes_over:
        stranger = _stranger(claim, owner, mark)
        if stranger:
            _refuse(claim, stranger)
    if marks is not None and mark != ReaderMark(claim.installation, reads=True):
        await marks.put(claim.installation)
    if owner is not None:  # after the mark: where that fails, the order to take over stands
        await claim.owners.drop_table_owner(claim.source)


def _stranger(claim: TableClaim, owner: TableOwner | None, mark: ReaderMark | None) -> str:
    """Return the other installation whose table it is; empty where it is free, or ours. What was
    once remembered counts only where nobody has set a mark."""
    if mark is not None:
        return mark.installation if mark.reads and mark.installation != claim.installation else ""
    if owner is not None and owner.keeps_out(claim.place, claim.installation):
        return owner.installation
    return ""


async def _end(line: Line, claim: TableClaim, pid: int, stranger: str) -> None:
    """End the connection by which another installation holds the lock."""
    try:
        await line.execute(_END, (pid,))
    except psycopg.errors.InsufficientPrivilege:
        raise ConnectionDown(
            f"Table {claim.table} must be let go of by the Tidings installation {stranger}, which "
            "reads it as another user of the database; our user may not end its connection. Pause "
            "the source there."
        ) from None


def _refuse(claim: TableClaim, stranger: str) -> NoReturn:
    raise ConnectionDown(
        f"Table {claim.table} must be read by one installation of Tidings; it is read by "
        f"{stranger}, and this one is {claim.installation}. Give each a table of its own; or, if "
        "this one is to read it from now on, pause or delete the source there, or have the "
        "operator run: tidings sources take-over NAME"
    )
