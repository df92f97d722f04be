"""A probe of a connection fails by what no message is the reason of, and by nothing else."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.connections.hostile_postgres import HostilePostgres
from tests.connections.scripted_smtp import ScriptedSmtp
from tests.postgres_server import shared_server
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection

KINDS = list(CONNECTION_TYPES)
LIBRARIES = {"kafka": "aiokafka", "outbox": "psycopg", "smtp": "aiosmtplib", "sql": "psycopg"}


@pytest.fixture
def port() -> Iterator[int]:
    """Nobody listens at it."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        yield mute.getsockname()[1]


def leading(kind: str, port: int, **fields: Any) -> Connection:
    """A connection of a type to a port of this machine."""
    place: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    if kind == "kafka":
        place = {"servers": f"127.0.0.1:{port}"}
    elif kind == "smtp":
        place |= {"security": "plaintext", "sender": "tidings@brand.example"}
    return Connection("main", kind, place | fields)


async def trouble(connection: Connection) -> str:
    try:
        await CONNECTION_TYPES[connection.kind].probe(connection)
    except ConnectionDown as down:
        return str(down)
    return ""


@pytest.mark.parametrize("kind", KINDS)
async def test_nobody_listens(kind: str, port: int) -> None:
    said = await trouble(leading(kind, port))
    assert said.endswith(".") and "127.0.0.1" not in said and str(port) not in said


@pytest.mark.parametrize("kind", KINDS)
async def test_what_speaks_to_it_is_not_installed_and_then_is(
    kind: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        for name in [module for module in sys.modules if module.startswith("tidings.connections.")]:
            patched.delitem(sys.modules, name)
        patched.setitem(sys.modules, LIBRARIES[kind], None)
        said = await trouble(leading(kind, port))
        assert "must be installed with Tidings" in said and "pip install" in said
    assert "installed" not in await trouble(leading(kind, port))


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_closes_at_once_is_down(kind: str) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        assert await trouble(leading(kind, server.sockets[0].getsockname()[1]))


# -- mail servers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "answer", "is_down"),
    [
        ("EHLO", "554 not you", True),
        ("EHLO", "421 too many of you", False),  # conversations that there are go on
        ("AUTH", "535 wrong", True),
        ("AUTH", "454 later", False),
        ("MAIL", "530 who are you", True),
        ("MAIL", "550 not as that sender", False),
        ("MAIL", "451 later", False),
    ],
)
async def test_a_mail_server_that_refuses_us_is_down_and_a_busy_one_is_not(
    step: str, answer: str, is_down: bool
) -> None:
    fields = {"username": "tidings", "password": "hush"} if step == "AUTH" else {}
    async with ScriptedSmtp(step, answer) as server:
        said = await trouble(leading("smtp", server.port, **fields))
    assert bool(said) is is_down, said
    assert not {"RCPT", "DATA"} & {*server.commands}, "a probe sends nothing"


async def test_a_mail_server_that_lets_us_in_is_not_down() -> None:
    async with ScriptedSmtp() as server:
        assert await trouble(leading("smtp", server.port)) == ""
    assert server.commands[:3] == ["EHLO", "MAIL", "RSET"]


# -- databases -------------------------------------------------------------------------------------


async def test_a_database_that_lets_us_in_is_not_down() -> None:
    uri = shared_server().lend_database()
    assert await trouble(Connection("main", "sql", {"dsn": uri})) == ""
    with psycopg.connect(uri, autocommit=True) as line:  # it takes no writes: that is no outage
        [[name]] = line.execute("SELECT current_database()").fetchall()
        line.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert await trouble(Connection("main", "sql", {"dsn": uri})) == ""


@pytest.mark.parametrize(
    ("code", "text", "is_down"),
    [
        ("28P01", 'password authentication failed for user "x"', True),
        ("28000", 'no pg_hba.conf entry for host "x"', True),
        ("3D000", 'database "x" does not exist', True),
        ("57P03", "the database system is starting up", True),
        ("53300", "sorry, too many clients already", False),  # those that are in go on
        ("53300", "remaining connection slots are reserved", False),
    ],
)
async def test_a_database_that_refuses_us_is_down_and_a_full_one_is_not(
    code: str, text: str, is_down: bool
) -> None:
    async with HostilePostgres(code, text) as server:
        said = await trouble(leading("sql", server.port, user="x", dbname="x", sslmode="disable"))
    assert bool(said) is is_down, said
