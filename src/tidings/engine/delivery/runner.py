"""One webhook at work: its lane, its connections, and how its messages are made."""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tidings.core.delivery.lane import Lane
from tidings.core.delivery.turns import LanePace
from tidings.core.ids import DeliveryId
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.message import HeadersOf, MessageHeaders

if TYPE_CHECKING:
    from tidings.engine.delivery.guards.slot import Slot

QUICK_S = 0.1  # a receiver that answers within it


class Rest(NamedTuple):
    """A while in which a limit of ours admits nothing of a webhook."""

    until_s: float  # by the loop's clock
    reason: str  # the sentence that names the limit


class LanePump(Protocol):
    """Lets lanes start what they may."""

    def pump(self, runner: "WebhookRunner") -> None:
        """Start what its lane wants now."""


class LaneDriver(LanePump, Protocol):
    """Drives the lanes of a process, as its parts ask it."""

    stopping: bool
    """Whether nothing more starts, for the process stops."""

    def open_or_close(self, runner: "WebhookRunner") -> None:
        """Open its lane or close it, by what holds it back."""

    def fill(self, runner: "WebhookRunner") -> None:
        """Have its lane read all that the store has for it."""

    def take_up(self, runner: "WebhookRunner", delivery: DeliveryId) -> None:
        """Take up a delivery that was started, and of whose attempt nobody knows what became."""

    def may_send(self) -> bool:
        """Return whether anything may be sent now."""

    def may_claim(self) -> bool:
        """Return whether due retries may be asked for now."""

    def give_turns(self) -> None:
        """Give lanes that wait for their turn as many as there are slots."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run what goes on behind."""


class WebhookRunner:
    """The dispatcher's state of a webhook."""

    def __init__(
        self,
        webhook: Webhook,
        lane: Lane,
        channel: GuardedChannel,
        headers_of: HeadersOf = MessageHeaders,
    ) -> None:
        self.webhook = webhook
        self.fetched = webhook.type.fetched  # asked for each attempt
        self.lane = lane
        self.channel = channel
        self._headers_of = headers_of
        self.headers = headers_of(webhook)
        self.pace = LanePace()
        self.well = False  # its last attempt was delivered, and quickly
        self.slots: dict[asyncio.Task[None], Slot] = {}
        self.next_due_ms: int | None = None
        self.cancelled: set[int] = set()  # deliveries that were, while their message is made
        self.doubted: set[int] = set()  # started before a lost answer, which may have ended them
        self.claiming = False  # or releasing (retry_claims.py)
        self.release_wanted = False
        self.overdue = False  # a retry was claimed whose window is over: it is parked, not sent
        self.claims_void = False  # what the claim under way brings has been parked meanwhile
        self.paced: asyncio.TimerHandle | None = None
        self.waiting_since_s: float | None = None
        self.rest: Rest | None = None
        self.probe: asyncio.TimerHandle | None = None  # when an open breaker may ask

    def follow(self, webhook: Webhook) -> None:
        """Send by another version from now on."""
        self.webhook = webhook
        self.fetched = webhook.type.fetched
        self.headers = self._headers_of(webhook)
