"""What the rooms of a store do when rows of a family arrive, or have arrived.

Rows alone are not all: retention has places up to which it has come, the log has summaries and
search terms of blocks that were final, anchors name the heads of chains, and numbers go on above
all that are there. Each of it is set right here, in the transaction that writes the rows or the
family's row. What a store holds of a family that has gone needs nothing of that: its deliveries
note their blocks when they are deleted, and whoever asks for the rest is answered elsewhere.
"""

from collections.abc import Callable, Sequence

from tidings.core.cells.families import FamilyId, FamilyMove
from tidings.core.cells.ranges import range_of
from tidings.store import port
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.changed_blocks import touch_again, touch_arrived
from tidings.store.sql.facts.meta import PUT, PUT_ONCE, MetaRow, read_fact
from tidings.store.sql.facts.numbers import BEGUN, NUMBERED, StoreNumbers, read_highest
from tidings.store.sql.moving.moved_leaps import follow_leaps

_NOTED = "arrivals_noted_after"  # in `meta`: behind which mark blocks are of families that arrive
_NEWEST_MARK = "SELECT coalesce(max(mark), 0) FROM touched"
_CHAINS = (
    "WITH RECURSIVE below (org) AS (SELECT o.id FROM org o WHERE o.id = ?"
    " UNION SELECT o.id FROM org o JOIN below b ON o.parent = b.org)"
    " UPDATE audit_chain SET anchored = 0 WHERE chain IN (SELECT org FROM below)"
)
_ENDS = (FamilyMove.SWITCHED, FamilyMove.UNDONE, FamilyMove.LOSE)
_END_SESSION = "DELETE FROM session WHERE digest = ?"


def held_since(family: FamilyId) -> str:
    """Return the name in `meta` of when the move of a family has begun."""
    return f"family_held_ms {family}"


def admit_rows(numbers: StoreNumbers, table: str, keys: Sequence[int]) -> None:
    """Have the store's own numbers go on above those that arrive, before they are written: what is
    accepted meanwhile would stand below them, in blocks of the log that are taken for final.
    `keys`: of a numbered table. Raise NoNumbers where there is no range above them."""
    if table not in NUMBERED or not keys or numbers.ranges().is_endless:
        return
    if range_of(highest := max(keys)) >= numbers.ranges().begun:
        numbers.begin_range(highest)


def note_rows(connection: StoreConnection, table: str, keys: Sequence[int]) -> None:
    """Note that rows of a numbered table have arrived, or were dropped as another cell's; in the
    same transaction."""
    touch_arrived(connection, table, keys)


def after_step(
    connection: StoreConnection,
    clock_ms: Callable[[], int],
    step: port.FamilyStep,
    are_arriving: bool,
) -> None:
    """Do what belongs to a step of a family's row; in its transaction. `are_arriving`: some family
    is, from then on. Raise StaleChange where that cannot happen: the store's numbers do not go on
    above those that have arrived."""
    if step.move is FamilyMove.RECEIVE:
        [mark] = connection.execute(_NEWEST_MARK).fetchone() or (0,)
        connection.execute(PUT_ONCE, MetaRow(key=_NOTED, value=int(mark)))
    elif step.move is FamilyMove.SWITCH:
        _arrived(connection, step.family)
        follow_leaps(connection, step.family, step.leaps)
        connection.executemany(_END_SESSION, [(digest,) for digest in step.ended])
    elif step.move is FamilyMove.BEGIN:
        connection.execute(PUT, MetaRow(key=held_since(step.family), value=clock_ms()))
    elif step.move in _ENDS:
        connection.execute("DELETE FROM meta WHERE key = ?", (held_since(step.family),))
    if not are_arriving:
        connection.execute("DELETE FROM meta WHERE key = ?", (_NOTED,))


def _arrived(connection: StoreConnection, family: FamilyId) -> None:
    begun = read_fact(connection, BEGUN)
    highest = max(read_highest(connection).values())
    if begun is not None and highest and range_of(highest) > begun:
        raise port.StaleChange(
            "The numbers of this cell must go on above those that have arrived; a range above them "
            "is to be begun first."
        )
    connection.execute(_CHAINS, (family,))  # the next anchor is to name them
    # Of what has arrived, places that retention has come to say nothing.
    connection.execute("DELETE FROM keeping")
    # A block that was summarised meanwhile may have been so without the rows that came later.
    touch_again(connection, read_fact(connection, _NOTED) or 0)
