"""An answer of the reading half ends in time, also one that is made of many statements, and what it
does not show it does not read: PostgreSQL answers each statement whole."""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from tests.store.halves_in_process import InProcess
from tests.store.postgres.databases import connect, rows
from tests.store.postgres.hostings import PostgresHalves, database_of
from tests.store.rows import ORG
from tidings.store import port
from tidings.store.hosting.host import HostedHalf, StoreHost, StoreRequest, reading_operations
from tidings.store.postgres.connection import PostgresConnection
from tidings.store.postgres.halves import PostgresAnswerBound, PostgresReader
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.sql.numbered_pages import PAGE_BYTES, PIECE_ROWS, numbered_page

BOUND_S = 10.0
IN_FORCE = "SELECT setting FROM pg_settings WHERE name = 'statement_timeout'"
MIB = 1 << 20


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[PostgresConnection]:
    database = database_of(tmp_path)
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    connection = database.open_reader(ours, BOUND_S)
    yield connection
    connection.close()


def test_an_answer_of_many_statements_ends_in_time_too(
    reading: PostgresConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr("tidings.store.postgres.halves.time.monotonic", lambda: now_s[0])
    bound = PostgresAnswerBound([reading], BOUND_S)

    def in_force_s() -> float:
        [(found,)] = reading.execute(IN_FORCE)
        return int(found) / 1000

    assert in_force_s() == BOUND_S, "what is done beside answers has the time of a statement"
    with pytest.raises(port.StoreUnanswered, match="10 s"), bound, reading:
        assert in_force_s() == BOUND_S
        now_s[0] += 7.5
        assert in_force_s() == 2.5, "a statement ends with its answer"
        now_s[0] += 2.5
        in_force_s()
    with bound:
        assert in_force_s() == BOUND_S, "the next answer has its whole time"
    assert in_force_s() == BOUND_S


def test_who_asked_what_takes_too_long_is_told_that_and_not_of_a_store_that_is_down(
    tmp_path: Path,
) -> None:
    """The server ends the statement; an operation makes of its refusal that the store is down."""
    database = database_of(tmp_path)
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    reader = PostgresReader(database.open_reader(ours, 0.2), database.open_search(ours, 0.2))
    ours_end, theirs = socket.socketpair()
    half = HostedHalf(reading_operations(reader), bounded=PostgresAnswerBound([], BOUND_S))
    with ours_end, theirs, connect(database.uri) as connection:
        connection.execute("BEGIN; LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        request = StoreRequest(1, "event", msgspec.Raw(msgspec.msgpack.encode((ORG, "a"))))
        with pytest.raises(port.StoreUnanswered, match="10 s"):
            StoreHost(theirs, half)._do(half, request)
    reader.close()


def test_a_page_of_long_bodies_reads_few_that_it_does_not_show() -> None:
    """Any number of them may have been refused, or set aside, as long as a message may be."""
    stored = [(number, MIB) for number in range(1, 1001)]
    read: list[int] = []

    class Found(list[Any]):
        def fetchall(self) -> list[Any]:
            return self

    def run(statement: str, values: Sequence[int]) -> Found:
        owner, at, limit = values
        assert owner == 7
        newest_first = "DESC" in statement
        behind = [row for row in stored if (row[0] < at if newest_first else row[0] > at)]
        chosen = (behind[::-1] if newest_first else behind)[:limit]
        read.extend(number for number, _ in chosen)
        return Found((number, bytes(size)) for number, size in chosen)

    shown = PAGE_BYTES // MIB
    page, older, _ = numbered_page(run, "SELECT", 7, None, None, 1000, body=1)
    assert [row[0] for row in page] == [*range(1000, 1000 - shown, -1)] and older == page[-1][0]
    assert len(read) <= PIECE_ROWS
    del read[:]
    page, _, newer = numbered_page(run, "SELECT", 7, None, 40, 1000, body=1)
    assert [row[0] for row in page] == [*range(40 + shown, 40, -1)] and newer == page[0][0]
    assert len(read) <= PIECE_ROWS
    stored[:] = [(number, 1) for number in range(1, 1001)]
    page, older, _ = numbered_page(run, "SELECT", 7, None, None, 900, body=1)
    assert [row[0] for row in page] == [*range(1000, 100, -1)] and older == 101
    page, older, _ = numbered_page(run, "SELECT", 7, 51, None, 900, body=1)
    assert [row[0] for row in page] == [*range(50, 0, -1)] and older is None


async def test_a_page_of_a_long_backlog_looks_at_few_of_its_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = cast(InProcess, await PostgresHalves().open(tmp_path))
    with connect(database_of(tmp_path).uri) as connection:
        rows(
            connection,
            "INSERT INTO event VALUES (1, %s, 'pointsIssued', 'a', 1, NULL, 1, 300, '', NULL)"
            " RETURNING 1",
            ORG,
        )
        connection.execute("INSERT INTO body VALUES (1, '{}')")
        connection.execute(
            "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
            " SELECT 4096 * n + 1, 1, 1, 1, 0, 0 FROM generate_series(1, 300) AS of_block (n)"
        )
    found: list[int] = []
    execute = PostgresConnection.execute

    class Counted:
        def __init__(self, of: Any) -> None:
            self._of = of

        def fetchall(self) -> list[Any]:
            all_ = list(self._of.fetchall())
            found.append(len(all_))
            return all_

    monkeypatch.setattr(
        PostgresConnection, "execute", lambda self, *given: Counted(execute(self, *given))
    )
    page = await store.page(1, 0, 5)
    assert [job.delivery for job in page] == [4096 * n + 1 for n in range(1, 6)]
    assert sum(found) <= 5 + 2 + 4
    whole = await store.page(1, 0, 1000)
    assert [job.delivery for job in whole] == [4096 * n + 1 for n in range(1, 301)]
    monkeypatch.undo()
    await store.close()
