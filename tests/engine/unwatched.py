"""Lanes that nobody watches: no webhook is disabled, no switch is thrown, no attempt is counted."""

from tidings.core.delivery.exchange import Ending
from tidings.core.delivery.job import Job
from tidings.core.delivery.outcome import Outcome
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook


class Unwatched:
    """`WebhookEnds`, `StopSwitches` and `AttemptObserver` of a dispatcher."""

    def disable(self, webhook: Webhook, reason: str) -> None:
        pass

    def is_stopped(self, org: OrgId) -> bool:
        return False

    def observe(
        self, webhook: Webhook, job: Job, started_ms: int, ending: Ending, outcome: Outcome
    ) -> None:
        pass


UNWATCHED = Unwatched()
