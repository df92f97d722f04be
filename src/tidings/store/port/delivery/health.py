"""What is kept of how a webhook's receiver does: its breaker, and since when it only fails."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.receivers.attempt_share import Past, Share


class StoredHealth(msgspec.Struct, frozen=True, array_like=True):
    """Of one webhook. A webhook without a row is healthy."""

    webhook: int
    failing_since_ms: int | None = None  # the first failure after its last success
    failures: int = 0  # since then
    cause: str = ""  # of the last failure: a status, or a kind of fault
    opens: int = 0  # of the breaker, without closing between; 0 where it is closed
    # When it may be asked again: by its breaker, or by its own `Retry-After`. 0 with an open
    # breaker: it has succeeded since, and is asked without a pause until that closes.
    until_ms: int = 0
    # How far on its way to be disabled its owner knows it to be, in per cent; 1: that it fails.
    notified: int = 0
    failing_ms: int = 0  # how long it has been failing, in time that passed while the service ran
    partly_since_ms: int | None = None  # since when a share of its attempts fails
    share: Share | None = None  # of its attempts of the last minutes, where that is shown; not kept

    @property
    def fails(self) -> bool:
        """Return whether its receiver is not well."""
        return self.failing_since_ms is not None or self.left_alone or self.share is not None

    @property
    def fails_in_part(self) -> bool:
        """Return whether some of its attempts succeed."""
        return not self.left_alone and self.share is not None and self.share.is_part

    @property
    def left_alone(self) -> bool:
        """Return whether nothing is sent to it but a probe now and then. It ends with the first
        success, though its breaker closes with the third."""
        return self.opens > 0 and self.until_ms > 0

    def since_ms(self, now_ms: int) -> int:
        """Return since when the receiver has failed; now, where its last attempt did not."""
        return now_ms if self.failing_since_ms is None else self.failing_since_ms


class HealthStore(Protocol):
    """The store of webhooks' health."""

    def put_healths(self, healths: Sequence[StoredHealth]) -> Awaitable[None]:
        """Insert or replace; one that says nothing is removed, one of a webhook that the store
        does not have is not kept."""

    def healths(self) -> Awaitable[Sequence[StoredHealth]]:
        """Return the health of every webhook that has a row."""

    def past_attempts(self, from_ms: int, bucket_ms: int, limit: int) -> Awaitable[Sequence[Past]]:
        """Return what attempts came to that ended since a date, for each webhook by buckets of that
        time.

        Of the newest `limit` deliveries, or of fewer where they took more attempts than that.
        Without what says nothing of a receiver: replays, faults of our own, attempts whose outcome
        was lost, and those from before a webhook was last set active.
        """

    def park_expired(self, webhook: int, accepted_before_ms: int, limit: int) -> Awaitable[int]:
        """Park up to `limit` unfinished deliveries of events accepted before; how many were.

        For a lane whose breaker is open: a delivery whose window ends unsent is parked, not failed.
        """
