"""The states of deliveries as the SQL names them: `f"… WHERE state = {PENDING}"`.

They stand in a query's text and are not bound to it: SQLite takes a partial index only where the
text itself implies the index's condition. So what is unfinished is always asked in the words of
`is_unfinished()`, as `delivery_key` has them; the numbers have no order. The condition of an index
is no list of more than two: SQLite would look the state of each written row up in a table.
"""

from collections.abc import Iterable

from tidings.core.delivery import states
from tidings.core.delivery.states import State

PENDING, HELD, RETRYING = int(State.PENDING), int(State.HELD), int(State.RETRYING)
WAITING = int(State.WAITING)
DELIVERED, FAILED = int(State.DELIVERED), int(State.FAILED)
PARKED = int(State.PARKED)
FINAL = ", ".join(f"{state:d}" for state in sorted(states.FINAL))
# What `delivery_due` holds: what is due at a time. One of them: `state IN ({TIMED}) AND state = …`.
TIMED = f"{RETRYING}, {WAITING}"
_TROUBLE = (State.RETRYING, State.FAILED, State.PARKED, State.CANCELLED, State.WAITING)


def is_unfinished(table: str = "") -> str:
    """Write the condition that a delivery is unfinished, of a table by its short name."""
    return _any_of(sorted(states.UNFINISHED), table)


def is_in_trouble(table: str = "") -> str:
    """Write the condition of `delivery_trouble`: something went wrong, or it waits."""
    return _any_of(_TROUBLE, table)


def _any_of(states: Iterable[State], table: str) -> str:
    column = f"{table}.state" if table else "state"
    return f"({' OR '.join(f'{column} = {state:d}' for state in states)})"
