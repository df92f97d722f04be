"""What became of a job's deliveries, added up in the job's row; inside a transaction of the writer.

A delivery of a replay is counted once: `delivery_replay.state` is null until then. Whoever takes
the row away before the job has looked counts it first, and whoever makes it unfinished again takes
it back, so that a job's figures are those of its deliveries at any time.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.replay import JobState
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.states import FINAL

_COLUMNS = {
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.PARKED: "parked",
    State.CANCELLED: "cancelled",
}
_NOTE = "UPDATE delivery_replay SET state = ? WHERE delivery = ?"
_UNCOUNTED = (
    "SELECT r.delivery, r.replay, d.state FROM delivery_replay r"
    " JOIN delivery d ON d.id = r.delivery"
    f" WHERE r.event BETWEEN ? AND ? AND r.state IS NULL AND d.state IN ({FINAL})"
)
_ENDED = ", ".join(f"'{state}'" for state in JobState if state.final)
# A job that has ended keeps what it has told: a try after that is asked for by somebody else.
_COUNTED = (
    "SELECT r.replay, r.state FROM delivery_replay r JOIN replay j ON j.number = r.replay"
    f" WHERE r.delivery = ? AND r.state IS NOT NULL AND j.state NOT IN ({_ENDED})"
)


def count(connection: StoreConnection, final: Sequence[tuple[int, int, int]]) -> None:
    """Count deliveries that are final and were not counted: delivery, replay, state of each."""
    connection.executemany(_NOTE, [(state, delivery) for delivery, _, state in final])
    sums = Counter((replay, State(state)) for _, replay, state in final)
    for (replay, state), many in sums.items():
        _add(connection, replay, state, many)


def count_those_of(connection: StoreConnection, first: int, last: int) -> None:
    """Count what is final of some events, by their first and last number, before it goes."""
    found: list[Any] = connection.execute(_UNCOUNTED, (first, last)).fetchall()
    count(connection, found)


def take_back(connection: StoreConnection, delivery: DeliveryId) -> None:
    """Take a delivery that is unfinished again out of the tally: its job, while it goes on, counts
    it when it has ended."""
    found: list[Any] = connection.execute(_COUNTED, (delivery,)).fetchall()
    for replay, state in found:
        _add(connection, replay, State(state), -1)
        connection.execute(_NOTE, (None, delivery))


def _add(connection: StoreConnection, replay: int, state: State, many: int) -> None:
    column = _COLUMNS[state]
    connection.execute(
        f"UPDATE replay SET {column} = {column} + ? WHERE number = ?", (many, replay)
    )
