"""The one composition: the subjects, made in an order in which each is given all that it needs. It
knows no adapter; whoever builds picks them.

Each subject composes itself (`engine/services/`). What parts tell each other without knowing each
other goes through listeners, which are made first. Nothing runs when `build` has returned:
`App.load` takes up what is stored, `App.start` begins.
"""

from dataclasses import dataclass

from tidings.core.audit.actor import operator_actor
from tidings.destinations.port import BROKER_TASKS
from tidings.engine.access.access_services import AccessServices
from tidings.engine.actions.actions import ActionServices
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.delivery.stops import EVERYTHING, HOLD
from tidings.engine.events.feed import PART as FEED
from tidings.engine.options import EngineOptions
from tidings.engine.orgs import Orgs
from tidings.engine.services.delivery import DeliveryServices, HealthServices
from tidings.engine.services.events import EventServices
from tidings.engine.services.foundation import Foundation
from tidings.engine.services.notices import NoticeServices
from tidings.engine.services.running import RunningServices
from tidings.engine.services.shaping import ShapingServices
from tidings.engine.services.sources import SourceServices
from tidings.engine.services.webhooks import compose_webhooks
from tidings.engine.sources.outbox_tables import OutboxTables
from tidings.engine.threads import OFFLOAD
from tidings.engine.webhooks.secret_ends import PART as SECRET_ENDS
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.ports import Ports, StepRunner


@dataclass(frozen=True, kw_only=True)
class App:
    """The subjects, as faces and tests use them."""

    ports: Ports
    base: Foundation
    orgs: Orgs
    access: AccessServices
    events: EventServices
    shaping: ShapingServices
    actions: ActionServices
    webhooks: Webhooks
    delivery: DeliveryServices
    sources: SourceServices
    notices: NoticeServices
    running: RunningServices

    async def load(self, through: StepRunner) -> None:
        """Take up what is stored. StoreDown, VaultRefused."""
        store = self.ports.store
        self.events.types.load(await through(store.load_types))
        self.shaping.transformations.load(await through(store.load_transformations))
        snapshot = await through(store.load)
        self.orgs.load(snapshot)
        self.access.load(snapshot, await through(store.load_people))
        self.webhooks.load(snapshot)
        await through(self.sources.sources.load)
        await through(self.notices.channels.load)
        await through(self.base.audit.note_restore)  # by a key that has opened all of it

    async def start(self, through: StepRunner, *, hold: bool = False) -> None:
        """Recover what a former owner has left, and work. With `hold` nothing is sent."""
        heartbeats, delivery = self.base.heartbeats, self.delivery
        heartbeats.watch_work(OFFLOAD, self.base.offload.silent_s)
        heartbeats.watch_work(FEED, self.events.feed.silent_s)
        heartbeats.watch_work(SECRET_ENDS, self.webhooks.overdue_secrets_s)
        heartbeats.watch_work(BROKER_TASKS, delivery.destination.overdue_s)
        heartbeats.start()
        await through(self.base.families.load)
        await through(delivery.stops.load)
        if hold:
            with acting_as(operator_actor(HOLD)):
                await through(lambda: delivery.stops.stop_here(EVERYTHING, HOLD))
        await through(self.webhooks.disable_owed)
        await through(delivery.engine.start)
        await through(delivery.incidents.load)
        await through(delivery.replay.runs.start)
        self.webhooks.resume()
        await through(delivery.inboxes.load)
        delivery.inboxes.start()
        self.sources.pumps.start()
        self.access.upkeep.start()
        self.running.background.start()
        self.actions.begin()

    async def stop(self) -> bool:
        """Start nothing more, wait for what is under way, write what is known; whether all of it
        is written. Nothing that was accepted is lost by any kind of stop."""
        delivery = self.delivery
        self.events.feed.close()
        delivery.pulls.end_waits()
        await self.sources.pumps.stop()
        await delivery.replay.runs.stop()
        await self.running.background.stop()
        await self.sources.kept_activity.save()
        delivery.pulls.give_back()
        written = await delivery.engine.stop()
        await self.webhooks.close()
        await self.shaping.reference.close()
        await self.actions.close()
        await delivery.inboxes.close()
        await self.access.upkeep.stop()
        await self.running.anchors.close()
        self.base.heartbeats.stop()
        return written


def build(ports: Ports, options: EngineOptions) -> App:
    """Make every subject. Runs in the event loop that they will work in."""
    base = Foundation.compose(ports, options)
    orgs = Orgs(
        store=base.store,
        registry=base.registry,
        changes=base.changes,
        audit=base.audit,
        clock=base.clock,
    )
    access = _access(base, ports, orgs)
    events = EventServices.compose(base, ports, options, orgs)
    notices = NoticeServices.compose(base, ports, options, acceptor=events.acceptor, orgs=orgs)
    actions = _actions(base, ports, options, notices)
    shaping = ShapingServices.compose(base, ports, event_types=events.types, actions=actions)
    health = HealthServices.compose(base, ports, options, notices.notices)
    outboxes = OutboxTables(ports.declared.connections, base.registry, ports.declared.actions)
    webhooks, inboxes = compose_webhooks(
        base,
        ports,
        orgs=orgs,
        events=events,
        shaping=shaping,
        notices=notices,
        healths=health.healths,
        outboxes=outboxes,
    )
    delivery = DeliveryServices.compose(
        base,
        ports,
        options,
        health=health,
        events=events,
        shaping=shaping,
        actions=actions,
        notices=notices,
        webhooks=webhooks,
        inboxes=inboxes,
    )
    sources = SourceServices.compose(
        base,
        ports,
        options,
        outboxes=outboxes,
        events=events,
        notices=notices.notices,
        throttle=access.limits,
    )
    running = RunningServices.compose(
        base,
        options,
        orgs=orgs,
        guard=access.access.guard,
        events=events,
        shaping=shaping,
        actions=actions,
        notices=notices,
        delivery=delivery,
        watch=health.watch,
        sources=sources,
    )
    return App(
        ports=ports,
        base=base,
        orgs=orgs,
        access=access,
        events=events,
        shaping=shaping,
        actions=actions,
        webhooks=webhooks,
        delivery=delivery,
        sources=sources,
        notices=notices,
        running=running,
    )


def _access(base: Foundation, ports: Ports, orgs: Orgs) -> AccessServices:
    return AccessServices.compose(
        store=base.store,
        audit=base.audit,
        orgs=orgs,
        changes=base.changes,
        clock=base.clock,
        token_key=ports.secrets.keys.tokens,
        supervisor=base.supervisor,
        random_bytes=base.random_bytes,
        passwords=ports.secrets.passwords,
        now_s=ports.times.passed_s,
    )


def _actions(
    base: Foundation, ports: Ports, options: EngineOptions, notices: NoticeServices
) -> ActionServices:
    return ActionServices.compose(
        declared=ports.declared.actions,
        sources=ports.declared.lookups,
        store=base.store,
        registry=base.registry,
        renderer=ports.sandboxes,
        clock=base.clock,
        due=base.heard.due,
        notices=notices.notices,
        tell_after_ms=options.limits.health.first_after_ms,
    )
