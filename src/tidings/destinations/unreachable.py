"""Webhooks that nothing leads to: those of the platform's own queue where the operator has declared
none, and those whose connection is not declared any more.

What comes here is sent nowhere. Where nobody's message is the reason that is our fault and not a
receiver's; a table or topic that a webhook may not have is its own.
"""

from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    TransportFault,
    of_fault,
)
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, Message, MessagePreview

_NO_QUEUE = (
    "The webhook's type makes no call, so nothing was sent. Set webHookType to HTTP, or ask the "
    "operator for a default connection."
)


class Unreachable:
    """See `Driver`. Lanes of such webhooks are closed, so that nothing is meant to come here."""

    def open(self, webhook: Webhook, connection: Connection | None) -> "UndialledChannel":
        return UndialledChannel(webhook, _NO_QUEUE)

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview("", headers, body)


class UndialledChannel:
    """See `Channel`."""

    def __init__(
        self,
        webhook: Webhook,
        why: str,
        *,
        unusable: bool = False,
        kind: FaultKind = FaultKind.OURS,
    ) -> None:
        """`why` nothing is sent: what must be, what came, what to do. `unusable`: see
        `AttemptResult`; `kind`: whose fault it is."""
        self._opened_for = _opened_for(webhook)
        self._fault = TransportFault(kind, False, why, duration_ms=0.0)
        self._unusable = unusable

    async def send(self, message: Message) -> AttemptResult:
        if self._unusable:
            return AttemptResult(DeliveryVerdict.AGAIN, self._fault, unusable=True)
        return of_fault(self._fault)

    def follow(self, webhook: Webhook) -> bool:
        return _opened_for(webhook) == self._opened_for

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def _opened_for(webhook: Webhook) -> tuple[object, ...]:
    return webhook.kind, webhook.name, webhook.connection, webhook.sql
