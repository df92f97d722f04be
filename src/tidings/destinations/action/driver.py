"""The driver of webhooks of the type ACTION: each message is one act, which shaping has made.

What it goes over is named by the action of the webhook's name, as the operator's file says it now.
"""

from collections.abc import Callable, Mapping

import msgspec

from tidings.core.actions.action import EVENTS, Action, HttpCall, KafkaRecordAct, MailAct, NewEvents
from tidings.core.actions.placeholders import origin_of, url_shown
from tidings.core.actions.rendered_act import MadeCall, made_in
from tidings.core.actions.secrets import whole
from tidings.core.connections.connection import Connection, Connections
from tidings.core.connections.tables import tables_of
from tidings.core.delivery.exchange import FaultKind
from tidings.core.ids import OrgId
from tidings.core.webhooks.masks import mask
from tidings.core.webhooks.targets.mailing import recipients_of
from tidings.core.webhooks.webhook import Webhook
from tidings.core.webhooks.webhook_types import ACTION, KINDS
from tidings.destinations.action.calls import CallChannel, keeps_answers
from tidings.destinations.action.delegates import (
    DelegateChannel,
    DriverMessage,
    as_kind,
    handover_of,
    unsigned,
)
from tidings.destinations.action.requests import key_of, shown_headers
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.kafka.driver import KEY
from tidings.destinations.kafka.records import CONTENT_TYPE
from tidings.destinations.port import Channel, Driver, Headers, MessagePreview
from tidings.destinations.unreachable import UndialledChannel
from tidings.egress.port import PathSender, ReceiverAddress
from tidings.errors import Invalid


class ActionDestination:
    """See `Driver`."""

    def __init__(
        self,
        actions: Mapping[str, Action],
        drivers: Mapping[str, Driver],
        connections: Connections,
        sender: PathSender,
        target_of: Callable[[str], ReceiverAddress],
        proofs: Proofs,
        now_s: Callable[[], float],
        org: OrgId | None = None,
    ) -> None:
        """`drivers` of EMAIL, SQL, KAFKA and EVENTS, which must know the same `connections`;
        `target_of` a URL, Invalid where it is refused; `proofs` are closed by who made them;
        `now_s` since the epoch; `org`: whose actions they are, nobody else's webhooks do them."""
        self._actions = actions
        self._org = org
        self._drivers = dict(drivers)
        self._connections = connections
        self._sender = sender
        self._target_of = target_of
        self._proofs = proofs
        self._now_s = now_s

    def open(self, webhook: Webhook, connection: Connection | None) -> Channel:
        action = self._action_of(webhook)
        if action is None:
            return UndialledChannel(
                webhook,
                f"The action {webhook.name} must be in the operator's file; it is not any more, so "
                "nothing is done. Write it there and start again, or cancel what waits.",
            )
        if isinstance(action.act, HttpCall):
            return self._calls(webhook, action, action.act)
        if isinstance(action.act, NewEvents):
            return self._drivers[EVENTS].open(webhook, None)
        kind = as_kind(webhook, action)
        over = self._connections.get(kind.connection)
        if (fault := _fault(action, kind, over)) is not None:
            if over is None:
                return UndialledChannel(webhook, fault, unusable=True)
            return UndialledChannel(webhook, fault, kind=FaultKind.POLICY)
        inner = self._drivers[kind.kind].open(kind, over)
        return DelegateChannel(webhook, action, inner, _needed(kind, over))

    def carried(self, webhook: Webhook) -> Headers:
        action = self._action_of(webhook)
        if action is None:
            return []
        if isinstance(action.act, HttpCall):
            return shown_headers(action.act, None, "")
        if isinstance(action.act, NewEvents):
            return self._drivers[EVENTS].carried(webhook)
        kind = as_kind(webhook, action)
        return self._drivers[kind.kind].carried(kind)

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        """Show the message as it would go; of a call none of `headers` but the hops, for no other
        is sent."""
        action = self._action_of(webhook)
        if action is None:
            return MessagePreview(ACTION, [], body)
        if isinstance(action.act, HttpCall):
            return _shown_call(action, webhook, headers, body)
        if isinstance(action.act, NewEvents):
            return self._drivers[EVENTS].show(webhook, headers, body, key)
        handover, kind = handover_of(action, body), as_kind(webhook, action)
        if not isinstance(handover, DriverMessage):
            return MessagePreview(ACTION, [], body)
        sent = unsigned(headers)
        shown = self._drivers[kind.kind].show(kind, sent, handover.body, key)
        if isinstance(action.act, KafkaRecordAct) and sent:
            own = dict(shown.headers)
            own[CONTENT_TYPE] = handover.content_type
            if handover.key:
                own = {KEY: handover.key} | own | {KEY: handover.key}
            shown = shown._replace(headers=list(own.items()))
        return shown

    def _action_of(self, webhook: Webhook) -> Action | None:
        owned = self._org in (None, webhook.org)
        return self._actions.get(webhook.name) if owned else None

    def _calls(self, webhook: Webhook, action: Action, call: HttpCall) -> Channel:
        try:
            at = self._target_of(f"{origin_of(call.url)}/" if call.values else call.url)
        except Invalid as refused:
            why = f"The action {action.name} cannot call. {refused}"
            return UndialledChannel(webhook, why, kind=FaultKind.POLICY)
        origin = msgspec.structs.replace(at, path="")
        keeps = keeps_answers(action, webhook)
        outlet = self._sender.open(at, webhook.connections_max, keep_answers=keeps)
        proof = None if call.credential is None else self._proofs.of(call.credential)
        return CallChannel(webhook, action, origin, outlet, proof, self._target_of, self._now_s)


def _shown_call(action: Action, webhook: Webhook, headers: Headers, body: bytes) -> MessagePreview:
    made = made_in(body)
    if made is None or not isinstance(made.act, MadeCall):
        return MessagePreview(ACTION, [], body)
    call = action.act_for(made.language)
    assert isinstance(call, HttpCall)
    act = made.act
    content = whole(call, act, mask)
    sent = act.body if content is None else content
    url = url_shown(call.url, act.url, secret=call.url_secret)
    shown = shown_headers(call, act, key_of(webhook, headers), headers)
    return MessagePreview(act.method, shown, sent.encode(), url=url)


def _needed(kind: Webhook, over: Connection | None) -> frozenset[str]:
    """The columns of a row that must have a value."""
    if kind.sql is None or over is None:
        return frozenset()
    table = tables_of(over.fields, kind.org).get(kind.sql.table)
    return frozenset() if table is None else table.needed


def _fault(action: Action, kind: Webhook, over: Connection | None) -> str | None:
    """Say why nothing can go over the connection as the operator has declared it now; None where it
    can."""
    if over is None:
        return (
            f"The connection {kind.connection} of the action {action.name} must be declared by the "
            "operator; it is not. Declare it, or name another one."
        )
    if over.kind != (type := KINDS[kind.kind].connection):
        return (
            f"The connection {over.name} of the action {action.name} must be of the type {type}; "
            f"it is of the type {over.kind}. Name another one."
        )
    if isinstance(action.act, MailAct) and not recipients_of(over.fields).any:
        return (
            f'The connection {over.name} must have recipients = "any", since the action '
            f"{action.name} says by itself whom it writes to; it admits only who has confirmed. "
            "Have the operator set it, or name another one."
        )
    return None
