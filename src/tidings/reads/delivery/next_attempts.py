"""A delivery as it is shown: its row, and what the process knows of its next attempt beside it.

A row alone says when a retry is due, not whether its lane may send then; and it counts an attempt
from the moment at which the retry is taken into memory, where it may wait for long.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.api.context import Services
from tidings.core.delivery.next_attempt import CLEAR, NextAttempt, Why, next_attempt_ms
from tidings.core.delivery.states import State
from tidings.engine.delivery.stops import EVERYTHING
from tidings.engine.webhooks.records import Record
from tidings.reads.delivery.delivery_view import show_delivery, sla_of
from tidings.store.port import StoredAttempt, StoredDelivery

LOOKS_MAX = 3


class Seen(msgspec.Struct, frozen=True):
    """A delivery with its next attempt. `row` counts the attempts that were started."""

    row: StoredDelivery
    record: Record
    next_attempt: NextAttempt
    next_ms: int | None  # the earliest time of its next attempt, where one is known


def see(services: Services, row: StoredDelivery, record: Record) -> Seen:
    """One of the webhook's deliveries. The store is not asked."""
    state = State(row.state)
    next_attempt = services.next_attempt_of(row.webhook, row.id, state is State.RETRYING)
    taken = state is State.RETRYING and row.due_ms is None
    if not state.final:
        # The lane may not have heard yet that an attempt is written down, which the row says.
        begun = next_attempt.begun if next_attempt.begun > row.attempts - taken else 0
        if begun:
            next_attempt = NextAttempt(begun=begun)
        else:
            next_attempt = _barred(services, record, next_attempt)
        # Where the lane does not have it, the row is older than what the lane knows.
        if taken and not begun and next_attempt.taken:
            row = msgspec.structs.replace(row, attempts=row.attempts - 1)
    next_ms = next_attempt_ms(state, row.due_ms, next_attempt, services.clock.now_ms())
    return Seen(row, record, next_attempt, next_ms)


async def look(
    services: Services, row: StoredDelivery, record: Record
) -> tuple[Seen, Sequence[StoredAttempt]]:
    """A delivery with its attempts, of one moment: it is looked at again where an attempt has begun
    or ended between the readings."""
    looks = 0
    while True:
        seen = see(services, row, record)
        attempts = await services.store.attempts_of(row.id)
        now = await services.store.delivery(row.id) or row
        looks += 1
        same = (now.state, now.attempts, now.due_ms) == (row.state, row.attempts, row.due_ms)
        if same or looks == LOOKS_MAX:
            return await with_first(services, seen), attempts
        row = now


async def with_first(services: Services, seen: Seen) -> Seen:
    """The same, and of a held one the delivery that it waits for."""
    if seen.row.state != State.HELD:
        return seen
    first = await services.store.goes_first(seen.row.id)
    return msgspec.structs.replace(
        seen, next_attempt=msgspec.structs.replace(seen.next_attempt, first=first)
    )


def show_row(services: Services, row: StoredDelivery, record: Record) -> dict[str, Any]:
    """A delivery in a list."""
    seen = see(services, row, record)
    now_ms = services.clock.now_ms()
    return show_delivery(seen.row, record, seen.next_ms) | sla_of(seen.row, record, now_ms)


def _barred(services: Services, record: Record, next_attempt: NextAttempt) -> NextAttempt:
    """What the lane tells, unless nothing is sent at all."""
    stops, webhook = services.stops, record.webhook
    if stops.of(EVERYTHING) is not None:
        return NextAttempt(taken=next_attempt.taken, why=Why.STOPPED_ALL)
    if stops.of(webhook.org) is not None:
        return NextAttempt(taken=next_attempt.taken, why=Why.STOPPED_ORG)
    if not webhook.dials:
        return NextAttempt(taken=next_attempt.taken, why=Why.TYPE)
    if not webhook.sends:
        return NextAttempt(taken=next_attempt.taken, why=Why.STANDING)
    return CLEAR if next_attempt.begun else next_attempt
