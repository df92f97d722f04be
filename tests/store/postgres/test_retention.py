"""What PostgreSQL drops by the run: as much as fits a slice, nothing that has to be looked at."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.store.conformance.retained import LATER
from tests.store.postgres.databases import connect, migrated
from tests.store.rows import ORG, event, failing, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import ROWS_MAX, RetentionPace, RowKind
from tidings.store import port
from tidings.store.postgres import retention
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.retention import RUN_MIN, SLICE_ROWS, PostgresRetention
from tidings.store.sql.retention import RetentionRows

OTHER = OrgId(7)
LOG = ("event", "event_id", "body", "delivery")


class Dropping:
    """A store in PostgreSQL, and by what its slices were dropped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = StoreDatabase(migrated())
        self.now_ms = 1_800_000_000_000
        ours = OwnerWatch(self.database.connect, lambda: 0.0).take()
        self.half = PostgresWriter(
            self.database.open_writer(ours), ours, clock_ms=lambda: self.now_ms
        )
        self.half.webhooks.put_webhook(webhook("one"))
        query = "SELECT value FROM meta WHERE key = 'registry_version'"
        [(self.version,)] = self.half.connection.execute(query).fetchall()
        self.walked: list[int] = []
        self.runs: list[int] = []
        walk, run = RetentionRows._drop_of_events, PostgresRetention._drop_run

        def walked(*given: Any) -> Any:
            self.walked.append(0)
            dropped = walk(*given)
            self.walked[-1] = dropped[0]
            return dropped

        def ran(*given: Any) -> Any:
            self.runs.append(run(*given))
            return self.runs[-1]

        monkeypatch.setattr(RetentionRows, "_drop_of_events", walked)
        monkeypatch.setattr(PostgresRetention, "_drop_run", ran)

    def accept(self, count: int, *, org: int = ORG, **more: Any) -> list[int]:
        """Events with a delivery each, in one commit."""
        at = self.half.writer.seq
        batch = [event(f"e{org}-{at + i}", new(1), org=org, **more) for i in range(count)]
        return list(self.half.commit(port.Batch(self.version, batch)).firsts)

    def delivered(self, count: int, **more: Any) -> list[int]:
        """Such events, delivered."""
        firsts = self.accept(count, **more)
        self.half.commit(port.Batch(0, settled=[settled(first) for first in firsts]))
        return firsts

    def drop(
        self,
        kind: RowKind = RowKind.METADATA,
        rows_max: int = SLICE_ROWS,
        orgs: tuple[OrgId, ...] = (),
        others: bool = True,
    ) -> list[int]:
        """A whole pass; the rows of each slice."""
        slices: list[int] = []
        more = first = True
        before_ms = self.now_ms + LATER
        while more:
            slice_ = port.DropSlice(
                kind, 30, before_ms, orgs, others, rows_max=rows_max, first=first, now_ms=before_ms
            )
            dropped = self.half.retention.drop(slice_)
            assert dropped.rows <= rows_max
            slices.append(dropped.rows)
            first, more = False, dropped.more
        return slices

    def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        query = f"SELECT count(*) FROM {table} WHERE {where}"
        [(count,)] = self.half.connection.execute(query).fetchall()
        return int(count)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dropping]:
    one = Dropping(monkeypatch)
    yield one
    one.half.close()


def test_a_thousand_events_go_in_two_slices(store: Dropping) -> None:
    store.delivered(1_000)
    slices = store.drop()
    assert sum(slices) == 4_000
    assert len(store.runs) == 2 and sum(store.runs) == 4_000
    assert store.walked == [0, 0], "what was kept back, and what is left at the end"
    assert [store.count(table) for table in LOG] == [0] * 4


def test_payload_goes_by_the_run(store: Dropping) -> None:
    store.delivered(300, body=b"x" * 1000)
    assert sum(store.drop(RowKind.PAYLOAD)) == 300
    assert sum(store.runs) == 300
    assert [store.count(table) for table in LOG] == [300, 300, 0, 300]


def test_a_slice_is_as_long_as_it_may_be(store: Dropping) -> None:
    store.delivered(500)
    slices = store.drop(rows_max=400)
    assert sum(slices) == 2_000
    assert max(slices) <= 400 and len(store.runs) <= 2_000 // 300


def test_what_is_unfinished_ends_a_run_and_is_kept(store: Dropping) -> None:
    store.delivered(100)
    [kept] = store.accept(1)
    store.delivered(100)
    store.drop(rows_max=400)
    assert store.count("event") == store.count("delivery") == 1
    assert store.count("body", "seq = 101") == 1
    assert store.count("kept_back") == 1
    assert store.runs[0] == 380, "up to it, but for a few"
    store.half.commit(port.Batch(0, settled=[settled(kept)]))
    assert sum(store.drop()) == 4
    assert store.count("kept_back") == 0


def test_events_of_other_orgs_lie_between_and_stay(store: Dropping) -> None:
    for _ in range(60):
        store.delivered(2)
        store.accept(1, org=OTHER)  # and they are not finished
    assert sum(store.drop(orgs=(OTHER,))) == 4 * 120
    assert sum(store.runs) > 4 * 90
    assert [store.count(table) for table in LOG] == [60] * 4
    assert store.count("event", f"org = {OTHER}") == 60
    store.half.commit(port.Batch(0, settled=[settled(3 * i + 3) for i in range(60)]))
    assert sum(store.drop(orgs=(OTHER,), others=False)) == 4 * 60


def test_what_belongs_to_deliveries_goes_with_them(store: Dropping) -> None:
    firsts = store.accept(50)
    shaped = [
        msgspec.structs.replace(failing(first, 0), sent=b"shaped", started_ms=5) for first in firsts
    ]
    store.half.commit(port.Batch(0, settled=shaped))
    ended = [settled(first, State.FAILED, status=400, attempt=2) for first in firsts]
    store.half.commit(port.Batch(0, settled=ended))
    assert (store.count("attempt"), store.count("sent")) == (100, 50)
    assert sum(store.drop()) == sum(store.runs) == 50 * (4 + 2 + 1)
    assert [store.count(table) for table in (*LOG, "attempt", "sent")] == [0] * 6


def test_a_run_ends_before_what_is_too_young(store: Dropping) -> None:
    store.delivered(100)
    store.now_ms += 2 * LATER
    store.delivered(100)
    store.now_ms -= 2 * LATER
    assert sum(store.drop()) == 400
    assert store.count("event") == 100


def test_long_bodies_go_in_shorter_slices(store: Dropping) -> None:
    store.delivered(120, body=random.Random(1).randbytes(100_000))
    slices = store.drop(RowKind.PAYLOAD)
    assert sum(slices) == 120
    assert max(slices) <= 21, "2 MiB of bodies"


def test_what_is_walked_is_walked_in_the_embedded_stores_slices(store: Dropping) -> None:
    for _ in range(30):
        store.accept(1)
        store.delivered(RUN_MIN - 5)
    slices = store.drop()
    assert sum(slices) == 30 * (RUN_MIN - 5) * 4
    assert store.runs == [] and max(slices) <= ROWS_MAX


def test_numbers_are_not_given_again(store: Dropping) -> None:
    last = store.delivered(RUN_MIN * 5)[-1]
    store.drop()
    assert store.count("event") == 0
    values = dict(store.half.connection.execute("SELECT key, value FROM meta").fetchall())
    assert (values["seq_floor"], values["delivery_floor"]) == (RUN_MIN * 5, last)


def test_on_the_schema_before_all_of_it_is_walked(store: Dropping) -> None:
    with connect(store.database.uri) as connection:
        connection.execute("DROP INDEX event_id_seq")
    store.half.retention = PostgresRetention(store.half.connection, store.half.numbers)
    store.delivered(100)
    assert sum(store.drop()) == 400
    assert store.runs == []


def test_the_store_says_how_long_a_slice_may_be(store: Dropping) -> None:
    assert store.half.retention.retention_state().slice_rows == SLICE_ROWS > ROWS_MAX


def test_rows_are_found_by_their_keys_whatever_was_there_when_it_was_planned(
    store: Dropping,
) -> None:
    """Plans are made once. The log was short then."""
    for _ in range(8):
        store.delivered(40)
        store.drop(rows_max=400)
    store.delivered(4_000)
    read = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables"
    names = "('event', 'event_id', 'body', 'delivery', 'attempt')"
    connection = store.half.connection
    seen = [connection.execute(f"{read} WHERE relname IN {names}").fetchone()[0]]
    commit = connection.commit

    def counted() -> None:
        [(rows,)] = connection.execute(f"{read} WHERE relname IN {names}").fetchall()
        seen.append(rows)
        commit()

    connection.commit = counted  # type: ignore[method-assign]
    store.drop(rows_max=400)
    assert len(store.runs) > 20
    assert all(after <= before for before, after in pairwise(seen)), "counts are of some slices"


def test_slices_over_a_slow_line_still_hold_a_run(store: Dropping) -> None:
    """Their round trips take longer than a slice should, however few rows it has."""
    store.delivered(1_000)
    state, pace = store.half.retention.retention_state(), RetentionPace()
    pace.allow(state.slice_rows, state.slice_rows_min)
    for _ in range(20):
        pace.slice_took(13.0)
    store.drop(rows_max=pace.rows)
    assert sum(store.runs) == 4_000


def test_events_of_many_deliveries_go_by_the_run(
    store: Dropping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE_ROWS", 100)  # so that few lie among too many ids
    batch = [event(f"e{number}", *[new(1)] * 8) for number in range(300)]
    firsts = store.half.commit(port.Batch(store.version, batch)).firsts
    ids = [first + at for first in firsts for at in range(8)]
    store.half.commit(port.Batch(0, settled=[settled(id) for id in ids]))
    assert sum(store.drop(RowKind.PAYLOAD, rows_max=400)) == 300
    assert sum(store.runs) > 300 - RUN_MIN


def test_few_events_among_many_of_other_orgs_go_by_the_run(store: Dropping) -> None:
    for _ in range(RUN_MIN // 2):
        store.delivered(1)
        store.delivered(9, org=OTHER)
    assert sum(store.drop(orgs=(OrgId(ORG),), others=False)) == 4 * (RUN_MIN // 2)
    assert sum(store.runs) == 4 * (RUN_MIN // 2)
    assert store.count("event") == 9 * (RUN_MIN // 2)
