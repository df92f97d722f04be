"""The composition root: the only place that knows which adapter is used.

The order of a start: directory lock and store, key, configuration into the registry, the
bootstrap credential, the engine (which recovers what the last owner left), then the port is opened.
A stop goes the other way: no new calls, no new attempts, wait for those under way, write what came
of them, close the store cleanly.
"""

import asyncio
import contextlib
import gc
import hashlib
import itertools
import logging
import os
import random
import resource
import signal
import socket
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from prometheus_client import CollectorRegistry

from tidings import catalogue
from tidings.api.accept import AcceptApp
from tidings.api.context import Services
from tidings.api.control import make_control_app
from tidings.api.gate import Gate
from tidings.core.call_split import Limits as CallLimits
from tidings.core.calls import IntakeRules
from tidings.core.registry import Registry
from tidings.core.terms import Terms
from tidings.egress.address import TargetRefused, check_target, parse_target
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender
from tidings.engine.access import Access
from tidings.engine.changes import Changes
from tidings.engine.clock import WallClock
from tidings.engine.engine import Engine, Limits
from tidings.engine.feed import Feed
from tidings.engine.figures import Figures
from tidings.engine.orgs import Orgs
from tidings.engine.vault import Vault, VaultRefused, read_or_make_key
from tidings.engine.webhooks import Webhooks
from tidings.settings import Settings
from tidings.store.sqlite.client import SqliteStore
from tidings.store.sqlite.database import StoreRefused

KEY_FILE = "key"
TERMS_PURPOSE = b"tidings.terms"
HEADER_READ_MS = 15_000
SERVER_STOP_S = 5.0
BACKLOG = 2048
# The server's and the client's threads need the interpreter for microseconds at a time; with the
# default of 5 ms they wait for it behind a busy loop. Measured at full load: 2,130 events/s and
# p99 115 ms with 5 ms or more, 2,500 and 55 ms with this.
SWITCH_S = 0.0001

log = structlog.get_logger("tidings")


def serve(settings: Settings) -> int:
    """Run the service until it is told to stop; the exit code of the process."""
    _log_to_stderr(settings.log_level)
    if (refusal := _port_refusal(settings)) is not None:
        print(refusal, file=sys.stderr)
        return 4
    try:
        return uvloop.run(_serve(settings))
    except (StoreRefused, VaultRefused) as refusal:
        print(refusal, file=sys.stderr)
        return 4


async def _serve(settings: Settings) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, 0)
    store = await SqliteStore.open(settings.data, lambda: end(1))
    try:
        service = await Service.compose(settings, store)
    except BaseException:
        await store.close(clean=False)
        raise
    try:
        code = await service.run(ended)
    finally:
        await service.stop()
    return code


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
    ) -> None:
        self._settings = settings
        self._store = store
        self._engine = engine
        self._webhooks = webhooks
        self._sender = sender
        self._feed = feed
        self._server = server
        self._serving: asyncio.Task[None] | None = None

    @classmethod
    async def compose(cls, settings: Settings, store: SqliteStore) -> "Service":
        """Everything, loaded and recovered, but for the open port."""
        clock, registry, feed, figures = WallClock(), Registry(), Feed(), Figures()
        types = catalogue.load()
        types.prepare_all()
        changes = Changes(registry)
        policy = _policy(settings)
        sender = HttpSender(policy)
        vault = Vault.in_directory(settings.data)
        orgs = Orgs(store=store, registry=registry, changes=changes)
        access = Access(store=store, orgs=orgs)

        def check_url(url: str) -> str | None:
            try:
                check_target(parse_target(url, allow_http=settings.dev), policy)
            except TargetRefused as refusal:
                return str(refusal)
            return None

        engine = Engine(
            store=store,
            registry=registry,
            catalogue=types,
            sender=sender,
            target_of=lambda url: parse_target(url, allow_http=True),
            clock=clock,
            draw=random.SystemRandom(),
            terms=Terms(_terms_key(settings.data)),
            gone=lambda webhook: webhooks.gone(webhook),
            feed=feed,
            figures=figures,
            limits=Limits(
                waiting_bytes_max=settings.waiting_bytes_max,
                waiting_s_max=settings.waiting_s_max,
                window_bytes_max=settings.window_bytes_max,
                in_flight_max=settings.in_flight_max,
                drain_s=settings.drain_s,
            ),
        )
        webhooks = Webhooks(
            store=store,
            registry=registry,
            changes=changes,
            vault=vault,
            clock=clock,
            draw=os.urandom,
            event_types=types.names(),
            check_url=check_url,
            on_change=engine.dispatcher.changed,
        )
        snapshot = await store.load()
        orgs.load(snapshot)
        access.load(snapshot)
        webhooks.load(snapshot)
        await _first_credential(settings, access)
        metrics = CollectorRegistry()
        metrics.register(figures)
        rules = IntakeRules()
        accept = AcceptApp(
            engine.acceptor,
            types,
            access,
            lambda org: None if orgs.get(org) is None else rules,
            clock_ms=clock.now_ms,
            new_event_id=lambda: str(uuid.uuid4()),
            new_request_id=_request_ids(),
            limits=CallLimits(
                settings.call_bytes_max, settings.event_bytes_max, settings.events_per_call_max
            ),
            body_s=settings.call_s_max,
        )
        control = make_control_app(
            Services(
                store=store,
                access=access,
                orgs=orgs,
                webhooks=webhooks,
                feed=feed,
                clock=clock,
                health=engine,
                metrics=metrics,
            )
        )
        server = Server(
            Gate(accept, control),
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_MS),
            websockets=False,
            backlog=BACKLOG,
            log_enabled=False,
        )
        await engine.start()
        webhooks.resume()
        return cls(settings, store, engine, webhooks, sender, feed, server)

    async def run(self, ended: "asyncio.Future[int]") -> int:
        """Serve until told to end, or until a part of it has ended by itself."""
        settings = self._settings
        self._serving = asyncio.get_running_loop().create_task(self._server.serve())
        gc.collect()
        gc.freeze()  # what was composed stays; only what calls make is looked through
        sys.setswitchinterval(SWITCH_S)
        gc.set_threshold(50_000, 20, 50)
        print(f"Tidings listens on http://{settings.host}:{settings.port}", file=sys.stderr)
        parts: set[asyncio.Future[Any]] = {ended, self._serving, self._engine.ended}
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            if ended.result():
                print("The store's process has ended. Tidings stops.", file=sys.stderr)
            return ended.result()
        for part in (self._serving, self._engine.ended):
            if part.done() and not part.cancelled() and (error := part.exception()) is not None:
                log.error("a part of the service has ended", error=repr(error))
        return 1

    async def stop(self) -> None:
        """Stop in order; nothing that was accepted is lost by any kind of stop."""
        self._feed.close()
        if self._serving is not None:
            self._server.stop()  # type: ignore[no-untyped-call]  # granian annotates no returns
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._serving, SERVER_STOP_S)
        written = await self._engine.stop()
        await self._webhooks.close()
        await self._sender.close()
        await self._store.close(clean=written)


def _request_ids() -> Callable[[], str]:
    """Unique for ever, by a random half; cheap, by a counted half."""
    ours, count = os.urandom(8).hex(), itertools.count()
    return lambda: f"{ours}{next(count):016x}"


def _port_refusal(settings: Settings) -> str | None:
    """Why the port cannot be had. The server shares ports (SO_REUSEPORT), so it would not say."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return (
                f"{settings.host} port {settings.port} must be free to listen on; got: "
                f"{error.strerror or error}. Stop what listens there, or take another with --port."
            )
    return None


def _policy(settings: Settings) -> Policy:
    return Policy(settings.dev, settings.allow, settings.deny)


def _terms_key(data: Path) -> bytes:
    """The key of the search terms, from the directory's own key: no other use shares it."""
    key = read_or_make_key(data / KEY_FILE).reveal()
    return hashlib.blake2b(TERMS_PURPOSE, key=key, digest_size=16).digest()


async def _first_credential(settings: Settings, access: Access) -> None:
    org, key, secret = (
        settings.bootstrap_org,
        settings.bootstrap_key,
        settings.bootstrap_secret,
    )
    if key is not None and secret is not None:
        await access.ensure_bootstrap(org or 1, key, secret.reveal())
        return
    fresh = await access.first_credential(org or 1)
    if fresh is not None:
        print(
            f"First start: org {org or 1} and the platform's own credential are made.\n"
            f"  key     {fresh.key}\n"
            f"  secret  {fresh.secret}\n"
            "The secret is shown this once; keep it now.",
            file=sys.stderr,
        )


def raise_file_limit() -> None:
    """As many open files as the system admits: each attempt under way holds one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _log_to_stderr(level: str) -> None:
    raise_file_limit()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
