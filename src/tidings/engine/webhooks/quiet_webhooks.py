"""Which webhooks nobody reads, and which have nothing to send: what the judgement of a webhook
needs of lanes, readers and matches, apart from it, for it knows none of the three."""

from collections.abc import Iterable
from typing import Protocol

from tidings.core.delivery.receivers.judgement import IDLE_AFTER_MS, IDLE_MISSES, UNREAD_AFTER_MS
from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock
from tidings.engine.webhooks.book import WebhookBook


class Reads(Protocol):
    """Calls of readers (engine/pull/pulls.py)."""

    def unfetched_s(self, number: int) -> float:
        """Return for how many seconds nobody has fetched from a webhook; 0 while one waits."""


class Lanes(Protocol):
    """Lanes, and what waits in them to be sent (engine/delivery/dispatcher.py)."""

    def has_waiting(self, number: int) -> bool:
        """Return whether a webhook has deliveries that have not ended and are nobody's."""


class Matches(Protocol):
    """Matches of events with webhooks (engine/events/match_tracker.py)."""

    def misses(self, webhook: Webhook) -> int:
        """Count the events that its filter has refused one after the other."""

    def quiet_s(self, webhook: int) -> float:
        """Return for how many seconds no event was for a webhook."""


class QuietWebhooks:
    """The webhooks to which nothing goes though their receivers do not fail."""

    def __init__(
        self,
        *,
        registry: Registry,
        reads: Reads,
        lanes: Lanes,
        matches: Matches,
        clock: Clock,
        book: WebhookBook,
    ) -> None:
        self._registry = registry
        self._reads = reads
        self._lanes = lanes
        self._matches = matches
        self._clock = clock
        self._book = book

    def unread_since_ms(self, webhook: Webhook) -> int | None:
        """Return since when nobody has fetched what waits at a webhook; None where somebody has
        lately, or nothing waits, or nobody is to fetch."""
        if not webhook.type.fetched:
            return None
        unfetched_ms = round(self._reads.unfetched_s(webhook.number) * 1000)
        if unfetched_ms < UNREAD_AFTER_MS or not self._lanes.has_waiting(webhook.number):
            return None
        since_ms = max(
            self._clock.now_ms() - unfetched_ms, self._book.at(webhook.number).created_ms
        )
        return since_ms if self._clock.now_ms() - since_ms >= UNREAD_AFTER_MS else None

    def is_idle(self, webhook: Webhook) -> bool:
        """Return whether there has been nothing to send: for a day, or because its filter refuses
        all."""
        if self.refused_by_filter(webhook) is not None:
            return True
        if self._matches.quiet_s(webhook.number) * 1000 < IDLE_AFTER_MS:
            return False
        if self._lanes.has_waiting(webhook.number):
            return False
        return self._clock.now_ms() - self._book.at(webhook.number).created_ms >= IDLE_AFTER_MS

    def refused_by_filter(self, webhook: Webhook) -> int | None:
        """Return how many events of its types a webhook's filter has refused one after the other;
        None where these are too few to say that it matches nothing."""
        misses = self._matches.misses(webhook)
        return misses if misses >= IDLE_MISSES else None

    def numbers(self) -> Iterable[int]:
        """List the webhooks that nobody reads."""
        for webhook in self._registry.fetched():
            if self.unread_since_ms(webhook) is not None:
                yield webhook.number
