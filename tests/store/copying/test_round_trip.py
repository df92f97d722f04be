"""A store that was copied to the other database and back is the same, and answers the same."""

import shutil
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.store.copying.filled import (
    FilledStore,
    database_of,
    empty_database,
    empty_directory,
    filled_directory,
    opened,
    rows_of,
)
from tests.store.rows import webhook
from tidings.app.store_copying import copy_store
from tidings.core.cells.ranges import range_of
from tidings.core.ids import OrgId
from tidings.core.sealed_columns import SEALED_COLUMNS
from tidings.engine.vault import VaultRefused
from tidings.store import port
from tidings.store.copying.store_copy import CopyReport
from tidings.store.postgres.halves import PostgresReader, PostgresWriter
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.sql.copy_marks import begin_to_serve
from tidings.store.sql.halves import RowReader, RowWriter
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf

ROLE = "tidings_copies"
ALWAYS = (0, 1 << 42)


def copied(source: FilledStore, target: FilledStore) -> CopyReport:
    return copy_store(source.path, target.path, lambda *_: None)


def started(store: FilledStore) -> tuple[RowWriter, RowReader]:
    """Both halves of a store, as a service opens them."""
    if store.path.suffix != ".toml":
        half = WritingHalf(store.path / FILE)
        begin_to_serve(half.connection)
        return half, ReadingHalf.in_directory(store.path)
    database = database_of(store)
    ours = OwnerWatch(database.connect, lambda: 0.0).take()
    writing = PostgresWriter(database.open_writer(ours), ours)
    begin_to_serve(writing.connection)
    reading = PostgresReader(database.open_reader(ours, 60), database.open_search(ours, 60))
    return writing, reading


def answers(store: FilledStore) -> dict[str, Any]:
    """What a store answers when everything is found and summed that can be."""
    writing, reading = started(store)
    while reading.background():
        reading._indexed_at = 0.0
    snapshot = writing.configuration.load()
    orgs = [org.id for org in snapshot.orgs]
    webhooks = [webhook.number for webhook in snapshot.webhooks]
    events = [
        event
        for org in orgs
        for event in reading.log.events(port.EventQuery(org, limit=500)).events
    ]
    terms = {
        bytes(terms[at : at + 8])
        for (terms,) in reading.connection.execute("SELECT terms FROM event ORDER BY seq LIMIT 20")
        for at in range(0, len(terms), 8)
    }
    found: dict[str, Any] = {
        "configuration": [
            msgspec.structs.replace(
                snapshot,
                webhooks=[msgspec.structs.replace(hook, config=b"") for hook in snapshot.webhooks],
            )
        ],
        "installation": writing.configuration.installation(),
        "types": writing.event_types.load_types(),
        "people": writing.people.load(),
        "deliveries": reading.log.deliveries(port.DeliveryQuery(webhooks, limit=500)),
        "events": events,
        "found": {term: reading.find(term, 100) for term in sorted(terms)},
        "counts": reading.counts(),
        "totals": [reading.totals.tally(webhook, *ALWAYS) for webhook in webhooks],
        "series": [reading.totals.org_series(OrgId(org), *ALWAYS, 10) for org in orgs],
        "rejections": [reading.rejections.page(org, None, None, 100) for org in orgs],
    }
    reading.close()
    writing.close()
    return found


def test_a_store_is_the_same_after_both_ways(tmp_path: Path) -> None:
    source = filled_directory(tmp_path / "first")
    asked = source._replace(path=shutil.copytree(source.path, tmp_path / "asked"))
    database, last = empty_database(tmp_path / "second"), empty_directory(tmp_path / "last")
    rows = rows_of(source)
    assert all(rows.values())
    count = sum(map(len, rows.values())) + 1  # by what its key is known
    expected = answers(asked)
    assert expected["deliveries"].deliveries and any(expected["found"].values())

    report = copied(source, database)
    assert report == CopyReport(len(rows), count, copied=count - len(rows["meta"]) - 2)
    assert rows_of(database) == rows
    with pytest.raises(port.StoreRefused, match=r"was copied to postgresql://.*take-back --from"):
        started(source)
    found = answers(database)
    assert {name for name, answer in expected.items() if found[name] != answer} == set()

    assert copied(database, last).rows == count
    assert rows_of(last) == rows
    with pytest.raises(port.StoreRefused, match=rf"was copied to {last.path}"):
        started(database)
    found = answers(last)
    assert {name for name, answer in expected.items() if found[name] != answer} == set()


def test_secrets_are_sealed_anew_and_the_keys_of_other_things_are_kept(tmp_path: Path) -> None:
    source, database = filled_directory(tmp_path / "a"), empty_database(tmp_path / "b")
    copied(source, database)
    side = opened(database)
    kept = side.connection.execute("SELECT purpose, sealed FROM kept_key").fetchall()
    keys = [port.KeptKey(*row) for row in kept]
    assert database.secrets.keys(keys) == source.secrets.keys([])
    for column in SEALED_COLUMNS:
        text = f"SELECT {column.column}, {', '.join(column.of)} FROM {column.table}"
        found = side.connection.execute(text).fetchall()
        assert any(sealed is not None for sealed, *_ in found), column
        for sealed, *of in found:
            if sealed is not None:
                database.secrets.open(column, of, sealed)
                with pytest.raises(VaultRefused):
                    source.secrets.open(column, of, sealed)
    side.close()


def test_the_role_that_serves_may_copy(tmp_path: Path) -> None:
    source = filled_directory(tmp_path / "a")
    side = opened(source)
    side.connection.execute("UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'inbox'").fetchall()
    side.close()
    rows = rows_of(source)
    with psycopg.connect(shared_server().uri("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}".encode())
        connection.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
    database = empty_database(tmp_path / "b", ROLE)
    try:
        copied(source, database)
        assert rows_of(database) == rows
        side = opened(database)
        assert side.numbers()["inbox"] == 4711
        side.close()
    finally:
        administrator = database_of(database).uri.replace(ROLE, "postgres")
        with psycopg.connect(administrator, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {ROLE} CASCADE".encode())
            connection.execute(f"DROP ROLE {ROLE}".encode())


def test_numbers_go_on_above_all_that_were_given(tmp_path: Path) -> None:
    source, database = filled_directory(tmp_path / "a"), empty_database(tmp_path / "b")
    side = opened(source)
    side.connection.execute("UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'inbox'").fetchall()
    number = "SELECT coalesce(max(number), 0) FROM webhook"
    [(webhook,)] = side.connection.execute(number).fetchall()
    [(mark,)] = side.connection.execute("SELECT max(mark) FROM touched").fetchall()
    side.close()
    copied(source, database)
    side = opened(database)
    given = side.numbers()
    side.close()
    assert (given["inbox"], given["webhook"], given["touched"]) == (4711, webhook, mark)
    last = empty_directory(tmp_path / "c")
    side = opened(database)
    side.connection.execute("DELETE FROM store_copy")
    side.close()
    copied(database, last)
    side = opened(last)
    assert side.numbers()["inbox"] == 4711
    side.close()


def test_a_store_of_ranges_stays_one_and_begins_a_fresh_one(tmp_path: Path) -> None:
    source, database = filled_directory(tmp_path / "a"), empty_database(tmp_path / "b")
    writing, reading = started(source)
    writing.connection.execute("DELETE FROM number_range")
    first = writing.numbers.end_endless()
    writing.numbers.grant([first, first + 3])
    reading.close()
    writing.close()
    copied(source, database)
    writing, reading = started(database)
    assert writing.numbers.ranges().spares == (first, first + 3)
    stored, _ = writing.webhooks.put_webhook(webhook("of the copy"))
    assert range_of(stored.number) == first
    reading.close()
    writing.close()
