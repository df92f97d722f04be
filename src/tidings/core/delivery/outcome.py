"""What an attempt's ending means for its delivery and its lane.

The answer table of docs/contract/delivery.md ("Outcomes"): 2xx is delivered; a refusal that the
same bytes can only meet again fails at once; 410 also disables the webhook; everything else is
tried again on the schedule. 429, 502, 503 and 504 slow the lane down. A fault of our own (our DNS
server, our proxy, our sockets) is tried again and never held against the receiver.
"""

import email.utils
import random
from datetime import UTC
from typing import Literal

import msgspec

from tidings.core.delivery.exchange import Answer, Ending, Fault, FaultKind
from tidings.core.delivery.schedule import DEFAULT_SCHEDULE, Schedule, next_delay_s

FINAL_STATUSES = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431, 501, 505})
GONE = 410  # final too, and it disables the webhook
SLOW_DOWN = frozenset({429, 502, 503, 504})
PAUSES_LANE = frozenset({429, 503})  # with `Retry-After` they speak of the whole receiver
UNREACHED = frozenset({502, 504})
LANE_PAUSE_MAX_S = 300.0

StatusMeaning = Literal["delivered", "failed", "retry"]


class RetryPolicy(msgspec.Struct, frozen=True):
    """How one webhook retries: its schedule, and answers judged otherwise than by the table."""

    schedule: Schedule = DEFAULT_SCHEDULE
    retry_also: frozenset[int] = frozenset()  # statuses of the table's refusals to try again
    fail_also: frozenset[int] = frozenset()  # statuses of the table's retries to fail at once
    # What is refused waits for its owner, and what is behind it with it; stored as "hold".
    hold_on_failure: bool = msgspec.field(default=False, name="hold")


DEFAULT_POLICY = RetryPolicy()


class Delivered(msgspec.Struct, frozen=True):
    """A 2xx head came."""


class Failed(msgspec.Struct, frozen=True):
    """No further attempt: `exhausted` after the last of its window, else refused for good."""

    exhausted: bool
    disable: bool = False  # 410: the receiver says that the address is gone for good


class Retry(msgspec.Struct, frozen=True):
    """The next attempt is due `delay_s` from now."""

    delay_s: float
    slow: bool = False  # the receiver asks for less: the lane slows down
    ours: bool = False  # our own fault: not charged to the receiver
    lane_pause_s: float = 0.0  # the receiver wants nothing before: not this one, nor another
    waits_for_owner: bool = False  # refused for good: until its owner acts, or its window ends


Outcome = Delivered | Failed | Retry
DELIVERED = Delivered()


def status_meaning(status: int, policy: RetryPolicy = DEFAULT_POLICY) -> StatusMeaning:
    """The table: what an answer with this status does to its delivery."""
    if 200 <= status <= 299:
        return "delivered"
    if status in policy.fail_also:
        return "failed"
    if (status in FINAL_STATUSES or status == GONE) and status not in policy.retry_also:
        return "failed"
    return "retry"


def retry_after_s(headers: tuple[tuple[str, str], ...], now_s: float) -> float | None:
    """Seconds asked for by `Retry-After` (RFC 9110 §10.2.3: digits, or an HTTP date).

    None without the header and for anything else that a receiver may put there; never raises. Of
    several headers the first one counts. `now_s` is seconds since the epoch.
    """
    for name, value in headers:
        if name.lower() != "retry-after":
            continue
        text = value.strip()
        if text.isascii() and text.isdigit():
            return float(text.lstrip("0")[:9] or 0)
        try:
            parsed = email.utils.parsedate_to_datetime(text)
            if parsed.tzinfo is None:  # asctime's form and "-0000": an HTTP date is always GMT
                parsed = parsed.replace(tzinfo=UTC)
            return max(0.0, parsed.timestamp() - now_s)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return None


def refused_for_now(ending: Ending, outcome: Outcome) -> bool:
    """Whether the receiver refused, and may take the same later: it has a limit. A gateway
    that reaches nobody (502, 504) says nothing of one."""
    return (
        isinstance(ending, Answer)
        and isinstance(outcome, Retry)
        and outcome.slow
        and ending.status not in UNREACHED
    )


def _retry_for_owner(policy: RetryPolicy, age_s: float) -> Retry | None:
    """In place of failing: not final, so the next of its key does not start. Who retries or cancels
    it frees the key; else it is tried once more at the end of its window, and then fails."""
    left_s = policy.schedule.window_s - age_s
    if not policy.hold_on_failure or left_s <= 0:
        return None
    return Retry(delay_s=left_s, waits_for_owner=True)


def classify(
    ending: Ending,
    policy: RetryPolicy,
    attempts: int,
    age_s: float,
    now_s: float,
    rng: random.Random,
) -> Outcome:
    """Decide what follows the attempt number `attempts` (1 or more) of a delivery `age_s` old."""
    wait: float | None = None
    slow = ours = False
    lane_pause_s = 0.0
    match ending:
        case Answer(status=status):
            judged = status_meaning(status, policy)
            if judged == "delivered":
                return DELIVERED
            if judged == "failed":
                if status != GONE and (retry := _retry_for_owner(policy, age_s)) is not None:
                    return retry
                return Failed(exhausted=False, disable=status == GONE)
            wait = retry_after_s(ending.headers, now_s)
            slow = status in SLOW_DOWN or wait is not None
            lane_pause_s = min(LANE_PAUSE_MAX_S, wait or 0.0) if status in PAUSES_LANE else 0.0
        case Fault(kind=FaultKind.TRANSFORM):
            return _retry_for_owner(policy, age_s) or Failed(exhausted=False)
        case Fault(kind=kind):
            wait = ending.wait_s
            ours = kind in (FaultKind.OURS, FaultKind.STALE)
            slow = kind in (FaultKind.TIMEOUT, FaultKind.CONNECT_TIMEOUT)
    delay = next_delay_s(policy.schedule, attempts, age_s, rng, wait)
    if delay is None:
        return Failed(exhausted=True)
    return Retry(delay_s=delay, slow=slow, ours=ours, lane_pause_s=lane_pause_s)
