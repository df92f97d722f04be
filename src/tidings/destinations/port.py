"""The port of destinations: what the engine knows of where messages go, whatever carries them.

A driver takes the messages of webhooks of one type. It opens a channel for a webhook, over the
connection that it names where its type has one, sends message after message over it, and says of
each what became of it. What an answer means, and in which words a fault is told, is the driver's to
say; when the next attempt is due is the engine's. What was answered by no HTTP server has the
status that HTTP has for the same, so that logs, filters and totals are alike; its own code and
words are the answer's headers and body.
`tests/destinations/conformance/` is what every driver promises, as tests.
"""

from typing import NamedTuple, Protocol, runtime_checkable

from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import OrgId
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.webhook import Webhook

Headers = list[tuple[str, str]]


class Message(Protocol):
    """One attempt at one delivery, as it is handed to a channel."""

    @property
    def id(self) -> str:
        """`webhook-id`: the same at every attempt of a delivery, by it repeats are known."""

    @property
    def event_id(self) -> str:
        """The event's id, as its sender gave it."""

    @property
    def event_name(self) -> str:
        """The name of the event's type; blank where its body has none."""

    @property
    def org(self) -> OrgId:
        """Return the org of the event."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""

    @property
    def key(self) -> int | None:
        """A hash of what it is ordered by; None where nothing is."""

    @property
    def content_type(self) -> str:
        """Return the type of the body."""

    @property
    def body(self) -> bytes:
        """The bytes that were signed: they go as they are."""

    @property
    def trial(self) -> bool:
        """Return whether it is a test message: where it can be taken back, nothing of it is to
        stay."""

    @property
    def deadline_s(self) -> float:
        """Seconds for the whole attempt, from the call of `send`."""

    def is_still_current(self) -> bool:
        """Return whether it is wanted still. A driver that must tell something of it before its
        first byte, such as to whom it goes, asks in that moment too, and obeys."""

    def headers_if_current(self, carried: Headers) -> Headers | None:
        """Ask in the moment before its first byte is handed to whatever carries it, with nothing
        awaited between; never where nothing is sent.

        Its headers behind those that the driver has `carried` to it, dated and signed now. None
        where it must not leave any more, which has to be obeyed: so nothing leaves by an old
        version of its webhook, and what has left is known after a kill. A driver that sends it once
        more within one attempt asks again.
        """


class Channel(Protocol):
    """One webhook's way to its receiver; never shared with another webhook."""

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        """Make one attempt, under its one absolute deadline. Raises nothing but CancelledError.

        None: it was ready to leave, and the message said no; nothing of it has left. `NotYet`: a
        limit of ours admits none for now, so that none was made, and nothing left. What is kept
        of an answer holds nothing that was sent as a secret.
        """

    def follow(self, webhook: Webhook) -> bool:
        """Go on for another version of the webhook; False where another channel must be opened.

        What is on its way ends as it began.
        """

    async def close(self) -> None:
        """Let go of every connection; the next send opens them again. Idempotent."""


class MessagePreview(NamedTuple):
    """A message as it went, for people to see. It holds no secret that was fetched or that is the
    connection's, but the values of the webhook's own headers."""

    method: str  # what was done with it, in the words of its protocol: POST, PRODUCE
    headers: Headers
    body: bytes
    url: str = ""  # where it went, if not every message goes to the webhook's


class Destination(Protocol):
    """Opens channels to receivers of whatever kind: what the engine holds."""

    def open(self, webhook: Webhook) -> Channel:
        """Open a channel for one webhook. Nothing is dialled or resolved until the first send."""

    def carried(self, webhook: Webhook) -> Headers:
        """Return the headers that its driver adds to each message, for people to see: of those that
        hold a secret which is fetched, its place alone."""

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        """Show a message with these headers (all that it left with), bytes and ordering key
        (`Message.key`), as it went. Pure."""


class Driver(Protocol):
    """Opens channels to receivers of one kind; see `Destination` for the rest."""

    def open(self, webhook: Webhook, connection: Connection | None) -> Channel:
        """Open a channel for a webhook. `connection`: the one that the webhook names; None where
        its type has none."""

    def carried(self, webhook: Webhook) -> Headers: ...

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview: ...


BROKER_TASKS = ServicePart(
    "lines to brokers", "messages of webhooks whose type is KAFKA wait", restarts=False
)


@runtime_checkable
class HasTasks(Protocol):
    """A driver, or all of them, with tasks beside the attempts that wait for them."""

    def overdue_s(self) -> float:
        """Tell for how long one has been at what should have ended, in seconds."""
