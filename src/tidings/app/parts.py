"""Parts of the service that need more than a line to be made."""

import hashlib
import itertools
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from tidings.api.http.metrics_access import MetricsReaders
from tidings.core.delivery.health import FIRST
from tidings.core.notices.facts import DISABLED, FAILING, RECOVERED, disabled, failing, recovered
from tidings.core.shaping.platform_rules import read_map
from tidings.core.steady_clock import SteadyClock
from tidings.core.webhooks.webhook import Webhook
from tidings.egress.address import parse_target
from tidings.egress.inbox import OwnAddress
from tidings.egress.mail import MailServer, SmtpMailer
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender
from tidings.engine.access.access import Access
from tidings.engine.access.access_services import AccessServices
from tidings.engine.clock import Clock
from tidings.engine.engine import Engine
from tidings.engine.events.event_types import EventTypes
from tidings.engine.events.feed import Feed
from tidings.engine.jobs import Jobs
from tidings.engine.loop_lag import LoopLag
from tidings.engine.metrics import EngineMetrics
from tidings.engine.notices.consents import Asking, Consents
from tidings.engine.notices.emails import Emails
from tidings.engine.notices.notices import Notices
from tidings.engine.orgs import Orgs
from tidings.engine.retention import Retention
from tidings.engine.shaping.enricher import Enricher
from tidings.engine.shaping.platform import (
    CONNECTIONS_MAX,
    Platform,
    PlatformOptions,
    counters,
    gauges,
)
from tidings.engine.shaping.reference import Reference
from tidings.engine.vault import read_or_make_key
from tidings.engine.webhooks.records import Record
from tidings.engine.webhooks.webhooks import Webhooks
from tidings.settings import Settings, host_of, platform_paths, public_url
from tidings.store import port
from tidings.store.sqlite.hosting.client import SqliteStore

KEY_FILE = "key"
TERMS_PURPOSE = b"tidings.terms"

log = structlog.get_logger("tidings.telling")


def make_platform(
    settings: Settings, clock: Clock
) -> tuple[Platform | None, list[Callable[[], Awaitable[None]]]]:
    """The platform's own API, dialled under a policy of its own; and how to close it."""
    if settings.platform_url is None:
        return None, []
    sender = HttpSender(Policy(settings.platform_private, denied=settings.deny))
    target = parse_target(settings.platform_url, allow_http=settings.platform_private)
    secret = settings.platform_auth_secret
    base = target.path.rstrip("/")
    options = PlatformOptions(
        paths={kind: base + path for kind, path in platform_paths(settings).items()},
        headers=(
            ("accept", "application/json"),
            *(() if secret is None else ((settings.platform_auth_header, secret.reveal()),)),
        ),
        fields=read_map(settings.platform_fields),
        timeout_s=settings.platform_timeout_s,
        keep_s=settings.platform_keep_s,
        keep_none_s=settings.platform_keep_none_s,
    )
    platform = Platform(sender.origin(target, CONNECTIONS_MAX), options, clock)
    return platform, [platform.close, sender.close]


def make_enricher(
    event_types: EventTypes, reference: Reference, platform: Platform | None, metrics: EngineMetrics
) -> Enricher:
    """What shaping begins with."""
    enricher = Enricher(kind_of=event_types.kind_of, reference=reference, platform=platform)
    metrics.gauges.update(
        reference_cache_bytes=(
            "Reference data in memory, about.",
            lambda: reference.cached_bytes,
        ),
    )
    metrics.counters["enrichment_thin"] = (
        "Messages sent thin because the platform did not answer.",
        lambda: enricher.thin,
    )
    if platform is not None:
        metrics.counters.update(counters(platform))
        metrics.gauges.update(gauges(platform))
    return enricher


def make_jobs(
    engine: Engine,
    webhooks: Webhooks,
    orgs: Orgs,
    store: SqliteStore,
    clock: SteadyClock,
    mailer: SmtpMailer | None,
    metrics: EngineMetrics,
    consents: Consents,
) -> tuple[Notices, Retention, Jobs]:
    """What works behind the calls: telling owners, and dropping what is too old."""
    emails = Emails(
        store=store,
        clock=clock,
        addresses=consents.told,
        mailer=mailer,
        awaits=consents.awaits,
        link=consents.link,
    )
    notices = Notices(
        accept=engine.acceptor.accept,
        clock=clock,
        number_of=webhooks.number_of,
        emails=emails,
    )
    tell_owners(notices, engine, webhooks, clock)
    retention = Retention(
        store=store,
        clock=clock,
        sure=lambda: clock.sure,
        retentions=lambda: {org.id: orgs.settings(org.id).retention for org in orgs.all()},
    )
    loop_lag = LoopLag()
    metrics.gauges["loop_lag_seconds"] = (
        "The latest that a timer came, of the last minute.",
        loop_lag.worst_s,
    )
    running: dict[str, Callable[[], Awaitable[None]]] = {
        "retention": retention.run,
        "notices": notices.run,
        "pulse": loop_lag.run,
    }
    if mailer is not None:
        running["asking"] = Asking(orgs=orgs, clock=clock, emails=emails).run
    jobs = Jobs(running, notices.flush)
    return notices, retention, jobs


def tell_owners(notices: Notices, engine: Engine, webhooks: Webhooks, clock: Clock) -> None:
    """From now on the owners of webhooks are told."""

    def on_failing(webhook: Webhook, health: port.Health) -> None:
        since_ms = health.failing_since_ms or clock.now_ms()
        until_ms = engine.healths.ends_ms(health)
        percent = 0 if health.told == FIRST else health.told
        fact = failing(webhook, percent, since_ms, until_ms, health.failures, health.cause)
        notices.tell(FAILING, webhook.org, fact, partial(engine.healths.told, webhook.number))

    def on_recovered(webhook: Webhook, health: port.Health) -> None:
        now_ms = clock.now_ms()
        since_ms = health.failing_since_ms or now_ms
        fact = recovered(webhook, since_ms, now_ms)
        notices.tell(RECOVERED, webhook.org, fact, partial(engine.healths.told, webhook.number))

    def on_disabled(record: Record, parked: int) -> None:
        webhook = record.webhook
        health = engine.healths.of(webhook.number)
        since_ms = None if health is None else health.failing_since_ms
        fact = disabled(webhook, record.config.reason or "It was disabled.", parked, since_ms)
        done = partial(webhooks.told, webhook.number, webhook.version)
        notices.tell(DISABLED, webhook.org, fact, done)
        log.warning(
            "a webhook is disabled", webhook=webhook.id, parked=parked, reason=record.config.reason
        )

    engine.on_failing = on_failing
    engine.on_recovered = on_recovered
    engine.on_ended_badly = notices.ended
    engine.healths.on_parked = notices.parked
    webhooks.on_disabled = on_disabled


def tell_both(feed: Feed, notices: Notices) -> Callable[[str, int, dict[str, Any]], None]:
    """A replay's end goes to who watches, and to who subscribes."""

    def tell(kind: str, org: int, fact: dict[str, Any]) -> None:
        feed.tell(org, "replay", fact)
        notices.tell(kind, org, fact)

    return tell


def make_mailer(settings: Settings) -> SmtpMailer | None:
    """Who sends e-mails; None where no mail server is named."""
    if settings.mail_host is None or settings.mail_from is None:
        return None
    password = settings.mail_password
    return SmtpMailer(
        MailServer(
            host=settings.mail_host,
            port=settings.mail_port,
            sender=settings.mail_from,
            starttls=settings.mail_starttls,
            user=settings.mail_user,
            password=None if password is None else password.reveal(),
        )
    )


def make_policy(settings: Settings) -> Policy:
    return Policy(settings.dev, settings.allow, settings.deny)


def own_address(settings: Settings) -> OwnAddress:
    """Where test inboxes are, and where they were before they had a host of their own."""
    base = public_url(settings)
    return OwnAddress(settings.inbox_url or base, base)


def inbox_host(settings: Settings) -> str | None:
    """The host that serves test inboxes alone; None where they have none."""
    return None if settings.inbox_url is None else host_of(settings.inbox_url)


def metrics_readers(settings: Settings) -> MetricsReaders:
    """Who may read the figures beside the platform's own credential."""
    token, networks = settings.metrics_token, settings.metrics_from
    return MetricsReaders(
        everybody=settings.dev and token is None and not networks,
        token=None if token is None else token.reveal(),
        networks=networks,
    )


def terms_key(data: Path) -> bytes:
    """The key of the search terms."""
    return derived_key(data, TERMS_PURPOSE, 16)


def derived_key(data: Path, purpose: bytes, size: int = 32) -> bytes:
    """A key from the directory's own key, for one purpose: no other use shares it."""
    key = read_or_make_key(data / KEY_FILE).reveal()
    return hashlib.blake2b(purpose, key=key, digest_size=size).digest()


async def first_credential(settings: Settings, access: Access) -> None:
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


async def console_link(settings: Settings, access_services: AccessServices) -> str | None:
    """With --dev a link that signs in to the console, once."""
    own = access_services.access.of_platform()
    if not settings.dev or not own:
        return None
    token = await access_services.sessions.make_link(own[0].id)
    here = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{here}:{settings.port}/console/sign-in?link={token}"


def request_ids() -> Callable[[], str]:
    """Unique for ever, by a random half; cheap, by a counted half."""
    ours, count = os.urandom(8).hex(), itertools.count()
    return lambda: f"{ours}{next(count):016x}"
