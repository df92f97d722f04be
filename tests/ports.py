"""Ports of the composition for tests: what a test does not give is small, quick and in process."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from argon2 import PasswordHasher

from tidings import catalogue
from tidings.catalogue import SchemaViolation
from tidings.core.actions.action import Actions
from tidings.core.connections.connection import Connections
from tidings.core.running.lease import EndlessLease
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MappedMessage, MessagePlan, PlanRunner
from tidings.core.webhooks.webhook_types import EMAIL, HTTP, KAFKA, SQL
from tidings.destinations.action.driver import ActionDestination
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.email.driver import EmailDestination
from tidings.destinations.http.authentication.schemes import Proofs
from tidings.destinations.http.driver import HttpDestination
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import Driver
from tidings.destinations.sql.driver import SqlDestination
from tidings.egress.address import TargetRefused, parse_target
from tidings.egress.inbox import InboxSender, OwnAddress
from tidings.egress.own_paths import OwnPaths
from tidings.egress.policy import Policy
from tidings.egress.port import ReceiverAddress
from tidings.egress.sender import HttpSender
from tidings.engine.access.passwords import Passwords
from tidings.engine.actions.declared import DeclaredActions
from tidings.engine.vault import SealedSecret, Vault
from tidings.ports import Declared, Departure, Keys, Outside, Ports, Randomness, Secrets, Times
from tidings.store import port
from tidings.transform.port import CheckBy, RenderRefused, TextTemplate
from tidings.transform.sandbox import Sandbox, Unrenderable

NO_CONNECTIONS = Connections()
BASE = "https://tidings.example"


class InProcess:
    """`transform.port` without a process: only for templates that end by themselves."""

    def __init__(self) -> None:
        self._sandbox = Sandbox()

    async def render(self, template: str, event: bytes, org: int) -> bytes:
        try:
            return self._sandbox.render(template, event)
        except Unrenderable as why:
            raise RenderRefused(str(why)) from None

    async def render_texts(
        self, templates: Sequence[TextTemplate], event: bytes, org: int
    ) -> Sequence[str]:
        try:
            return self._sandbox.texts(templates, event)
        except Unrenderable as why:
            raise RenderRefused(str(why)) from None

    async def check(self, template: str, org: int) -> str | None:
        try:
            self._sandbox.check(template)
        except Unrenderable as why:
            return str(why)
        return None

    async def map_message(
        self, plan: MessagePlan, message: ForeignMessage, org: int, expected_s: float
    ) -> MappedMessage:
        try:
            return PlanRunner(plan).read(message)
        except MemoryError:  # the process would end, twice
            raise RenderRefused("It takes too much.") from None

    async def check_event(self, kind: CheckBy, event: bytes, org: int) -> Sequence[SchemaViolation]:
        raise AssertionError("no test that works in process has an event that is checked apart")


class TestAddresses:
    """`ports.Addresses`: https alone, and inboxes below one address. Every name resolves."""

    __test__ = False

    def __init__(self) -> None:
        self._inboxes = OwnAddress(BASE)

    def refusal(self, url: str) -> str | None:
        return None if url.startswith("https://") else f"Refused {url[:4]}."

    def own_path(self, url: str) -> str | None:
        own = OwnPaths([BASE], "192.0.2.1", 8080)
        try:
            return own.refusal(parse_target(url, allow_http=True))
        except TargetRefused:
            return None

    async def unresolved(self, url: str) -> str | None:
        return None

    def target(self, url: str) -> ReceiverAddress:
        return self._inboxes.target(url) or parse_target(url, allow_http=True)

    def inbox_url(self, token: str) -> str:
        return self._inboxes.url(token)

    def inbox_urls(self, url: str) -> Sequence[str]:
        return self._inboxes.urls(url)

    def inbox_token(self, url: str) -> str | None:
        return self._inboxes.token(url)


class Unhashed(Passwords):
    """For tests in which nobody signs in: hashing takes longer than they do."""

    def __init__(self) -> None:
        pass


def destinations(
    sender: Any,
    target_of: Callable[[str], ReceiverAddress],
    clock: Any,
    connections: Connections = NO_CONNECTIONS,
    **drivers: Driver,
) -> DriverDispatch:
    """Every kind, as `app` has them, over a sender of the test's own."""
    http = HttpDestination(sender, target_of, lambda: clock.now_ms() / 1000)
    return DriverDispatch({HTTP: http, **drivers}, connections)


def acting(actions: Actions, connections: Connections, clock: Any) -> ActionDestination:
    """The driver of actions, over drivers that reach nothing."""

    def now_s() -> float:
        return float(clock.now_ms() / 1000)

    async def asking(*_: Any) -> Any:
        raise AssertionError("no test that works in process asks for an access token")

    drivers: dict[str, Driver] = {
        EMAIL: EmailDestination(connections, lambda org, address: True),
        SQL: SqlDestination(connections),
        KAFKA: KafkaDestination(now_s),
    }
    return ActionDestination(
        actions,
        drivers,
        connections,
        HttpSender(Policy(True)),
        lambda url: parse_target(url, allow_http=True),
        Proofs(asking, now_s),
        now_s,
    )


def ports(*, store: Any, clock: Any, sender: Any, key: bytes = b"k" * 32, **others: Any) -> Ports:
    """Over a store, a clock and a sender; `others` are ports by name, of any group."""
    rng = random.Random(1)
    given: dict[str, Any] = {
        "lease": EndlessLease(),
        "in_flight": port.NullInFlight(),
        "catalogue": catalogue.load(),
        "rng": rng,
        "random_bytes": rng.randbytes,
        "new_event_id": lambda: "made",
        "keys": Keys(terms=b"t" * 16, tokens=key, consents=b"k" * 32, audit=b"a" * 32),
        "vault": Vault({1: SealedSecret(key)}, rng.randbytes),
        "passwords": Passwords(PasswordHasher(1, 8, 1)),
        "passed_s": lambda: clock.now_ms() / 1000,
        "addresses": TestAddresses(),
        "sandboxes": InProcess(),
    }
    made = given | others
    connections = made.get("connections", NO_CONNECTIONS)
    declared = DeclaredActions(made.pop("actions", {}), made.pop("actions_org", None))

    def group(*names: str) -> dict[str, Any]:
        return {name: made.pop(name) for name in names if name in made}

    return Ports(
        store=store,
        departure=Departure(**group("lease", "in_flight")),
        times=Times(clock, made.pop("passed_s")),
        randomness=Randomness(**group("rng", "random_bytes", "new_event_id")),
        secrets=Secrets(**group("keys", "vault", "passwords")),
        outside=Outside(**group("platform", "mailer", "poster")),
        declared=Declared(
            actions=declared,
            **group("connections", "connection_types", "source_drivers", "lookups", "alerts"),
        ),
        destination=lambda receive, own, agreed: destinations(
            InboxSender(sender, receive),
            made["addresses"].target,
            clock,
            connections,
            **own,
            ACTION=acting(declared.actions, connections, clock),
        ),
        **made,
    )


async def at_once(step: Any) -> Any:
    """`ports.StepRunner`: a step of a start that nothing holds up."""
    return await step()
