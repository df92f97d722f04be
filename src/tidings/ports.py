"""What the service works over, as the composition is given it: adapters by the ports they fill."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from tidings.catalogue import Catalogue
from tidings.connections.port import ConnectionType
from tidings.core.alerts.channel import AlertChannel
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.core.running.lease import OwnerLease
from tidings.destinations.port import Destination, Driver
from tidings.egress.port import Mailer, Poster, Receive
from tidings.engine.access.passwords import Passwords
from tidings.engine.actions.declared import DeclaredActions
from tidings.engine.clock import Clock
from tidings.engine.events.tracing import NoTracing, Tracing
from tidings.engine.shaping.platform import Platform
from tidings.engine.shaping.shaper import Shaping
from tidings.engine.vault import Vault
from tidings.lookups.port import LookupBackend
from tidings.sources.port import SourceDriver
from tidings.store import port
from tidings.transform.port import Checker, Mapper, Renderer

Value = TypeVar("Value")


class Keys(NamedTuple):
    """Each for one purpose."""

    terms: bytes  # of the search terms
    tokens: bytes  # of access tokens
    consents: bytes  # of the links by which owners agree to e-mails
    audit: bytes  # of the seals of the audit log


class Addresses(Protocol):
    """The addresses that webhooks' URLs lead to."""

    def refusal(self, url: str) -> str | None:
        """Say why a URL may not be dialled; None where it may."""

    def own_path(self, url: str) -> str | None:
        """Say why a webhook may not lead there, as it is the service itself; None where it may."""

    def unresolved(self, url: str) -> Awaitable[str | None]:
        """Return the host of a URL if none of its addresses may be dialled, else None; soon, and
        without an error."""

    def inbox_url(self, token: str) -> str:
        """Return the receiving URL of a test inbox."""

    def inbox_urls(self, url: str) -> Sequence[str]:
        """Return a test inbox's URL in every form in which it was ever shown; nothing for any other
        URL."""

    def inbox_token(self, url: str) -> str | None:
        """Return the token in a test inbox's URL; None for any other URL."""


class Sandboxes(Renderer, Checker, Mapper, Protocol):
    """Runs what tenants have written, apart."""


class Outside(NamedTuple):
    """Services of others that need not be there."""

    platform: Platform | None = None
    mailer: Mailer | None = None
    poster: Poster | None = None
    tracing: Tracing = NoTracing()


class Departure(NamedTuple):
    """Say what leaves: whether it may, and that it has."""

    lease: OwnerLease  # of the store: without it nothing may
    in_flight: port.InFlight  # what has left, for after a kill


class Times(NamedTuple):
    """The time, and how much of it has passed."""

    clock: Clock
    passed_s: Callable[[], float]  # never set, unlike the clock


class Randomness(NamedTuple):
    """Sources of what nobody can foretell."""

    rng: random.Random
    random_bytes: Callable[[int], bytes]
    new_event_id: Callable[[], str]


class Secrets(NamedTuple):
    """Secrets: keys, sealed configurations, passwords."""

    keys: Keys
    vault: Vault
    passwords: Passwords


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Declarations of the operator, and the adapters that reach it."""

    connections: Connections = field(default_factory=Connections)
    connection_types: Mapping[str, ConnectionType] = field(default_factory=dict)
    source_drivers: Mapping[str, SourceDriver] = field(default_factory=dict)  # by type of source
    actions: DeclaredActions = DeclaredActions()
    lookups: Mapping[str, LookupBackend] = field(
        default_factory=dict
    )  # whom look-ups of actions ask
    alerts: Mapping[str, AlertChannel] = field(default_factory=dict)  # that hear of all orgs


@dataclass(frozen=True, kw_only=True)
class Ports:
    """The ports that the service works over."""

    store: port.Store
    departure: Departure
    catalogue: Catalogue
    times: Times
    randomness: Randomness
    secrets: Secrets
    addresses: Addresses
    # Of every kind, those of the engine itself as they are given; it hands over to inboxes what is
    # theirs, and asks who has agreed to e-mails.
    destination: Callable[
        [Receive, Mapping[str, Driver], Callable[[OrgId, str], bool]], Destination
    ]
    sandboxes: Sandboxes
    outside: Outside = Outside()
    declared: Declared = field(default_factory=Declared)
    shaping: Shaping | None = None  # instead of what is made of the others


class StepRunner(Protocol):
    """Takes a step of a start, however long the store holds it up."""

    async def __call__(self, step: Callable[[], Awaitable[Value]]) -> Value:
        """The step's value."""
