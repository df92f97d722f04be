"""The states of a delivery and the moves between them.

Two rules. All that decides whether a delivery may change state stands in `MOVES`; the stores, the
engine and the documentation's picture are made from it. And a final state is left only where
somebody asks for another try of what was not delivered; a replay makes a new delivery instead.

The numbers are what the stores keep; they never change their meaning. They have no order: which
states are unfinished, and which are final, is said by name (`UNFINISHED`, `FINAL`).
"""

from enum import IntEnum


class State(IntEnum):
    """The states of a delivery. Each is either in `UNFINISHED` or in `FINAL`."""

    PENDING = 0  # committed; its first attempt is due now
    HELD = 1  # an unfinished delivery with the same ordering key goes first
    RETRYING = 2  # an attempt failed; the next one has a due time
    DELIVERED = 3
    FAILED = 4  # refused for good, or its 168 hours are over
    PARKED = 5  # not sent because its webhook is disabled; can be replayed
    CANCELLED = 6  # somebody, the deletion of its webhook, or a reason of an action took it back
    WAITING = 7  # not to be done yet, for a reason of ours: until a time, or another has ended

    @property
    def final(self) -> bool:
        """Return whether nothing will happen to the delivery any more."""
        return self in FINAL

    @property
    def word(self) -> str:
        """Return the state's name as people read it: in lower case, everywhere the same."""
        return self.name.lower()


UNFINISHED = frozenset((State.PENDING, State.HELD, State.RETRYING, State.WAITING))
FINAL = frozenset((State.DELIVERED, State.FAILED, State.PARKED, State.CANCELLED))


class Move(IntEnum):
    """The moves of a delivery."""

    FREED = 0  # its predecessor of the same key is final
    SUCCEEDED = 1  # a 2xx head came
    RETRY = 2  # an attempt failed in a way that another attempt may mend
    REFUSED = 3  # an attempt was answered for good, or the last one failed
    PARK = 4  # the webhook was disabled
    CANCEL = 5  # by a named person, with its webhook, or because an action has no need of it
    ASKED = 6  # somebody wants another try of what had ended undelivered
    ASKED_BEHIND = 7  # … and another one of its ordering key is unfinished: it goes next
    TAKEN = 8  # the operator says that a receiver has it, as after a restore
    WAIT = 9  # its turn came, and it is not to be done yet: nothing was tried


_P, _H, _R, _W = State.PENDING, State.HELD, State.RETRYING, State.WAITING
_UNDELIVERED = (State.FAILED, State.PARKED, State.CANCELLED)

MOVES: dict[tuple[State, Move], State] = {
    (_H, Move.FREED): _P,
    **{(state, Move.SUCCEEDED): State.DELIVERED for state in (_P, _R, _W)},
    **{(state, Move.RETRY): _R for state in (_P, _R, _W)},
    **{(state, Move.WAIT): _W for state in (_P, _R, _W)},
    **{(state, Move.REFUSED): State.FAILED for state in (_P, _R, _W)},
    **{(state, Move.PARK): State.PARKED for state in (_P, _H, _R, _W)},
    **{(state, Move.CANCEL): State.CANCELLED for state in (_P, _H, _R, _W)},
    **{(state, Move.TAKEN): State.DELIVERED for state in (_P, _H, _R, _W)},
    **{(state, Move.ASKED): _R for state in _UNDELIVERED},
    **{(state, Move.ASKED_BEHIND): _H for state in _UNDELIVERED},
}


def move(state: State, what: Move) -> State | None:
    """Return the state after `what`, or None where that cannot happen to a delivery in `state`."""
    return MOVES.get((state, what))
