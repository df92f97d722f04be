"""When each webhook last got an event, and how many its filter has refused since: a stored time or
a counter a match, so that an idle webhook is found without a question of the log.

Only in memory: a process knows nothing of what was before it, and so calls nothing idle before it
has seen as much itself. There are at most as many entries as webhooks, and `SPARE` of deleted ones.
"""

from collections.abc import Sequence

from tidings.core.webhooks.subscriptions import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.callables import ReadSeconds
from tidings.store.port import NewDelivery

SPARE = 4_096


class MatchTracker:
    """The last match of each webhook, and its filter's misses since."""

    def __init__(self, registry: Registry, passed_s: ReadSeconds) -> None:
        """`passed_s` is a clock that is never set."""
        self._registry = registry
        self._passed_s = passed_s
        self._started_s = passed_s()
        self._matched_s: dict[int, float] = {}
        self._misses: dict[int, list[int]] = {}  # by webhook: its version, and how many

    def matched(self, deliveries: Sequence[NewDelivery]) -> None:
        """Note that an event is for webhooks."""
        now_s, matched_s, misses = self._passed_s(), self._matched_s, self._misses
        for delivery in deliveries:
            matched_s[delivery.webhook] = now_s
            if misses:
                misses.pop(delivery.webhook, None)
        if len(matched_s) > len(self._registry) + SPARE:
            self._trim(matched_s)

    def missed(self, webhook: Webhook) -> None:
        """Note that its filter has refused an event of its types."""
        kept = self._misses.get(webhook.number)
        if kept is None or kept[0] != webhook.version:
            self._misses[webhook.number] = [webhook.version, 1]
            if len(self._misses) > len(self._registry) + SPARE:
                self._trim(self._misses)
        else:
            kept[1] += 1

    def misses(self, webhook: Webhook) -> int:
        """Count the events of its types that its filter has refused since it took one, or since it
        was changed."""
        kept = self._misses.get(webhook.number)
        return 0 if kept is None or kept[0] != webhook.version else kept[1]

    def quiet_s(self, webhook: int) -> float:
        """Return for how many seconds no event was for a webhook, as far as this process knows."""
        return self._passed_s() - self._matched_s.get(webhook, self._started_s)

    def _trim(self, table: dict[int, float] | dict[int, list[int]]) -> None:
        """Forget the webhooks that are not there any more."""
        for number in list(table):
            if self._registry.get(number) is None:
                del table[number]
