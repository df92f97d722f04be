"""Each table whose rows the store numbers is named where its numbers are given."""

import re

import pytest

from tests.store.conformance.numbers.each_kind import MAKE
from tests.store.rows import webhook
from tidings.store import port
from tidings.store.postgres.migration import load_scripts
from tidings.store.sql.facts.numbers import NUMBERED, StoreNumbers
from tidings.store.sqlite.database import open_writer
from tidings.store.sqlite.halves import WritingHalf

# Tables whose key is one whole number that is no row's own, or is compared with no other store's.
OF_ANOTHER_ROW = {
    "body": "event",
    "sent": "delivery",
    "left_out": "delivery",
    "waiting": "delivery",
    "fan_out": "the first of its deliveries",
    "delivery_replay": "delivery",
    "delivery_cancel": "delivery",
    "webhook_health": "webhook",
    "disabling": "webhook",
    "source_activity": "source",
    "source_owner": "source",
    "stop": "org",
    "family": "org",
    "audit_chain": "org",
}
OF_ONE_STORE = {
    "org": "whoever makes it names it",
    "touched": "marks of what is summed up behind the commits",
    "audit_anchor": "each is made of the one before",
    "number_range": "the map grants them",
    "store_copy": "there is one at most",
}
_KEYS = """
SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND c.pk = 1 AND c.type = 'INTEGER'
    AND (SELECT count(*) FROM pragma_table_info(t.name) k WHERE k.pk > 0) = 1
"""


def test_each_table_that_has_numbers_of_its_own_is_named() -> None:
    connection = open_writer(":memory:")
    found: dict[str, str] = dict(connection.execute(_KEYS).fetchall())  # type: ignore[arg-type]
    connection.close()
    assert {table: found.get(table) for table in NUMBERED} == NUMBERED
    assert found.keys() - NUMBERED.keys() == OF_ANOTHER_ROW.keys() | OF_ONE_STORE.keys()


def test_no_database_numbers_anything_else() -> None:
    """`touched` is of one database: its marks are compared with nobody's."""
    text = "".join(script.statements for script in load_scripts())
    found = set(re.findall(r"CREATE TABLE (\w+) \(\s*(?:\w+) bigint GENERATED", text))
    assert found == NUMBERED.keys() - {"event", "delivery"}
    assert set(re.findall(r"CREATE SEQUENCE (\w+);", text)) == {"touched_mark"}


def test_a_row_of_each_kind_is_made_by_the_suite() -> None:
    assert MAKE.keys() == NUMBERED.keys()


def test_a_change_whose_entry_cannot_be_written_takes_its_number_and_its_range_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = WritingHalf(":memory:")
    half.numbers.grant([3])

    def refuse(*_: object) -> None:
        raise ValueError("no entry")

    with monkeypatch.context() as refusing:
        refusing.setattr(half.audit, "append_of", refuse)
        with pytest.raises(ValueError, match="no entry"):
            half.record(
                port.AuditWrite(b"", ()), lambda: half.webhooks.put_webhook(webhook("till"))
            )
    assert half.numbers.ranges().begun == -1
    first, _ = half.webhooks.put_webhook(webhook("till"))
    second, _ = half.webhooks.put_webhook(webhook("shop"))
    assert (first.number, second.number) == (3 << 24, (3 << 24) + 1)
    half.close()


def test_a_database_that_knows_fewer_gives_nothing_again_that_was_given() -> None:
    """As a server does that had not received everything."""
    for indices in ([], [3, 4]):
        ahead, behind = WritingHalf(":memory:"), WritingHalf(":memory:")
        if indices:
            ahead.numbers.grant(indices)
        given = {kind: ahead.numbers.take(kind, 9) + 8 for kind in NUMBERED}
        ahead.numbers.keep_all(behind.connection)
        next_owner = StoreNumbers(behind.connection)
        if indices:
            assert next_owner.ranges() == ahead.numbers.ranges()
        assert {kind for kind in NUMBERED if next_owner.take(kind) <= given[kind]} == set()
        for half in (ahead, behind):
            half.close()
