"""A delivery as it is shown: its row, and what the process knows of its next attempt beside it.

A row alone says when a retry is due, not whether its lane may send then; and it counts an attempt
from the moment at which the retry is taken into memory, where it may wait for long.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from tidings.core.delivery.next_attempt import CLEAR, NextAttempt, Wait, next_attempt_ms
from tidings.core.delivery.states import State
from tidings.engine.clock import Clock
from tidings.engine.delivery.stops import EVERYTHING
from tidings.engine.services.delivery import DeliveryServices
from tidings.engine.webhooks.records import WebhookState
from tidings.reads.columns import show_delivery
from tidings.reads.delivery.delivery_view import sla_of
from tidings.store import port
from tidings.store.port import StoredAttempt, StoredDelivery

LOOKS_MAX = 3


class NextAttemptParts(Protocol):
    """Services that know the next attempts of this process."""

    @property
    def store(self) -> port.DeliveryStore:
        """Return the store of deliveries."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def delivery(self) -> DeliveryServices:
        """Services of deliveries: sending, and what it waits for."""


class ScheduledDelivery(msgspec.Struct, frozen=True):
    """A delivery with its next attempt. `row` counts the attempts that were started."""

    row: StoredDelivery
    record: WebhookState
    next_attempt: NextAttempt
    next_ms: int | None  # the earliest time of its next attempt, where one is known

    @property
    def unread(self) -> bool:
        """Return whether it waits for somebody to fetch it."""
        return self.row.state == State.PENDING and self.next_attempt.why is Wait.READER

    @property
    def mark(self) -> str:
        """Compute a mark that changes whenever a page would say something else of it. The pace of a
        rate limit does not count: its next time moves with every start of another delivery."""
        row, next_attempt = self.row, self.next_attempt
        why = "" if next_attempt.why is None else next_attempt.why.name
        probed = next_attempt.until_ms if next_attempt.why is Wait.BREAKER else 0
        return f"{row.state}.{row.attempts}.{row.due_ms or 0}.{next_attempt.begun}.{why}.{probed}"


def see(parts: NextAttemptParts, row: StoredDelivery, record: WebhookState) -> ScheduledDelivery:
    """Return one of the webhook's deliveries with its next attempt. The store is not asked."""
    state = State(row.state)
    timed = state in (State.RETRYING, State.WAITING)
    next_attempt = parts.delivery.next_attempts.of(row.webhook, row.id, timed)
    taken = state is State.RETRYING and row.due_ms is None
    if not state.final:
        # The lane may not have heard yet that an attempt is written down, which the row says.
        begun = next_attempt.begun if next_attempt.begun > row.attempts - taken else 0
        if begun:
            next_attempt = NextAttempt(begun=begun)
        else:
            next_attempt = _barred(parts, record, next_attempt)
        # Where the lane does not have it, the row is older than what the lane knows.
        if taken and not begun and next_attempt.claimed:
            row = msgspec.structs.replace(row, attempts=row.attempts - 1)
    next_ms = next_attempt_ms(state, row.due_ms, next_attempt, parts.clock.now_ms())
    return ScheduledDelivery(row, record, next_attempt, next_ms=next_ms)


async def look(
    parts: NextAttemptParts, row: StoredDelivery, record: WebhookState
) -> tuple[ScheduledDelivery, Sequence[StoredAttempt]]:
    """Read a delivery with its attempts, of one moment: it is looked at again where an attempt has
    begun or ended between the readings."""
    looks = 0
    while True:
        seen = see(parts, row, record)
        attempts = await parts.store.attempts_of(row.id)
        now = await parts.store.delivery(row.id) or row
        looks += 1
        same = (now.state, now.attempts, now.due_ms) == (row.state, row.attempts, row.due_ms)
        if same or looks == LOOKS_MAX:
            return await with_first(parts, seen), attempts
        row = now


async def with_first(parts: NextAttemptParts, seen: ScheduledDelivery) -> ScheduledDelivery:
    """Return a delivery as it was seen; a held one with the delivery that it waits for."""
    if seen.row.state != State.HELD:
        return seen
    first = await parts.store.goes_first(seen.row.id)
    return msgspec.structs.replace(
        seen, next_attempt=msgspec.structs.replace(seen.next_attempt, first=first)
    )


def show_row(parts: NextAttemptParts, row: StoredDelivery, record: WebhookState) -> dict[str, Any]:
    """Show a delivery in a list."""
    seen = see(parts, row, record)
    now_ms = parts.clock.now_ms()
    shown = show_delivery(seen.row, record, seen.next_ms, unread=seen.unread)
    return shown | sla_of(seen.row, record, now_ms)


def _barred(
    parts: NextAttemptParts, record: WebhookState, next_attempt: NextAttempt
) -> NextAttempt:
    """Return the lane's word, unless nothing is sent at all."""
    stops, webhook = parts.delivery.stops, record.webhook
    if stops.of(EVERYTHING) is not None:
        return NextAttempt(claimed=next_attempt.claimed, why=Wait.STOPPED_ALL)
    if stops.of(webhook.org) is not None:
        return NextAttempt(claimed=next_attempt.claimed, why=Wait.STOPPED_ORG)
    if not webhook.has_target:
        return NextAttempt(claimed=next_attempt.claimed, why=Wait.TYPE)
    if not webhook.sends:
        return NextAttempt(claimed=next_attempt.claimed, why=Wait.WEBHOOK_STATUS)
    return CLEAR if next_attempt.begun else next_attempt
