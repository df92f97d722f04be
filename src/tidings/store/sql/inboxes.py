"""Test inboxes as rows; an inbox keeps its newest arrivals, bounded by count and bytes."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidings.store import port
from tidings.store.port import KEPT_ARRIVALS, KEPT_BYTES
from tidings.store.sql.answers import answers
from tidings.store.sql.configuration.revised_table import RevisedTable
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.numbers import StoreNumbers
from tidings.store.sql.numbered_pages import numbered_page
from tidings.store.sql.row_mapping import HEADERS, StoredTable

_INBOX = StoredTable("inbox", port.Inbox)
_REVISED = RevisedTable(_INBOX, "number", keeps=["org", "token", "created_ms"])
_ARRIVAL = StoredTable("arrival", port.Arrival, {"headers": HEADERS})
_OF_INBOX = "EXISTS (SELECT 1 FROM inbox WHERE number = ?2)"  # behind the number of its own
_KEEP = f"{_ARRIVAL.insert_where(_OF_INBOX)} RETURNING number"
# The newest that fit the bounds stay, and always the last one.
_BEYOND = (
    "SELECT min(number) FROM (SELECT number, row_number() OVER w AS place,"
    " sum(length(body)) OVER w AS bytes FROM arrival WHERE inbox = ?"
    " WINDOW w AS (ORDER BY number DESC)) WHERE place = 1 OR (place <= ? AND bytes <= ?)"
)
_USE = "UPDATE inbox SET used_ms = ?1 WHERE number = ?2 AND used_ms < ?1"


class InboxRows:
    """Shares the writer's connection."""

    def __init__(
        self, connection: StoreConnection, clock_ms: Callable[[], int], numbers: StoreNumbers
    ) -> None:
        self._connection = connection
        self._numbers = numbers
        self._run: Callable[..., Any] = connection.execute
        self._clock_ms = clock_ms

    @answers(port.Store.load_inboxes)
    def load(self) -> list[port.Inbox]:
        rows = self._run(f"{_INBOX.select} ORDER BY number").fetchall()
        return [_INBOX.read(row) for row in rows]

    @answers(port.Store.put_inbox)
    def put(self, inbox: port.Inbox) -> port.Inbox:
        now = self._clock_ms()
        given = msgspec.structs.replace(
            inbox, created_ms=inbox.created_ms or now, used_ms=inbox.used_ms or now
        )
        with self._numbers.transaction():
            if not given.number:
                number = self._numbers.take("inbox")
                given = msgspec.structs.replace(given, number=number)
            return _REVISED.put(self._connection, given)

    @answers(port.Store.use_inbox)
    def use(self, number: int, at_ms: int) -> None:
        self._run(_USE, (at_ms, number))

    @answers(port.Store.drop_inbox)
    def drop(self, number: int) -> None:
        with self._numbers.transaction():
            self._numbers.keep("inbox", "arrival")
            self._run("DELETE FROM inbox WHERE number = ?", (number,))
            self._run("DELETE FROM arrival WHERE inbox = ?", (number,))

    @answers(port.Store.add_arrivals)
    def add(self, arrivals: Sequence[port.Arrival]) -> list[int]:
        """See `port.InboxStore.add_arrivals`; 0 for one whose inbox is gone."""
        numbers: list[int] = []
        with self._numbers.transaction():
            first = self._numbers.take("arrival", len(arrivals)) if arrivals else 0
            for number, arrival in enumerate(arrivals, first):
                numbered = msgspec.structs.replace(arrival, number=number)
                row = self._run(_KEEP, _ARRIVAL.write(numbered)).fetchall()
                numbers.append(row[0][0] if row else 0)
            for inbox in {arrival.inbox for arrival in arrivals}:
                [(oldest,)] = self._run(_BEYOND, (inbox, KEPT_ARRIVALS, KEPT_BYTES)).fetchall()
                if oldest is not None:
                    self._run("DELETE FROM arrival WHERE inbox = ? AND number < ?", (inbox, oldest))
                self._run(_USE, (self._clock_ms(), inbox))
        return numbers


class InboxReader:
    """The arrivals, on the read-only connection."""

    def __init__(self, connection: StoreConnection) -> None:
        self._run: Callable[..., Any] = connection.execute

    @answers(port.Store.arrivals)
    def page(
        self, inbox: int, before: int | None, after: int | None, limit: int
    ) -> port.ArrivalPage:
        rows, older, newer = numbered_page(
            self._run, f"{_ARRIVAL.select} WHERE inbox = ?", inbox, before, after, limit, body=5
        )
        return port.ArrivalPage([_ARRIVAL.read(row) for row in rows], older, newer)

    @answers(port.Store.arrival)
    def one(self, inbox: int, number: int) -> port.Arrival | None:
        row = self._run(
            f"{_ARRIVAL.select} WHERE inbox = ? AND number = ?", (inbox, number)
        ).fetchone()
        return None if row is None else _ARRIVAL.read(row)
