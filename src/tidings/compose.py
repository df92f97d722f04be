"""The one composition: everything that works between the ports, made in an order in which each part
is given all that it needs. It knows no adapter; whoever builds picks them.

What parts tell each other without knowing each other goes through listeners, which are made first.
Nothing runs when `build` has returned: `App.load` takes up what is stored, `App.start` begins.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from prometheus_client.registry import Collector

from tidings.catalogue import envelope
from tidings.core.actions.action import EVENTS
from tidings.core.actions.routes import connection_of
from tidings.core.events.call_reader import CallReader
from tidings.core.events.passage import Doors
from tidings.core.events.terms import Terms
from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import mailed_by
from tidings.core.running.parts import Part
from tidings.core.webhooks.kinds import PULL
from tidings.core.webhooks.registry import Registry
from tidings.destinations.port import BROKER_TASKS, Driver
from tidings.engine.access.access_services import AccessServices
from tidings.engine.actions.actions import ActionServices
from tidings.engine.actions.new_events import NewEventsDriver
from tidings.engine.actions.troubles import ActionTroubles
from tidings.engine.background_tasks import BackgroundTasks
from tidings.engine.changes import Changes
from tidings.engine.clock import sure
from tidings.engine.connections import NamedConnections
from tidings.engine.delivery.guards.connection_watch import PART as CONNECTIONS
from tidings.engine.delivery.guards.connection_watch import ConnectionWatch
from tidings.engine.delivery.guards.guarded_channel import GuardedDestination
from tidings.engine.delivery.guards.slot_watch import PART as SLOTS
from tidings.engine.delivery.guards.unforeseen import Step, UnforeseenErrors
from tidings.engine.delivery.healths import Healths
from tidings.engine.delivery.manual_retries import ManualRetries
from tidings.engine.delivery.message import HeadersOf, MessageHeaders
from tidings.engine.delivery.restored_backlog import RestoredBacklog
from tidings.engine.delivery.stops import EVERYTHING, HOLD, Stops
from tidings.engine.delivery.trial import Trial
from tidings.engine.engine import Engine, EngineListeners, nobody_yet
from tidings.engine.events.acceptor import Acceptor
from tidings.engine.events.commit_queue import CommitQueue
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.feed import PART as FEED
from tidings.engine.events.feed import Feed
from tidings.engine.events.intake import Draft
from tidings.engine.events.late_checks import LateChecks
from tidings.engine.events.loops import LoopGuard
from tidings.engine.events.readmission import Readmission
from tidings.engine.heartbeats import Heartbeats
from tidings.engine.inboxes import Inboxes
from tidings.engine.keyed_calls import KeyedCalls
from tidings.engine.loop_lag import BLOCKED_TOLD_S, LoopLag
from tidings.engine.loop_lag import PART as LOOP_LAG
from tidings.engine.metrics import EngineMetrics
from tidings.engine.notices.consents import PART as CONSENT_EMAILS
from tidings.engine.notices.consents import ConsentEmails, Consents
from tidings.engine.notices.emails import PART as EMAILS
from tidings.engine.notices.emails import Emails
from tidings.engine.notices.notices import PART as NOTICES
from tidings.engine.notices.notices import Notices
from tidings.engine.orgs import Orgs
from tidings.engine.pull.pulls import Pulls
from tidings.engine.readiness import Readiness
from tidings.engine.replay.requests import ReplayRequests
from tidings.engine.replay.runs import Replays
from tidings.engine.retention import PART as RETENTION
from tidings.engine.retention import Retention
from tidings.engine.shaping.cuts import PersonalCuts
from tidings.engine.shaping.enricher import Enricher
from tidings.engine.shaping.platform import Platform, counters, gauges
from tidings.engine.shaping.reference import Reference
from tidings.engine.shaping.shaper import Shaper, Shaping
from tidings.engine.shaping.transformations import Transformations
from tidings.engine.sources.conflicts import ConflictFinder
from tidings.engine.sources.inbound import Inbound
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.kept_activity import PART as SOURCE_FIGURES
from tidings.engine.sources.kept_activity import KeptActivity
from tidings.engine.sources.message_reader import MessageReader
from tidings.engine.sources.outbox_tables import OutboxTables
from tidings.engine.sources.pumps import Pumps
from tidings.engine.sources.sources import Sources
from tidings.engine.supervisor import Job, Supervisor
from tidings.engine.threads import OFFLOAD, ThreadOffload
from tidings.engine.webhooks.judgements import WebhookJudgements
from tidings.engine.webhooks.secret_ends import PART as SECRET_ENDS
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.ports import Options, Ports, StepRunner


@dataclass(frozen=True, kw_only=True)
class App:
    """The parts, as faces and tests use them."""

    ports: Ports
    heard: EngineListeners
    registry: Registry
    changes: Changes
    orgs: Orgs
    access: AccessServices
    event_types: EventTypes
    transformations: Transformations
    reference: Reference
    shaper: Shaping
    actions: ActionServices
    webhooks: Webhooks
    inboxes: Inboxes
    connections: NamedConnections
    sources: Sources
    pumps: Pumps
    kept_activity: KeptActivity
    inbound: Inbound
    keyed_calls: KeyedCalls
    acceptor: Acceptor
    reader: CallReader[Draft]
    late: LateChecks
    destination: GuardedDestination
    headers_of: HeadersOf
    pulls: Pulls
    engine: Engine
    judgements: WebhookJudgements
    stops: Stops
    replays: Replays
    replay_requests: ReplayRequests
    restored_backlog: RestoredBacklog
    manual_retries: ManualRetries
    trial: Trial
    readmission: Readmission
    consents: Consents
    notices: Notices
    feed: Feed
    terms: Terms
    background: BackgroundTasks
    heartbeats: Heartbeats
    offload: ThreadOffload
    readiness: Readiness
    collectors: Sequence[Collector] = field(default=())

    async def load(self, through: StepRunner) -> None:
        """Take up what is stored. StoreDown, VaultRefused."""
        store = self.ports.store
        self.event_types.load(await through(store.load_types))
        self.transformations.load(await through(store.load_transformations))
        snapshot = await through(store.load)
        self.orgs.load(snapshot)
        self.access.load(snapshot, await through(store.load_people))
        self.webhooks.load(snapshot)
        await through(self.sources.load)

    async def start(self, through: StepRunner, *, hold: bool = False) -> None:
        """Recover what a former owner has left, and work. With `hold` nothing is sent."""
        heartbeats = self.heartbeats
        heartbeats.watch_work(OFFLOAD, self.offload.silent_s)
        heartbeats.watch_work(FEED, self.feed.silent_s)
        heartbeats.watch_work(SECRET_ENDS, self.webhooks.overdue_secrets_s)
        heartbeats.watch_work(BROKER_TASKS, self.destination.overdue_s)
        heartbeats.start()
        await through(self.stops.load)
        if hold:
            await through(lambda: self.stops.stop(EVERYTHING, HOLD))
        await through(self.webhooks.disable_owed)
        await through(self.engine.start)
        await through(self.replays.start)
        self.webhooks.resume()
        await through(self.inboxes.load)
        self.inboxes.start()
        self.pumps.start()
        self.access.upkeep.start()
        self.background.start()
        self.actions.begin()

    async def stop(self) -> bool:
        """Start nothing more, wait for what is under way, write what is known; whether all of it
        is written. Nothing that was accepted is lost by any kind of stop."""
        self.feed.close()
        self.pulls.end_waits()
        await self.pumps.stop()
        await self.replays.stop()
        await self.background.stop()
        await self.kept_activity.save()
        self.pulls.give_back()
        written = await self.engine.stop()
        await self.webhooks.close()
        await self.reference.close()
        await self.actions.close()
        await self.inboxes.close()
        await self.access.upkeep.stop()
        self.heartbeats.stop()
        return written


def build(ports: Ports, options: Options) -> App:
    """Make every part. Runs in the event loop that they will work in."""
    store, clock, addresses, limits = ports.store, ports.clock, ports.addresses, options.limits
    registry, feed, metrics, heard = Registry(), Feed(), EngineMetrics(), nobody_yet()
    heartbeats = Heartbeats(slice_s=options.rest_slice_s)
    supervisor, errors, offload = Supervisor(heartbeats), UnforeseenErrors(), ThreadOffload()
    doors, terms, tokens = Doors(ports.keys.terms), Terms(ports.keys.terms), set[str]()
    changes, late = Changes(store, registry), LateChecks(ports.sandboxes)
    event_types = EventTypes(
        late=late,
        offload=offload,
        catalogue=ports.catalogue,
        envelope=envelope(),
        store=store,
        changes=changes,
        below=registry.below,
        users=registry.subscribers,
    )
    orgs = Orgs(store=store, registry=registry, changes=changes, clock=clock)
    access = AccessServices.compose(
        store=store,
        orgs=orgs,
        changes=changes,
        clock=clock,
        token_key=ports.keys.tokens,
        supervisor=supervisor,
        random_bytes=ports.random_bytes,
        passwords=ports.passwords,
        now_s=ports.passed_s,
    )
    reference = Reference(store=store, vault=ports.vault, others=lambda: metrics.written)
    transformations = Transformations(
        store=store, changes=changes, renderer=ports.sandboxes, users=registry.transformed_by
    )
    enricher = Enricher(kind_of=event_types.kind_of, reference=reference, platform=ports.platform)
    actions = ActionServices.compose(
        actions=ports.actions,
        org=ports.actions_org,
        warnings=ports.actions_warnings,
        sources=ports.lookups,
        store=store,
        registry=registry,
        renderer=ports.sandboxes,
        clock=clock,
    )
    shaper = ports.shaping or Shaper(
        enricher=enricher,
        templates=transformations,
        renderer=ports.sandboxes,
        actions=actions.preparation,
        cuts=PersonalCuts(event_types.kind_of),
        failed=lambda error, kind: errors.note(error, Step.SHAPE, kind),
        offload=offload,
    )
    commits, headers_of, outboxes, named_connections = (
        CommitQueue(limits.waiting_bytes_max, limits.waiting_s_max),
        partial(MessageHeaders, first_hop=doors.first_hop),
        OutboxTables(ports.connections, registry, ports.actions, ports.actions_org),
        NamedConnections(ports.connections, ports.connection_types, clock),
    )
    acceptor = Acceptor(ports.catalogue, terms, commits, event_types, LoopGuard(doors))

    def mailed(org: OrgId) -> list[str]:
        return mailed_by(registry.of_org(org), ports.connections)

    consents = Consents(
        orgs=orgs,
        clock=clock,
        key=ports.keys.consents,
        base=options.public_url,
        mailed=mailed,
    )
    emails = Emails(
        store=store,
        clock=clock,
        addresses=consents.told,
        mailer=ports.mailer,
        awaits=consents.awaits,
        link=consents.link,
    )
    notices = Notices(
        accept=acceptor.accept,
        clock=clock,
        registry=registry,
        emails=emails,
        parked=heard.parked,
        actions=actions.of,
    )
    watch = ConnectionWatch(
        registry=registry,
        connection_of=lambda webhook: connection_of(webhook, actions.of(webhook.org)),
        probe=named_connections.probe,
        clock=clock,
        moved=heard.held,
        tell=notices.tell,
    )
    healths = Healths(
        store=store,
        registry=registry,
        clock=clock,
        owners=notices,
        parked=heard.parked,
        passed_s=asyncio.get_running_loop().time,
        sure=lambda: sure(clock),
        policy=limits.health,
        connections=watch,
        held=heard.held,
    )

    def refusal(url: str) -> str | None:
        return None if addresses.inbox_token(url) in tokens else addresses.refusal(url)

    async def unresolved(url: str) -> str | None:
        return None if addresses.inbox_token(url) else await addresses.unresolved(url)

    def failing_since_ms(webhook: int) -> int | None:
        health = healths.of(webhook)
        return None if health is None else health.failing_since_ms

    webhooks = Webhooks(
        store=store,
        registry=registry,
        changes=changes,
        vault=ports.vault,
        clock=clock,
        random_bytes=ports.random_bytes,
        event_types=event_types.names,
        check_url=refusal,
        own_path=addresses.own_path,
        is_read_back=outboxes.is_read,
        unresolved=unresolved,
        changed=heard.changed,
        owners=notices,
        failing_since_ms=failing_since_ms,
        transformations=transformations.names,
        aliases=ports.catalogue.aliases,
        kind=event_types.get,
        admits_unknown=lambda org: orgs.settings(org).unknown_types == "admitted",
        connections=ports.connections,
        check_template=ports.sandboxes.check,
        in_file=lambda org, name: name in actions.of(org),
    )
    inboxes = Inboxes(
        store=store,
        clock=clock,
        random_bytes=ports.random_bytes,
        url_of=addresses.inbox_url,
        tokens=tokens,
        supervisor=supervisor,
        secrets_at=lambda org, url: [
            one for same in addresses.inbox_urls(url) for one in webhooks.secrets_at(org, same)
        ],
        headers_at=lambda org, url: {
            one for same in addresses.inbox_urls(url) for one in webhooks.headers_at(org, same)
        },
    )
    pulls = Pulls(lambda: ports.random_bytes(16).hex())
    reader = CallReader(
        Draft,
        ports.catalogue,
        orgs.rules,
        ports.new_event_id,
        options.calls,
        event_types.own,
    )
    new_events = NewEventsDriver(
        intake=acceptor, reader=reader, late=late, clock_ms=clock.now_ms, doors=doors
    )
    own: dict[str, Driver] = {PULL: pulls, EVENTS: new_events}
    destination = GuardedDestination(
        ports.destination(inboxes.receive, own, consents.has_agreed), errors
    )
    stops = Stops(store=store, clock=clock, switched=heard.switched)
    engine = Engine(
        store=store,
        registry=registry,
        commits=commits,
        healths=healths,
        destination=destination,
        clock=clock,
        rng=ports.rng,
        shaper=shaper,
        disable=webhooks.disable,
        stopped=stops.is_stopped,
        ended=notices.ended,
        heard=heard,
        feed=feed,
        metrics=metrics,
        limits=limits,
        in_flight=ports.in_flight,
        supervisor=supervisor,
        errors=errors,
        headers_of=headers_of,
        connections=watch,
    )
    pulls.ask, webhooks.probe = engine.dispatcher.ask, engine.dispatcher.probe
    actions.serve(engine, metrics, notices.tell, clock, limits.health.first_after_ms)
    metrics.gauges.update(
        readers_waiting=("Readers that wait for messages.", lambda: pulls.readers),
        pulled_out=("Messages that readers have under leases.", lambda: pulls.messages_out),
    )
    replays = Replays(
        store=store,
        registry=registry,
        commits=commits,
        lanes=engine.dispatcher,
        stops=stops,
        ordering_key=acceptor.ordering_key,
        kind_of=event_types.kind_of,
        tell=_both(feed, notices),
        changed=heard.changed,
        switched=heard.switched,
        supervisor=supervisor,
    )
    retention = Retention(
        store=store,
        clock=clock,
        sure=lambda: sure(clock),
        retentions=lambda: {org.id: orgs.settings(org.id).retention for org in orgs.all()},
    )
    lag = LoopLag(
        lambda lag_s: heartbeats.raise_notice(
            "loop blocked",
            f"Within the last hour Tidings stood still for {lag_s:.0f} s: nothing was accepted or "
            "sent meanwhile. Look at the processors and the memory of its machine.",
            for_s=BLOCKED_TOLD_S,
        )
    )
    background: dict[Part, Job] = {
        RETENTION: retention.run,
        NOTICES: notices.run,
        LOOP_LAG: lag.run,
        SLOTS: engine.dispatcher.slot_watch.run,
        CONNECTIONS: watch.run,
    }
    if ports.mailer is not None:
        asks = ConsentEmails(orgs=orgs, clock=clock, emails=emails, mailed=mailed)
        heard.changed.add(asks.webhook_changed)
        background |= {EMAILS: emails.run, CONSENT_EMAILS: asks.run}
    _measure(metrics, acceptor.loops, reference, enricher, ports.platform, lag, stops, replays)
    sources = Sources(
        store=store,
        vault=ports.vault,
        intake=SourceIntake(
            store=store,
            intake=acceptor,
            messages=MessageReader(
                reader=reader, late=late, mapper=ports.sandboxes, clock_ms=clock.now_ms, doors=doors
            ),
            conflicts=ConflictFinder(store, doors),
            clock_ms=clock.now_ms,
            throttle=access.limits,
            tell=notices.tell,
        ),
        connections=ports.connections,
        outboxes=outboxes,
    )
    background |= {SOURCE_FIGURES: (kept_activity := KeptActivity(store, sources)).run}
    return App(
        ports=ports,
        heard=heard,
        registry=registry,
        changes=changes,
        orgs=orgs,
        access=access,
        event_types=event_types,
        transformations=transformations,
        reference=reference,
        shaper=shaper,
        actions=actions,
        webhooks=webhooks,
        inboxes=inboxes,
        connections=named_connections,
        sources=sources,
        pumps=Pumps(
            sources,
            ports.source_drivers,
            ports.connections,
            notices.tell,
            limits.health.first_after_ms,
            supervisor,
        ),
        kept_activity=kept_activity,
        inbound=Inbound(
            named=sources.named,
            intake=sources.intake,
            clock_ms=clock.now_ms,
            key=ports.keys.tokens,
        ),
        keyed_calls=KeyedCalls(store, ports.vault),
        acceptor=acceptor,
        reader=reader,
        late=late,
        destination=destination,
        headers_of=headers_of,
        pulls=pulls,
        engine=engine,
        judgements=WebhookJudgements(
            healths, registry, metrics, ActionTroubles(actions, registry), watch
        ),
        stops=stops,
        replays=replays,
        replay_requests=ReplayRequests(
            store=store, webhooks=webhooks, terms=terms, below=registry.below
        ),
        restored_backlog=RestoredBacklog(store=store, commits=commits, stops=stops),
        manual_retries=ManualRetries(store, engine.dispatcher),
        trial=Trial(
            destination=destination,
            shaper=shaper,
            clock=clock,
            errors=errors,
            headers_of=headers_of,
            succeeded=engine.dispatcher.succeeded_outside,
        ),
        readmission=Readmission(
            store=store, intake=acceptor, reader=reader, clock_ms=clock.now_ms, late=late
        ),
        consents=consents,
        notices=notices,
        feed=feed,
        terms=terms,
        background=BackgroundTasks(supervisor, background, notices.flush),
        heartbeats=heartbeats,
        offload=offload,
        readiness=Readiness(engine, stops, heartbeats),
        collectors=(metrics, heartbeats, retention, notices, access.access.guard, sources),
    )


def _both(feed: Feed, notices: Notices) -> Callable[[str, OrgId, dict[str, object]], None]:
    """A replay's end goes to who watches, and to who subscribes."""

    def tell(kind: str, org: OrgId, fact: dict[str, object]) -> None:
        feed.tell(org, "replay", fact)
        notices.tell(kind, org, fact)

    return tell


def _measure(
    metrics: EngineMetrics,
    loops: LoopGuard,
    reference: Reference,
    enricher: Enricher,
    platform: Platform | None,
    lag: LoopLag,
    stops: Stops,
    replays: Replays,
) -> None:
    """What the metrics ask of other parts than the engine."""
    metrics.gauges.update(
        reference_cache_bytes=(
            "Reference data in memory, about.",
            lambda: reference.cached_bytes,
        ),
        loop_lag_seconds=("The latest that a timer came, of the last minute.", lag.worst_s),
        sending_stopped=(
            "1 while all sending is stopped.",
            lambda: stops.of(EVERYTHING) is not None,
        ),
        orgs_stopped=("Orgs whose sending is stopped.", lambda: stops.orgs),
        replays_open=("Replays and cancels with work left.", lambda: replays.open),
    )
    metrics.counters["events_stopped"] = (
        "Events that had come back too often: kept, and sent to nobody.",
        lambda: loops.stopped,
    )
    metrics.counters["loop_blocked"] = (
        "How often the event loop stood still for 2 s and more.",
        lambda: lag.blocked,
    )
    metrics.counters["enrichment_thin"] = (
        "Messages sent thin because the platform did not answer.",
        lambda: enricher.thin,
    )
    if platform is not None:
        metrics.counters.update(counters(platform))
        metrics.gauges.update(gauges(platform))
