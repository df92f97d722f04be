"""What is set right when the clock of the store follows a leap of the wall clock.

Due times move with it, so that a retry comes as long after the attempt before as it should, and so
do the dates of what caps have counted. And of what was accepted before, it is kept that the accept
lies that much later by the new dates, so that a delivery's age is the time that has passed. A leap
that takes back a wrong date that the process began with says nothing of what former processes have
written.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tidings.core.steady_clock import LEAP_MS
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.facts.counted_changes import CountedChange
from tidings.store.sql.row_mapping import insert_into
from tidings.store.sql.states import RETRYING, TIMED, WAITING

LEAPS_MAX = 256  # older ones are of deliveries that have long ended


class LeapRow(NamedTuple):
    """A row of `leap`: deliveries above `after_id`, up to `upto`, were accepted that much later."""

    upto: int
    after_id: int
    by_ms: int


# Added to the time of the accept of the delivery `d`.
LATER = "(SELECT coalesce(sum(p.by_ms), 0) FROM leap p WHERE p.upto >= d.id AND p.after_id < d.id)"
_NOTE = (
    f"{insert_into('leap', LeapRow)} ON CONFLICT (upto, after_id)"
    " DO UPDATE SET by_ms = leap.by_ms + excluded.by_ms"
)
_FORGET = (
    "DELETE FROM leap WHERE upto <= (SELECT upto FROM leap ORDER BY upto DESC LIMIT 1 OFFSET ?)"
)
_MOVE_DUE = (
    f"UPDATE delivery SET due_ms = due_ms + ? WHERE state IN ({TIMED}) AND due_ms IS NOT NULL"
)
_MOVE_CAPS = "UPDATE cap_use SET at_ms = at_ms + ?1, until_ms = until_ms + ?1 WHERE delivery > ?2"
_CAPS_AHEAD = "UPDATE cap_use SET until_ms = until_ms - at_ms + ?1, at_ms = ?1 WHERE at_ms > ?1"
_LAST_DATE = (  # of the newest event, as today's dates have it
    "SELECT at_ms + (SELECT coalesce(sum(p.by_ms), 0) FROM leap p"
    " WHERE p.upto >= first_delivery + deliveries - 1"
    " AND p.after_id < first_delivery + deliveries - 1) FROM event ORDER BY seq DESC LIMIT 1"
)
# Its attempt lies in the future: the clock was ahead, and the delay is counted from now.
_STRANDED = (
    "UPDATE delivery SET due_ms = due_ms - (SELECT a.started_ms FROM attempt a"
    " WHERE a.delivery = delivery.id AND a.number = delivery.attempts) + ?1"
    f" WHERE state IN ({TIMED}) AND state = {RETRYING} AND due_ms > ?1"
    " AND EXISTS (SELECT 1 FROM attempt a"
    " WHERE a.delivery = delivery.id AND a.number = delivery.attempts AND a.started_ms > ?1)"
)
# What waits is looked at: until when it waits was said by the wrong clock.
_LOOK_AGAIN = (
    f"UPDATE delivery SET due_ms = ?1 WHERE state IN ({TIMED}) AND state = {WAITING}"
    " AND due_ms > ?1"
)


def read_leaps(connection: StoreConnection) -> list[port.ClockLeap]:
    """Read all leaps that a store has followed, as far as they are kept."""
    rows = connection.execute("SELECT upto, after_id, by_ms FROM leap ORDER BY upto, after_id")
    return [port.ClockLeap(*row) for row in rows.fetchall()]


def note_leaps(connection: StoreConnection, leaps: Sequence[port.ClockLeap]) -> None:
    """Note leaps of deliveries that have come here; in a transaction."""
    noted = [LeapRow(upto=leap.upto, after_id=leap.after_id, by_ms=leap.by_ms) for leap in leaps]
    connection.executemany(_NOTE, noted)
    connection.execute(_FORGET, (LEAPS_MAX,))


class Leaps:
    """Shares the writer's connection."""

    def __init__(self, connection: StoreConnection, newest: Callable[[], int]) -> None:
        """`newest` is the greatest id of a delivery that was given."""
        self._connection = connection
        self._newest = newest
        self._first = 0  # the deliveries of this process have greater ids
        self._began_apart_ms = 0  # from the last date that former processes wrote
        self._followed = CountedChange(connection, "leaps_followed")
        self._asked_ms = 0  # the last leap that was to be followed

    def go_on_from(self, before: "Leaps") -> None:
        """Go on as the same process, over another connection."""
        self._first, self._began_apart_ms = before._first, before._began_apart_ms
        self._followed.go_on_from(before._followed)
        self._asked_ms = before._asked_ms

    def begin(self, now_ms: int) -> None:
        """Set right what a wrong clock of former processes has dated, as a process begins; in its
        transaction."""
        self._first = self._newest()
        last: Any = self._connection.execute(_LAST_DATE).fetchone()
        self._began_apart_ms = 0 if last is None else now_ms - last[0]
        if self._began_apart_ms <= -LEAP_MS:
            self._connection.execute(_STRANDED, (now_ms,))
            self._connection.execute(_LOOK_AGAIN, (now_ms,))
            self._connection.execute(_CAPS_AHEAD, (now_ms,))

    def unanswered_ms(self) -> int:
        """Return the leap that was followed in a transaction whose answer was lost; 0 if there is
        none. It is followed by the clock too, whatever the wall clock says by now."""
        return self._asked_ms if self._asked_ms and self._followed.is_unanswered() else 0

    def follow(self, by_ms: int) -> None:
        """Follow a leap: dates are later by so many milliseconds from now on. Whoever asks again,
        for the answer was lost, follows it once."""
        apart_ms = self._began_apart_ms
        undoes = apart_ms >= -by_ms - LEAP_MS if by_ms < 0 else apart_ms <= -LEAP_MS
        run = self._connection.execute
        self._asked_ms = by_ms
        with self._connection:
            if self._followed.count():
                after = self._first if undoes else 0
                run(_NOTE, LeapRow(upto=self._newest(), after_id=after, by_ms=by_ms))
                run(_MOVE_CAPS, (by_ms, after))
                run(_FORGET, (LEAPS_MAX,))
                if by_ms < 0 or not undoes:
                    run(_MOVE_DUE, (by_ms,))
        self._followed.answer()
        self._asked_ms = 0
        if undoes:
            self._began_apart_ms = 0
