"""The driver of webhooks that are HTTP calls, over the guarded way out (`egress/`)."""

from collections.abc import Awaitable, Callable
from functools import partial

from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import AttemptResult, Ending
from tidings.core.webhooks.authentication import shown_header
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.http.authentication.asking import asking_over
from tidings.destinations.http.authentication.authenticator import Ask, Authenticator, Header
from tidings.destinations.http.authentication.schemes import proof_of
from tidings.destinations.http.proven import send_proven
from tidings.destinations.http.requests import fixed_headers
from tidings.destinations.http.verdicts import judge, without
from tidings.destinations.port import Headers, Message, MessagePreview
from tidings.egress.port import Outlet, OutletMaker, ReceiverAddress


class HttpDestination:
    """See `Driver`."""

    def __init__(
        self,
        sender: OutletMaker,
        target_of: Callable[[str], ReceiverAddress],
        now_s: Callable[[], float],
    ) -> None:
        """`target_of` a webhook's URL, which was not refused; `now_s`: seconds since the epoch."""
        self._sender = sender
        self._target_of = target_of
        self._now_s = now_s
        self._ask = asking_over(sender, target_of)

    def open(self, webhook: Webhook, connection: Connection | None) -> "HttpChannel":
        target = self._target_of(webhook.url)
        keeps, most = webhook.keep_answers, webhook.connections_max
        outlet = self._sender.open(target, most, keep_answers=keeps)
        return HttpChannel(webhook, outlet, self._ask, self._now_s)

    def carried(self, webhook: Webhook) -> Headers:
        headers = fixed_headers(webhook)
        if webhook.authentication is not None:
            headers.append(shown_header(webhook.authentication))
        return headers

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        return MessagePreview(webhook.method, headers, body)


class HttpChannel:
    """See `Channel`: the connections of one webhook to its own origin."""

    def __init__(
        self, webhook: Webhook, outlet: Outlet, ask: Ask, now_s: Callable[[], float]
    ) -> None:
        self._outlet = outlet
        self._ask = ask
        self._now_s = now_s
        self._webhook = webhook
        self._proof: Authenticator | None = None
        self._take(webhook)

    async def send(self, message: Message) -> AttemptResult | None:
        if self._fetches is not None:
            return await self._send_proven(message, self._fetches)
        webhook, carried, secrets = self._webhook, self._carried, self._secrets
        ending = await self._outlet.send(
            webhook.method,
            lambda: message.headers_if_current(carried),
            message.body,
            message.deadline_s,
        )
        return None if ending is None else self._judged(ending, webhook, secrets)

    def follow(self, webhook: Webhook) -> bool:
        if _opened_for(webhook) != _opened_for(self._webhook):
            return False
        self._take(webhook)
        return True

    async def close(self) -> None:
        if self._proof is not None:
            await self._proof.close()
        await self._outlet.close()

    def _take(self, webhook: Webhook) -> None:
        """Send by this version from now on."""
        wanted = webhook.authentication
        if wanted is None:
            self._proof = None
        elif self._proof is None or wanted != self._webhook.authentication:
            self._proof = proof_of(wanted, self._ask, self._now_s)
        proof = self._proof
        self._webhook = webhook
        self._carried = fixed_headers(webhook)
        self._secrets: Headers = list(webhook.headers)
        self._fetches = None if proof is None or proof.lasts else proof
        if proof is not None:
            self._secrets += proof.secrets()
            if proof.lasts and (header := proof.at_hand()) is not None:
                self._carried.append(header)
                self._secrets.append(header)

    async def _send_proven(self, message: Message, proof: Authenticator) -> AttemptResult | None:
        webhook, fixed, secrets = self._webhook, self._carried, self._secrets

        def send(header: Header, left_s: float) -> Awaitable[Ending | None]:
            leaves = partial(message.headers_if_current, [*fixed, header])
            return self._outlet.send(webhook.method, leaves, message.body, left_s)

        return await send_proven(
            proof,
            message.deadline_s,
            send,
            lambda ending, header: self._judged(ending, webhook, [*secrets, header]),
        )

    def _judged(self, ending: Ending, webhook: Webhook, secrets: Headers) -> AttemptResult:
        return judge(without(ending, secrets), webhook.retry, self._now_s)


def _opened_for(webhook: Webhook) -> tuple[str, str, int, bool]:
    """Return what its connections are opened for."""
    return webhook.kind, webhook.url, webhook.connections_max, webhook.keep_answers
