"""New events of actions: what one has made is accepted as whatever a sender brings. The driver of
`EVENTS`.

Their ids follow from the id of the message, so that a message that is sent again, after a kill or a
lost answer, brings each of them once.
"""

import asyncio
from time import monotonic

import msgspec

from tidings.core.actions.rendered_act import MadeEvents, made_in
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    FaultKind,
    ReceiverAnswer,
    TransportFault,
    of_fault,
)
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller, CallReader
from tidings.core.events.passage import NEW, Doors, find_passage, read_passage
from tidings.core.ids import OrgId
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers, Message, MessagePreview
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Draft, Intake, Overloaded
from tidings.engine.events.late_checks import LateChecks, concluded
from tidings.errors import RequestRefused, TidingsError
from tidings.store import port

ACCEPTED = 202
_JSON = b"application/json"
_NONE = b"[]"


class EventsRefused(TidingsError):
    """One of the events cannot be accepted, so none is. `message`: why, in sentences."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NewEventsDriver:
    """See `Driver`."""

    def __init__(
        self,
        *,
        intake: Intake,
        reader: CallReader[Draft],
        late: LateChecks,
        clock_ms: ReadMs,
        doors: Doors,
    ) -> None:
        self.doors = doors
        self._intake = intake
        self._reader = reader
        self._late = late
        self._clock_ms = clock_ms

    def open(self, webhook: Webhook, connection: Connection | None) -> "NewEventsChannel":
        return NewEventsChannel(webhook, self)

    def carried(self, webhook: Webhook) -> Headers:
        return []

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        made = made_in(body)
        if made is None or not isinstance(made.act, MadeEvents):
            return MessagePreview(webhook.kind, [], body)
        return MessagePreview("ACCEPT", [], made.act.events.encode())

    async def drafts(self, org: OrgId, events: bytes, key: str) -> list[Draft]:
        """Read the events that an action made, and check them. Raise EventsRefused where one does
        not fit, Overloaded where nobody could check."""
        if events == _NONE:
            return []
        try:
            items = self._reader.read(
                _JSON, {}, events, AuthenticatedCaller(org), key, self._clock_ms()
            )
        except RequestRefused as refused:
            raise EventsRefused(str(refused)) from None
        found: list[Draft] = []
        for draft in await concluded(items, self._late):
            if isinstance(draft, RejectedEvent):
                raise EventsRefused(f"{draft.message} Correct data of the action, or the type.")
            found.append(draft)
        return found

    async def accept(self, drafts: list[Draft]) -> tuple[int, int]:
        """Accept drafts; return how many are new, and how many were there. StoreDown,
        Overloaded."""
        verdicts = await self._intake.accept(drafts) if drafts else []
        new = sum(verdict.status == "accepted" for verdict in verdicts)
        return new, len(verdicts) - new


class NewEventsChannel:
    """See `Channel`."""

    def __init__(self, webhook: Webhook, driver: NewEventsDriver) -> None:
        self._door = driver.doors.of_action(webhook.number)
        self._name = webhook.name
        self._kind = webhook.kind
        self._driver = driver

    async def send(self, message: Message) -> AttemptResult | None:
        began_s = monotonic()
        made = made_in(message.body)
        if made is None or not isinstance(made.act, MadeEvents):
            return _unsent(FaultKind.TRANSFORM, _OTHER, began_s)
        key = f"action-{self._name}-{message.id}"
        try:
            async with asyncio.timeout(message.deadline_s):
                drafts = await self._driver.drafts(message.org, made.act.events.encode(), key)
                if (left := message.headers_if_current([])) is None:
                    return None
                hops = find_passage(left)
                passage = NEW if hops is None else read_passage(hops, message.id)
                for draft in drafts:
                    draft.passage, draft.door = passage, self._door
                new, known = (0, 0) if message.trial else await self._driver.accept(drafts)
        except EventsRefused as refused:
            return _unsent(FaultKind.TRANSFORM, refused.message, began_s)
        except (port.StoreDown, Overloaded, TimeoutError):
            return _unsent(FaultKind.OURS, _LATER, began_s)
        body = msgspec.json.encode({"accepted": new, "duplicates": known})
        took_ms = (monotonic() - began_s) * 1e3
        detail = _TRIED if message.trial else ""
        answer = ReceiverAnswer(
            ACCEPTED, (), body, truncated=False, duration_ms=took_ms, detail=detail
        )
        return AttemptResult(DeliveryVerdict.DELIVERED, answer)

    def follow(self, webhook: Webhook) -> bool:
        return (webhook.kind, webhook.name) == (self._kind, self._name)

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def _unsent(kind: FaultKind, words: str, began_s: float) -> AttemptResult:
    return of_fault(TransportFault(kind, False, words, duration_ms=(monotonic() - began_s) * 1e3))


_OTHER = (
    "The message must be events; it was made when the action did something else. Replay the event."
)
_TRIED = "The events were checked, and not accepted, since this is a test."
_LATER = "The service must accept the events; it takes none now. Tidings will retry."
