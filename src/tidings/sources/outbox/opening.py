"""Opening an outbox: connected, alone with its table, and sure that it is one."""

import asyncio

from psycopg import sql

from tidings.connections.port import ConnectionDown
from tidings.connections.postgresql_dialling import dial
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import OutboxTable
from tidings.sources.outbox.faults import told, unfit
from tidings.sources.outbox.reading import Line, OutboxReading

LOCK_WAIT_S, LOCK_AGAIN_S = 2.0, 0.1

_LOOK = """
SELECT n.nspname, c.relname, pg_is_in_recovery(),
       has_column_privilege(c.oid, 'taken_at', 'UPDATE'),
       (SELECT system_identifier FROM pg_control_system()),
       (SELECT oid FROM pg_database WHERE datname = current_database()),
       current_setting('server_encoding'),
       (SELECT atttypid = 'bytea'::regtype FROM pg_attribute
         WHERE attrelid = c.oid AND attname = 'body')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid = to_regclass(%s)
"""
# By name: a table that is made anew under the same name is the same lock.
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('tidings outbox ' || %s, 0))"


async def open_outbox(outbox: OutboxTable, connection: Connection) -> OutboxReading:
    """Nobody else reads the table until it is closed. ConnectionDown."""
    with told(connection.name, outbox.table):
        line = await dial(connection)
        try:
            return await _opened(line, outbox, connection.name)
        except BaseException:
            await line.close()
            raise


async def _opened(line: Line, outbox: OutboxTable, connection: str) -> OutboxReading:
    row = await (await line.execute(_LOOK, (outbox.table,))).fetchone()
    if row is None:
        raise unfit(outbox.table, "there is none", "Make it as docs/sources.md shows")
    schema, name, standby, marks, system, database, encoding, is_bytes = row
    if standby:
        raise unfit(
            outbox.table,
            "the server is a standby, which takes no writes",
            "Name the primary, or target_session_attrs",
        )
    if not marks:
        raise unfit(
            outbox.table,
            "our user may not mark its rows",
            "GRANT UPDATE (taken_at) on it to our user",
        )
    await _lock(line, f"{schema}.{name}", outbox.table)
    # LISTEN before the first look: no row is missed between the two.
    await line.execute(sql.SQL("LISTEN {}").format(sql.Identifier(outbox.channel)))
    reading = OutboxReading(
        line,
        sql.Identifier(schema, name),
        f"{system}/{database}",
        connection,
        outbox.table,
        encoding=encoding,
        is_bytes=bool(is_bytes),
    )
    await reading.lag()  # it has the columns, and we may read them
    return reading


async def _lock(line: Line, name: str, table: str) -> None:
    """Alone with the table: the events of one process come in its order. It ends with the
    connection. The process before us may be about to let go."""
    give_up = asyncio.get_running_loop().time() + LOCK_WAIT_S
    while True:
        row = await (await line.execute(_LOCK, (name,))).fetchone()
        if row == (True,):
            return
        if asyncio.get_running_loop().time() > give_up:
            raise ConnectionDown(
                f"Table {table} must be read by one source of one process at a time; another one "
                "reads it. Give each source a table of its own; it is taken over when it is free."
            )
        await asyncio.sleep(LOCK_AGAIN_S)
