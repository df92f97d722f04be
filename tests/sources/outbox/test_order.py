"""No row is skipped, and none overtakes one that was committed before it was written."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.docs.outbox_page import DDL
from tests.sources.conformance.readings import opened, taken
from tests.sources.conformance.subject import Made
from tests.sources.outbox.subject import INSERT, Outbox, new_outbox
from tidings.sources.outbox import reading as module

Line = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def outbox(request: pytest.FixtureRequest) -> Outbox:
    return new_outbox(request)


@contextmanager
def begun(outbox: Outbox) -> Iterator[Line]:
    """A transaction that has its number, and is open until it is committed or rolled back."""
    with psycopg.connect(outbox.uri) as line:
        line.execute("SELECT pg_current_xact_id()")
        yield line


def write(line: Line, body: str) -> None:
    line.execute(INSERT, (None, body))


async def bodies(outbox: Outbox, count: int) -> list[bytes]:
    async with opened(outbox) as reading:
        return [message.body for message in await taken(reading, count)]


async def test_a_row_that_was_written_early_and_committed_late_is_not_skipped(
    outbox: Outbox,
) -> None:
    with begun(outbox) as late:
        write(late, '"late"')
        await outbox.produce(Made("a", b'"early"'))
        assert await bodies(outbox, 1) == [b'"early"'], "an open transaction keeps nobody waiting"
        late.commit()
    assert await bodies(outbox, 1) == [b'"late"']


async def test_what_was_committed_before_another_was_written_comes_first(outbox: Outbox) -> None:
    """As it is where both lock the customer; though the second's transaction began first."""
    with begun(outbox) as second, begun(outbox) as first:
        write(first, '"first"')
        first.commit()
        write(second, '"second"')
        second.commit()
    assert await bodies(outbox, 2) == [b'"first"', b'"second"']


async def test_what_is_rolled_back_is_never_told(outbox: Outbox) -> None:
    with begun(outbox) as line:
        write(line, '"no"')
        line.rollback()
        write(line, '"yes"')
        line.commit()
    assert await bodies(outbox, 1) == [b'"yes"']


async def test_a_notification_wakes_it(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 600.0)
    async with opened(outbox) as reading:
        await outbox.produce(Made("a", b"1"))
        await taken(reading, 1)
        await outbox.produce(Made("a", b"2"))
        assert [message.body for message in await taken(reading, 1)] == [b"2"]


async def test_without_the_trigger_rows_are_found_all_the_same(outbox: Outbox) -> None:
    outbox.sql("DROP TRIGGER tidings_outbox_tell ON tidings_outbox")
    async with opened(outbox) as reading:
        await outbox.produce(Made("a", b"1"))
        assert len(await taken(reading, 1)) == 1


async def test_a_table_that_is_made_anew_has_other_places_and_is_marked_by_its_own(
    outbox: Outbox,
) -> None:
    """It counts from 1 again; what was read of the one before says nothing of it."""
    await outbox.produce(Made("a", b'"old"'))
    async with opened(outbox) as reading:
        [old] = await taken(reading, 1, acknowledge=False)
        outbox.sql("DROP TABLE tidings_outbox, tidings_outbox_reader")
        outbox.sql("DROP FUNCTION tidings_outbox_tell")
        outbox.sql(DDL)
        await outbox.produce(Made("a", b'"new"'))
        await reading.acknowledge()
        [new] = await taken(reading, 1)
    assert (old.body, new.body) == (b'"old"', b'"new"')
    assert old.place != new.place and old.place.split("/")[3] == new.place.split("/")[3] == "1"


async def test_headers_of_other_kinds_do_not_stop_it(outbox: Outbox) -> None:
    outbox.sql(INSERT, '{"a": 1, "b": null, "c": ["x"]}', "1")
    async with opened(outbox) as reading:
        [message] = await taken(reading, 1)
    assert list(message.headers) == [("a", "1"), ("c", '["x"]')]
