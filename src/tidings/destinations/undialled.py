"""The destination of webhooks that make no call (`QUEUE_INT`): whatever their URL says.

Their lanes are closed, so that nothing is meant to come here; what does is sent nowhere, and that
is our fault and not a receiver's.
"""

from tidings.core.delivery.exchange import Fault, FaultKind, Result, of_fault
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, Message

_UNDIALLED = "The webhook's type makes no call, so nothing was sent. Set webHookType to HTTP."


class Undialled:
    """See `Destination`."""

    def open(self, webhook: Webhook) -> "UndialledChannel":
        return UndialledChannel(webhook.kind)

    def carried(self, webhook: Webhook) -> Headers:
        return []


class UndialledChannel:
    """See `Channel`."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def send(self, message: Message) -> Result:
        return of_fault(Fault(FaultKind.OURS, False, _UNDIALLED, 0.0))

    def follow(self, webhook: Webhook) -> bool:
        return webhook.kind == self._kind

    async def close(self) -> None:
        """Nothing is open."""
