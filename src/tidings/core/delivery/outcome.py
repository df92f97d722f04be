"""What the result of an attempt means for its delivery and its lane.

Delivered is final; what can only be refused again fails at once, and if the receiver is gone its
webhook is disabled; everything else is tried again on the schedule (docs/contract/delivery.md,
"Outcomes"). A fault of our own (our DNS server, our proxy, our sockets) is tried again and never
held against the receiver.
"""

import random
from typing import assert_never

import msgspec

from tidings.core.delivery.exchange import (
    AT_ONCE,
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.schedule import next_delay_s

LANE_PAUSE_MAX_S = 300.0


class Delivered(msgspec.Struct, frozen=True):
    """A 2xx head came."""


class Failed(msgspec.Struct, frozen=True):
    """No further attempt: `exhausted` after the last of its window, else refused for good."""

    exhausted: bool
    disable: bool = False  # 410: the receiver says that the address is gone for good


class Retry(msgspec.Struct, frozen=True):
    """The next attempt is due `delay_s` from now."""

    delay_s: float
    slow: bool = False  # the receiver asks for less, or is silent: the lane slows down
    deferred: bool = False  # by the receiver, which has answered so: it is not asked sooner
    ours: bool = False  # our own fault: not charged to the receiver
    lane_pause_s: float = 0.0  # the receiver wants nothing before: not this one, nor another
    waits_for_owner: bool = False  # refused for good: until its owner acts, or its window ends


class Cancelled(msgspec.Struct, frozen=True):
    """No attempt: there is a reason not to make one."""


Outcome = Delivered | Failed | Retry | Cancelled
DELIVERED = Delivered()


def _retry_for_owner(policy: RetryPolicy, age_s: float) -> Retry | None:
    """Build the retry that stands in place of failing, if the webhook's policy has it: not final,
    so the next of its key does not start. Who retries or cancels it frees the key; else it is tried
    once more at the end of its window, and then fails."""
    left_s = policy.schedule.window_s - age_s
    if not policy.hold_on_failure or left_s <= 0:
        return None
    return Retry(delay_s=left_s, waits_for_owner=True)


def classify(
    result: AttemptResult, policy: RetryPolicy, attempts: int, age_s: float, rng: random.Random
) -> Outcome:
    """Decide what follows the attempt number `attempts` (1 or more) of a delivery `age_s` old."""
    match result.verdict:
        case DeliveryVerdict.DELIVERED:
            return DELIVERED
        case DeliveryVerdict.GONE:
            return Failed(exhausted=False, disable=True)
        case DeliveryVerdict.NEEDLESS:
            return Cancelled()
        case DeliveryVerdict.NEVER:
            return _retry_for_owner(policy, age_s) or Failed(exhausted=False)
        case DeliveryVerdict.AGAIN:
            pass
        case _:
            assert_never(result.verdict)
    delay = next_delay_s(policy.schedule, attempts, age_s, rng, result.wait_s)
    if delay is None:
        return Failed(exhausted=True)
    ending = result.ending
    kind = ending.kind if isinstance(ending, TransportFault) else None
    ours = kind is FaultKind.OURS or kind in AT_ONCE
    if kind is FaultKind.LEASE:
        delay = min(delay, result.wait_s or 0.0)
    pause_s = min(LANE_PAUSE_MAX_S, result.lane_pause_s)
    asked = result.slow or result.wait_s is not None
    return Retry(
        delay_s=delay,
        slow=result.slow,
        deferred=asked and isinstance(ending, ReceiverAnswer),
        ours=ours,
        lane_pause_s=pause_s,
    )
