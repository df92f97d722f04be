"""The states of deliveries as the SQL names them: `f"… WHERE state = {PENDING}"`.

They stand in a query's text and are not bound to it: SQLite takes a partial index only where the
text itself implies the index's condition.
"""

from tidings.core.delivery.states import State

PENDING, HELD, RETRYING = int(State.PENDING), int(State.HELD), int(State.RETRYING)
DELIVERED = int(State.DELIVERED)
FINAL = int(min(state for state in State if state.final))  # and above; below it is unfinished
# What `delivery_trouble` holds.
TROUBLE = f"{RETRYING}, {State.FAILED:d}, {State.PARKED:d}, {State.CANCELLED:d}"
