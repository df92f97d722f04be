"""What is kept of a webhook, and how its versions follow each other."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from tidings.core.delivery.retry_policy import RetryPolicy
from tidings.core.delivery.webhook_status import WebhookStatus
from tidings.core.events.attribution import StoredAttribution
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import OrgId, WebhookId
from tidings.core.shaping.enrichment import enrichment_of
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.shaping.neo_rules import NEO, neo_value, unknown_flow
from tidings.core.shaping.shape import shape_of
from tidings.core.shaping.signatures.key_ring import KEYS_MAX, KeyRing
from tidings.core.shaping.signatures.schemes import KeyPair, key_pair, paired
from tidings.core.shaping.signatures.secrets import SECRET_BYTES
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody
from tidings.core.webhooks.webhook import Ordering, Webhook
from tidings.core.webhooks.webhook_types import KINDS
from tidings.engine.callables import RandomBytes
from tidings.errors import Conflict, FieldRefusal
from tidings.store.port import StoredWebhook

SHARED = ""  # among the names of key rings, which are schemes: that of the signing secrets
IDEMPOTENCY_KEY_KEPT_MS = 24 * 3_600_000
DIGEST_BYTES = 16

Verb = Literal["pause", "resume", "enable", "disable"]

# What each verb leads to, from where. From elsewhere it is refused: `enable` must not let a paused
# webhook send, nor `resume` one that its receiver has left.
_VERBS: dict[Verb, tuple[WebhookStatus, tuple[WebhookStatus, ...]]] = {
    "pause": (WebhookStatus.PAUSED, (WebhookStatus.ACTIVE,)),
    "resume": (WebhookStatus.ACTIVE, (WebhookStatus.PAUSED,)),
    "enable": (WebhookStatus.ACTIVE, (WebhookStatus.INACTIVE, WebhookStatus.DISABLED)),
    "disable": (WebhookStatus.DISABLED, (WebhookStatus.ACTIVE, WebhookStatus.PAUSED)),
}


Author = str | StoredAttribution  # a bare text is a credential's id


def author(caller: AuthenticatedCaller) -> Author:
    """Return who is shown as having made or changed it."""
    return caller.attribution if caller.attribution.id else caller.credential


class IdempotencyKey(msgspec.Struct, frozen=True):
    """The call that made a webhook, where it carried an `Idempotency-Key`."""

    key: bytes
    body: bytes
    warnings: tuple[FieldRefusal, ...] = ()


class Config(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sealed part of a version. Fields are only ever added, with a default."""

    settings: WebhookSettings
    secrets: tuple[bytes, ...]  # newest first
    created_by: Author
    updated_by: Author
    reason: str | None = None  # why it was disabled
    secret_ends: tuple[int, ...] = ()  # of each secret but the newest: until when it signs
    call: IdempotencyKey | None = None
    key_rings: dict[str, KeyRing] = {}  # private keys, by the scheme that signs by them

    @property
    def rings(self) -> dict[str, KeyRing]:
        """Return all its keys: those of schemes with key pairs, and the secrets as `SHARED`."""
        return {SHARED: KeyRing(self.secrets, self.secret_ends), **self.key_rings}

    @property
    def key_ends(self) -> list[int]:
        """Return until when each key signs that is not the newest of its ring."""
        return [end for ring in self.rings.values() for end in ring.ends]

    def in_force(self, now_ms: int) -> tuple[bytes, ...]:
        """Return the secrets that sign at this time."""
        return self.rings[SHARED].in_force(now_ms)

    def pairs_in_force(self, now_ms: int) -> tuple[KeyPair, ...]:
        """Return the key pairs that sign at this time, by the schemes that are chosen."""
        return tuple(
            key_pair(scheme, private, end)
            for scheme in paired(self.settings.signatures)
            if scheme.id in self.key_rings
            for private, end in self.key_rings[scheme.id].living(now_ms)
        )

    def with_rings(self, rings: Mapping[str, KeyRing]) -> "Config":
        """Return the configuration with these keys in place of those of the same names."""
        rings = self.rings | dict(rings)
        shared = rings.pop(SHARED)
        return msgspec.structs.replace(
            self, secrets=shared.keys, secret_ends=shared.ends, key_rings=rings
        )

    def with_missing_pairs(self, random_bytes: RandomBytes) -> "Config":
        """Return the configuration with a key pair for each chosen scheme that signs by pairs and
        has none yet."""
        return self.with_rings(
            {
                scheme.id: KeyRing((random_bytes(scheme.key_bytes),))
                for scheme in paired(self.settings.signatures)
                if scheme.id not in self.key_rings
            }
        )

    def __repr__(self) -> str:
        """Show it without the secrets."""
        return f"Config({self.settings!r})"


class WebhookState(msgspec.Struct, frozen=True):
    """A webhook as the API shows it."""

    webhook: Webhook
    config: Config
    created_ms: int
    updated_ms: int

    @property
    def org(self) -> OrgId:
        """Return the webhook's owner."""
        return self.webhook.org

    def __repr__(self) -> str:
        """Show it without the secrets."""
        return f"Record(id={self.webhook.id!r}, {self.config!r})"


configs = msgspec.json.Decoder(Config)

# What the engine knows of a webhook as its owner has set it; the rest is made of that.
_AS_SET = (set(Webhook.__struct_fields__) & set(WebhookSettings.__struct_fields__)) - set(
    "name event_names url connection retry filter transformation".split()
)


def webhook_of(
    stored: StoredWebhook, config: Config, now_ms: int, default_connection: str = ""
) -> Webhook:
    """Build the webhook as the engine knows it, with the secrets that are in force.
    `default_connection`: what a webhook of the platform's own queue goes over; blank: nothing."""
    settings = config.settings
    of_type = KINDS[settings.kind]
    enrichment, shape = enrichment_of(settings.extra), shape_of(settings.fields, settings.rename)
    if settings.without_personal_data:  # then nothing of a customer would be left of it
        enrichment = msgspec.structs.replace(enrichment, sources=(), cards=False)
    neo = settings.extra.get(NEO) if settings.transformation is None else None
    transformation, flow = settings.transformation or neo_value(neo), unknown_flow(neo, ())
    return Webhook(
        number=stored.number,
        id=stored.id,
        consumer_group=stored.consumer_group,
        org=stored.org,
        version=stored.version,
        name=stored.name,
        status=WebhookStatus(stored.status),
        event_names=frozenset(settings.event_names),
        url=settings.place,
        connection=default_connection if of_type.over_default else settings.connection or "",
        secrets=config.in_force(now_ms),
        key_pairs=config.pairs_in_force(now_ms),
        retry=_retry(settings),
        enrichment=enrichment,
        filter=None if settings.filter is None else compile_filter(settings.filter),
        shape=shape,
        transformation=transformation,
        must_transform=settings.transformation is not None,
        flow=flow,
        plain=not enrichment.any
        and shape is None
        and transformation is None
        and flow is None
        and settings.email is None
        and not of_type.acts
        and not settings.without_personal_data,
        **{name: getattr(settings, name) for name in _AS_SET},
    )


def _retry(settings: WebhookSettings) -> RetryPolicy:
    """Return the retry policy. A refused delivery can hold others only if the webhook has an
    order."""
    if not settings.hold_on_failure or settings.ordering is Ordering.NONE:
        return settings.retry
    return msgspec.structs.replace(settings.retry, hold_on_failure=True)


def first_version(
    org: OrgId, name: str, status: WebhookStatus = WebhookStatus.ACTIVE
) -> StoredWebhook:
    """Return the first version of a new webhook, without its ids and its configuration."""
    return StoredWebhook(
        number=0,
        id=WebhookId(""),
        consumer_group="",
        org=org,
        version=1,
        name=name,
        status=status.value,
        config=b"",
    )


def with_ids(fresh: StoredWebhook, now_ms: int, random_bytes: RandomBytes) -> StoredWebhook:
    """Return a webhook with ids of its own. The first begins with the second it was made in, as the
    original's."""
    second = int(now_ms // 1000 & 0xFFFFFFFF).to_bytes(4, "big")
    return msgspec.structs.replace(
        fresh,
        id=(second + random_bytes(8)).hex(),
        consumer_group=str(uuid.UUID(bytes=random_bytes(16), version=4)),
    )


def next_version(old: WebhookState, status: WebhookStatus) -> StoredWebhook:
    """Build the next version, without its configuration."""
    webhook = old.webhook
    return StoredWebhook(
        number=webhook.number,
        id=webhook.id,
        consumer_group=webhook.consumer_group,
        org=webhook.org,
        version=webhook.version + 1,
        name=webhook.name,
        status=status.value,
        config=b"",
        created_ms=old.created_ms,
    )


def replaced_status(status: WebhookStatus, active: bool | None) -> WebhookStatus:
    """Return the status that a body's `active` leads to. Active is true of a paused webhook too."""
    if active is None or (active and status is WebhookStatus.PAUSED):
        return status
    return WebhookStatus.ACTIVE if active else WebhookStatus.INACTIVE


def replaced(
    config: Config, reading: ParsedWebhookBody, status: WebhookStatus, by: Author, now_ms: int
) -> Config:
    """Replace a configuration by what a body says; a secret that it brings is the only one."""
    kept = msgspec.structs.replace(
        pruned(config, now_ms),
        settings=reading.settings,
        updated_by=by,
        reason=config.reason if status is WebhookStatus.DISABLED else None,
    )
    if reading.secret is None or reading.secret == config.secrets[0]:
        return kept
    return msgspec.structs.replace(kept, secrets=(reading.secret,), secret_ends=())


def same(fresh: Config, old: Config) -> bool:
    """Return whether a configuration says what another one says, whoever has said it."""
    return (fresh.settings, fresh.secrets[:1], fresh.reason) == (
        old.settings,
        old.secrets[:1],
        old.reason,
    )


def name_taken(name: str) -> FieldRefusal:
    """Build the refusal of a name that another webhook of the org has."""
    return FieldRefusal.build(
        "name_taken",
        f'name must be unique in the org; got "{name[:40]}", which is '
        "taken. Choose another, or replace that webhook.",
        field="name",
    )


def rotated(
    config: Config,
    random_bytes: RandomBytes,
    overlap_ms: int,
    now_ms: int,
    scheme: str | None = None,
) -> Config:
    """Add a new key for each scheme that is chosen, or for one of them. Those in force go on for
    `overlap_ms`, none longer than it was given. Raise Conflict where that scheme is not chosen, or
    too many keys would sign."""
    config, signatures = config.with_missing_pairs(random_bytes), config.settings.signatures
    if scheme is not None:
        if scheme not in signatures:
            raise Conflict(scheme_not_chosen(scheme, signatures))
        signatures = (scheme,)
    pairs = {scheme.id: scheme.key_bytes for scheme in paired(signatures)}
    shared = {} if len(pairs) == len(signatures) else {SHARED: SECRET_BYTES}
    rings = config.rings
    fresh = config.with_rings(
        {
            name: rings[name].rotated(random_bytes(size), overlap_ms, now_ms)
            for name, size in (shared | pairs).items()
        }
    )
    if any(len(ring.keys) > KEYS_MAX for ring in fresh.rings.values()):
        raise Conflict(too_many_secrets())
    return fresh


def pruned(config: Config, now_ms: int) -> Config:
    """Drop the keys whose time is over: a new version does not keep them."""
    return config.with_rings({name: ring.pruned(now_ms) for name, ring in config.rings.items()})


def after(verb: Verb, status: WebhookStatus) -> WebhookStatus | None:
    """Return the status that a verb leads to; None where the verb does not apply to such a
    webhook."""
    wanted, sources = _VERBS[verb]
    return wanted if status is wanted or status in sources else None


def idempotency_key(key: str, body: dict[str, Any]) -> IdempotencyKey:
    """Compute the digests by which a creating call is remembered; the order of the body's fields
    does not matter."""
    plain = msgspec.json.encode(body, order="deterministic")
    return IdempotencyKey(_digest(key.encode()), _digest(plain))


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()


def refuse_verb(verb: Verb, status: WebhookStatus) -> FieldRefusal:
    """Build the refusal of a verb that does not apply to a webhook of this status."""
    _, sources = _VERBS[verb]
    must = " or ".join(source.value for source in sources)
    advice = {
        WebhookStatus.ACTIVE: "It is in force; nothing is to be done.",
        WebhookStatus.PAUSED: "Call …/resume.",
    }.get(status, "Call …/enable.")
    return FieldRefusal.build(
        "wrong_standing",
        f"The webhook must be {must} for {verb}; it is {status.value}. {advice}",
        field="standing",
    )


def too_many_secrets() -> FieldRefusal:
    """Build the refusal of a rotation that comes again and again within one overlap."""
    return FieldRefusal.build(
        "too_many_secrets",
        f"At most {KEYS_MAX} secrets may sign at once; this would be one more. Wait until an "
        "overlap ends (signingSecretOverlapEnds), or rotate with overlapInHours 0.",
        field="overlapInHours",
    )


def scheme_not_chosen(scheme: str, signatures: Sequence[str]) -> FieldRefusal:
    """Build the refusal to rotate a key of a scheme that does not sign."""
    return FieldRefusal.build(
        "scheme_not_chosen",
        f"scheme must be one that the webhook signs by ({', '.join(signatures)}); got {scheme}. "
        "Leave it out to rotate the keys of all schemes.",
        field="scheme",
    )


def name_unresolved(host: str) -> FieldRefusal:
    """Build the warning of a host that does not resolve to a public address. It is one sentence for
    no such name and for a name of a forbidden address: else anybody could ask which names our
    network knows."""
    shown = host if len(host) <= 80 else host[:80] + "…"
    return FieldRefusal.build(
        "name_unresolved",
        f'webHookUrl should name a host that resolves to a public address; "{shown}" does not at '
        "the moment. Deliveries are retried until it does; check its spelling.",
        field="webHookUrl",
    )
