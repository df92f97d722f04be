"""Opening an outbox: connected, alone with its table, and sure that it is one."""

from functools import partial

from psycopg import sql

from tidings.connections.postgresql_dialling import dial
from tidings.core.connections.connection import Connection
from tidings.core.sources.source import OutboxTable
from tidings.sources.outbox.claim import TableClaim, claim_table
from tidings.sources.outbox.faults import translated_errors, unfit
from tidings.sources.outbox.reader_mark import ReaderMarks
from tidings.sources.outbox.reading import Line, OutboxReading
from tidings.sources.port import TableOwnerStore

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


async def open_outbox(
    outbox: OutboxTable,
    connection: Connection,
    source: int,
    owners: TableOwnerStore,
    installation: str,
) -> OutboxReading:
    """Open an outbox, which nobody else reads until it is closed. Raise ConnectionDown or
    StoreDown."""
    with translated_errors(connection.name, outbox.table):
        line = await dial(connection)
        try:
            return await _opened(line, outbox, connection.name, source, owners, installation)
        except BaseException:
            await line.close()
            raise


async def _opened(
    line: Line,
    outbox: OutboxTable,
    connection: str,
    source: int,
    owners: TableOwnerStore,
    installation: str,
) -> OutboxReading:
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
    table = f"{schema}.{name}"
    place = f"{system}/{database}/{table}"
    beside = ReaderMarks(line, schema, name)
    marks = beside if await beside.exists() else None  # the application may have made none
    claim = TableClaim(
        installation=installation,
        source=source,
        owners=owners,
        table=outbox.table,
        name=table,
        place=place,
    )
    await claim_table(line, claim, marks)
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
        let_go=None if marks is None else partial(marks.let_go, installation),
    )
    await reading.lag()  # it has the columns, and we may read them
    return reading
