"""What is kept of a webhook, and how its versions follow each other."""

import msgspec

from tidings.core.form import Refusal
from tidings.core.webhook import Standing, Webhook
from tidings.core.webhook_rules import Settings
from tidings.store.port import StoredWebhook


class Config(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a version. Fields are only ever added, with a default."""

    settings: Settings
    secrets: tuple[bytes, ...]
    created_by: str
    updated_by: str
    reason: str | None = None  # why it was disabled

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Config({self.settings!r})"


class Record(msgspec.Struct, frozen=True):
    """A webhook as the API shows it."""

    webhook: Webhook
    config: Config
    created_ms: int
    updated_ms: int

    @property
    def org(self) -> int:
        """Its owner."""
        return self.webhook.org

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Record(id={self.webhook.id!r}, {self.config!r})"


configs = msgspec.json.Decoder(Config)


def webhook_of(stored: StoredWebhook, config: Config) -> Webhook:
    """The webhook as the engine knows it."""
    settings = config.settings
    return Webhook(
        number=stored.number,
        id=stored.id,
        consumer_group=stored.consumer_group,
        org=stored.org,
        version=stored.version,
        name=stored.name,
        standing=Standing(stored.standing),
        event_names=frozenset(settings.event_names),
        kind=settings.kind,
        url=settings.url,
        method=settings.method,
        headers=settings.headers,
        connections_max=settings.connections_max,
        sla_s=settings.sla_s,
        secrets=config.secrets,
        retry=settings.retry,
        ordering=settings.ordering,
        rate_per_s=settings.rate_per_s,
        deadline_s=settings.deadline_s,
        keep_answers=settings.keep_answers,
        listen_to_children=settings.listen_to_children,
        extra=settings.extra,
    )


def next_version(old: Record, standing: Standing) -> StoredWebhook:
    """The next version, without its configuration."""
    webhook = old.webhook
    return StoredWebhook(
        number=webhook.number,
        id=webhook.id,
        consumer_group=webhook.consumer_group,
        org=webhook.org,
        version=webhook.version + 1,
        name=webhook.name,
        standing=standing.value,
        config=b"",
        created_ms=old.created_ms,
    )


def replaced_standing(standing: Standing, active: bool | None) -> Standing:
    """The standing that a body's `active` leads to. Active is true of a paused webhook too."""
    if active is None or (active and standing is Standing.PAUSED):
        return standing
    return Standing.ACTIVE if active else Standing.INACTIVE


def name_taken(name: str) -> Refusal:
    """A second webhook of the org may not have this name."""
    return Refusal(
        "name_taken",
        f'name must be one that no other webhook of the org has; got "{name[:40]}", which is '
        "taken. Take another, or replace that webhook. (name_taken, field name)",
        "name",
    )
