"""Why a replay or a cancel is refused, as answers say it."""

from tidings.core.replay import OPEN_JOBS_MAX, ReplayTransition, before
from tidings.errors import Conflict, FieldRefusal, NotFound


class UnknownReplay(NotFound):
    """The org has no such job. Who has asked knows by which id, and says it."""


class NotNow(Conflict):
    """The job is in a state in which this cannot happen to it."""

    def __init__(self, what: ReplayTransition, state: str) -> None:
        allowed = " or ".join(before(what))
        message = f"A replay must be {allowed} for {what}; it is {state}. Get its state again."
        super().__init__(FieldRefusal.build("wrong_state", message, field="id"))


class TooMany(Conflict):
    """The org has as many unfinished jobs as it may have."""

    def __init__(self) -> None:
        message = (
            f"An org must have at most {OPEN_JOBS_MAX} unfinished replays and cancels; it has "
            "reached that limit. Wait for one, or cancel it."
        )
        super().__init__(FieldRefusal.build("too_many", message, place="body"))
