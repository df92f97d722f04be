"""The schema in PostgreSQL: brought forward by numbered scripts, looked at before it serves.

Only `tidings migrate` changes it, in the name of a role that may; the role that serves reads and
writes rows. Each script and its number are one transaction, so a migration that was ended half-way
goes on where it stopped. Two that are started at once run one behind the other: a lock that lasts
as long as the transaction lets one in.

A release serves meanwhile. A script that changes a table waits for each transaction that uses it,
such as that of a backup, and everybody else waits behind the script. So it waits for a moment only,
lets the others go first, and is run again; as it is where it holds one table, waits for another,
and a commit wants them the other way round. Where it is the commit that is ended, that is made
again.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import resources
from time import sleep
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from tidings.errors import Unusable
from tidings.store.postgres.faults import describe_fault
from tidings.store.sql.row_mapping import insert_columns

DriverConnection: TypeAlias = psycopg.Connection[Any]

POSTGRES_MIN = 15
ENCODING = "UTF8"
# For a table: who serves waits behind it, and not for as long as a lease. An autovacuum gives way
# after a second (`deadlock_timeout`).
WAIT_MS = 1_500
AGAIN_S = 5.0
TRIES = 30

# A table of this name may be somebody else's: other programs number their schemas too.
_IS_THERE = (
    "SELECT EXISTS (SELECT FROM pg_attribute"
    " WHERE attrelid = to_regclass('schema_version') AND attname = 'number')"
)
_PUT_NUMBER = insert_columns("schema_version", ("number",)).replace("?", "%s")
_NUMBER = "SELECT coalesce(max(number), 0) FROM schema_version"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('tidings migrate ' || %s, 0))"
_MAY_MAKE_SCHEMA = "SELECT has_database_privilege(current_database(), 'CREATE')"
_MAY_USE_SCHEMA = "SELECT has_schema_privilege(%s, 'USAGE')"
_IS_SHUT = (
    "SELECT EXISTS (SELECT FROM pg_namespace WHERE quote_ident(nspname) ="
    " current_setting('search_path') AND NOT has_schema_privilege(oid, 'USAGE'))"
)
_HAS_SCHEMA = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)"
_HAS_TABLES = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = %s)"
_HAS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)"
_SERVING = """
SELECT DISTINCT r.rolname FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
JOIN pg_roles r ON r.oid = a.grantee
WHERE c.oid = to_regclass('owner') AND a.privilege_type = 'UPDATE' AND a.grantee <> c.relowner
    AND pg_has_role(c.relowner, 'USAGE')
ORDER BY r.rolname
"""

# All that the serving role may, whatever it might before. Of the number of the schema it reads.
_GRANTS = (
    "REVOKE ALL ON SCHEMA {schema} FROM {role}",
    "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
    "REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role}",
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "REVOKE INSERT, UPDATE, DELETE ON {schema}.schema_version FROM {role}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}",
)


class DatabaseRefused(Unusable):
    """The database, or the schema in it, cannot be used; the text says why and what to do."""


class SchemaScript(NamedTuple):
    """A numbered script, and its statements."""

    number: int
    statements: str


def load_scripts() -> list[SchemaScript]:
    """Load the numbered scripts, in order."""
    files = (
        path
        for path in resources.files(__package__).joinpath("schema").iterdir()
        if path.name.endswith(".sql")
    )
    return sorted(
        SchemaScript(int(path.name.split("_")[0]), path.read_text("utf-8")) for path in files
    )


def newest_schema() -> int:
    """Return the number of the newest schema that this release knows."""
    return load_scripts()[-1].number


def schema_of(connection: DriverConnection) -> int:
    """Return the number of the schema to which the search path leads; 0 where there is none."""
    with connection.transaction():
        return int(_value(connection, _NUMBER)) if _value(connection, _IS_THERE) else 0


def check_schema(connection: DriverConnection) -> int:
    """Return the number of the schema, if this release can serve on it: its newest, or the one
    before. Raise `DatabaseRefused` otherwise. Nothing is changed."""
    _check_server(connection)
    if _value(connection, _IS_SHUT):
        role = connection.info.user
        raise DatabaseRefused(
            f"The database must let the role {role} use the tables of Tidings; it does not. Run, "
            f"as the role that owns them: tidings migrate --serve-role {shlex.quote(role)}"
        )
    have, newest = schema_of(connection), newest_schema()
    refuse_newer(have, newest)
    if have == 0:
        raise DatabaseRefused(
            "The database must hold the tables of Tidings; the role that serves sees none. "
            "Run: tidings migrate"
        )
    if have < newest - 1:
        raise DatabaseRefused(
            f"The database has schema {have}; this release needs {newest - 1} or {newest}. "
            "Run: tidings migrate"
        )
    return have


def migrate(connection: DriverConnection, schema: str, serve_role: str | None = None) -> int:
    """Bring a schema forward by the numbered scripts, made first where there is none, and give
    `serve_role` what it needs to serve; without one, those who serve already. Return the number of
    the schema.

    Raise `DatabaseRefused` where that cannot be. The connection is in no transaction.
    """
    _check_server(connection)
    for script in load_scripts():
        _try_often(partial(_run_script, connection, schema, script))
    _try_often(partial(_give_rights, connection, schema, serve_role))
    return newest_schema()


def _try_often(change: Callable[[], None]) -> None:
    """Make a change, again and again while it finds its tables in use. Raise `DatabaseRefused`
    where they stay so."""
    for tries_left in reversed(range(TRIES)):
        try:
            return change()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as busy:
            if not tries_left:
                raise DatabaseRefused(
                    "The tables must be free for a moment to be changed; another transaction, such "
                    f"as that of a backup, has one in use all the time ({describe_fault(busy)}). "
                    "Run again when it has ended: tidings migrate"
                ) from None
        sleep(AGAIN_S)


def _run_script(connection: DriverConnection, schema: str, script: SchemaScript) -> None:
    """Run a script, unless the schema has it."""
    with _locked(connection, schema):
        have = schema_of(connection)
        refuse_newer(have, newest_schema())
        if not _value(connection, _MAY_USE_SCHEMA, schema):
            raise DatabaseRefused(
                f"The role {connection.info.user} must be allowed to use the schema {schema}; "
                "it is not. Migrate as the role that owns it."
            )
        if have == 0 and _value(connection, _HAS_TABLES, schema):
            raise DatabaseRefused(
                f"The schema {schema} must be empty or of Tidings; it holds other tables. "
                "Name another one."
            )
        if have < script.number:
            connection.execute(script.statements.encode())
            connection.execute(_PUT_NUMBER.encode(), (script.number,))


def _give_rights(connection: DriverConnection, schema: str, serve_role: str | None) -> None:
    """Give a role what it needs to serve; without one, those who serve already."""
    with _locked(connection, schema):
        roles = serving_roles(connection) if serve_role is None else [serve_role]
        for role in roles:
            _grant(connection, schema, role)


@contextmanager
def _locked(connection: DriverConnection, schema: str) -> Iterator[None]:
    """Begin a transaction in which nobody else migrates, and in which names lead to the schema."""
    with connection.transaction():
        connection.execute("SET LOCAL statement_timeout = 0")  # whatever the role is set to
        connection.execute("SET LOCAL lock_timeout = 0")  # another migration may take its time
        connection.execute(_LOCK, (schema,))
        connection.execute(f"SET LOCAL lock_timeout = {WAIT_MS}".encode())
        if not _value(connection, _HAS_SCHEMA, schema):
            _make_schema(connection, schema)
        path = sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(schema))
        connection.execute(path)
        yield


def _make_schema(connection: DriverConnection, schema: str) -> None:
    if not _value(connection, _MAY_MAKE_SCHEMA):
        role, database = connection.info.user, connection.info.dbname
        raise DatabaseRefused(
            f"The role {role} must be allowed to make the schema {schema}; it is not. "
            f"As an administrator: GRANT CREATE ON DATABASE {database} TO {role}"
        )
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))


def serving_roles(connection: DriverConnection) -> list[str]:
    """List the roles that may own the store, to which we can give rights."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        return [str(name) for (name,) in cursor.execute(_SERVING).fetchall()]


def known_roles(connection: DriverConnection, roles: Sequence[str]) -> list[str]:
    """List those of some roles that the server has."""
    return [role for role in roles if _value(connection, _HAS_ROLE, role)]


def _grant(connection: DriverConnection, schema: str, role: str) -> None:
    """Give a role what it needs to serve, and nothing else."""
    if not _value(connection, _HAS_ROLE, role):
        raise DatabaseRefused(
            f"The role {role} must exist, for it is to serve; the server has none of this name. "
            f"As an administrator: CREATE ROLE {role} LOGIN"
        )
    if _value(connection, "SELECT current_user = %s", role):
        return  # it owns what it has made, and would take that from itself
    names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
    for grant in _GRANTS:
        connection.execute(sql.SQL(grant).format(**names))


def _check_server(connection: DriverConnection) -> None:
    """Raise `DatabaseRefused` for a server that is too old, or that cannot keep all texts."""
    if (version := connection.info.server_version) < POSTGRES_MIN * 10_000:
        raise DatabaseRefused(
            f"PostgreSQL {POSTGRES_MIN} or newer is needed; got {version // 10_000}. "
            "Update the server."
        )
    if (encoding := connection.info.parameter_status("server_encoding")) != ENCODING:
        raise DatabaseRefused(
            f"The database must keep texts as {ENCODING}; it keeps them as {encoding}. "
            f"Make one: CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0"
        )


def refuse_newer(have: int, newest: int) -> None:
    """Raise `DatabaseRefused` for a schema that is newer than the newest which we know."""
    if have > newest:
        raise DatabaseRefused(
            f"The database has schema {have}; this release knows {newest}. Start the newer release."
        )


def _value(connection: DriverConnection, query: str, *values: object) -> Any:
    """Return the one value that a query gives, whatever rows the connection makes."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        row = cursor.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]
