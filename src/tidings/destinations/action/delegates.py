"""Mails, rows and records of actions: what is made is handed to the driver of its kind, as a
webhook of that kind would be."""

from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec

from tidings.core.actions.action import Action, KafkaRecordAct, MailAct, TableRowAct
from tidings.core.actions.rendered_act import MadeMail, MadeRecord, MadeRow, made_in
from tidings.core.delivery.exchange import AttemptResult, FaultKind, TransportFault, of_fault
from tidings.core.delivery.waits import NotYet
from tidings.core.events.names import CONTENT_TYPE, name_in
from tidings.core.exact_json import write_exactly
from tidings.core.ids import OrgId
from tidings.core.picks import Pick, is_path
from tidings.core.shaping.signatures.standard_webhooks import SIGNATURE_HEADER
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.targets.mailing import Mailing
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import EMAIL, KAFKA, SQL
from tidings.destinations.kafka.driver import KafkaChannel
from tidings.destinations.port import Channel, Headers, Message

TEXT = "text/plain; charset=utf-8"
Delegated = MailAct | TableRowAct | KafkaRecordAct


def as_kind(webhook: Webhook, action: Action) -> Webhook:
    """Return the action's webhook as one of the kind that does it. Raise TypeError for a call,
    which none of them does."""
    match action.act:
        case MailAct(connection):
            place: dict[str, Any] = {"kind": EMAIL, "email": Mailing(())}
        case TableRowAct(connection, table):
            place = {"kind": SQL, "sql": SqlTable(table, columns_of(action))}
        case KafkaRecordAct(connection, topic):
            place = {"kind": KAFKA, "kafka": KafkaTopic(topic)}
        case _:
            raise TypeError("a call is no webhook of another kind")
    return msgspec.structs.replace(webhook, connection=connection, **place)


def columns_of(action: Action) -> dict[str, Pick]:
    """Map the columns that an action sets, each to where its value stands in the body that goes
    there."""
    names = [
        name for act in action.acts.values() if isinstance(act, TableRowAct) for name in act.values
    ]
    return {name: Pick(path=_field(name, at)) for at, name in enumerate(dict.fromkeys(names))}


class DriverMessage(NamedTuple):
    """The part of a message that the driver of the kind is handed."""

    body: bytes
    content_type: str = CONTENT_TYPE
    event_name: str = ""
    key: str = ""  # of a record; "": that of its order


def handover_of(
    action: Action, body: bytes, needed: Collection[str] = frozenset()
) -> DriverMessage | str | None:
    """Convert what an action made into the message for the driver of its kind.

    Return None where the message was made for something else, and a sentence why where there is no
    row of it: `needed` are the columns that must have a value.
    """
    made = made_in(body)
    if made is None:
        return None
    act = action.act_for(made.language)
    match (act, made.act):
        case (MailAct(), MadeMail(mail)):
            return DriverMessage(msgspec.json.encode(mail))
        case (TableRowAct(), MadeRow(values)):
            for column in sorted(needed):
                if values.get(column) is None:
                    return _NO_VALUE.format(column=column)
            columns = columns_of(action)
            row = {
                str(pick.path): values[column]
                for column, pick in columns.items()
                if column in values
            }
            return DriverMessage(write_exactly(row))
        case (KafkaRecordAct(text=None), MadeRecord(value, key)):
            record = value.encode()
            return DriverMessage(record, event_name=name_in(record), key=key)
        case (KafkaRecordAct(), MadeRecord(value, key)):
            return DriverMessage(value.encode(), TEXT, key=key)
    return None


def unsigned(headers: Headers) -> Headers:
    """Return the headers without the signature, which is of what was made and not of what goes."""
    return [header for header in headers if header[0] != SIGNATURE_HEADER]


class DelegateChannel:
    """See `Channel`: the one of the kind that does it."""

    def __init__(
        self,
        webhook: Webhook,
        action: Action,
        inner: Channel,
        needed: Collection[str] = frozenset(),
    ) -> None:
        """`needed`: the columns of a row that must have a value."""
        self._name = webhook.name
        self._kind = webhook.kind
        self._webhook = webhook
        self._action = action
        self._inner = inner
        self._needed = needed

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        handover = handover_of(self._action, message.body, self._needed)
        if not isinstance(handover, DriverMessage):
            return of_fault(
                TransportFault(FaultKind.TRANSFORM, False, handover or _OTHER, duration_ms=0.0)
            )
        handed = _Handed(message, handover, self._webhook)
        if handover.key and isinstance(self._inner, KafkaChannel):
            return await self._inner.send(handed, handover.key.encode())
        return await self._inner.send(handed)

    def follow(self, webhook: Webhook) -> bool:
        if (webhook.kind, webhook.name) != (self._kind, self._name):
            return False
        if not self._inner.follow(as_kind(webhook, self._action)):
            return False
        self._webhook = webhook
        return True

    async def close(self) -> None:
        await self._inner.close()


class _Handed:
    """See `Message`: another one, with the bytes that go."""

    def __init__(self, message: Message, handover: DriverMessage, webhook: Webhook) -> None:
        self.body = handover.body
        self.content_type = handover.content_type
        self.event_name = handover.event_name
        self._message = message
        self._webhook = webhook

    @property
    def id(self) -> str:
        return self._message.id

    @property
    def event_id(self) -> str:
        return self._message.event_id

    @property
    def org(self) -> OrgId:
        return self._message.org

    @property
    def attempt(self) -> int:
        return self._message.attempt

    @property
    def key(self) -> int | None:
        return self._message.key

    @property
    def trial(self) -> bool:
        return self._message.trial

    @property
    def deadline_s(self) -> float:
        return self._message.deadline_s

    def is_still_current(self) -> bool:
        return self._message.is_still_current()

    def headers_if_current(self, carried: Headers) -> Headers | None:
        headers = self._message.headers_if_current(carried)
        return None if headers is None else unsigned(headers)


def _field(column: str, at: int) -> str:
    """Return where its value stands: under its name, unless a path would lead elsewhere by that."""
    return column if is_path(column) and not {".", "["} & {*column} else f"column {at}"


_NO_VALUE = (
    "{column} must have a value, since rows of the table are known by it; there is none. Correct "
    "{column} in values of the action, or filter out events without it."
)
_OTHER = (
    "The message must be what the action does; it was made when that was something else. Replay "
    "the event."
)
