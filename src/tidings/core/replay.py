"""A replay: a stored job that makes new deliveries from old events. Pure; time is passed in.

Theory. A job visits the events of its range once each, in the order in which they were accepted.
Its cursor and the deliveries of a slice are written in one transaction, so nothing is skipped and
nothing is made twice, however often the process dies. What is decided for an event hangs on what
its deliveries at the webhook amount to *at that moment*, those of earlier replays included: an
event that a replay has delivered is delivered.

What was never delivered keeps its `webhook-id`, so a receiver that drops repeats by it is safe
whatever really arrived. What was delivered is sent only to another webhook, or where `again` was
asked for, and then under `<webhook-id>~rpl_…`.

The same machine, with another outcome, cancels what is unfinished (`ReplayKind.CANCEL`).
"""

from collections.abc import Sequence
from enum import IntEnum, StrEnum

import msgspec

from tidings.core.delivery.states import State
from tidings.core.shares.token_bucket import TokenBucket

RATE_DEFAULT = 20.0
RATE_MAX = 5_000.0
SLICE_MAX = 50  # deliveries that one transaction makes: 2 to 4 ms of the store's writer
WINDOW_MIN, WINDOW_MAX = 8, 100
WINDOW_PER_SLOT = 10  # what is made waits for two commits, of its slice and of what came of it
IDS_MAX = 100_000
COUNT_MAX = 1_000_000
OPEN_JOBS_MAX = 20  # of one org


class ReplayKind(StrEnum):
    """The kinds of jobs, by what they do to the events that they visit."""

    REPLAY = "replay"
    CANCEL = "cancel"


class JobState(StrEnum):
    """The states of a job. The last three are final."""

    COUNTING = "counting"  # how many it will be about is being counted
    READY = "ready"  # counted; waits to be started
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"  # every event was visited, every delivery made is final
    CANCELLED = "cancelled"
    FAILED = "failed"  # it cannot go on; its reason says why

    @property
    def final(self) -> bool:
        """Return whether the job does nothing any more."""
        return self in _FINAL


class ReplayTransition(StrEnum):
    """The events in the life of a job."""

    COUNTED = "counted"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    DONE = "done"
    CANCEL = "cancel"
    FAIL = "fail"


_FINAL = (JobState.FINISHED, JobState.CANCELLED, JobState.FAILED)
_OPEN = tuple(state for state in JobState if state not in _FINAL)

STEPS: dict[tuple[JobState, ReplayTransition], JobState] = {
    (JobState.COUNTING, ReplayTransition.COUNTED): JobState.READY,
    (JobState.READY, ReplayTransition.START): JobState.RUNNING,
    (JobState.READY, ReplayTransition.PAUSE): JobState.PAUSED,
    (JobState.READY, ReplayTransition.RESUME): JobState.RUNNING,
    (JobState.RUNNING, ReplayTransition.PAUSE): JobState.PAUSED,
    (JobState.PAUSED, ReplayTransition.RESUME): JobState.RUNNING,
    (JobState.RUNNING, ReplayTransition.DONE): JobState.FINISHED,
    **{(state, ReplayTransition.CANCEL): JobState.CANCELLED for state in _OPEN},
    **{(state, ReplayTransition.FAIL): JobState.FAILED for state in _OPEN},
}


def step(state: JobState, what: ReplayTransition) -> JobState | None:
    """Return the state after `what`, or None if that cannot happen to a job in `state`."""
    return STEPS.get((state, what))


def after(what: ReplayTransition) -> JobState:
    """Return the state that `what` leads to, from wherever it can happen."""
    return next(to for (_, step), to in STEPS.items() if step is what)


def before(what: ReplayTransition) -> list[JobState]:
    """List the states in which `what` can happen."""
    return [state for state, step in STEPS if step is what]


# -- what a job does with one event ----------------------------------------------------------------


class ReplayDecision(IntEnum):
    """The decision for one event. Those from `UNDER_WAY` on are matched and skipped."""

    OTHER = 0  # the job does not ask for it
    MAKE = 1  # a delivery under the event's own `webhook-id`
    MAKE_AGAIN = 2  # it was delivered before: under an id of this job
    UNDER_WAY = 3  # a delivery to the webhook is unfinished, and will come by itself
    DELIVERED = 4  # the webhook has it, and `again` was not asked for
    NO_BODY = 5  # its payload is kept no longer

    @property
    def skipped(self) -> bool:
        """Return whether it is what the job asks for and cannot be made."""
        return self >= ReplayDecision.UNDER_WAY


def combined_state(states: Sequence[int]) -> State | None:
    """Combine the states of an event's deliveries at one webhook, oldest first; None without
    any."""
    found = [State(state) for state in states]
    if State.DELIVERED in found:
        return State.DELIVERED
    for state in found:
        if not state.final:
            return state
    return found[-1] if found else None


def decide(
    wanted: frozenset[int],
    unmatched: bool,
    again: bool,
    source: Sequence[int],
    target: Sequence[int],
    has_body: bool,
) -> ReplayDecision:
    """Decide what becomes of an event, by its deliveries at the source webhook and at the target.

    `wanted` are the combined states at the source that the job asks for; `unmatched` asks for
    events of which the source had no delivery at all.
    """
    at_source = combined_state(source)
    if not (unmatched if at_source is None else at_source in wanted):
        return ReplayDecision.OTHER
    at_target = combined_state(target)
    if at_target is not None and not at_target.final:
        return ReplayDecision.UNDER_WAY
    if at_target is State.DELIVERED and not again:
        return ReplayDecision.DELIVERED
    if not has_body:
        return ReplayDecision.NO_BODY
    return ReplayDecision.MAKE_AGAIN if at_target is State.DELIVERED else ReplayDecision.MAKE


# -- how fast --------------------------------------------------------------------------------------


def window(connections: int) -> int:
    """Compute how many deliveries of replays a lane may hold unsettled: enough to keep its slots
    busy.

    Less than half of a lane's window, so that replays alone never keep it from reading on.
    """
    return min(WINDOW_MAX, max(WINDOW_MIN, WINDOW_PER_SLOT * connections))


class ReplayPace:
    """Bounds how many deliveries of a job may be made now."""

    def __init__(self, rate: float, now_s: float) -> None:
        self._bucket = TokenBucket(rate)
        self._bucket.take(now_s)
        self._left = 0

    def allow(self, now_s: float, most: int) -> int:
        """Return how many deliveries may be made now, up to `most`; what is not `used` stays."""
        while self._left < most and self._bucket.take(now_s):
            self._left += 1
        return min(self._left, most)

    def used(self, count: int) -> None:
        """Count the deliveries that were made."""
        self._left = max(0, self._left - count)

    def wait_s(self, now_s: float) -> float:
        """Compute the seconds until a delivery may be made."""
        return 0.0 if self._left else self._bucket.wait_s(now_s)


class ReplayProgress(msgspec.Struct, frozen=True):
    """The progress of a job."""

    visited: int  # matched events that were dealt with: made or skipped
    total: int | None  # None while it is not counted
    share: float  # from 0 to 1
    left_s: float | None  # of making, at the job's rate; None where nobody can say


def progress(state: JobState, visited: int, total: int | None, rate: float) -> ReplayProgress:
    """Compute how far a job is, and how long the rest takes at `rate` (above 0) a second.

    A job that has visited everything is through, also where it met less than was counted.
    """
    if state is JobState.FINISHED:
        return ReplayProgress(visited, total, 1.0, left_s=0.0)
    if total is None:
        return ReplayProgress(visited, None, 0.0, left_s=None)
    share = 1.0 if not total else min(1.0, visited / total)
    left_s = 0.0 if state.final else max(0, total - visited) / rate
    return ReplayProgress(visited, total, share, left_s=left_s)


def announcement(count: int, exact: bool, host: str, rate: float) -> str:
    """Announce in one sentence what a replay will do."""
    if not count and exact:
        return f"This sends nothing to {host}: no event fits."
    requests = f"{count:,} request{'' if count == 1 else 's'}"
    if not exact:
        requests = f"at least {requests}"
    return f"This sends {requests} to {host}, about {_duration(count / rate)}."


def cancel_announcement(count: int, exact: bool) -> str:
    """Announce in one sentence what a cancel by filter will do."""
    if not count and exact:
        return "This cancels nothing: no unfinished delivery fits."
    deliveries = f"{count:,} deliver{'y' if count == 1 else 'ies'}"
    return f"This cancels {'' if exact else 'at least '}{deliveries}, for good."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
