"""Which webhook an `Idempotency-Key` has made, for 24 hours.

The key is kept with the webhook, sealed, in the transaction that makes it: a crash between the two
cannot be, and a restart knows the keys again.
"""

from collections.abc import Callable

from tidings.core.ids import OrgId
from tidings.engine.clock import Clock
from tidings.engine.webhooks.faults import KeyReused
from tidings.engine.webhooks.records import IDEMPOTENCY_KEY_KEPT_MS, IdempotencyKey, WebhookState


class IdempotencyKeys:
    """The keys of all orgs; `now` gives the newest version of a webhook by its number."""

    def __init__(self, clock: Clock, now: Callable[[int], WebhookState]) -> None:
        self._clock = clock
        self._now = now
        self._numbers: dict[tuple[int, bytes], int] = {}

    def note(self, record: WebhookState) -> None:
        """Note that a webhook is there, or has changed. Of two with one key the newer one
        counts."""
        if (call := record.config.call) is not None:
            place = (record.org, call.key)
            self._numbers[place] = max(record.webhook.number, self._numbers.get(place, 0))

    def find(self, org: OrgId, call: IdempotencyKey) -> WebhookState | None:
        """Find the webhook that this call has made; None where it has made none lately. Raise
        KeyReused where another body made it."""
        number = self._numbers.get((org, call.key))
        if number is None:
            return None
        record = self._now(number)
        first = record.config.call
        if first is None or record.created_ms + IDEMPOTENCY_KEY_KEPT_MS <= self._clock.now_ms():
            del self._numbers[org, call.key]
            return None
        if first.body != call.body:
            raise KeyReused
        return record
