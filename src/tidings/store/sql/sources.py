"""Sources as rows, up to where they have read, and what they have brought or set aside."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidings.core.sources.other_content import ID_CONFLICT
from tidings.core.sources.table_owner import TableOwner
from tidings.core.sources.topic_places import TopicPlace
from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.numbered_pages import numbered_page
from tidings.store.sql.row_mapping import FLAG, HEADERS, Projection, StoredTable, json_of

_SOURCE = StoredTable("source", port.StoredSource)
_COLUMNS = StoredTable("aside", port.DeadLetter, {"headers": HEADERS})
_GIVEN = ("number", "times")  # of what is there they stay
_ONE = _COLUMNS.select
_OF_SOURCE = "EXISTS (SELECT 1 FROM source WHERE number = ?1)"
_OF_ITS_SOURCE = _OF_SOURCE.replace("?1", "?2")  # behind its number
_REVISED = RevisedTable(_SOURCE, "number", keeps=["org", "name", "created_ms"])
_KEEP = (
    f"{_COLUMNS.insert_where(_OF_ITS_SOURCE, without=['times'])}"
    f" ON CONFLICT (source, known_by) {_COLUMNS.update(*_GIVEN, 'source', 'known_by')},"
    " times = aside.times + 1"
)
_REPLACED = "SELECT code, length(body) FROM aside WHERE source = ? AND known_by = ?"
_OLDEST_CONFLICTS = (
    "DELETE FROM aside WHERE number IN (SELECT number FROM aside WHERE source = ? AND code = ?"
    " ORDER BY number LIMIT ?)"
)
_WHY = "UPDATE aside SET code = ?, reason = ?, field = ? WHERE source = ? AND number = ?"
_PLACE = StoredTable("source_place", TopicPlace)
_KEEP_PLACE = (
    f"{_PLACE.insert_where(_OF_SOURCE, behind=['source'])}"
    f" ON CONFLICT (source, topic, partition) {_PLACE.update('topic', 'partition')}"
)
_OWNER = StoredTable("source_owner", TableOwner, {"takes_over": FLAG})
_KEEP_OWNER = _OWNER.insert_where(_OF_SOURCE, "INSERT OR REPLACE")
_ACTIVITY = StoredTable(
    "source_activity", port.StoredActivity, {"minutes": json_of(list[tuple[int, dict[str, int]]])}
)
_KEEP_ACTIVITY = (
    f"{_ACTIVITY.insert_where(_OF_SOURCE)} ON CONFLICT (source) {_ACTIVITY.update('source')}"
)
_SUM = Projection(
    port.DeadLetterSum,
    columns={
        "messages": "count(*)",
        "bytes": "sum(length(body))",
        "conflicts": "count(*) FILTER (WHERE code = ?1)",
        "conflict_bytes": "coalesce(sum(length(body)) FILTER (WHERE code = ?1), 0)",
        "conflict_field": "coalesce((SELECT field FROM aside c WHERE c.source = aside.source"
        " AND c.code = ?1 ORDER BY at_ms DESC LIMIT 1), '')",
    },
)
_SUMS = f"{_SUM.select} FROM aside"


class SourceRows:
    """Shares the writer's connection."""

    def __init__(
        self, connection: StoreConnection, clock_ms: Callable[[], int], numbers: StoreNumbers
    ) -> None:
        self._connection = connection
        self._numbers = numbers
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    @answers(port.Store.load_sources)
    def load(self) -> list[port.StoredSource]:
        """See `port.SourceStore.load_sources`."""
        rows = self._run(f"{_SOURCE.select} ORDER BY number").fetchall()
        return [_SOURCE.read(row) for row in rows]

    @answers(port.Store.dead_letter_sums)
    def sums(self) -> list[port.DeadLetterSum]:
        """See `port.SourceStore.dead_letter_sums`."""
        return [
            _SUM.read(row)
            for row in self._run(f"{_SUMS} GROUP BY source", (ID_CONFLICT,)).fetchall()
        ]

    @answers(port.Store.put_source)
    def put(self, source: port.StoredSource) -> port.StoredSource:
        """See `port.SourceStore.put_source`."""
        now = self._clock_ms()
        given = msgspec.structs.replace(source, created_ms=source.created_ms or now, changed_ms=now)
        with self._numbers.transaction():
            if not given.number:
                number = self._numbers.take("source")
                given = msgspec.structs.replace(given, number=number)
            return _REVISED.put(self._connection, given)

    @answers(port.Store.drop_source)
    def drop(self, number: int) -> None:
        """See `port.SourceStore.drop_source`."""
        with self._numbers.transaction():
            self._numbers.keep("source", "aside")
            self._run("DELETE FROM source WHERE number = ?", (number,))
            for table in ("aside", "source_place", "source_owner", "source_activity"):
                self._run(f"DELETE FROM {table} WHERE source = ?", (number,))

    @answers(port.Store.topic_places)
    def topic_places(self, source: int) -> list[TopicPlace]:
        """See `port.SourceStore.topic_places`."""
        rows = self._run(f"{_PLACE.select} WHERE source = ?", (source,))
        return [_PLACE.read(row) for row in rows]

    @answers(port.Store.put_topic_places)
    def put_topic_places(self, source: int, places: Sequence[TopicPlace]) -> None:
        """See `port.SourceStore.put_topic_places`."""
        with self._connection:
            for place in places:
                self._run(_KEEP_PLACE, (source, *_PLACE.write(place)))

    @answers(port.Store.table_owner)
    def table_owner(self, source: int) -> TableOwner | None:
        """See `port.SourceStore.table_owner`."""
        row = self._run(f"{_OWNER.select} WHERE source = ?", (source,)).fetchone()
        return None if row is None else _OWNER.read(row)

    @answers(port.Store.put_table_owner)
    def put_table_owner(self, owner: TableOwner) -> None:
        """See `port.SourceStore.put_table_owner`."""
        with self._connection:
            self._run(_KEEP_OWNER, _OWNER.write(owner))

    @answers(port.Store.drop_table_owner)
    def drop_table_owner(self, source: int) -> None:
        """See `port.SourceStore.drop_table_owner`."""
        with self._connection:
            self._run("DELETE FROM source_owner WHERE source = ?", (source,))

    @answers(port.Store.load_activity)
    def load_activity(self) -> list[port.StoredActivity]:
        """See `port.SourceStore.load_activity`."""
        rows = self._run(f"{_ACTIVITY.select} ORDER BY source")
        return [_ACTIVITY.read(row) for row in rows]

    @answers(port.Store.put_activity)
    def put_activity(self, activities: Sequence[port.StoredActivity]) -> None:
        """See `port.SourceStore.put_activity`."""
        with self._connection:
            for activity in activities:
                self._run(_KEEP_ACTIVITY, _ACTIVITY.write(activity))

    @answers(port.Store.put_dead_letters)
    def put_dead_letters(
        self, messages: Sequence[port.DeadLetter]
    ) -> list[port.ReplacedMessage | None]:
        """See `port.SourceStore.put_dead_letters`."""
        with self._numbers.transaction():
            replaced = [self._put(message) for message in messages]
        return replaced

    @answers(port.Store.drop_conflicts)
    def drop_conflicts(self, source: int, count: int) -> port.DeadLetterSum:
        """See `port.SourceStore.drop_conflicts`."""
        with self._numbers.transaction():
            self._numbers.keep("aside")
            self._run(_OLDEST_CONFLICTS, (source, ID_CONFLICT, count))
            left = self._sum_of(source)
        return left

    @answers(port.Store.drop_dead_letters)
    def drop_dead_letters(self, source: int, numbers: Sequence[int]) -> port.DeadLetterSum:
        """See `port.SourceStore.drop_dead_letters`."""
        with self._numbers.transaction():
            self._numbers.keep("aside")
            for number in numbers:
                self._run("DELETE FROM aside WHERE source = ? AND number = ?", (source, number))
            left = self._sum_of(source)
        return left

    def _put(self, message: port.DeadLetter) -> port.ReplacedMessage | None:
        if message.number:
            why = (message.code, message.reason, message.field, message.source, message.number)
            self._run(_WHY, why)
            return None
        replaced = None
        if message.known_by is not None:
            known = (message.source, message.known_by)
            replaced = self._run(_REPLACED, known).fetchone()
        numbered = msgspec.structs.replace(message, number=self._numbers.take("aside"))
        self._run(_KEEP, _COLUMNS.write(numbered, without=["times"]))
        return None if replaced is None else port.ReplacedMessage(*replaced)

    def _sum_of(self, source: int) -> port.DeadLetterSum:
        query = f"{_SUMS} WHERE source = ?2 GROUP BY source"
        row = self._run(query, (ID_CONFLICT, source)).fetchone()
        return _SUM.read(row) if row else port.DeadLetterSum(source, 0, 0)


class DeadLetterReader:
    """Reads what was set aside, on the read-only connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.dead_letters)
    def page(
        self, source: int, before: int | None, after: int | None, limit: int
    ) -> port.DeadLetterPage:
        """See `port.SourceStore.dead_letters`."""
        rows, older, newer = numbered_page(
            self._run, f"{_ONE} WHERE source = ?", source, before, after, limit, body=8
        )
        return port.DeadLetterPage([_COLUMNS.read(row) for row in rows], older, newer)

    @answers(port.Store.dead_letter)
    def one(self, source: int, number: int) -> port.DeadLetter | None:
        """See `port.SourceStore.dead_letter`."""
        row = self._run(f"{_ONE} WHERE source = ? AND number = ?", (source, number)).fetchone()
        return None if row is None else _COLUMNS.read(row)
