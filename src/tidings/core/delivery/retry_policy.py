"""What a webhook's owner may change of how its deliveries are tried again.

What is decided by it stands in `outcome.py`, and what it is set by in
`core/webhooks/retry_policy_body.py`.
"""

import msgspec

from tidings.core.delivery.schedule import DEFAULT_SCHEDULE, Schedule


class RetryPolicy(msgspec.Struct, frozen=True):
    """Retry rules of one webhook: its schedule, and answers judged otherwise than by the table."""

    schedule: Schedule = DEFAULT_SCHEDULE
    retry_also: frozenset[int] = frozenset()  # statuses of the table's refusals to try again
    fail_also: frozenset[int] = frozenset()  # statuses of the table's retries to fail at once
    # What is refused waits for its owner, and what is behind it with it; stored as "hold".
    hold_on_failure: bool = msgspec.field(default=False, name="hold")


DEFAULT_POLICY = RetryPolicy()
