"""What an HTTP answer says of the message that it answers."""

from collections.abc import Callable

import msgspec

from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    Ending,
    Limit,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.statuses import (
    GONE,
    PAUSES_LANE,
    SLOW_DOWN,
    TOO_MANY,
    UNREACHED,
    retry_after_s,
    status_meaning,
)
from tidings.core.webhooks.masks import scrubbed, scrubbed_headers
from tidings.destinations.port import Headers

_DELIVERED = DeliveryVerdict.DELIVERED  # of most attempts: not looked up for each


def judge(ending: Ending, policy: RetryPolicy, now_s: Callable[[], float]) -> AttemptResult:
    """Judge an exchange that has ended now; `now_s`: seconds since the epoch."""
    if isinstance(ending, TransportFault):
        return of_fault(ending)
    status = ending.status
    meaning = status_meaning(status, policy)
    if meaning == "delivered":
        return AttemptResult(_DELIVERED, ending)
    if meaning == "failed":
        return AttemptResult(
            DeliveryVerdict.GONE if status == GONE else DeliveryVerdict.NEVER, ending
        )
    wait_s = retry_after_s(ending.headers, now_s())
    pause_s = wait_s or 0.0 if status in PAUSES_LANE else 0.0
    slow = status in SLOW_DOWN or wait_s is not None
    return AttemptResult(
        verdict=DeliveryVerdict.AGAIN,
        ending=ending,
        wait_s=wait_s,
        slow=slow,
        lane_pause_s=pause_s,
        limit=_limit(ending, slow),
    )


def without(ending: Ending, secrets: Headers) -> Ending:
    """Return an ending as it may be kept: a receiver may send back what it was sent."""
    if not secrets or not isinstance(ending, ReceiverAnswer) or not (ending.body or ending.headers):
        return ending
    return msgspec.structs.replace(
        ending,
        headers=scrubbed_headers(ending.headers, secrets),
        body=scrubbed(ending.body, secrets, is_cut=ending.truncated),
    )


def _limit(answer: ReceiverAnswer, slow: bool) -> Limit | None:
    if answer.status == TOO_MANY:
        return Limit.STATED
    return Limit.LIKELY if slow and answer.status not in UNREACHED else None
