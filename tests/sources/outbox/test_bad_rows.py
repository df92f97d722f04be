"""One bad row stops no other: it is handed over with what it has and why it cannot be read."""

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.docs.outbox_page import DDL
from tests.sources.conformance.readings import opened, taken
from tests.sources.outbox.subject import INSERT, MemoryOwners, Outbox, new_outbox
from tidings.core.connections.connection import Connection
from tidings.core.sources.message import (
    CUT_BYTES,
    MESSAGE_BYTES_MAX,
    READ_HEADERS_MAX,
    ForeignMessage,
    defect_of,
)
from tidings.core.sources.source import Source
from tidings.core.sources.source_types import OUTBOX
from tidings.sources.outbox import reading as subject
from tidings.sources.outbox.driver import OutboxDriver

LOOSE = (
    "ALTER TABLE tidings_outbox ALTER COLUMN body DROP NOT NULL,"
    " DROP CONSTRAINT tidings_outbox_headers_check, ALTER COLUMN headers TYPE {type}"
    " USING headers::text::{type}"
)
DIGITS = "1" * 5001


@pytest.fixture
def outbox(request: pytest.FixtureRequest) -> Outbox:
    return new_outbox(request)


async def between(outbox: Outbox, headers: str | None, body: str | None) -> ForeignMessage:
    """What is handed over of a row that stands between two good ones, which come too."""
    outbox.sql(INSERT, None, "1")
    outbox.sql(INSERT, headers, body)
    outbox.sql(INSERT, '{"x": "y"}', "3")
    async with opened(outbox) as reading:
        first, message, last = await taken(reading, 3)
        assert await reading.lag() == 0
    assert (first.body, last.body) == (b"1", b"3")
    assert first.defect is last.defect is None and list(last.headers) == [("x", "y")]
    assert len({message.place for message in (first, message, last)}) == 3
    return message


@pytest.mark.parametrize("type", ["text", "json", "jsonb"])
async def test_a_number_of_very_many_digits_is_a_header_like_any_other(
    outbox: Outbox, type: str
) -> None:
    outbox.sql(LOOSE.format(type=type))
    message = await between(outbox, f'{{"n": {DIGITS}, "b": true, "none": null}}', "{}")
    assert message.defect is None
    assert sorted(message.headers) == [("b", "true"), ("n", DIGITS)]
    outbox.sql("TRUNCATE tidings_outbox")
    message = await between(outbox, '{"n": 123456789012345678901234567890, "d": 1.50}', "{}")
    assert dict(message.headers)["n"] == "123456789012345678901234567890"


async def test_a_row_without_a_body_is_handed_over_with_the_reason(outbox: Outbox) -> None:
    outbox.sql(LOOSE.format(type="jsonb"))
    message = await between(outbox, '{"x": "1"}', None)
    assert message.defect is not None and message.defect.code == "no_body"
    assert (message.body, list(message.headers)) == (b"", [("x", "1")])


@pytest.mark.parametrize("said", ["no JSON", "{", "", '{"a": "\\ud800"}', "[" * 5000, "{} {}"])
async def test_headers_that_are_no_json_are_told(outbox: Outbox, said: str) -> None:
    outbox.sql(LOOSE.format(type="text"))
    message = await between(outbox, said, "{}")
    assert message.defect is not None and message.defect.code == "bad_message_headers"
    assert message.body == b"{}"


@pytest.mark.parametrize("said", ["[]", "7", "null", '"x"', "true"])
async def test_headers_that_are_no_object_are_none(outbox: Outbox, said: str) -> None:
    outbox.sql(LOOSE.format(type="json"))
    message = await between(outbox, said, "{}")
    assert message.defect is None and list(message.headers) == []


async def test_headers_and_bodies_without_end_are_cut(outbox: Outbox) -> None:
    many = "{" + ",".join(f'"h{n}": ""' for n in range(READ_HEADERS_MAX + 1)) + "}"
    message = await between(outbox, many, "{}")
    defect = defect_of(message)
    assert defect is not None and defect.code == "too_many_headers"
    outbox.sql("TRUNCATE tidings_outbox")
    message = await between(outbox, f'{{"x": "{"y" * subject.HEAD_BYTES_MAX}"}}', "{}")
    assert message.defect is not None and message.defect.code == "bad_message_headers"
    outbox.sql("TRUNCATE tidings_outbox")
    message = await between(outbox, "{}", "x" * (MESSAGE_BYTES_MAX + 1))
    assert message.defect is not None and message.defect.code == "message_too_large"
    assert len(message.body) == CUT_BYTES


async def test_bodies_may_be_bytes(outbox: Outbox) -> None:
    outbox.sql("ALTER TABLE tidings_outbox ALTER COLUMN body TYPE bytea USING body::bytea")
    outbox.sql("INSERT INTO tidings_outbox (body) VALUES ('\\xff00'), ('\\x7b7d')")
    async with opened(outbox) as reading:
        assert [message.body for message in await taken(reading, 2)] == [b"\xff\x00", b"{}"]


@pytest.mark.parametrize(
    ("encoding", "came"), [("SQL_ASCII", b'{"x": "\xe4"}'), ("LATIN1", '{"x": "ä"}'.encode())]
)
async def test_a_text_of_another_encoding_is_wrong_of_its_own_row_alone(
    outbox: Outbox, encoding: str, came: bytes
) -> None:
    name = f"db_{encoding.lower()}"
    made = sql.SQL("CREATE DATABASE {} ENCODING {} TEMPLATE template0 LOCALE 'C'")
    with psycopg.connect(outbox.uri, autocommit=True) as line:
        line.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        line.execute(made.format(sql.Identifier(name), sql.Literal(encoding)))
    uri = make_conninfo(outbox.uri, dbname=name)
    with psycopg.connect(uri, client_encoding=encoding) as line:
        line.execute(DDL.encode())
        for body in (b"1", b'{"x": "\xe4"}', b"3"):
            line.execute(b"INSERT INTO tidings_outbox (body) VALUES ('" + body + b"')")
    connection = Connection("shop", OUTBOX, {"dsn": uri})
    reading = await OutboxDriver(MemoryOwners(), "").open(
        Source(name="s", kind=OUTBOX), connection, 1
    )
    try:
        assert [message.body for message in await taken(reading, 3)] == [b"1", came, b"3"]
    finally:
        await reading.close()


async def test_a_row_at_which_the_driver_itself_fails_is_handed_over(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = subject._text

    def failing(value: object) -> str:
        if bytes(value) == b'"bad"':  # type: ignore[call-overload]
            raise RuntimeError("x")
        return text(value)  # type: ignore[arg-type]

    monkeypatch.setattr(subject, "_text", failing)
    message = await between(outbox, '{"x": "bad"}', '{"n": 1}')
    assert message.defect is not None and message.defect.code == "not_read"
    assert message.body == b'{"n": 1}'
