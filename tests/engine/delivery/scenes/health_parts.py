"""A webhook, a clock that is set, and rows of health in memory."""

from collections.abc import Sequence

from tidings.core.delivery.receivers.attempt_share import Past
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.store import port

HOOK = Webhook(
    number=4,
    id=WebhookId("a" * 24),
    consumer_group="c",
    org=OrgId(7),
    version=1,
    name="crm",
    status=WebhookStatus.ACTIVE,
    event_names=frozenset({"pointsIssued"}),
    kind="HTTP",
    url="https://crm.example.com",
    method="POST",
    headers=(),
    connections_max=10,
)


class Clock:
    ms = 1_000_000

    def now_ms(self) -> int:
        return self.ms


class Rows:
    """The store's part."""

    def __init__(self) -> None:
        self.kept: dict[int, port.StoredHealth] = {}
        self.down = False
        self.expired = 0  # what is parked when it is asked for

    async def put_healths(self, healths: Sequence[port.StoredHealth]) -> None:
        if self.down:
            raise port.StoreDown("full")
        for health in healths:
            self.kept[health.webhook] = health

    async def healths(self) -> Sequence[port.StoredHealth]:
        return list(self.kept.values())

    async def past_attempts(self, from_ms: int, bucket_ms: int, limit: int) -> Sequence[Past]:
        return ()

    async def park_expired(self, webhook: int, accepted_before_ms: int, limit: int) -> int:
        expired, self.expired = self.expired, 0
        return expired
