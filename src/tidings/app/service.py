"""The service: adapters picked, the app built over them, and the order of its start and its end."""

import asyncio
import gc
import math
import os
import random
import shutil
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from tidings import catalogue
from tidings.api.control import make_control_app
from tidings.api.http.answer_headers import ALL
from tidings.api.http.body_guard import BodyGuard
from tidings.api.http.front import Front
from tidings.api.http.gate import HttpGate, keeps
from tidings.api.http.known_callers import KnownCallers
from tidings.api.http.stream_places import StreamPlaces
from tidings.api.v1.events.accept import AcceptApp
from tidings.api.v1.inbound import SenderCalls
from tidings.app.addresses import OwnAddresses
from tidings.app.client_libraries import import_clients
from tidings.app.connection_types import CONNECTION_TYPES
from tidings.app.descriptors import Shares, share_out, share_with_door
from tidings.app.drivers import destinations, source_drivers
from tidings.app.engine_options import options_of
from tidings.app.faces import inbox_host, metrics_readers, request_ids, services_of
from tidings.app.first_access import console_link, first_credential, first_org
from tidings.app.keys.key_check import KeyCheck
from tidings.app.machine import file_limit
from tidings.app.memory_shortage import MemoryShortage
from tidings.app.operator_files.alerts import load_alerts
from tidings.app.operator_files.connections import load_connections
from tidings.app.operator_files.sources import declare_sources, is_nowhere
from tidings.app.outbound_clients import make_mailer, make_platform, make_sender, make_tracing
from tidings.app.service_actions import ServiceActions, build_actions
from tidings.app.start_retry import StartStepRunner
from tidings.compose import App, build
from tidings.console.frame import COOKIE, HOST_COOKIE
from tidings.console.routes import console_routes
from tidings.core.access.body_budget import BodyBudget
from tidings.core.access.forwarded import Proxies
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.core.running.lease import OwnerLease
from tidings.core.running.restarts import AGAIN_CODE
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.port import Driver
from tidings.egress.inbox import InboxSender
from tidings.egress.port import Poster, Receive
from tidings.egress.sender import HttpSender
from tidings.engine.access.passwords import Passwords
from tidings.engine.actions.kept_lists import KeptLists
from tidings.engine.clock import Clock, service_clock
from tidings.engine.events.commit_queue import UNWRITTEN_MAX
from tidings.engine.metrics import EngineMetrics
from tidings.engine.pull.pulls import OUT_MAX
from tidings.engine.running.supervisor import Supervisor
from tidings.engine.threads import POOL, ThreadProbe
from tidings.engine.vault import SealedSecret, Vault
from tidings.ports import Declared, Departure, Outside, Ports, Randomness, Secrets, Times
from tidings.server import Bounds, HttpServer
from tidings.settings.settings import Settings
from tidings.sources.port import SourceDriver
from tidings.store.hosting.client import HostedStore
from tidings.store.sql.delivery.in_flight import InFlightFile
from tidings.transform.renderer import ProcessRenderer

if TYPE_CHECKING:
    from tidings.app.cells.membership import Membership
    from tidings.app.cells.orgs_of_files import OrgsOfFiles

SERVER_STOP_S = 5.0

log = structlog.get_logger(__name__)


class RunningService:
    """The running service: an app, its faces behind a server, and the adapters below it."""

    def __init__(
        self,
        settings: Settings,
        store: HostedStore,
        app: App,
        server: HttpServer,
        console_link: str | None,
        closers: Sequence[Callable[[], Awaitable[None]]],
        shortage: MemoryShortage,
        membership: "Membership | None" = None,
    ) -> None:
        """`console_link` is printed at the start; `closers` end the adapters beside the store."""
        self._membership = membership
        self._shortage = shortage
        self._settings = settings
        self._store = store
        self._app = app
        self._server = server
        self._console_link = console_link
        self._closers = closers

    @classmethod
    async def compose(
        cls,
        settings: Settings,
        store: HostedStore,
        lease: OwnerLease,
        master: SealedSecret,
        through: StartStepRunner,
        hold: bool = False,
        membership: "Membership | None" = None,
    ) -> "RunningService":
        """Build the service: load and recover everything, but open no port.

        Nothing leaves without the `lease`. All keys are derived from `master`, but for those that
        the store keeps. `through` takes each step that the disk can refuse; such a step is whole or
        not done. With `hold` sending is stopped for all orgs before anything is sent. `membership`:
        of a process that owns one cell of several.
        """
        clock = service_clock()
        files, door = file_limit(), share_with_door(file_limit())
        files -= 0 if membership is None else sum(door)
        shares = share_out(files, settings.connections_max, settings.in_flight_max)
        types = catalogue.load()
        types.prepare_all()
        sender = make_sender(settings, shares.outbound, lease)
        addresses = OwnAddresses(settings, sender)
        renderer = ProcessRenderer()
        outside, closers = await _outside(settings, lease, clock, addresses.poster())
        key_check = KeyCheck(settings if membership is None else membership.whole, master, store)
        vault, keys = await through(key_check.unlock)  # before the store is used for anything else
        if membership is not None:
            membership.join(master, store.owner, lease, door, clock.now_ms)
            closers = [*closers, membership.close]
            await membership.admit(master, keys.audit, store, through)
        drivers = source_drivers(store, await through(store.installation))
        orgs = None if membership is None else membership.orgs_of_files()
        connections = _connections(settings, membership)
        actions = build_actions(
            settings,
            types,
            connections,
            admits_unknown=bool(await through(store.load_types)),
            is_here=orgs is None
            or await through(lambda: orgs.has_actions(settings, types, connections, store)),
            sender=sender,
            target_of=addresses.target,
            now_s=lambda: clock.now_ms() / 1000,
            lists=KeptLists(store, vault),
        )
        await import_clients({connection.kind for connection in actions.connections.values()})

        app = build(
            Ports(
                store=store if membership is None else membership.directed(store, clock.now_ms),
                departure=_departure(settings, lease, store.owner),
                catalogue=types,
                times=Times(clock, time.monotonic),
                randomness=Randomness(random.SystemRandom(), os.urandom, lambda: str(uuid.uuid4())),
                secrets=Secrets(keys, vault, Passwords()),
                addresses=addresses,
                destination=_destination(sender, addresses, clock, actions),
                sandboxes=renderer,
                outside=outside,
                declared=_declared(settings, actions, drivers),
            ),
            options_of(settings, shares),
        )
        for process in (*store.processes(), *renderer.processes()):
            app.base.heartbeats.watch(process)
        probe = Supervisor(app.base.heartbeats).start(POOL, ThreadProbe().run)
        await key_check.guard(through, app.load)
        is_first = membership is None or membership.is_first
        await through(lambda: _first_access(settings, app, actions.org_of_file, orgs, is_first))
        await _declare(through, settings, app, actions, vault, orgs)
        shortage = MemoryShortage(app.base.heartbeats)
        server = _server(settings, app, shares, shortage, membership)
        await app.start(through, hold=hold)
        is_begun = membership is None or membership.is_begun_by_operator
        link = await through(lambda: console_link(settings, app.access)) if is_begun else None
        closers = [*closers, probe.stop, actions.close, renderer.close, sender.close]
        return cls(settings, store, app, server, link, closers, shortage, membership)

    async def run(self, ended: "asyncio.Future[int]") -> int:
        """Serve until told to end, or until a part of it has ended by itself."""
        settings, engine = self._settings, self._app.delivery.engine
        asyncio.get_running_loop().set_exception_handler(self._shortage.handle)
        if self._membership is not None:
            await self._membership.begin(self._app)
        self._server.start()
        gc.collect()
        gc.freeze()  # what was composed stays; only what calls make is looked through
        gc.set_threshold(50_000, 20, 50)
        gc.enable()
        place = f"http://{settings.host}:{settings.port}"
        if self._membership is not None:
            place += f" for cell {self._membership.installation.cell}"
            self._membership.say_ready()
        print(f"Tidings listens on {place}", file=sys.stderr)
        if (stopped := self._app.delivery.stops.start_notice()) is not None:
            print(stopped, file=sys.stderr)
        if self._console_link is not None:
            print(
                f"Open the console: {self._console_link}\n"
                "The link signs in once, within 10 minutes, as the platform's own credential.",
                file=sys.stderr,
            )
        parts: set[asyncio.Future[Any]] = {ended, engine.ended}
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            if ended.result() not in (0, AGAIN_CODE):
                print("The store's process has ended. Tidings stops.", file=sys.stderr)
            return ended.result()
        part = engine.ended
        if part.done() and not part.cancelled() and (error := part.exception()) is not None:
            log.error("a part of the service has ended", error=repr(error))
        return 1

    async def stop(self) -> None:
        """Stop in order; nothing that was accepted is lost by any kind of stop."""
        self._app.events.feed.close()  # streams end, which the server would wait for
        self._app.delivery.pulls.end_waits()  # and so do readers
        stops = [self._server.stop(SERVER_STOP_S)]
        if self._membership is not None:
            stops.append(self._membership.leave(SERVER_STOP_S))
        await asyncio.gather(*stops)
        written = await self._app.stop()
        for close in self._closers:
            await close()
        await self._store.close(clean=written)


async def _outside(
    settings: Settings, lease: OwnerLease, clock: Clock, poster: Poster
) -> tuple[Outside, list[Callable[[], Awaitable[None]]]]:
    """Make the clients of services of others, and what closes them."""
    platform, closers = make_platform(settings, clock)
    tracing, close_tracing = await make_tracing(settings)
    outside = Outside(
        platform=platform, mailer=make_mailer(settings, lease), poster=poster, tracing=tracing
    )
    return outside, [*closers, close_tracing]


def _departure(settings: Settings, lease: OwnerLease, owner: int) -> Departure:
    """Build what is asked, and noted, before anything leaves."""
    kept = settings.in_flight_max + OUT_MAX + UNWRITTEN_MAX
    return Departure(lease, InFlightFile(settings.data, kept, owner=owner))


def _destination(
    sender: HttpSender, addresses: OwnAddresses, clock: Clock, actions: ServiceActions
) -> Callable[[Receive, Mapping[str, Driver], Callable[[OrgId, str], bool]], DriverDispatch]:
    """Return what makes the way to all destinations, once those who hear of messages are there."""

    def make(
        receive: Receive, own: Mapping[str, Driver], agreed: Callable[[OrgId, str], bool]
    ) -> DriverDispatch:
        inside, over = InboxSender(sender, receive), actions.connections
        return destinations(inside, addresses.target, clock, over, own, agreed, actions.driver)

    return make


def _connections(settings: Settings, membership: "Membership | None") -> Connections:
    """Read the operator's connections; with several cells this process has its part of each."""
    connections = load_connections(settings.connections, CONNECTION_TYPES)
    return connections if membership is None else connections.shared_by(membership.count_cells())


async def _first_access(
    settings: Settings,
    app: App,
    org_of_file: OrgId | None,
    orgs: "OrgsOfFiles | None",
    is_first: bool,
) -> None:
    """Have the platform's first credential, but where its org has left for another cell: there the
    one that the settings give is as they give it."""
    org = first_org(settings, org_of_file)
    if is_first:
        is_here = orgs is None or not await orgs.has_left(org, app.orgs)
    else:
        is_here = settings.bootstrap_key is not None and app.orgs.get(org) is not None
    if is_here:
        await first_credential(settings, app.access.access, org_of_file)


async def _declare(
    through: StartStepRunner,
    settings: Settings,
    app: App,
    actions: ServiceActions,
    vault: Vault,
    orgs: "OrgsOfFiles | None",
) -> None:
    """Declare what the operator's files name: lists, actions and sources. `orgs`: knows those that
    are in other cells."""
    await through(lambda: actions.keep_lists(settings.data, vault))
    await through(lambda: actions.declare(app))
    await through(
        lambda: declare_sources(
            settings.sources,
            app.sources.sources,
            lambda org: app.orgs.get(org) is not None,
            besides=actions.sources(),
            is_elsewhere=is_nowhere if orgs is None else orgs.is_elsewhere,
        )
    )


def _declared(
    settings: Settings, actions: ServiceActions, drivers: Mapping[str, SourceDriver]
) -> Declared:
    """Put together what the operator has declared, and who reaches it."""
    return Declared(
        connections=actions.connections,
        connection_types=CONNECTION_TYPES,
        source_drivers=drivers,
        actions=actions.declared(),
        lookups=actions.lookups,
        alerts=load_alerts(settings.alerts),
    )


def _measure_disk(metrics: EngineMetrics, directory: Path) -> None:
    """Have the disk of a directory measured whenever the metrics are read."""

    def ask(part: str) -> float:
        try:
            return float(getattr(shutil.disk_usage(directory), part))
        except OSError:  # it is away: the other figures are shown all the same
            return math.nan

    metrics.gauges["disk_free_bytes"] = lambda: ask("free")
    metrics.gauges["disk_bytes"] = lambda: ask("total")


def _accept_app(settings: Settings, app: App, front: Front, bodies: BodyGuard) -> AcceptApp:
    """Make the application that accepts events."""
    return AcceptApp(
        app.events.acceptor,
        app.events.reader,
        app.access.access,
        clock_ms=app.base.clock.now_ms,
        new_request_id=request_ids(),
        body_s=settings.call_s_max,
        throttle=app.access.limits,
        late=app.events.late,
        bodies=bodies,
        timings=app.base.metrics.accepts,
        observe_org=app.base.metrics.orgs.answered,
        address_of=front.address,
        origins_of=front.origins,
        tracing=app.ports.outside.tracing,
    )


def _server(
    settings: Settings,
    app: App,
    shares: Shares,
    shortage: MemoryShortage,
    membership: "Membership | None",
) -> HttpServer:
    """The faces of the app behind a server that has not begun."""
    _measure_disk(app.base.metrics, settings.data)
    proxies = Proxies(settings.trusted_proxies)
    front = Front(proxies, settings.public_url or "")
    services = services_of(
        app,
        public_url=settings.public_url or "",
        metrics_readers=metrics_readers(settings),
        streams=StreamPlaces(shares.places // 4),
        bodies=BodyGuard(BodyBudget(settings.call_bytes_max)),
        others=None if membership is None else membership.look_over(app, request_ids()),
        moves=None if membership is None else membership.moves,
        cells=None if membership is None else membership.cells,
    )
    accept = _accept_app(settings, app, front, services.web.bodies)
    control = make_control_app(services)
    control.router.routes.extend(console_routes(services, plain_http=settings.dev))
    gate = HttpGate(
        accept,
        control,
        inbox_host(settings),
        front,
        shortage.note,
        direct=accept,
        senders=SenderCalls(services, request_ids()),
    )
    known = KnownCallers(app.access.access, app.access.sessions, (COOKIE, HOST_COOKIE)).of
    remote = (lambda peer, headers: proxies.origin_of(peer, headers).address) if proxies else None
    shared = None
    if membership is not None:
        shared = membership.share_port(
            app,
            services,
            gate,
            control.router.routes,
            known,
            remote,
            settings.call_s_max,
            request_ids(),
        )
    return HttpServer(
        gate if shared is None else shared.gate,
        host=settings.host,
        port=settings.port,
        bounds=Bounds(
            places=shares.places,
            spare=shares.spare,
            per_address=shares.places // 2,
            grace_s=settings.call_s_max,
        ),
        direct=gate if shared is None else shared.gate,
        keeps=keeps,
        known=known,
        remote=remote,
        shared=proxies.trusts if proxies else None,
        headers=ALL,
        admit=None if shared is None else shared.admit,
        listening=None if shared is None else shared.listening,
    )
