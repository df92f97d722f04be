"""Where webhooks' URLs lead: to test inboxes of our own, or out under the egress policy."""

from collections.abc import Sequence

from tidings.app.outbound_clients import make_policy
from tidings.core.delivery.exchange import Ending, FaultKind, TransportFault
from tidings.egress.address import TargetRefused, check_target, parse_target
from tidings.egress.inbox import OwnAddress
from tidings.egress.own_paths import OwnPaths
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender
from tidings.settings.service_addresses import public_url
from tidings.settings.settings import Settings

JSON = (("content-type", "application/json"), ("accept", "*/*"))


class OwnAddresses:
    """See `ports.Addresses`: inboxes are where they are, and where they were before they had a
    host of their own."""

    def __init__(self, settings: Settings, sender: HttpSender) -> None:
        base = public_url(settings)
        self._inboxes = OwnAddress(settings.inbox_url or base, base)
        self._own = OwnPaths({base, settings.inbox_url or base}, settings.host, settings.port)
        self._policy = make_policy(settings)
        self._dev = settings.dev
        self._sender = sender

    def refusal(self, url: str) -> str | None:
        try:
            check_target(parse_target(url, allow_http=self._dev), self._policy)
        except TargetRefused as refusal:
            return str(refusal)
        return None

    def own_path(self, url: str) -> str | None:
        try:
            return self._own.refusal(parse_target(url, allow_http=True))
        except TargetRefused:
            return None  # said by `refusal`

    async def unresolved(self, url: str) -> str | None:
        return await self._sender.unresolved(parse_target(url, allow_http=self._dev))

    def target(self, url: str) -> ReceiverAddress:
        """Return the address that a URL leads to: an inbox of ours, or a receiver's. The URL was
        not refused before."""
        return self._inboxes.target(url) or parse_target(url, allow_http=True)

    def poster(self) -> "AlertPoster":
        """Build what posts to addresses under the same policy."""
        return AlertPoster(self._sender, self)

    def inbox_url(self, token: str) -> str:
        return self._inboxes.url(token)

    def inbox_urls(self, url: str) -> Sequence[str]:
        return self._inboxes.urls(url)

    def inbox_token(self, url: str) -> str | None:
        return self._inboxes.token(url)


class AlertPoster:
    """`egress.port.Poster` over the sender of calls to receivers: under its policy of addresses,
    its bounds and its lease."""

    def __init__(self, sender: HttpSender, addresses: OwnAddresses) -> None:
        self._sender = sender
        self._addresses = addresses

    async def post(self, url: str, body: bytes, deadline_s: float) -> Ending | None:
        if (reason := self._addresses.refusal(url)) is not None:  # it may be another policy by now
            return TransportFault(FaultKind.POLICY, sent=False, detail=reason, duration_ms=0.0)
        # A test inbox too is called over its URL: it has no other way in from here.
        outlet = self._sender.open(parse_target(url, allow_http=True), 1, keep_answers=True)
        try:
            return await outlet.send("POST", lambda: [*JSON], body, deadline_s)
        finally:
            await outlet.close()
