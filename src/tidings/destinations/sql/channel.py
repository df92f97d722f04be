"""One webhook's way into its table."""

import asyncio
from contextlib import suppress
from time import monotonic

import psycopg
import structlog

from tidings.connections.port import ConnectionDown
from tidings.connections.postgresql_lines import PostgresqlConnection, PostgresqlPool
from tidings.core.connections.tables import DeclaredTable
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    Timings,
    TransportFault,
    of_fault,
)
from tidings.core.exact_json import fields_of, write_exactly
from tidings.core.picks import MessageFault
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.deadline import within_its_time
from tidings.destinations.port import Message
from tidings.destinations.sql import verdicts
from tidings.destinations.sql.outbox_readers import OutboxReaders
from tidings.destinations.sql.rows import row_of, with_headers
from tidings.destinations.sql.statements import read_statement, statement

SPARE_S = 0.1  # of the deadline
_NONE = "", b""
ASK_S = 1.0  # to find out which of a refused row's values it was

log = structlog.get_logger(__name__)


class SqlChannel:
    """See `Channel`."""

    def __init__(self, webhook: Webhook, sql: SqlTable, table: DeclaredTable, lines: "Shared"):
        self._webhook = webhook
        self._sql = sql
        self._table = table
        self._lines = lines
        self._places = asyncio.Semaphore(webhook.connections_max)
        columns = table.settable if sql.columns is None else list(sql.columns)
        self._statement = statement(sql.table, table, columns).encode()
        self._readers = OutboxReaders(sql.table, table)
        self._logged = ""  # what the log has of it

    async def send(self, message: Message) -> AttemptResult | None:
        try:
            row = row_of(self._sql, self._table, message.id, message.body, self._webhook.org)
        except MessageFault as fault:
            return of_fault(
                TransportFault(FaultKind.TRANSFORM, False, fault.sentence, duration_ms=0.0)
            )
        to = (self._webhook, self._sql.table, self._table, self._readers)
        attempt = _SqlAttempt(message, row, self._statement, *to)
        lines = self._lines.of(self)
        try:
            async with within_its_time(message), self._places:
                result = await attempt.run(lines)
        except TimeoutError:
            return attempt.too_late()
        if result is not None and result.verdict is not DeliveryVerdict.DELIVERED:
            self._tell(attempt.why)
        return result

    def follow(self, webhook: Webhook) -> bool:
        if _opened_for(webhook) != _opened_for(self._webhook):
            return False
        self._webhook = webhook
        return True

    async def close(self) -> None:
        await self._lines.leave(self)

    def _tell(self, why: str) -> None:
        """The operator, once for each reason: the owner of the webhook is told less."""
        if why and why != self._logged:
            self._logged = why
            log.warning(
                "a database fails a webhook",
                connection=self._webhook.connection,
                webhook=self._webhook.id,
                reason=why,
            )


class Shared:
    """The lines of one connection, and who has use for them: they are closed when nobody has."""

    def __init__(self, lines: PostgresqlPool) -> None:
        self._lines = lines
        self._users: set[SqlChannel] = set()

    def of(self, user: SqlChannel) -> PostgresqlPool:
        """Return the lines to one that sends, and note that it uses them."""
        self._users.add(user)
        return self._lines

    async def leave(self, user: SqlChannel) -> None:
        """Note that a channel sends no more for now; close the lines where nobody else uses
        them."""
        self._users.discard(user)
        if not self._users:
            await self._lines.close()


class _SqlAttempt:
    """One message on its way, and how far it has come."""

    def __init__(
        self,
        message: Message,
        row: bytes,
        statement: bytes,
        webhook: Webhook,
        table: str,
        declared: DeclaredTable,
        readers: OutboxReaders,
    ) -> None:
        self._declared = declared
        self._readers = readers
        self._message = message
        self._row = row
        self._statement = statement
        self._webhook = webhook
        self._table = table
        self._began_s = monotonic()
        self._dials = self._has_line = self._sent = False
        self._timings: Timings | None = None
        self.why = ""  # for the log of the operator

    async def run(self, lines: PostgresqlPool) -> AttemptResult | None:
        """Write the message's row over a line. None where the message may not leave any more."""
        org = self._webhook.org
        await lines.place(org)
        try:
            line = lines.idle() or await self._dialled(lines)
        except BaseException as error:
            lines.leave(org)
            if isinstance(error, psycopg.Error):
                self.why = str(error)
                return verdicts.unreached(error, self._webhook.retry, self._took_ms)
            if isinstance(error, ConnectionDown):
                fault = TransportFault(FaultKind.OURS, False, str(error), duration_ms=self._took_ms)
                return AttemptResult(DeliveryVerdict.AGAIN, fault, unusable=True)
            raise
        self._has_line = True
        try:
            result = await self._written(line)
        except psycopg.Error as error:
            if self._message.trial:
                lines.drop(line, org)
            try:
                refused = _NONE if self._message.trial else await self._value_of(line, error)
            finally:
                if not self._message.trial:
                    lines.give(line, org)
            return self._refused(error, *refused)
        except BaseException:
            lines.drop(line, org)
            raise
        lines.give(line, org)
        return result

    def too_late(self) -> AttemptResult:
        """Build the result for a deadline that has passed, by how far the message had come."""
        if self._has_line:
            return of_fault(verdicts.too_late(self._took_ms, self._timings, sent=self._sent))
        if self._dials:
            return verdicts.undialled(self._took_ms)
        return of_fault(verdicts.crowded(self._took_ms))

    # -- inside -----------------------------------------------------------------------------------

    @property
    def _took_ms(self) -> float:
        return (monotonic() - self._began_s) * 1e3

    async def _dialled(self, lines: PostgresqlPool) -> PostgresqlConnection:
        began_s, self._dials = monotonic(), True
        line = await lines.dial()
        self._timings = Timings(connect_ms=(monotonic() - began_s) * 1e3)
        return line

    async def _written(self, line: PostgresqlConnection) -> AttemptResult | None:
        trial = self._message.trial
        await line.bound(self._message.deadline_s)
        if (refusal := await self._readers.refusal(line)) is not None:
            self.why = refusal
            return of_fault(
                TransportFault(FaultKind.POLICY, False, refusal, duration_ms=self._took_ms)
            )
        prepared = await line.prepare(self._statement)
        if trial:
            await line.execute("BEGIN")
        if (left := self._message.headers_if_current([])) is None:
            if trial:
                await line.execute("ROLLBACK")
            return None
        self._sent = True
        rows = await line.write(prepared, with_headers(self._row, self._declared, left))
        if trial:
            await line.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would judge
            await line.execute("ROLLBACK")
        return verdicts.written(rows, trial=trial, took_ms=self._took_ms, timings=self._timings)

    async def _value_of(
        self, line: PostgresqlConnection, error: psycopg.Error
    ) -> tuple[str, bytes]:
        """The column and the value that the server refuses, as it reads them one
        after the other. Both blank where it is none of them, or there is no time."""
        left_s = min(ASK_S, self._message.deadline_s - self._took_ms / 1000 - SPARE_S)
        if not verdicts.judges_value(error) or left_s <= 0 or not line.is_idle:
            return _NONE
        with suppress(psycopg.Error, TimeoutError):
            async with asyncio.timeout(left_s):
                reads = await line.prepare(read_statement(self._table).encode())
                for name, value in fields_of(self._row).items():
                    try:
                        await line.read(reads, [write_exactly({name: value})])
                    except psycopg.DataError:
                        return name, bytes(value).strip()
        return _NONE

    def _refused(self, error: psycopg.Error, column: str, value: bytes) -> AttemptResult:
        result = verdicts.refused(
            error,
            self._table,
            self._webhook.retry,
            self._took_ms,
            self._timings,
            sent=self._sent,
            column=column,
            value=value,
        )
        of_row = isinstance(result.ending, ReceiverAnswer) and result.ending.status == 422
        if not of_row:  # what is wrong with a row is its owner's alone to see
            self.why = f"{error.sqlstate}: {error.diag.message_primary or ''}"
        return result


def _opened_for(webhook: Webhook) -> tuple[object, ...]:
    return webhook.kind, webhook.connection, webhook.sql, webhook.connections_max
