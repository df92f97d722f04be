"""Alert channels and what they have heard, as rows.

A schema before, on which this release serves too, has no table for them: there, no org has one.
"""

from collections.abc import Callable, Sequence

import msgspec

from tidings.store import port
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.row_mapping import StoredTable

_CHANNEL = StoredTable("alert_channel", port.StoredChannel)
_REVISED = RevisedTable(_CHANNEL, "id", keeps=["org", "created_ms"])
_MARK = StoredTable("alert_mark", port.StoredAlertMark)


class AlertRows:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection, clock_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._clock_ms = clock_ms
        self._is_there = connection.has_table(_CHANNEL.name)

    @answers(port.Store.load_alert_channels)
    def load(self) -> list[port.StoredChannel]:
        if not self._is_there:
            return []
        rows = self._connection.execute(f"{_CHANNEL.select} ORDER BY created_ms, id")
        return [_CHANNEL.read(row) for row in rows]

    @answers(port.Store.put_alert_channel)
    def put(self, channel: port.StoredChannel) -> port.StoredChannel:
        if not self._is_there:
            raise port.NotKept("the schema is of the release before, and has no alert channels")
        now_ms = self._clock_ms()
        given = msgspec.structs.replace(
            channel, created_ms=channel.created_ms or now_ms, changed_ms=now_ms
        )
        with self._connection:
            return _REVISED.put(self._connection, given)

    @answers(port.Store.drop_alert_channel)
    def drop(self, id: str) -> None:
        with self._connection:
            self._connection.execute("DELETE FROM alert_channel WHERE id = ?", (id,))
            self._connection.execute("DELETE FROM alert_mark WHERE channel = ?", (id,))

    @answers(port.Store.alert_marks)
    def marks(self) -> list[port.StoredAlertMark]:
        if not self._is_there:
            return []
        rows = self._connection.execute(f"{_MARK.select} ORDER BY channel, incident")
        return [_MARK.read(row) for row in rows]

    @answers(port.Store.put_alert_marks)
    def put_marks(self, marks: Sequence[port.StoredAlertMark]) -> None:
        with self._connection:
            self._connection.executemany(
                _MARK.insert("INSERT OR REPLACE"), [_MARK.write(mark) for mark in marks]
            )

    @answers(port.Store.drop_alert_marks)
    def drop_marks(self, marks: Sequence[port.StoredAlertMark]) -> None:
        with self._connection:
            self._connection.executemany(
                "DELETE FROM alert_mark WHERE channel = ? AND incident = ?",
                [(mark.channel, mark.incident) for mark in marks],
            )
