"""Whether two connections lead to one table, as far as they say."""

import pytest

from tidings.core.connections.connection import Connection
from tidings.core.connections.same_table import is_same_table


def connection(name: str, **fields: object) -> Connection:
    return Connection(name=name, kind="sql", fields=fields, orgs=None)


DSN = "postgresql://tidings:secret@db.example/shop?sslmode=require"


@pytest.mark.parametrize(
    "fields",
    [
        {"dsn": DSN},
        {"dsn": "postgres://DB.example:5432/shop"},
        {"dsn": "host=db.example dbname='shop' user=x"},
        {"host": "db.example.", "dbname": "shop"},
        {"dsn": "postgresql://other@elsewhere/none", "host": "db.example", "dbname": "shop"},
        {"dsn": "postgresql:///shop?host=db.example"},
    ],
)
def test_one_database_is_known_however_it_is_written(fields: dict[str, object]) -> None:
    one, other = connection("a", dsn=DSN), connection("b", **fields)
    assert is_same_table(one, "outbox", other, "outbox")
    assert is_same_table(one, "crm.outbox", other, "outbox")
    assert not is_same_table(one, "crm.outbox", other, "shop.outbox")
    assert not is_same_table(one, "outbox", other, "outbox2")


def test_another_database_is_another() -> None:
    one = connection("a", dsn=DSN)
    for fields in ({"dsn": DSN.replace("shop", "crm")}, {"host": "db.example", "port": 5433}):
        assert not is_same_table(one, "outbox", connection("b", **fields), "outbox")


def test_this_machine_has_several_names() -> None:
    names = ["localhost", "127.0.0.1", "::1", "/var/run/postgresql", ""]
    for host in names:
        one, other = connection("a", host=host, dbname="x"), connection("b", dsn="dbname=x")
        assert is_same_table(one, "t", other, "t")


def test_what_cannot_be_read_is_not_alike_and_raises_nothing() -> None:
    broken = connection("b", dsn="postgresql://[half/x")
    assert not is_same_table(connection("a", dsn=DSN), "t", broken, "t")
