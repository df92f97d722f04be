"""Tries actions with one event, without a service and without a store: what would be done, and by
which steps; or really does it, as a test message is sent.

Nothing is waited for and nothing is counted: needs, waits, quiet hours and caps are as if they were
over.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast
from uuid import uuid4

import msgspec

from tidings import catalogue
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.drivers import destinations
from tidings.app.operator_files.connections import load_connections
from tidings.app.outbound_clients import make_policy
from tidings.app.service_actions import ServiceActions, build_actions
from tidings.core.actions.action import EVENTS, Action
from tidings.core.actions.rendered_act import Made, made_in
from tidings.core.delivery.exchange import Ending
from tidings.core.delivery.job import TRIAL_NOW, Job
from tidings.core.events.call_reader import CallReader, IntakeRules
from tidings.core.events.call_split import DEFAULT_LIMITS
from tidings.core.events.passage import Doors
from tidings.core.ids import OrgId, WebhookId
from tidings.core.running.lease import EndlessLease
from tidings.core.shaping.filters.compiler import explain
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination, Driver, MessagePreview
from tidings.egress.address import parse_target
from tidings.egress.sender import HttpSender
from tidings.engine.actions.caps import Caps
from tidings.engine.actions.declared import settings_of
from tidings.engine.actions.lookups import ActionLookups
from tidings.engine.actions.needs import Needs
from tidings.engine.actions.new_events import NewEventsDriver
from tidings.engine.actions.preparation import Preparation
from tidings.engine.clock import WallClock
from tidings.engine.delivery.trial import Trial
from tidings.engine.events.intake import Draft, Intake
from tidings.engine.events.late_checks import LateChecks
from tidings.engine.listeners import Listeners
from tidings.engine.shaping.faults import ShapeLater, ShapeNeedless, ShapeRefused
from tidings.engine.shaping.shaper import Shaper
from tidings.engine.webhooks.records import Config, webhook_of
from tidings.settings.settings import Settings
from tidings.store import port
from tidings.transform.renderer import ProcessRenderer

CONNECTIONS_MAX = 50


class Tried(NamedTuple):
    """The result of one action for one event."""

    action: Action
    made: Made | None = None  # None: nothing, and `why` says so
    why: str = ""
    failed: bool = False  # it is not skipped, but cannot be done
    shown: MessagePreview | None = None  # what would go, or has gone
    ending: Ending | None = None  # where it was really done
    done: bool = False


class ActionTrial:
    """The actions of a file, ready to be tried."""

    def __init__(
        self, service_actions: ServiceActions, shaper: Shaper, destination: Destination
    ) -> None:
        self.actions = service_actions.actions
        self._org = OrgId(0) if service_actions.file is None else service_actions.file.org
        self._shaper = shaper
        self._destination = destination

    async def attempt(self, action: Action, event: bytes, *, send: bool) -> Tried:
        """Make of an event what the action says, and do it if asked to."""
        webhook = self._webhook(action)
        read = msgspec.json.decode(event)
        if not webhook.subscribes(str(read.get("eventName", "")), 1):
            return Tried(action, why="It is for events of other types.")
        if webhook.filter is not None and not (judged := explain(webhook.filter, read)).accepted:
            return Tried(action, why=f"Its filter refuses the event: {judged.said}")
        event_id = str(read.get("eventId") or "test")
        job = Job(
            delivery=TRIAL_NOW,
            webhook=webhook.number,
            org=self._org,
            event_id=event_id,
            accepted_ms=0,
            attempt=1,
            key=None,
            retry=False,
            body=event,
        )
        try:
            body = await self._shaper.shape(webhook, job)
        except ShapeNeedless as needless:
            return Tried(action, why=needless.reason)
        except (ShapeRefused, ShapeLater) as unshaped:
            return Tried(action, why=unshaped.reason, failed=True)
        made = made_in(body)
        if not send:
            return Tried(
                action,
                made,
                shown=self._destination.show(webhook, [("webhook-id", "test")], body, None),
            )
        trial = Trial(
            destination=self._destination,
            audit=None,
            shaper=_Same(body),
            clock=WallClock(),
            lease=EndlessLease(),  # it has no store
        )
        sent = await trial.send(self._org, webhook, event_id, event, lambda: True)
        shown = MessagePreview(sent.method, sent.headers, sent.body, url=sent.url)
        return Tried(action, made, shown=shown, ending=sent.ending, done=sent.delivered)

    def _webhook(self, action: Action) -> Webhook:
        config = Config(settings_of(action), (), "", updated_by="")
        stored = port.StoredWebhook(
            number=0,
            id=WebhookId(""),
            consumer_group="",
            org=self._org,
            version=1,
            name=action.name,
            status="active",
            config=b"",
        )
        return webhook_of(stored, config, 0)


class _Same:
    """`Shaping`: what was made is not made again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def shape(self, webhook: Webhook, job: Job) -> bytes:
        return self._body


@asynccontextmanager
async def action_trial(settings: Settings) -> AsyncIterator[ActionTrial]:
    """Open a trial of the operator's actions over the adapters of a service, but for its store;
    close them at the end. Raise FileRefused or Unusable where a file or a look-up cannot be
    used."""
    clock = WallClock()
    sender = HttpSender(
        make_policy(settings), ca_bundle=settings.ca_file, connections_max=CONNECTIONS_MAX
    )
    renderer = ProcessRenderer()

    def target_of(url: str) -> Any:
        return parse_target(url, allow_http=True)

    service_actions = build_actions(
        settings,
        catalogue.load(),
        load_connections(settings.connections, CONNECTION_TYPES),
        admits_unknown=True,
        sender=sender,
        target_of=target_of,
        now_s=lambda: clock.now_ms() / 1000,
    )
    lookups = ActionLookups(service_actions.lookups)
    unasked = cast(port.Store, None)  # a trial waits for nothing, and is counted nowhere
    preparation = Preparation(
        actions=service_actions.actions,
        store=unasked,
        lookups=lookups,
        renderer=renderer,
        caps=Caps(unasked),
        needs=Needs(unasked, lambda org, name: None, Listeners("a retry is due")),
        clock=clock,
    )
    own: dict[str, Driver] = {EVENTS: _checked_only(service_actions, LateChecks(renderer))}
    destination = destinations(
        sender,
        target_of,
        clock,
        service_actions.connections,
        own,
        lambda org, address: False,
        service_actions.driver,
    )
    try:
        yield ActionTrial(
            service_actions, Shaper(actions=preparation, renderer=renderer), destination
        )
    finally:
        await lookups.close()
        await service_actions.close()
        await renderer.close()
        await sender.close()


def _checked_only(service_actions: ServiceActions, late: LateChecks) -> NewEventsDriver:
    """New events are checked by the types of the file; a trial has none accepted."""
    types = {} if service_actions.file is None else service_actions.file.types
    own = {name: {1: reading.made} for name, reading in types.items()}
    return NewEventsDriver(
        intake=cast(Intake, None),
        reader=CallReader(
            Draft,
            catalogue.load(),
            lambda org: IntakeRules(),
            lambda: str(uuid4()),
            DEFAULT_LIMITS,
            lambda org, name: own.get(name),
        ),
        late=late,
        clock_ms=WallClock().now_ms,
        doors=Doors(b""),
    )
