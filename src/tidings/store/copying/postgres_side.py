"""A schema of PostgreSQL as one side of a copy: owned, as by a service that runs."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from tidings.core.running.lease import LEASE_S
from tidings.store.copying.sides import CopyRefused, TableShape
from tidings.store.postgres.catalogue import read_tables
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.migration import newest_schema, schema_of
from tidings.store.postgres.ownership import AnotherOwns, Ownership, OwnerWatch, release
from tidings.store.sql.halves import passed_s

NAME = "tidings copy"
RENEW_S = LEASE_S / 4
LOOK_S = 0.5
LAST_CHANGES = 1  # of the owner's row, after the owner has ended
TAKEN_AT_A_TIME, TAKEN_MAX = 1_000_000, 100_000_000  # numbers; a million takes a second
_OWNER = "SELECT epoch, renewed FROM owner"
_TYPES = {"bigint": "INTEGER", "text": "TEXT", "bytea": "BLOB", "double precision": "REAL"}
_SEQUENCE = "SELECT pg_get_serial_sequence(quote_ident(current_schema()) || '.' || %s, %s)"
_GIVEN = "SELECT coalesce(pg_sequence_last_value(%s::regclass), 0)"
_TAKE = "SELECT count(nextval(%s::regclass)) FROM generate_series(1, %s)"
_MAY_SET = "SELECT has_sequence_privilege(%s, 'UPDATE')"


class PostgresSide:
    """See `StoreSide`."""

    def __init__(self, database: StoreDatabase, name: str) -> None:
        """`name`: for people. Raise CopyRefused where a service owns it, or it has another schema;
        StoreRefused, StoreDown."""
        self.name = name
        with database.connect(NAME) as connection:
            have = schema_of(connection)
            if have != newest_schema():
                raise CopyRefused(
                    f"{name} must have schema {newest_schema()} to be copied; it has {have}. Run: "
                    "tidings migrate"
                )
        self._ours = own_schema(database, name)
        self.connection = database.open_writer(self._ours)
        self._renewed_s = time.monotonic()

    def tables(self) -> Mapping[str, TableShape]:
        """See `StoreSide.tables`."""
        return {
            name: TableShape(
                {column: _TYPES.get(kind, kind) for column, kind in table.types.items()},
                table.keys[0] if table.keys else (),
            )
            for name, table in read_tables(self._driver).items()
        }

    def numbers(self) -> Mapping[str, int]:
        """See `StoreSide.numbers`."""
        return {
            table: int(self._ask(_GIVEN, sequence))
            for table, (_, sequence) in self._sequences().items()
        }

    def raise_numbers(self, least: Mapping[str, int]) -> None:
        """See `StoreSide.raise_numbers`."""
        for table, (column, sequence) in self._sequences().items():
            highest = self._ask(f"SELECT coalesce(max({column}), 0) FROM {table}")
            given = int(self._ask(_GIVEN, sequence))
            number = max(int(highest), least.get(table, 0))
            if number <= given:
                continue
            if self._ask(_MAY_SET, sequence):
                self._ask("SELECT setval(%s, %s)", sequence, number)
            else:
                self._take_numbers(sequence, number - given)

    def _take_numbers(self, sequence: str, count: int) -> None:
        """Take numbers one by one: the role that serves may set no sequence."""
        if count > TAKEN_MAX:
            raise CopyRefused(
                f"{self.name} must be named with the role that owns its tables, to be copied to: "
                f"{sequence} has to be set, which the role that serves may not."
            )
        for begin in range(0, count, TAKEN_AT_A_TIME):
            self._ask(_TAKE, sequence, min(TAKEN_AT_A_TIME, count - begin))
            self.renew()

    def renew(self) -> None:
        """See `StoreSide.renew`."""
        if time.monotonic() - self._renewed_s > RENEW_S:
            with self.connection:
                pass  # each commit of an owner renews
            self._renewed_s = time.monotonic()

    def has_no_room(self, fault: BaseException) -> bool:
        """See `StoreSide.has_no_room`."""
        return isinstance(fault, psycopg.errors.DiskFull)

    def close(self) -> None:
        """See `StoreSide.close`."""
        try:
            if not self.connection.is_lost():
                release(self._driver, self._ours)
        except psycopg.Error:
            pass  # who waits for it takes it over after a lease
        finally:
            self.connection.close()

    def _sequences(self) -> dict[str, tuple[str, str]]:
        """The column that the database numbers, by table, and its sequence."""
        return {
            name: (column, str(self._ask(_SEQUENCE, name, column)))
            for name, table in read_tables(self._driver).items()
            for column in table.numbers
        }

    @property
    def _driver(self) -> "psycopg.Connection[Any]":
        return self.connection.driver

    def _ask(self, query: str, *values: object) -> Any:
        row = self._driver.execute(query.encode(), values or None).fetchone()
        assert row is not None
        return row[0]


def own_schema(
    database: StoreDatabase,
    name: str,
    passed_s: Callable[[], float] = passed_s,
    wait: Callable[[float], None] = time.sleep,
    to: str = "to be copied",
) -> Ownership:
    """Take the schema, if it is nobody else's. `to`: what for. Raise CopyRefused where a service
    owns it; StoreRefused, StoreDown.

    An owner that has ended without letting go is waited for, up to two leases. What it had asked
    last may be committed after its end, so its row may still change once; one that lives changes
    it every third of a lease.
    """
    watch = OwnerWatch(database.connect, passed_s)
    seen, changes = _owner(database), 0
    while True:
        try:
            return watch.take()
        except AnotherOwns:
            found = _owner(database)
            changes += found != seen
            seen = found
            if changes > LAST_CHANGES:
                raise CopyRefused(
                    f"{name} must be owned by no running service {to}; one owns it. Stop it, and "
                    "those that stand by."
                ) from None
        wait(LOOK_S)


def _owner(database: StoreDatabase) -> Any:
    with database.connect(NAME) as connection:
        return connection.execute(_OWNER.encode()).fetchone()
