"""What the status of an HTTP answer means (docs/contract/delivery.md, "Outcomes").

2xx is delivered; a refusal that the same bytes can only meet again fails at once; 410 also disables
the webhook; everything else is tried again on the schedule. 429, 502, 503 and 504 slow the lane
down. The driver of HTTP judges answers by it, and what is shown of past attempts reads it.
"""

import email.utils
from datetime import UTC
from typing import Literal

from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy

FINAL_STATUSES = frozenset({400, 405, 406, 411, 413, 414, 415, 422, 431, 501, 505})
GONE = 410  # final too, and it disables the webhook
SLOW_DOWN = frozenset({429, 502, 503, 504})
PAUSES_LANE = frozenset({429, 503})  # with `Retry-After` they speak of the whole receiver
TOO_MANY = 429
UNREACHED = frozenset({502, 504})  # a gateway that reaches nobody says nothing of a limit

StatusMeaning = Literal["delivered", "failed", "retry"]


def status_meaning(status: int, policy: RetryPolicy = DEFAULT_POLICY) -> StatusMeaning:
    """Look up in the table what an answer with this status does to its delivery."""
    if 200 <= status <= 299:
        return "delivered"
    if status in policy.fail_also:
        return "failed"
    if (status in FINAL_STATUSES or status == GONE) and status not in policy.retry_also:
        return "failed"
    return "retry"


def retry_after_s(headers: tuple[tuple[str, str], ...], now_s: float) -> float | None:
    """Return the seconds asked for by `Retry-After` (RFC 9110 §10.2.3: digits, or an HTTP date).

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
