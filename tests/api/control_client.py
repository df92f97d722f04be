"""The control API in process: over a real store in memory, called as an ASGI server would."""

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from tidings.api.context import Services
from tidings.api.control import make_control_app
from tidings.core.registry import Registry
from tidings.core.webhook import Webhook
from tidings.engine.access import Access
from tidings.engine.changes import Changes
from tidings.engine.feed import Feed
from tidings.engine.orgs import Orgs
from tidings.engine.vault import Secret, Vault
from tidings.engine.webhooks import Webhooks
from tidings.store import port
from tidings.store.sqlite.embedded import WritingHalf
from tidings.store.sqlite.queries import Queries

NAMES = ("customerAdded", "pointsIssued", "pointsRedeemed")
START_MS = 1_770_801_300_000  # 2026-02-11T09:15:00Z
BASIC = {
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


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Run to the end, or fail after 10 seconds."""

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await scenario

    asyncio.run(bounded())


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms


class MemoryStore:
    """`port.Store` over the embedded store's halves, in memory and in process."""

    def __init__(self, clock: Clock) -> None:
        self.half = WritingHalf(":memory:", clock.now_ms)
        self.queries = Queries(self.half.connection)
        self.down = False
        self.retired: list[tuple[int, int, int]] = []

    async def _yes(self) -> None:
        await asyncio.sleep(0)
        if self.down:
            raise port.StoreDown("the disk is full")

    async def commit(self, batch: port.Batch) -> port.Receipt:
        await self._yes()
        return self.half.commit(batch)

    async def page(self, webhook: int, after: int, limit: int) -> Sequence[Any]:
        return self.half.writer.page(webhook, after, limit)

    async def recover(self, window: int) -> Sequence[port.Standing]:
        return self.half.recovery.recover(window)

    async def load(self) -> port.Snapshot:
        return self.half.configuration.load()

    async def put_org(self, org: port.Org) -> int:
        await self._yes()
        return self.half.configuration.put_org(org)

    async def put_credential(self, credential: port.Credential) -> None:
        await self._yes()
        self.half.configuration.put_credential(credential)

    async def put_webhook(self, webhook: port.StoredWebhook) -> tuple[port.StoredWebhook, int]:
        await self._yes()
        return self.half.configuration.put_webhook(webhook)

    async def retire(self, webhook: int, state: int, limit: int) -> int:
        await self._yes()
        self.retired.append((webhook, state, limit))
        return self.half.recovery.retire(webhook, state, limit)

    async def event(self, org: int, event_id: str) -> port.StoredEvent | None:
        await self._yes()
        return self.queries.event(org, event_id)

    async def deliveries_of(self, event: int) -> Sequence[port.StoredDelivery]:
        return self.queries.deliveries_of(event)

    async def delivery(self, delivery: int) -> port.StoredDelivery | None:
        return self.queries.delivery(delivery)

    async def attempts_of(self, delivery: int) -> Sequence[port.StoredAttempt]:
        return self.queries.attempts_of(delivery)

    async def rejections(self, org: int, limit: int) -> Sequence[port.Rejection]:
        return self.queries.rejections(org, limit)

    async def counts(self) -> port.Counts:
        return self.queries.counts(0)

    async def find(self, term: bytes, limit: int) -> Sequence[int]:
        return []

    async def close(self, clean: bool = True) -> None:
        self.half.close(clean)


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
        draw = random.Random(1).randbytes
        self.store, self.clock = store, clock
        self.registry = Registry()
        self.changes = Changes(self.registry)
        self.orgs = Orgs(store=store, registry=self.registry, changes=self.changes)
        self.access = Access(store=store, orgs=self.orgs, draw=draw)
        self.changed: list[Webhook] = []
        self.webhooks = Webhooks(
            store=store,
            registry=self.registry,
            changes=self.changes,
            vault=Vault({1: Secret(key)}),
            clock=clock,
            draw=draw,
            event_types=NAMES,
            check_url=lambda url: None if url.startswith("https://") else f"Refused {url[:4]}.",
            on_change=self.changed.append,
        )
        self.feed = Feed()
        self.health = Health()
        self.metrics = CollectorRegistry()
        Counter("tidings_tests", "Counts nothing.", registry=self.metrics)
        self.app: FastAPI = make_control_app(
            Services(
                store=store,
                access=self.access,
                orgs=self.orgs,
                webhooks=self.webhooks,
                feed=self.feed,
                clock=clock,
                health=self.health,
                metrics=self.metrics,
            )
        )

    async def start(self) -> None:
        """As the service starts."""
        snapshot = await self.store.load()
        self.orgs.load(snapshot)
        self.access.load(snapshot)
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
    return Reply(start["status"], got, b"".join(one.get("body", b"") for one in sent[1:]))


@asynccontextmanager
async def service() -> AsyncIterator[Service]:
    """A started service."""
    clock = Clock()
    made = Service(MemoryStore(clock), clock)
    await made.start()
    yield made
    await made.webhooks.close()
    await made.store.close()


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
