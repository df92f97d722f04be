"""Deliveries: how receivers do, the engine with its lanes, and all that is asked of them."""

import asyncio
from dataclasses import dataclass
from functools import partial

from tidings.core.actions.action import EVENTS
from tidings.core.actions.connections import connection_of
from tidings.core.webhooks.webhook_types import PULL
from tidings.destinations.port import Driver
from tidings.engine.actions.actions import ActionServices
from tidings.engine.actions.new_events import NewEventsDriver
from tidings.engine.actions.troubles import ActionTroubles
from tidings.engine.clock import sure
from tidings.engine.connections import NamedConnections
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.delivery.failure_runs import FailureRuns
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.message import HeadersOf, MessageHeaders
from tidings.engine.delivery.retries.drains import Drains
from tidings.engine.delivery.retries.manual_retries import ManualRetries
from tidings.engine.delivery.retries.next_attempts import NextAttempts
from tidings.engine.delivery.retries.open_drains import OpenDrains
from tidings.engine.delivery.stops import Stops
from tidings.engine.delivery.trial import Trial, TrialListener
from tidings.engine.engine import Engine
from tidings.engine.inboxes import Inboxes
from tidings.engine.incidents.sightings import Fetches, LaneSuspects, WebhookSightings
from tidings.engine.incidents.tracker import IncidentTracker
from tidings.engine.notices.notices import Notices
from tidings.engine.options import EngineOptions
from tidings.engine.pull.pulls import Pulls
from tidings.engine.services.alerts import AlertServices
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.services.notices import NoticeServices
from tidings.engine.services.replay import ReplayServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.webhooks.judgements import WebhookJudgements
from tidings.engine.webhooks.quiet_webhooks import QuietWebhooks
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.ports import Ports


@dataclass(frozen=True, kw_only=True)
class HealthServices:
    """Health of receivers and connections. Composed before the webhooks that it disables."""

    connections: NamedConnections
    watch: ConnectionWatch
    healths: HealthTracker

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        notices: Notices,
    ) -> "HealthServices":
        """Build the health of receivers and connections. `notices`: by whom orgs and owners are
        told."""
        clock, registry, declared = base.clock, base.registry, ports.declared
        named = NamedConnections(declared.connections, declared.connection_types, clock, base.audit)
        watch = ConnectionWatch(
            registry=registry,
            connection_of=lambda webhook: connection_of(webhook, declared.actions.of(webhook.org)),
            probe=named.probe,
            clock=clock,
            moved=base.heard.held,
            notices=notices,
        )
        return cls(
            connections=named,
            watch=watch,
            healths=HealthTracker(
                store=base.store,
                registry=registry,
                clock=clock,
                owners=notices,
                parked=base.heard.parked,
                passed_s=asyncio.get_running_loop().time,
                sure=lambda: sure(clock),
                policy=options.limits.health,
                connections=watch,
                held=base.heard.held,
            ),
        )


@dataclass(frozen=True, kw_only=True)
class DeliveryServices:
    """Composed after webhooks and destinations."""

    engine: Engine
    destination: GuardedDestination
    headers_of: HeadersOf
    next_attempts: NextAttempts
    judgements: WebhookJudgements
    incidents: IncidentTracker
    connections: NamedConnections
    inboxes: Inboxes
    pulls: Pulls
    stops: Stops
    manual_retries: ManualRetries
    drains: Drains
    failure_runs: FailureRuns
    trial: Trial
    alerts: AlertServices
    replay: ReplayServices

    @classmethod
    def compose(
        cls,
        base: Foundation,
        ports: Ports,
        options: EngineOptions,
        *,
        health: HealthServices,
        events: EventServices,
        shaping: ShapingServices,
        actions: ActionServices,
        notices: NoticeServices,
        webhooks: Webhooks,
        inboxes: Inboxes,
    ) -> "DeliveryServices":
        """Make the engine over the destinations, and what is asked of it."""
        store, clock, registry = base.store, base.clock, base.registry
        pulls, stops = _pulls(base), _stops(base)
        destination = _destination(base, ports, events, notices, inboxes, pulls)
        open_drains = OpenDrains(clock)
        runs = FailureRuns(clock, health.healths)
        headers_of = partial(MessageHeaders, first_hop=events.doors.first_hop)
        engine = Engine(
            store=store,
            registry=registry,
            commits=events.commits,
            healths=health.healths,
            destination=destination,
            clock=clock,
            rng=ports.randomness.rng,
            shaper=shaping.shaper,
            ends=webhooks,
            stops=stops,
            families=base.families,
            failures=notices.notices,
            drains=open_drains,
            runs=runs,
            settlements=actions.needs,
            heard=base.heard,
            feed=events.feed,
            metrics=base.metrics,
            limits=options.limits,
            in_flight=ports.departure.in_flight,
            lease=base.lease,
            supervisor=base.supervisor,
            errors=base.errors,
            headers_of=headers_of,
            connections=health.watch,
            tracing=ports.outside.tracing,
        )
        dispatcher = engine.dispatcher
        troubles = ActionTroubles(actions, registry)
        judgements = _judgements(base, health, webhooks, engine, troubles, pulls, stops)
        incidents = _incidents(base, health.healths, judgements, stops, dispatcher, pulls)
        return cls(
            engine=engine,
            destination=destination,
            headers_of=headers_of,
            next_attempts=dispatcher.next_attempts,
            judgements=judgements,
            incidents=incidents,
            connections=health.connections,
            inboxes=inboxes,
            pulls=pulls,
            stops=stops,
            manual_retries=ManualRetries(
                store, base.audit, dispatcher.promised_retries, dispatcher.changes
            ),
            drains=_drains(base, open_drains, dispatcher, stops, health.watch),
            failure_runs=runs,
            trial=_trial(base, destination, shaping, headers_of, dispatcher),
            alerts=AlertServices.compose(base, ports, options, notices, incidents),
            replay=ReplayServices.compose(
                base,
                events=events,
                notices=notices.notices,
                webhooks=webhooks,
                stops=stops,
                lanes=dispatcher,
            ),
        )


def _judgements(
    base: Foundation,
    health: HealthServices,
    webhooks: Webhooks,
    engine: Engine,
    troubles: ActionTroubles,
    pulls: Pulls,
    stops: Stops,
) -> WebhookJudgements:
    """Make the one judgement of webhooks over all that it asks."""
    quiet = QuietWebhooks(
        registry=base.registry,
        reads=pulls,
        lanes=engine.dispatcher,
        matches=engine.matches,
        clock=base.clock,
        book=webhooks,
    )
    return WebhookJudgements(
        health.healths,
        base.registry,
        base.metrics,
        troubles,
        health.watch,
        quiet=quiet,
        stops=stops,
    )


def _pulls(base: Foundation) -> Pulls:
    pulls = Pulls(lambda: base.random_bytes(16).hex(), base.heard.asked, base.lease, base.families)
    base.heard.moved.add(pulls.follow_families)
    return pulls


def _stops(base: Foundation) -> Stops:
    base.heard.moved.add(base.heard.switched.tell)  # who is away is stopped
    return Stops(
        store=base.store,
        audit=base.audit,
        clock=base.clock,
        switched=base.heard.switched,
        families=base.families,
    )


def _drains(
    base: Foundation,
    open_drains: OpenDrains,
    dispatcher: Dispatcher,
    stops: Stops,
    watch: ConnectionWatch,
) -> Drains:
    return Drains(
        store=base.store,
        audit=base.audit,
        clock=base.clock,
        registry=base.registry,
        drains=open_drains,
        lanes=dispatcher.drained_lanes,
        promised=dispatcher.promised_retries,
        next_attempts=dispatcher.next_attempts,
        stops=stops,
        connections=watch,
    )


def _incidents(
    base: Foundation,
    healths: HealthTracker,
    judgements: WebhookJudgements,
    stops: Stops,
    lanes: LaneSuspects,
    reads: Fetches,
) -> IncidentTracker:
    sightings = WebhookSightings(
        store=base.store,
        clock=base.clock,
        passed_s=asyncio.get_running_loop().time,
        healths=healths,
        judgements=judgements,
        stops=stops,
        lanes=lanes,
        reads=reads,
    )
    return IncidentTracker(
        store=base.store,
        registry=base.registry,
        clock=base.clock,
        sightings=sightings,
        audit=base.audit,
        heard=base.heard,
        metrics=base.metrics,
    )


def _trial(
    base: Foundation,
    destination: GuardedDestination,
    shaping: ShapingServices,
    headers_of: HeadersOf,
    listener: TrialListener,
) -> Trial:
    return Trial(
        destination=destination,
        audit=base.audit,
        shaper=shaping.shaper,
        clock=base.clock,
        lease=base.lease,
        errors=base.errors,
        headers_of=headers_of,
        listener=listener,
        families=base.families,
    )


def _destination(
    base: Foundation,
    ports: Ports,
    events: EventServices,
    notices: NoticeServices,
    inboxes: Inboxes,
    pulls: Pulls,
) -> GuardedDestination:
    """Make the destinations of all kinds, those of the engine itself among them."""
    new_events = NewEventsDriver(
        intake=events.acceptor,
        reader=events.reader,
        late=events.late,
        clock_ms=base.clock.now_ms,
        doors=events.doors,
    )
    own: dict[str, Driver] = {PULL: pulls, EVENTS: new_events}
    made = ports.destination(inboxes.receive, own, notices.consents.has_agreed)
    return GuardedDestination(made, base.errors)
