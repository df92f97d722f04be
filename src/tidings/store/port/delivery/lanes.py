"""What lanes are made of: what is unfinished of a webhook, handed out by pages and by claims.

Promises beside those of the port:

* `page` and `Receipt` agree: a delivery that `page` did not show to its reader is in the receipt of
  a commit that returns after that page, so a lane can change from reading pages to hand-overs
  without a gap and without a repeat.
* A due retry is handed out by a claim once, after its attempt has been written down.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

import msgspec

from tidings.core.delivery.job import Job
from tidings.core.ids import DeliveryId

CLAIMED_MAX = 250  # due retries that one commit claims: so many attempts begin at once
CLAIMED_BYTES_MAX = 8 << 20  # of their bodies, and what the last of them has beyond it


class RetryClaim(msgspec.Struct, frozen=True, array_like=True):
    """Ask for up to `limit` due retries of a webhook.

    A commit with many claims gives each an equal share of `Batch.claimed_max`, at least one, and
    brings bodies of `Batch.claimed_bytes_max` together, to those first that got none in the commit
    before: the next due time that it answers then has passed, and more can be claimed at once.
    """

    webhook: int
    limit: int


class Backlog(msgspec.Struct, frozen=True, array_like=True):
    """The unfinished deliveries of one webhook."""

    webhook: int
    pending: int
    next_due_ms: int | None


class ManualRetry(msgspec.Struct, frozen=True, array_like=True):
    """The result of asking for a try now.

    `outcome`: "due" (it is due now), "next" (it goes next of its ordering key), "waiting" (it waits
    for its attempt anyway), "under_way", "delivered", "over" (it was woken too late), "no_payload"
    (its bytes are gone), "unknown".
    """

    outcome: str
    due_ms: int | None = None
    promised_ms: int | None = None  # when the automatic attempt was due that this one comes before

    @property
    def is_change(self) -> bool:
        """Return whether the delivery is tried that would not have been, or sooner."""
        return self.outcome in ("due", "next")


class OldestRetry(msgspec.Struct, frozen=True, array_like=True):
    """The oldest retry of a webhook that waits for its time, which is due now."""

    delivery: DeliveryId
    due_ms: int
    promised_ms: int | None = None  # when its automatic attempt was due, where that lay ahead


class WokenRetries(msgspec.Struct, frozen=True, array_like=True):
    """A page of retries that were looked at; `place` is None at the end of them."""

    count: int  # of them that are due now, and were not
    place: tuple[int, int] | None


class UnfinishedPage(msgspec.Struct, frozen=True, array_like=True):
    """A part of what is unfinished, and where to go on; `place` is None at its end."""

    deliveries: Sequence[DeliveryId]
    place: tuple[int, int, int, int] | None


class LaneStore(Protocol):
    """The store of unfinished deliveries."""

    def page(self, webhook: int, after: int, limit: int) -> Awaitable[Sequence[Job]]:
        """Return up to `limit` PENDING deliveries of a webhook with a greater id than `after`, in
        id order."""

    def recover(
        self, window: int, left: Sequence[tuple[DeliveryId, int]] | None = None
    ) -> Awaitable[Sequence[Backlog]]:
        """Recover what the last owner left behind. Called once by a new owner, before anything is
        sent.

        What may have been in flight when the last owner died gets an attempt `possibly sent (worker
        lost)` and is due now: `left` (see `InFlight.left`), or where that is None up to `window` of
        the lowest PENDING ids of each webhook, and every taken retry. What was taken and had not
        left is due now under the same number. Without `left`, nothing is marked of a webhook that
        was paused or disabled, stopped, or behind its breaker: only its probes had left. Returns
        the webhooks with unfinished deliveries.
        """

    def unfinished(self) -> Awaitable[Sequence[Backlog]]:
        """Return the webhooks that have unfinished deliveries, as `recover` does."""

    def release(self, webhook: int, held: Sequence[DeliveryId]) -> Awaitable[None]:
        """Make due every taken retry of a webhook but the ones that its owner still holds.

        They have not left: their number is that of the next attempt.
        """

    def retire(self, webhook: int, state: int, limit: int) -> Awaitable[int]:
        """Move up to `limit` unfinished deliveries to PARKED or CANCELLED; how many were moved."""

    def retry_now(self, delivery: DeliveryId) -> Awaitable[ManualRetry]:
        """Make a failed, parked, cancelled or retrying delivery due now.

        A final one is RETRYING again. Behind another unfinished one of its ordering key it is HELD
        and goes next. Whoever asks tells its lane.
        """

    def wake(self, delivery: DeliveryId) -> Awaitable[ManualRetry]:
        """Make a retrying delivery due now, whose wait has ended: a final one is not begun again.
        Whoever asks tells its lane."""

    def wake_oldest(self, webhook: int) -> Awaitable[OldestRetry | None]:
        """Make the oldest retry of a webhook due now that waits for its time; None: none does.
        Whoever asks tells its lane."""

    def wake_retries(
        self, webhook: int, since_ms: int, place: tuple[int, int], limit: int
    ) -> Awaitable[WokenRetries]:
        """Make retries of a webhook due that are due after `since_ms`, and have not been tried
        since then: they are due at `since_ms`, all of them alike.

        Looks at up to `limit` rows behind a place, which is (`since_ms`, 0) at first, in the order
        in which they are due. What waits for another reason (WAITING) is left as it is, and so is
        an attempt under way. Asked again it changes nothing. Whoever asks tells its lane.
        """

    def unfinished_before(
        self, accepted_before_ms: int, place: tuple[int, int, int, int], limit: int
    ) -> Awaitable[UnfinishedPage]:
        """Look at up to `limit` unfinished deliveries of all webhooks behind a place, which is all
        zeros at first, for those that were accepted before a time (or, of replays, made)."""

    def owed_before(self, accepted_before_ms: int) -> Awaitable[int]:
        """Count the deliveries of events accepted before a time that are owed: not made yet."""
