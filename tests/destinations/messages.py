"""A message for tests of drivers, which notes when it was asked whether it leaves."""

from collections.abc import Callable
from typing import Any

import msgspec

from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import HTTP
from tidings.destinations.port import Headers

HOPS = "3; via=0c4e19d2a7b3.5f0a77c1e2d4; of=9b1de4420c6f"
BODY = b'{"eventName":"pointsIssued"}'


class TestMessage:
    """`destinations.port.Message`. `may` says whether it leaves, each time that it is asked, and
    `wanted` whether it stands."""

    __test__ = False
    id, event_id, org, key, content_type = "msg_1", "e1", OrgId(1), None, "application/json"
    event_name = "pointsIssued"

    def __init__(
        self,
        body: bytes = BODY,
        *,
        deadline_s: float = 30.0,
        attempt: int = 1,
        may: Callable[[], bool] = lambda: True,
        wanted: Callable[[], bool] = lambda: True,
        trial: bool = False,
    ) -> None:
        self.body = body
        self.deadline_s = deadline_s
        self.attempt = attempt
        self.trial = trial
        self.asked = 0
        self._may = may
        self._wanted = wanted

    def is_still_current(self) -> bool:
        return self._wanted()

    def headers_if_current(self, carried: Headers) -> Headers | None:
        self.asked += 1
        ours = [("webhook-id", self.id), ("tidings-hops", HOPS)]
        return [*carried, *ours] if self._may() else None


def hook(url: str, **more: Any) -> Webhook:
    """A webhook that leads there."""
    plain = Webhook(
        number=1, id=WebhookId("0" * 24), consumer_group="", org=OrgId(1), version=1, name="crm",
        status=WebhookStatus.ACTIVE, event_names=frozenset("a"), kind=HTTP, url=url,
        method="POST",
        headers=(), connections_max=4, secrets=(b"s" * 32,),
    )  # fmt: skip
    return msgspec.structs.replace(plain, **more)
