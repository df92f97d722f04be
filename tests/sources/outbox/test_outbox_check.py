"""Whether the database of an outbox can be used, against a real one, or why not."""

from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.postgres_server import PostgresServer
from tests.sources.outbox.logins import PASSWORD
from tidings.connections.outbox_type import TYPE
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection


@pytest.fixture
def uri(postgres: PostgresServer) -> str:
    return postgres.uri("postgres")


async def check(uri: str, **fields: Any) -> None:
    said = {"dsn": uri} | fields
    assert TYPE.faults(said) == []
    await TYPE.check(Connection("shop", TYPE.name, said))


async def test_a_database_that_lets_us_in_works(uri: str) -> None:
    await check(uri)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "/nonexistent"}, "nobody answers"),
        ({"dbname": "no_such_database"}, "no such user or database"),
        ({"user": "nobody_of_this_name"}, "no such user or database"),
        ({"dsn": f"host=x password {PASSWORD}"}, "must be one of PostgreSQL"),
    ],
)
async def test_why_it_does_not_is_told_without_a_secret_or_an_address(
    uri: str, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConnectionDown, match=words) as down:
        await check(uri, **fields)
    said = str(down.value)
    assert "connection shop must" in said and PASSWORD not in said
    assert str(conninfo_to_dict(uri)["host"]) not in said
