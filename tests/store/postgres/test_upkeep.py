"""Every table is vacuumed as its rows come and go, or as PostgreSQL does it of itself, for a
reason."""

from tests.store.postgres.databases import rows
from tidings.store.postgres.migration import DriverConnection

# What it does of itself is right where a table is short, or where its rows are hardly changed.
CONFIGURED = {
    "audit_anchor", "credential", "delivery_cancel", "disabling", "event_block", "event_type",
    "installation", "link", "member", "org", "person", "reference", "schema_version", "session",
    "source", "source_owner", "stop", "transformation", "webhook", "webhook_version", "inbox",
    "name", "leap", "kept_key", "kept_list", "store_copy", "number_range", "family",
    "alert_channel", "saved_view",
}  # fmt: skip
# As long as what is under way; of segments it is the bytes that are many.
WORK = {
    "alert_mark", "block", "copy_progress", "fan_out", "incident", "kept_back", "letter",
    "replay_list", "segment",
}  # fmt: skip


def test_every_table_has_its_settings_or_needs_none(database: DriverConnection) -> None:
    found = dict(
        rows(
            database,
            "SELECT relname, coalesce(reloptions::text, '') LIKE '%autovacuum%'"
            " OR coalesce(reloptions::text, '') LIKE '%fillfactor%' FROM pg_class"
            " WHERE relnamespace = 'tidings'::regnamespace AND relkind = 'r'",
        )
    )
    assert len(found) > 50
    without = {table for table, has in found.items() if not has}
    assert without <= CONFIGURED | WORK


def test_no_dead_row_of_the_log_waits_for_a_fifth_of_it(database: DriverConnection) -> None:
    query = (
        "SELECT relname, option FROM pg_class, unnest(reloptions) AS option"
        " WHERE relnamespace = 'tidings'::regnamespace"
    )
    scales = {
        table: float(option.split("=")[1])
        for table, option in rows(database, query)
        if option.startswith("autovacuum_vacuum_scale_factor=")
    }
    log = {"event", "body", "event_id", "delivery", "attempt", "sent", "left_out", "waiting"}
    assert {table for table in log if scales.get(table, 1) > 0.05} == set()


def test_what_every_commit_changes_has_room_in_its_page(database: DriverConnection) -> None:
    query = (
        "SELECT relname FROM pg_class WHERE relnamespace = 'tidings'::regnamespace"
        " AND 'fillfactor=10' = ANY (reloptions)"
    )
    named = {table for (table,) in rows(database, query)}
    assert named == {"meta", "owner", "source_place", "keeping"}


def test_a_change_of_such_a_row_stays_in_its_page(database: DriverConnection) -> None:
    database.execute(
        "INSERT INTO keeping (kind, days, members, at, delivery, number)"
        " VALUES (1, 30, '', 0, 0, 0)"
    )
    database.execute(
        'INSERT INTO source_place (source, topic, partition, cluster, topic_id, "offset")'
        " SELECT 1, 'a', part, 'c', 't', 0 FROM generate_series(0, 11) AS part"
    )
    for at in range(300):
        database.execute("UPDATE keeping SET at = %s", (at,))
        database.execute('UPDATE source_place SET "offset" = %s', (at,))
    for table, pages in (("keeping", 1), ("source_place", 4)):
        [(size,)] = rows(database, f"SELECT pg_relation_size('{table}') / 8192")
        assert size <= pages, table
