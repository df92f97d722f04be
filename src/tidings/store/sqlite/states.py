"""The states of deliveries as the SQL names them: `f"… WHERE state = {PENDING}"`.

They stand in a query's text and are not bound to it: SQLite takes a partial index only where the
text itself implies the index's condition. So what is unfinished is always asked as `state IN
({UNFINISHED})`, word for word as `delivery_key` has it; the numbers have no order.
"""

from tidings.core.delivery import states
from tidings.core.delivery.states import State

PENDING, HELD, RETRYING = int(State.PENDING), int(State.HELD), int(State.RETRYING)
WAITING = int(State.WAITING)
DELIVERED = int(State.DELIVERED)
UNFINISHED = ", ".join(f"{state:d}" for state in sorted(states.UNFINISHED))
FINAL = ", ".join(f"{state:d}" for state in sorted(states.FINAL))
# What `delivery_due` holds: what is due at a time. One of them: `state IN ({TIMED}) AND state = …`.
TIMED = f"{RETRYING}, {WAITING}"
# What `delivery_trouble` holds.
TROUBLE = f"{RETRYING}, {State.FAILED:d}, {State.PARKED:d}, {State.CANCELLED:d}, {WAITING}"
