"""A webhook: one immutable version of a brand's subscription."""

from enum import StrEnum

import msgspec

from tidings.core.delivery.retry_policy import DEFAULT_POLICY, RetryPolicy
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.enrichment import NOTHING, EnrichmentSettings
from tidings.core.shaping.filters.compiler import CompiledFilter
from tidings.core.shaping.shape import Shape
from tidings.core.shaping.signatures.schemes import DEFAULT, KeyPair
from tidings.core.webhooks.authentication import Authentication, header_of
from tidings.core.webhooks.name_matching import names_of, prefixes_of
from tidings.core.webhooks.targets.kafka_topic import KafkaTopic
from tidings.core.webhooks.targets.mailing import Mailing
from tidings.core.webhooks.targets.sql_table import SqlTable
from tidings.core.webhooks.webhook_types import KINDS, WebhookType

QUEUE_WARNING = (
    "The operator has declared no connection as the default, so the webhook is stored and listed, "
    "but no event is handed to a queue and no call is made; its URL is kept and never dialled."
)


class Ordering(StrEnum):
    """The orders in which events are sent: any, one after the other for each key, or for the whole
    lane."""

    NONE = "none"
    KEY = "key"
    STRICT = "strict"


class Webhook(msgspec.Struct, frozen=True):
    """A webhook: which events go where, and how. `number` is the store's; `id` is what people
    see."""

    number: int
    id: WebhookId  # 24 hex digits
    consumer_group: str  # UUID
    org: OrgId
    version: int  # counts the changes; a delivery remembers under which one it was sent
    name: str
    status: WebhookStatus
    event_names: frozenset[str]  # and prefixes: core/webhooks/name_matching.py
    kind: str  # one of `kinds.KINDS`
    url: str  # where it sends, also where that is no address that is called
    method: str
    headers: tuple[tuple[str, str], ...]
    connections_max: int
    authentication: Authentication | None = None  # beside the headers
    connection: str = ""  # the operator's that it goes over; of QUEUE the default one
    kafka: KafkaTopic | None = None
    sql: SqlTable | None = None
    email: Mailing | None = None
    sla_s: int | None = None
    secrets: tuple[bytes, ...] = ()  # signing secrets in force, newest first
    signatures: tuple[str, ...] = DEFAULT  # the schemes by which its messages are signed
    key_pairs: tuple[KeyPair, ...] = ()  # of those that sign by pairs, in force, newest first
    retry: RetryPolicy = DEFAULT_POLICY
    ordering: Ordering = Ordering.NONE
    rate_per_s: float | None = None
    deadline_s: float = 30.0
    keep_answers: bool = False  # keep the body of 2xx answers too
    listen_to_children: bool = False
    event_versions: tuple[tuple[str, int], ...] = ()  # of event types; 1 where not named
    extra: dict[str, msgspec.Raw] = {}  # further fields of the contract, kept as they came
    enrichment: EnrichmentSettings = NOTHING  # what `extra` asks to be added, typed
    without_personal_data: bool = False  # what its receiver gets holds none
    filter: CompiledFilter | None = None  # which events of its types it wants; None: all
    shape: Shape | None = None  # which fields of them, under which names; None: all, as they are
    transformation: str | None = None  # the stored transformation that makes its payload
    must_transform: bool = False  # it was named by `transformation`, and not by `neoEnrichment`
    flow: str | None = None  # what `neoEnrichment` asks for, in words, where that shapes it
    plain: bool = True  # the accepted bytes go untouched
    prefixes: tuple[str, ...] = ()  # those among its event names; made of them

    def __post_init__(self) -> None:
        """Look for prefixes once, not at each event of a name that is new."""
        msgspec.structs.force_setattr(self, "prefixes", prefixes_of(self.event_names))

    @property
    def matches(self) -> bool:
        """Return whether a new event makes a delivery at all."""
        return self.has_target and self.status in (
            WebhookStatus.ACTIVE,
            WebhookStatus.PAUSED,
            WebhookStatus.DISABLED,
        )

    def subscribes(self, kept: str, version: int) -> bool:
        """Return whether it asked for such events (by their stored name), in this version of their
        type.

        A prefix asks for version 1.
        """
        for name in names_of(kept):
            if name in self.event_names:
                if version == self.version_of(name):
                    return True
            elif version == 1 and name.startswith(self.prefixes):
                return True
        return False

    def hears(self, kept: str) -> bool:
        """Return whether it asked for such events at all, in whatever version."""
        return any(self.subscribes(kept, self.version_of(name)) for name in names_of(kept))

    def version_of(self, event_name: str) -> int:
        """Return the version of an event type that it chose: 1 unless it named another."""
        return next((at for name, at in self.event_versions if name == event_name), 1)

    @property
    def sends(self) -> bool:
        """Return whether attempts may start."""
        return self.has_target and self.status is WebhookStatus.ACTIVE

    @property
    def has_target(self) -> bool:
        """Return whether anything leads to its receiver at all, for a delivery or for a test."""
        return bool(self.connection) or not KINDS[self.kind].over_default

    @property
    def type(self) -> WebhookType:
        """Return what webhooks of its type have and can."""
        return KINDS[self.kind]

    @property
    def header_names(self) -> list[str]:
        """List the headers whose values are secrets: the webhook's own, and that of its
        authentication."""
        own = [name for name, _ in self.headers]
        return own if self.authentication is None else [*own, header_of(self.authentication)]

    def __repr__(self) -> str:
        """Show it without headers and secrets: what is printed may be kept in a log."""
        return f"Webhook(id={self.id!r}, version={self.version}, name={self.name!r})"
