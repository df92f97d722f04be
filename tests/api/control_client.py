"""The control API in process: over a real store in memory, called as an ASGI server would."""

import asyncio
import base64
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from fastapi import FastAPI

from tests.api.http.direct_calls import answer_directly, directly
from tests.api.named import well_named
from tests.api.one_app import control_app
from tests.declared_actions import ACTIONS, Nobody
from tests.declared_connections import CONNECTIONS, TYPES
from tests.ports import BASE, at_once, ports
from tests.store.in_process import MemoryStore
from tidings.api.http.gate import SOURCE_STEM
from tidings.api.v1.inbound import SenderCalls
from tidings.app.faces import services_of
from tidings.compose import build
from tidings.core.actions.action import Actions
from tidings.core.audit.actor import operator_actor
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.next_attempt import CLEAR, NextAttempt
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import Fact
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.port import Leaves, ReceiverAddress
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.delivery.dispatcher import Dispatcher
from tidings.engine.options import EngineOptions
from tidings.lookups.port import LookupBackend
from tidings.store import port

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


class Lanes:
    """The service's lanes, which start nothing; what they know, and what they are asked."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        dispatcher.stopping = True
        self._dispatcher = dispatcher
        self.promised_retries = dispatcher.promised_retries
        self.room: int | None = None  # for deliveries of replays; None: what they have
        self.reads = 0  # how often one had to look at the store
        self._room, self._read_again = dispatcher.replay_room, dispatcher.read_again
        dispatcher.replay_room = self.replay_room  # type: ignore[method-assign]
        dispatcher.read_again = self.read_again  # type: ignore[method-assign]

    def replay_room(self, webhook: Webhook) -> int:
        return self._room(webhook) if self.room is None else self.room

    def read_again(self, webhook: Webhook) -> None:
        self.reads += 1
        self._read_again(webhook)

    @property
    def asked(self) -> list[tuple[int, int]]:
        """Webhooks, by number, that have a retry, and when it is due."""
        runners = self._dispatcher.runners.at_work.items()
        return [
            (number, due) for number, runner in runners if (due := runner.next_due_ms) is not None
        ]


class Outside:
    """A sender whose receivers answer as told, and keep what they got."""

    def __init__(self) -> None:
        self.ending: Ending = ReceiverAnswer(200, (), b"", False, 3.0)
        self.opened: list[ReceiverAddress] = []
        self.sent: list[tuple[str, dict[str, str], bytes]] = []

    def open(
        self, target: ReceiverAddress, connections_max: int, *, keep_answers: bool
    ) -> "Outside":
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
        self.beside: list[str] = []

    def problems(self) -> list[str]:
        return self.sentences

    def notices(self) -> list[str]:
        return self.beside


class KnownAttempts:
    """`NextAttempts` of deliveries as a test has put them."""

    def __init__(self, known: dict[int, NextAttempt]) -> None:
        self._known = known

    def of(self, webhook: int, delivery: int, retry: bool) -> NextAttempt:
        return self._known.get(delivery, CLEAR)


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
    """The composed service over a store, for calls of the control API. Its lanes send nothing: what
    is stored stays as a test has put it."""

    def __init__(
        self,
        store: MemoryStore,
        clock: Clock,
        key: bytes = b"k" * 32,
        actions: Actions = ACTIONS,
        actions_org: int = 2001,
        lookups: LookupBackend | None = None,
        **others: Any,
    ) -> None:
        """`lookups`: whom the look-ups of its actions ask; else nobody answers. `others`: ports by
        name."""
        self.store, self.clock, self.outside, self.health = store, clock, Outside(), Health()
        self.next_attempts: dict[int, NextAttempt] = {}  # by delivery
        made = build(
            ports(
                store=store,
                clock=clock,
                sender=self.outside,
                key=key,
                connections=CONNECTIONS,
                connection_types=TYPES,
                actions=actions,
                actions_org=OrgId(actions_org),
                lookups=dict.fromkeys(("contact", "tier"), lookups or Nobody()),
                **others,
            ),
            EngineOptions(public_url=BASE),
        )
        self.parts = made
        self.lanes = Lanes(made.delivery.engine.dispatcher)
        self.changed: list[Webhook] = []
        made.base.heard.changed.add(self.changed.append)
        self.told: list[tuple[str, int, Fact]] = []
        tell = made.notices.notices.tell

        def noted(kind: str, org: int, fact: Fact, done: Any = None) -> None:
            self.told.append((kind, org, fact))
            tell(kind, OrgId(org), fact, done)

        made.notices.notices.tell = noted  # type: ignore[method-assign]
        self.registry, self.changes, self.orgs = made.base.registry, made.base.changes, made.orgs
        self.access_services = made.access
        self.access, self.users = made.access.access, made.access.users
        self.sessions = made.access.sessions
        self.event_types, self.webhooks = made.events.types, made.webhooks
        self.transformations, self.shaper = made.shaping.transformations, made.shaping.shaper
        self.reference, self.consents, self.terms = (
            made.shaping.reference,
            made.notices.consents,
            made.events.terms,
        )
        self.stops, self.replays, self.inboxes = (
            made.delivery.stops,
            made.delivery.replay.runs,
            made.delivery.inboxes,
        )
        self.feed, self.acceptor = made.events.feed, made.events.acceptor
        services = services_of(made, public_url="")
        known: Any = KnownAttempts(self.next_attempts)
        self.services = dataclasses.replace(
            services,
            web=dataclasses.replace(services.web, health=self.health),
            delivery=dataclasses.replace(services.delivery, next_attempts=known),
        )

    @cached_property
    def app(self) -> FastAPI:
        """The application; made when it is first called, as many tests do not."""
        return control_app(self.services)

    @cached_property
    def senders(self) -> SenderCalls:
        """What answers calls to sources without ASGI."""
        return SenderCalls(self.services, lambda: str(uuid.uuid4()))

    async def start(self) -> None:
        """As the service starts, but for the lanes."""
        await self.parts.load(at_once)
        with acting_as(operator_actor("serve")):
            await self.access.ensure_bootstrap(OrgId(1), "boss", "s3cret")

    async def add_org(self, org: int, scopes: str = "*", parent: int | None = None) -> str:
        """An org with a credential `org{n}:secret`; returns the header."""
        if self.orgs.get(OrgId(org)) is None:
            await self.orgs.create(f"Org {org}", org, parent)
        await self.access.put(f"org{org}", "secret", OrgId(org), platform=False, scopes=scopes)
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
        if directly[-1] and path.startswith(SOURCE_STEM):
            scope = scope_of(method, path, {"content-length": str(len(body))} | sent)
            asked: Any = {"method": method, "path": scope["path"]}
            answered = await answer_directly(self.senders, body, scope["headers"], **asked)
            if answered is not None:
                return reply_of(path, answered)
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
    return reply_of(path, sent)


def reply_of(path: str, sent: list[dict[str, Any]]) -> Reply:
    """Read an answer out of the messages of ASGI that made it."""
    start = sent[0]
    got = {name.decode(): value.decode() for name, value in start["headers"]}
    reply = Reply(start["status"], got, b"".join(row.get("body", b"") for row in sent[1:]))
    if got.get("content-type") == "application/json" and not path.startswith("/inbox/"):
        well_named(reply.status, reply.body)
    return reply


@asynccontextmanager
async def service(**more: Any) -> AsyncIterator[Service]:
    """A started service; `more` as `Service` takes it."""
    clock = Clock()
    made = Service(MemoryStore(clock), clock, **more)
    await made.start()
    commits = asyncio.ensure_future(made.parts.delivery.engine.committer.run())
    yield made
    await made.replays.stop()
    commits.cancel()
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
    return port.NewEvent(OrgId(org), name, id, b"12345678", body, b"", None, deliveries)
