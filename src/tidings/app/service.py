"""The service: everything composed, in the order in which it starts and stops."""

import asyncio
import gc
import os
import random
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from tidings import catalogue
from tidings.api.context import Services
from tidings.api.control import make_control_app
from tidings.api.http.answer_headers import ALL
from tidings.api.http.front import Front
from tidings.api.http.gate import Gate, keeps
from tidings.api.http.stream_places import StreamPlaces
from tidings.api.v1.events.accept import AcceptApp
from tidings.app.descriptors import share_out
from tidings.app.machine import file_limit
from tidings.app.parts import (
    console_link,
    derived_key,
    first_credential,
    inbox_host,
    make_enricher,
    make_jobs,
    make_mailer,
    make_platform,
    make_policy,
    metrics_readers,
    own_address,
    request_ids,
    tell_both,
    terms_key,
)
from tidings.app.waiting import Through
from tidings.console.routes import console_routes
from tidings.core.access.forwarded import Proxies
from tidings.core.delivery.health import Policy as HealthPolicy
from tidings.core.events.call_split import Limits as CallLimits
from tidings.core.events.terms import Terms
from tidings.core.webhooks.registry import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.address import TargetRefused, check_target, parse_target
from tidings.egress.inbox import InboxSender
from tidings.egress.port import Target
from tidings.egress.sender import HttpSender
from tidings.engine.access.access_services import AccessServices
from tidings.engine.changes import Changes
from tidings.engine.clock import service_clock
from tidings.engine.delivery.dispatcher import UNWRITTEN_MAX
from tidings.engine.delivery.manual_retries import ManualRetries
from tidings.engine.delivery.stops import EVERYTHING, HOLD, Stops
from tidings.engine.delivery.taken import TakeAsDelivered
from tidings.engine.delivery.trial import Trial
from tidings.engine.engine import Engine, Limits
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.feed import Feed
from tidings.engine.events.late_checks import LateChecks
from tidings.engine.events.readmission import Readmission
from tidings.engine.inboxes import Inboxes
from tidings.engine.jobs import Jobs
from tidings.engine.metrics import EngineMetrics
from tidings.engine.notices.consents import Consents
from tidings.engine.orgs import Orgs
from tidings.engine.replay.requests import ReplayRequests
from tidings.engine.replay.runs import Replays
from tidings.engine.rereading import reread_from
from tidings.engine.shaping.reference import Reference
from tidings.engine.shaping.shaper import Shaper
from tidings.engine.shaping.transformations import Transformations
from tidings.engine.vault import Vault
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.server import Bounds, Server
from tidings.settings import Settings, public_url
from tidings.store.port import FAN_OUT_ROWS
from tidings.store.sqlite.delivery.in_flight import InFlightFile
from tidings.store.sqlite.hosting.client import SqliteStore
from tidings.transform.renderer import ProcessRenderer

TOKENS_PURPOSE, CONSENTS_PURPOSE = b"tidings.tokens", b"tidings.consents"
SERVER_STOP_S = 5.0

log = structlog.get_logger("tidings")


class Service:
    """The running service: what was composed, in the order in which it stops."""

    def __init__(
        self,
        settings: Settings,
        store: SqliteStore,
        engine: Engine,
        webhooks: Webhooks,
        sender: HttpSender,
        feed: Feed,
        server: Server,
        closers: Sequence[Callable[[], Awaitable[None]]] = (),
        replays: Replays | None = None,
    ) -> None:
        self._settings = settings
        self._store = store
        self._engine = engine
        self._webhooks = webhooks
        self._sender = sender
        self._feed = feed
        self._server = server
        self._closers = closers
        self._replays = replays
        self.jobs: Jobs | None = None  # set once by `compose`
        self.stopped: Callable[[], str | None] = lambda: None  # set by `compose`
        self.console_link: str | None = None  # printed at the start; set by `compose` for --dev

    @classmethod
    async def compose(
        cls, settings: Settings, store: SqliteStore, through: Through, hold: bool = False
    ) -> "Service":
        """Everything, loaded and recovered, but for the open port.

        `through` takes each step that the disk can refuse; such a step is whole or not done. With
        `hold` sending is stopped for all orgs before anything is sent.
        """
        clock, registry, feed, engine_metrics = service_clock(), Registry(), Feed(), EngineMetrics()
        terms = Terms(terms_key(settings.data))
        types = catalogue.load()
        types.prepare_all()
        changes = Changes(registry)
        policy = make_policy(settings)
        shares = share_out(file_limit(), settings.connections_max, settings.in_flight_max)
        sender = HttpSender(policy, connections_max=shares.outbound)
        vault = Vault.in_directory(settings.data)
        orgs = Orgs(store=store, registry=registry, changes=changes, clock=clock)
        access_services = AccessServices.compose(
            store=store,
            orgs=orgs,
            changes=changes,
            clock=clock,
            token_key=derived_key(settings.data, TOKENS_PURPOSE),
        )

        async def unresolved(url: str) -> str | None:
            if address.token(url) is not None:
                return None
            return await sender.unresolved(parse_target(url, allow_http=settings.dev))

        def check_url(url: str) -> str | None:
            if inboxes.knows(address.token(url) or ""):
                return None
            try:
                check_target(parse_target(url, allow_http=settings.dev), policy)
            except TargetRefused as refusal:
                return str(refusal)
            return None

        renderer = ProcessRenderer()
        late = LateChecks(renderer)
        event_types = EventTypes(
            late=late,
            catalogue=types,
            envelope=catalogue.envelope(),
            store=store,
            changes=changes,
            below=registry.below,
            users=registry.subscribers,
        )
        reference = Reference(store=store, vault=vault, others=lambda: engine_metrics.written)
        platform, closers = make_platform(settings, clock)
        enricher = make_enricher(event_types, reference, platform, engine_metrics)
        closers.append(reference.close)
        closers.append(renderer.close)
        transformations = Transformations(
            store=store,
            changes=changes,
            renderer=renderer,
            users=lambda org, name: webhooks.transformed_by(org, name),
        )
        shaper = Shaper(enricher=enricher, templates=transformations, renderer=renderer)
        address = own_address(settings)
        inboxes = Inboxes(
            store=store,
            clock=clock,
            random_bytes=os.urandom,
            url_of=address.url,
            secrets_at=lambda org, url: [
                one for same in address.urls(url) for one in webhooks.secrets_at(org, same)
            ],
            headers_at=lambda org, url: {
                one for same in address.urls(url) for one in webhooks.headers_at(org, same)
            },
        )
        outlets = InboxSender(sender, inboxes.receive)

        def target_of(url: str) -> Target:
            return address.target(url) or parse_target(url, allow_http=True)

        engine = Engine(
            store=store,
            registry=registry,
            catalogue=types,
            event_types=event_types,
            sender=outlets,
            target_of=target_of,
            clock=clock,
            rng=random.SystemRandom(),
            terms=terms,
            gone=lambda webhook: webhooks.gone(webhook),
            hopeless=lambda webhook, reason: webhooks.hopeless(webhook, reason),
            feed=feed,
            metrics=engine_metrics,
            limits=Limits(
                waiting_bytes_max=settings.waiting_bytes_max,
                waiting_s_max=settings.waiting_s_max,
                window_bytes_max=settings.window_bytes_max,
                in_flight_max=shares.attempts,
                drain_s=settings.drain_s,
                per_event_max=settings.deliveries_at_once_max,
                fan_out_rows=min(FAN_OUT_ROWS, settings.deliveries_at_once_max),
                health=HealthPolicy(first_after_ms=settings.failing_told_after_s * 1000),
            ),
            shaper=shaper,
            noted=InFlightFile(settings.data, settings.in_flight_max + UNWRITTEN_MAX),
        )
        webhooks = Webhooks(
            store=store,
            registry=registry,
            changes=changes,
            vault=vault,
            clock=clock,
            random_bytes=os.urandom,
            event_types=event_types.names,
            check_url=check_url,
            unresolved=unresolved,
            on_change=lambda webhook: changed(webhook),
            transformations=transformations.names,
            aliases=types.aliases,
            kind=event_types.get,
            admits_unknown=lambda org: orgs.settings(org).unknown_types == "admitted",
        )
        mailer = make_mailer(settings)
        consents = Consents(
            orgs=orgs,
            clock=clock,
            key=derived_key(settings.data, CONSENTS_PURPOSE),
            base=public_url(settings),
        )
        notices, retention, jobs = make_jobs(
            engine, webhooks, orgs, store, clock, mailer, engine_metrics, consents
        )
        stops = Stops(store=store, clock=clock)
        engine.dispatcher.stopped = stops.holds
        replays = Replays(
            store=store,
            registry=registry,
            committer=engine.committer,
            lanes=engine.dispatcher,
            stops=stops,
            ordering_key=engine.acceptor.ordering_key,
            kind_of=event_types.kind_of,
            tell=tell_both(feed, notices),
        )

        def changed(webhook: Webhook | None = None) -> None:
            if webhook is None:
                engine.dispatcher.switched()
            else:
                engine.dispatcher.changed(webhook)
            replays.nudge()

        stops.changed = changed
        event_types.load(await through(store.load_types))
        transformations.load(await through(store.load_transformations))
        snapshot = await through(store.load)
        orgs.load(snapshot)
        access_services.load(snapshot, await through(store.load_people))
        webhooks.load(snapshot)
        reread_from(store, registry, changes, orgs=orgs, event_types=event_types, webhooks=webhooks)
        await through(lambda: first_credential(settings, access_services.access))
        proxies = Proxies(settings.trusted_proxies)
        front = Front(proxies, settings.public_url or "")
        metrics = CollectorRegistry()
        metrics.register(engine_metrics)
        metrics.register(retention)
        metrics.register(notices)
        metrics.register(access_services.access.guard)
        accept = AcceptApp(
            engine.acceptor,
            types,
            access_services.access,
            orgs.rules,
            clock_ms=clock.now_ms,
            new_event_id=lambda: str(uuid.uuid4()),
            new_request_id=request_ids(),
            limits=CallLimits(
                settings.call_bytes_max, settings.event_bytes_max, settings.events_per_call_max
            ),
            body_s=settings.call_s_max,
            throttle=access_services.limits,
            own=event_types.own,
            late=late,
            address_of=front.address,
            origins_of=front.origins,
        )
        services = Services(
            store=store,
            access=access_services.access,
            orgs=orgs,
            consents=consents,
            webhooks=webhooks,
            event_types=event_types,
            transformations=transformations,
            shaper=shaper,
            neo_values=transformations.choices,
            health_of=engine.healths.shown,
            next_attempt_of=engine.dispatcher.next_attempts.of,
            reference=reference,
            replays=replays,
            replay_requests=ReplayRequests(
                store=store, webhooks=webhooks, terms=terms, below=registry.below
            ),
            stops=stops,
            taken=TakeAsDelivered(store=store, committer=engine.committer, stops=stops),
            credentials=access_services.credentials,
            users=access_services.users,
            sessions=access_services.sessions,
            portals=access_services.portals,
            public_url=settings.public_url or "",
            metrics_readers=metrics_readers(settings),
            guard=access_services.guard,
            limits=access_services.limits,
            feed=feed,
            streams=StreamPlaces(shares.places // 4),
            clock=clock,
            health=engine,
            metrics=metrics,
            terms=terms,
            manual_retries=ManualRetries(store, engine.dispatcher),
            trial=Trial(sender=outlets, target_of=target_of, shaper=shaper, clock=clock),
            readmission=Readmission(
                store=store,
                intake=engine.acceptor,
                reader=accept.reader,
                clock_ms=clock.now_ms,
                late=late,
            ),
            inboxes=inboxes,
        )
        control = make_control_app(services)
        control.router.routes.extend(console_routes(services, plain_http=settings.dev))
        engine_metrics.gauges.update(
            sending_stopped=("1 while all sending is stopped.", lambda: stops.of(0) is not None),
            orgs_stopped=("Orgs whose sending is stopped.", lambda: stops.orgs),
            replays_open=("Replays and cancels with work left.", lambda: replays.open),
        )
        server = Server(
            Gate(accept, control, inbox_host(settings), front),
            host=settings.host,
            port=settings.port,
            bounds=Bounds(
                places=shares.places,
                spare=shares.spare,
                per_address=shares.places // 2,
                grace_s=settings.call_s_max,
            ),
            keeps=keeps,
            remote=(lambda peer, headers: proxies.told(peer, headers).address) if proxies else None,
            shared=proxies.trusts if proxies else None,
            headers=ALL,
        )
        await through(stops.load)
        if hold:
            await through(lambda: stops.stop(EVERYTHING, HOLD))
        await through(webhooks.disable_owed)
        await through(engine.start)
        await through(replays.start)
        webhooks.resume()
        await through(inboxes.load)
        inboxes.start()
        closers.append(inboxes.close)
        access_services.upkeep.start()
        closers.append(access_services.upkeep.stop)
        jobs.start()
        service = cls(settings, store, engine, webhooks, sender, feed, server, closers, replays)
        service.jobs = jobs
        service.stopped = stops.told
        service.console_link = await through(lambda: console_link(settings, access_services))
        return service

    async def run(self, ended: "asyncio.Future[int]") -> int:
        """Serve until told to end, or until a part of it has ended by itself."""
        settings = self._settings
        self._server.start()
        gc.collect()
        gc.freeze()  # what was composed stays; only what calls make is looked through
        gc.set_threshold(50_000, 20, 50)
        print(f"Tidings listens on http://{settings.host}:{settings.port}", file=sys.stderr)
        if (stopped := self.stopped()) is not None:
            print(stopped, file=sys.stderr)
        if self.console_link is not None:
            print(
                f"Open the console: {self.console_link}\n"
                "The link signs in once, within 10 minutes, as the platform's own credential.",
                file=sys.stderr,
            )
        parts: set[asyncio.Future[Any]] = {ended, self._engine.ended}
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            if ended.result():
                print("The store's process has ended. Tidings stops.", file=sys.stderr)
            return ended.result()
        part = self._engine.ended
        if part.done() and not part.cancelled() and (error := part.exception()) is not None:
            log.error("a part of the service has ended", error=repr(error))
        return 1

    async def stop(self) -> None:
        """Stop in order; nothing that was accepted is lost by any kind of stop."""
        self._feed.close()
        await self._server.stop(SERVER_STOP_S)
        if self._replays is not None:
            await self._replays.stop()
        if self.jobs is not None:
            await self.jobs.stop()
        written = await self._engine.stop()
        await self._webhooks.close()
        for close in self._closers:
            await close()
        await self._sender.close()
        await self._store.close(clean=written)
