"""The hot statements use the index made for them: no scan, no sorting, however big the tables.

What is explained is what runs: the statements are caught as SQLite receives them.
"""

import re
from pathlib import Path

import pytest

from tests.store.rows import ORG, event, failing, new, settled
from tests.store.sqlite.delivery.explained_plans import (
    PRIMARY,
    Store,
    explained,
    plans,
    store,
    uses,
)
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, EventNumber, WebhookId
from tidings.store import port
from tidings.store.sql.events.lookup import EventLookup
from tidings.store.sql.events.rejections import Rejections
from tidings.store.sql.replay.replays import ReplayQueries
from tidings.store.sqlite.halves import ReadingHalf

__all__ = ["store"]  # the fixture

PENDING_OF_BLOCK = r"delivery_pending \(<expr>=\? AND webhook=\? AND id>\?\)"


def assert_seeks_blocks(plan: str) -> None:
    """Blocks are made one by one, as they are asked for, each by a look at the index."""
    searches = re.findall(r"SEARCH delivery (?:EXISTS )?USING (.+)", plan)
    first, following, has_some = searches
    for next_block in (first, following):
        assert next_block == "COVERING INDEX delivery_pending (<expr>>?)", plan
    assert re.fullmatch(rf"COVERING INDEX {PENDING_OF_BLOCK}", has_some), plan
    assert "CO-ROUTINE pending" in plan and "TEMP B-TREE" not in plan, plan
    assert {*re.findall(r"SCAN (.+)", plan)} == {"pending"}, plan


def test_page_reads_the_pending_index(store: Store) -> None:
    found = plans(store.writing.connection, lambda: store.writing.writer.page(1, 5, 10))
    blocks, page = found.values()
    assert_seeks_blocks(blocks)
    assert uses(page, rf"INDEX {PENDING_OF_BLOCK}"), page


def test_take_reads_the_due_index(store: Store) -> None:
    take = port.Batch(0, claims=[port.RetryClaim(1, 10)])
    [first] = store.writing.commit(port.Batch(1, [event("due", new(1))])).firsts
    store.writing.commit(port.Batch(0, settled=[failing(first, 0)]))
    found = plans(store.writing.connection, lambda: store.writing.commit(take))
    due = explained(found, "due_ms <=")
    assert uses(due, r"(COVERING )?INDEX delivery_due \(webhook=\? AND due_ms<\?\)"), due
    next_due = explained(found, "min(due_ms)")
    assert uses(next_due, r"(COVERING )?INDEX delivery_due \(webhook=\? AND due_ms>\?\)"), next_due
    for words in (("UPDATE delivery", "attempts + 1"), ("INSERT", "attempt"), ("d.id = ?",)):
        assert uses(explained(found, *words), PRIMARY), found


def test_attempts_of_the_last_minutes_are_sought_from_the_newest_deliveries_on(
    store: Store,
) -> None:
    """They are put together by webhook in memory: of a bounded number of rows."""
    health = store.writing.health
    found = plans(store.writing.connection, lambda: health.past_attempts(0, 30_000, 100))
    floor = explained(found, "OFFSET")
    assert uses(floor, r"(COVERING )?PRIMARY KEY \(delivery>\?\)"), floor
    good = explained(found, "done_ms AS ended_ms")
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid>?)" in good and "SCAN" not in good, good
    bad = explained(found, "started_ms")
    assert "SEARCH a USING PRIMARY KEY (delivery>?)" in bad and "SCAN" not in bad, bad
    assert "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)" in bad, bad
    for plan in (good, bad):
        assert "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)" in plan, plan
    standing = explained(found, "max(version)")
    assert "SEARCH webhook_version USING PRIMARY KEY (webhook=?)" in standing, standing


def test_a_new_ordered_delivery_looks_for_its_predecessor_in_the_key_index(store: Store) -> None:
    batch = port.Batch(1, [event("waits", new(1, 3))])
    found = plans(store.writing.connection, lambda: store.writing.commit(batch))
    plan = explained(found, "SELECT 1 FROM delivery")
    assert uses(plan, r"(COVERING )?INDEX delivery_key \(webhook=\? AND key=\?\)"), plan


def test_settling_finds_its_delivery_by_id_and_the_next_by_key(store: Store) -> None:
    a, b = store.writing.commit(
        port.Batch(1, [event("s1", new(77, 9)), event("s2", new(77, 9))])
    ).firsts
    outcome = port.Batch(0, settled=[settled(a, webhook=77, key=9)])
    found = plans(store.writing.connection, lambda: store.writing.commit(outcome))
    following = explained(found, "ORDER BY id LIMIT 1")
    assert uses(following, r"(COVERING )?INDEX delivery_key \(webhook=\? AND key=\?\)"), following
    assert uses(explained(found, "UPDATE delivery", "done_ms"), PRIMARY)
    assert uses(explained(found, "UPDATE delivery SET state", "state = 1"), PRIMARY)
    assert store.queries.delivery(b) is not None


def test_an_event_is_found_by_the_hash_of_its_id(store: Store) -> None:
    connection = store.writing.connection
    plan = explained(plans(connection, lambda: store.queries.event(ORG, "e1-1")), "event_id")
    assert uses(plan, r"PRIMARY KEY \(hash=\?\)"), plan
    assert plan.count(PRIMARY) == 2


def test_deliveries_of_an_event_are_read_by_their_ids(store: Store) -> None:
    [plan] = plans(
        store.writing.connection, lambda: store.queries.deliveries_of(EventNumber(3))
    ).values()
    assert uses(plan, rf"{PRIMARY} \(rowid=\?\)"), plan
    assert uses(plan, rf"{PRIMARY} \(rowid>\? AND rowid<\?\)"), plan
    assert uses(plan, r"INDEX delivery_replay_event \(event=\?\)"), plan


def test_a_delivery_and_its_attempts_are_read_by_their_keys(store: Store) -> None:
    connection = store.writing.connection
    [plan] = plans(connection, lambda: store.queries.delivery(DeliveryId(3))).values()
    assert plan.count(PRIMARY) == 7 and uses(plan, PRIMARY), plan
    [plan] = plans(connection, lambda: store.queries.attempts_of(DeliveryId(3))).values()
    assert uses(plan, r"PRIMARY KEY \(delivery=\?\)"), plan


def test_what_comes_next_is_read_in_its_order(store: Store) -> None:
    connection = store.writing.connection
    [plan] = plans(connection, lambda: store.queries.next_due(1, 8)).values()
    assert uses(plan, r"INDEX delivery_due \(webhook=\? AND due_ms>\?\)"), plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan.replace("LAST TERM OF ", ""), plan


def test_the_one_that_goes_first_is_looked_for_among_the_first_of_its_key(store: Store) -> None:
    [late] = store.writing.commit(port.Batch(1, [event("held", new(1, 3))])).firsts
    lookup = EventLookup(store.writing.connection)
    [plan] = plans(store.writing.connection, lambda: lookup.goes_first(late)).values()
    assert f"SEARCH d USING {PRIMARY} (rowid=?)" in plan
    assert re.search(r"SEARCH p USING INDEX delivery_key \(webhook=\? AND key=\?\)", plan), plan
    assert "TEMP B-TREE" not in plan


def test_refused_events_are_read_by_their_org(store: Store) -> None:
    [plan] = plans(
        store.writing.connection,
        lambda: Rejections(store.writing.connection).page(ORG, None, None, 10),
    ).values()
    assert uses(plan, r"INDEX rejection_org \(org=\? AND id<\?\)"), plan


def test_a_new_owner_reads_indexes_only(store: Store) -> None:
    """Whatever the number of final deliveries, a start reads what is unfinished."""
    store.writing.webhooks.put_webhook(
        port.StoredWebhook(0, WebhookId("i"), "g", ORG, 1, "till", "active", b"")
    )
    connection = store.writing.connection
    connection.execute("UPDATE meta SET value = 0 WHERE key = 'clean_stop'").fetchall()
    [(taken,)] = connection.execute("SELECT min(id) FROM delivery WHERE state = 2")
    connection.execute("UPDATE delivery SET due_ms = NULL WHERE id = ?", (taken,)).fetchall()
    found = plans(connection, lambda: store.writing.recovery.recover(10))
    store.writing.recovery.stopped_cleanly()
    assert_seeks_blocks(explained(found, "RECURSIVE"))
    lowest = explained(found, "d.id > :after")
    assert uses(lowest, rf"COVERING INDEX {PENDING_OF_BLOCK}"), lowest
    marked = explained(found, "attempts + 1", "WHERE id IN")
    assert f"SEARCH delivery USING {PRIMARY}" in marked, marked
    assert not re.search(r"SCAN (?!json_each)|TEMP B-TREE|AUTOMATIC", marked), marked
    counts = explained(found, "count(*)")
    assert counts == "SCAN delivery USING COVERING INDEX delivery_pending", counts
    due = explained(found, "min(d.due_ms)")
    assert re.search(r"SEARCH d USING (COVERING )?INDEX delivery_due \(webhook=\?", due), due
    assert not re.search(r"SCAN (?!w\b)|TEMP B-TREE|AUTOMATIC", due), "of webhooks alone"
    for statement in (
        "attempts + CASE WHEN state",
        "UPDATE attempt",
        "due_ms = ? WHERE id",
        "w.needed",
    ):
        plan = explained(found, statement)
        assert not re.search(r"SCAN \w+$", plan, re.MULTILINE), plan  # of an index at most


@pytest.mark.parametrize("state", [State.PARKED])
def test_retiring_reads_the_indexes_of_what_is_unfinished(store: Store, state: State) -> None:
    found = plans(store.writing.connection, lambda: store.writing.recovery.retire(17, state, 1_000))
    assert_seeks_blocks(explained(found, "RECURSIVE"))
    for words, index in (
        (("key IS NOT NULL",), r"delivery_key \(webhook=\? AND key>\?\)"),
        (("d.id > :after",), PENDING_OF_BLOCK),
        (("state IN (2, 7)", "LIMIT"), r"delivery_due \(webhook=\?\)"),
    ):
        plan = explained(found, *words)
        assert uses(plan, rf"(COVERING )?INDEX {index}"), plan
    assert uses(explained(found, "UPDATE delivery"), PRIMARY), found


def test_what_is_pending_and_old_is_read_along_its_index(store: Store) -> None:
    rows = ReplayQueries(store.writing.connection)
    found = plans(
        store.writing.connection, lambda: rows.unfinished_before(1 << 50, (1, 1, 0, 5), 10)
    )
    [plan] = [plan for text, plan in found.items() if "FROM delivery" in text]
    assert re.search(r"SEARCH d USING INDEX delivery_pending \(<expr>>\?\)", plan), plan
    assert "SCAN" not in plan and "TEMP B-TREE" not in plan, plan


def test_what_is_parked_for_its_age_is_found_along_indexes(store: Store) -> None:
    """In the order of ids: what is found of a webhook is sorted, if need be, and no more."""
    found = plans(store.writing.connection, lambda: store.writing.health.park_expired(18, -1, 10))
    assert_seeks_blocks(explained(found, "RECURSIVE"))
    for words, index in (
        (("key IS NOT NULL",), r"delivery_key \(webhook=\? AND key>\?\)"),
        (("d.id > :after",), PENDING_OF_BLOCK),
        (("due_ms IS NOT NULL",), r"delivery_due \(webhook=\? AND due_ms>\?\)"),
    ):
        plan = explained(found, *words)
        assert re.search(rf"SEARCH d USING (COVERING )?INDEX {index}", plan), plan
        assert "SCAN" not in plan, plan


def test_the_reading_half_reads_the_same_way(store: Store) -> None:
    """It has its own connection and its own statements: the lag is one look at the end."""
    place = Path(store.writing.connection.filename).parent
    reading = ReadingHalf.in_directory(place)
    [plan] = plans(reading.connection, reading._lag).values()
    assert plan == "SEARCH event"
    reading.close()


def test_totals_read_indexes_and_no_rows_but_those_of_unfinished_keys(store: Store) -> None:
    """Counting a table as a whole reads its pages alone; everything else is in a partial index."""
    found = plans(store.writing.connection, lambda: store.queries.counts(0))
    for statement, plan in found.items():
        for line in plan.splitlines():
            scan = re.match(r"(?:\W*)SCAN (\w+)(.*)", line)
            if scan:
                whole = statement in (f"SELECT count(*) FROM {scan[1]}",)
                assert whole or "INDEX delivery_" in scan[2], (statement, plan)
