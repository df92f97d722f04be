"""The control API in process: over a real store in memory, called as an ASGI server would."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import fastapi.dependencies.models
from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from tests.api.named import well_named
from tests.store.in_process import MemoryStore
from tidings import catalogue
from tidings.api.context import Services
from tidings.api.control import make_control_app
from tidings.core.delivery.exchange import Answer, Ending
from tidings.core.delivery.next_attempt import CLEAR, NextAttempt
from tidings.core.events.call_split import Limits as CallLimits
from tidings.core.events.calls import CallReader
from tidings.core.events.terms import Terms
from tidings.core.webhooks.registry import Registry
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.address import parse_target
from tidings.egress.inbox import InboxSender, OwnAddress
from tidings.egress.port import Leaves, Target
from tidings.engine.access.access_services import AccessServices
from tidings.engine.access.passwords import Passwords
from tidings.engine.changes import Changes
from tidings.engine.delivery.manual_retries import ManualRetries, PromisedRetries
from tidings.engine.delivery.stops import Stops
from tidings.engine.delivery.taken import TakeAsDelivered
from tidings.engine.delivery.trial import Trial
from tidings.engine.events.acceptor import Acceptor
from tidings.engine.events.committer import Committer
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.feed import Feed
from tidings.engine.events.intake import Draft
from tidings.engine.events.readmission import Readmission
from tidings.engine.inboxes import Inboxes
from tidings.engine.notices.consents import Consents
from tidings.engine.orgs import Orgs
from tidings.engine.replay.requests import ReplayRequests
from tidings.engine.replay.runs import Replays
from tidings.engine.rereading import reread_from
from tidings.engine.shaping.reference import Reference
from tidings.engine.shaping.shaper import Shaper
from tidings.engine.shaping.transformations import Transformations
from tidings.engine.vault import Secret, Vault
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.store import port
from tidings.transform.port import RenderRefused
from tidings.transform.sandbox import Sandbox, Unrenderable

NAMES = ("customerAdded", "pointsIssued", "pointsRedeemed")
START_MS = 1_770_801_300_000  # 2026-02-11T09:15:00Z
BASIC: dict[str, Any] = {
    "name": "crm",
    "active": True,
    "eventNames": ["pointsIssued"],
    "webHookType": "HTTP",
    "webHookUrl": "https://crm.example.com/hook",
    "methodType": "POST",
    "webHookHeaders": {"Authorization": "Bearer 0123456789abcdef"},
    "maxAllowedConnections": 10,
    "slaInSeconds": 30,
    "customerIdentifiersToBeEnriched": [],
}


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


class InProcess:
    """`transform.port.Renderer` without a process: only for templates that end by themselves."""

    def __init__(self) -> None:
        self._sandbox = Sandbox()

    async def render(self, template: str, event: bytes, org: int) -> bytes:
        try:
            return self._sandbox.render(template, event)
        except Unrenderable as why:
            raise RenderRefused(str(why)) from None

    async def check(self, template: str, org: int) -> str | None:
        try:
            self._sandbox.check(template)
        except Unrenderable as why:
            return str(why)
        return None


class Lanes:
    """What the replays ask about a webhook's lane: room, unless there is none."""

    def __init__(self) -> None:
        self.room = 100
        self.reads = 0
        self.promised_retries = PromisedRetries()
        self.asked: list[tuple[int, int]] = []

    def replay_room(self, webhook: Webhook) -> int:
        return self.room

    def read_again(self, webhook: Webhook) -> None:
        self.reads += 1

    def due(self, webhook: int, due_ms: int) -> None:
        self.asked.append((webhook, due_ms))


class Outside:
    """A sender whose receivers answer as told, and keep what they got."""

    def __init__(self) -> None:
        self.ending: Ending = Answer(200, (), b"", False, 3.0)
        self.opened: list[Target] = []
        self.sent: list[tuple[str, dict[str, str], bytes]] = []

    def open(self, target: Target, connections_max: int, *, keep_answers: bool) -> "Outside":
        self.opened.append(target)
        return self

    async def send(
        self, method: str, leaves: Leaves, body: bytes, deadline_s: float
    ) -> Ending | None:
        if (headers := leaves()) is None:
            return None
        self.sent.append((method, dict(headers), body))
        return self.ending

    async def close(self) -> None:
        pass


class Health:
    """Ready, until it has problems."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def problems(self) -> list[str]:
        return self.sentences


class Reply:
    """One answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """Everything that the control API needs, made anew over a store."""

    def __init__(self, store: MemoryStore, clock: Clock, key: bytes = b"k" * 32) -> None:
        random_bytes = random.Random(1).randbytes
        self.store, self.clock = store, clock
        self.registry = Registry()
        self.changes = Changes(self.registry)
        self.orgs = Orgs(store=store, registry=self.registry, changes=self.changes, clock=clock)
        self.access_services = AccessServices.compose(
            store=store,
            orgs=self.orgs,
            changes=self.changes,
            clock=clock,
            token_key=key,
            random_bytes=random_bytes,
            passwords=Passwords(PasswordHasher(1, 8, 1)),
            now_s=lambda: clock.now_ms() / 1000,
        )
        self.access, self.users = self.access_services.access, self.access_services.users
        self.sessions = self.access_services.sessions
        self.changed: list[Webhook] = []
        self.reference = Reference(store=store, vault=Vault({1: Secret(key)}))
        self.event_types = EventTypes(
            catalogue=catalogue.load(),
            envelope=catalogue.envelope(),
            store=store,
            changes=self.changes,
            below=self.registry.below,
            users=self.registry.subscribers,
        )
        self.webhooks = Webhooks(
            store=store,
            registry=self.registry,
            changes=self.changes,
            vault=Vault({1: Secret(key)}),
            clock=clock,
            random_bytes=random_bytes,
            event_types=self.event_types.names,
            check_url=lambda url: None if url.startswith("https://") else f"Refused {url[:4]}.",
            on_change=self.changed.append,
            transformations=lambda org: self.transformations.names(org),
            aliases=self.event_types.catalogue.aliases,
            kind=self.event_types.get,
        )
        reread_from(
            store,
            self.registry,
            self.changes,
            orgs=self.orgs,
            event_types=self.event_types,
            webhooks=self.webhooks,
        )
        self.renderer = InProcess()
        self.transformations = Transformations(
            store=store,
            changes=self.changes,
            renderer=self.renderer,
            users=self.webhooks.transformed_by,
        )
        self.shaper = Shaper(templates=self.transformations, renderer=self.renderer)
        self.feed = Feed()
        self.stops = Stops(store=store, clock=clock)
        self.lanes = Lanes()
        self.next_attempts: dict[int, NextAttempt] = {}  # by delivery
        self.committer = Committer(
            store=store,
            registry=self.registry,
            match=lambda _: (),
            handover=lambda *_: None,
            settled=lambda *_: None,
            waiting_bytes_max=1 << 20,
            waiting_s_max=1.0,
        )
        self.replays = Replays(
            store=store,
            registry=self.registry,
            committer=self.committer,
            lanes=self.lanes,
            stops=self.stops,
            ordering_key=lambda org, name, event: None,
            kind_of=self.event_types.kind_of,
            tell=lambda *told: self.told.append(told),
        )
        self.told: list[tuple[str, int, dict[str, Any]]] = []
        self.terms = Terms(b"t" * 16)
        self.health = Health()
        self.outside = Outside()
        address = OwnAddress("https://tidings.example")
        self.inboxes = Inboxes(
            store=store,
            clock=clock,
            random_bytes=random_bytes,
            url_of=address.url,
            secrets_at=self.webhooks.secrets_at,
        )
        self.outlets = InboxSender(self.outside, self.inboxes.receive)
        self.acceptor = Acceptor(catalogue.load(), self.terms, self.committer, self.event_types)
        self.metrics = CollectorRegistry()
        Counter("tidings_tests", "Counts nothing.", registry=self.metrics)
        self.consents = Consents(
            orgs=self.orgs, clock=clock, key=b"k" * 32, base="https://tidings.example"
        )
        self.services = Services(
            store=store,
            access=self.access,
            orgs=self.orgs,
            consents=self.consents,
            webhooks=self.webhooks,
            event_types=self.event_types,
            transformations=self.transformations,
            shaper=self.shaper,
            reference=self.reference,
            replays=self.replays,
            replay_requests=ReplayRequests(
                store=store,
                webhooks=self.webhooks,
                terms=self.terms,
                below=self.registry.below,
            ),
            stops=self.stops,
            taken=TakeAsDelivered(store=store, committer=self.committer, stops=self.stops),
            credentials=self.access_services.credentials,
            users=self.users,
            sessions=self.sessions,
            portals=self.access_services.portals,
            guard=self.access_services.guard,
            limits=self.access_services.limits,
            next_attempt_of=lambda _, delivery, retry: self.next_attempts.get(delivery, CLEAR),
            feed=self.feed,
            clock=clock,
            health=self.health,
            metrics=self.metrics,
            terms=self.terms,
            manual_retries=ManualRetries(store, self.lanes),
            trial=Trial(
                sender=self.outlets,
                target_of=lambda url: address.target(url) or parse_target(url, allow_http=True),
                shaper=self.shaper,
                clock=clock,
            ),
            readmission=Readmission(
                store=store,
                intake=self.acceptor,
                reader=CallReader(
                    Draft,
                    catalogue.load(),
                    self.orgs.rules,
                    lambda: "made",
                    CallLimits(),
                    self.event_types.own,
                ),
                clock_ms=clock.now_ms,
            ),
            inboxes=self.inboxes,
        )

    @cached_property
    def app(self) -> FastAPI:
        """The application; made when it is first called, for it takes longer than all the rest."""
        return make_control_app(self.services)

    async def start(self) -> None:
        """As the service starts."""
        self.event_types.load(await self.store.load_types())
        self.transformations.load(await self.store.load_transformations())
        snapshot = await self.store.load()
        self.orgs.load(snapshot)
        self.access_services.load(snapshot, await self.store.load_people())
        self.webhooks.load(snapshot)
        await self.access.ensure_bootstrap(1, "boss", "s3cret")

    async def add_org(self, org: int, scopes: str = "*", parent: int | None = None) -> str:
        """An org with a credential `org{n}:secret`; returns the header."""
        if self.orgs.get(org) is None:
            await self.orgs.create(f"Org {org}", org, parent)
        await self.access.put(f"org{org}", "secret", org, platform=False, scopes=scopes)
        return basic(f"org{org}", "secret")

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        auth: str | None = "",
        **headers: str,
    ) -> Reply:
        """One call; `auth` is the platform's credential unless given."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if auth is not None:
            sent["authorization"] = auth or basic("boss", "s3cret")
        if not isinstance(body, bytes):
            body = b"" if body is None else json.dumps(body).encode()
        return await call(self.app, method, path, body, sent)


def basic(key: str, secret: str) -> str:
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


def scope_of(method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """An ASGI scope."""
    plain, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


async def call(app: FastAPI, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
    """One call that is answered to its end."""
    sent: list[dict[str, Any]] = []
    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        return next(asked, {"type": "http.disconnect"})

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope_of(method, path, headers), receive, send)
    start = sent[0]
    got = {name.decode(): value.decode() for name, value in start["headers"]}
    reply = Reply(start["status"], got, b"".join(one.get("body", b"") for one in sent[1:]))
    if got.get("content-type") == "application/json" and not path.startswith("/inbox/"):
        well_named(reply.status, reply.body)
    return reply


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    """A started service."""
    clock = Clock()
    made = Service(MemoryStore(clock), clock)
    await made.start()
    commits = asyncio.ensure_future(made.committer.run())
    yield made
    await made.replays.stop()
    commits.cancel()
    await made.webhooks.close()
    await made.store.close()
    forget_routes()


def forget_routes() -> None:
    """FastAPI remembers every route's function, and with it all that a service holds, for good:
    after a hundred services each collection of garbage takes seconds."""
    for cached in vars(fastapi.dependencies.models).values():
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()


def event(
    name: str, id: str, deliveries: Sequence[port.NewDelivery], org: int = 1
) -> port.NewEvent:
    """An event to commit."""
    body = b'{"eventName":"%b","eventId":"%b","orgId":%d,"data":{"n":1.50}}' % (
        name.encode(),
        id.encode(),
        org,
    )
    return port.NewEvent(org, name, id, b"12345678", body, b"", None, deliveries)
