"""The driver of webhooks that are HTTP calls, over the guarded way out (`egress/`)."""

from collections.abc import Callable

import msgspec

from tidings.core.delivery.exchange import Answer, Ending, Result
from tidings.core.webhooks.masks import scrubbed, scrubbed_headers
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.http.requests import fixed_headers
from tidings.destinations.http.verdicts import judge
from tidings.destinations.port import Headers, Message
from tidings.egress.port import Outlet, Sender, Target


class HttpDestination:
    """See `Destination`."""

    def __init__(
        self, sender: Sender, target_of: Callable[[str], Target], now_s: Callable[[], float]
    ) -> None:
        """`target_of` a webhook's URL, which was not refused; `now_s`: seconds since the epoch."""
        self._sender = sender
        self._target_of = target_of
        self._now_s = now_s

    def open(self, webhook: Webhook) -> "HttpChannel":
        """See `Destination.open`."""
        target = self._target_of(webhook.url)
        keeps, most = webhook.keep_answers, webhook.connections_max
        outlet = self._sender.open(target, most, keep_answers=keeps)
        return HttpChannel(webhook, outlet, self._now_s)

    def carried(self, webhook: Webhook) -> Headers:
        """See `Destination.carried`."""
        return fixed_headers(webhook)


class HttpChannel:
    """See `Channel`: the connections of one webhook to its own origin."""

    def __init__(self, webhook: Webhook, outlet: Outlet, now_s: Callable[[], float]) -> None:
        self._webhook = webhook
        self._outlet = outlet
        self._now_s = now_s
        self._carried = fixed_headers(webhook)

    async def send(self, message: Message) -> Result | None:
        """See `Channel.send`."""
        webhook, carried = self._webhook, self._carried
        ending = await self._outlet.send(
            webhook.method, lambda: message.leaves(carried), message.body, message.deadline_s
        )
        return None if ending is None else self._judged(ending, webhook)

    def follow(self, webhook: Webhook) -> bool:
        """See `Channel.follow`."""
        if _opened_for(webhook) != _opened_for(self._webhook):
            return False
        self._webhook, self._carried = webhook, fixed_headers(webhook)
        return True

    async def close(self) -> None:
        """See `Channel.close`."""
        await self._outlet.close()

    def _judged(self, ending: Ending, webhook: Webhook) -> Result:
        if isinstance(ending, Answer) and (ending.body or ending.headers) and webhook.headers:
            # A receiver may send back what it was sent: stored values are not kept.
            ending = msgspec.structs.replace(
                ending,
                headers=scrubbed_headers(ending.headers, webhook.headers),
                body=scrubbed(ending.body, webhook.headers),
            )
        return judge(ending, webhook.retry, self._now_s)


def _opened_for(webhook: Webhook) -> tuple[str, str, int, bool]:
    """What its connections are opened for."""
    return webhook.kind, webhook.url, webhook.connections_max, webhook.keep_answers
