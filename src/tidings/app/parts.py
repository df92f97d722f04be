"""Makes for `service.py` the mailer, the platform's client, keys, links and the first credential.

All other adapters are picked in `service.py` itself.
"""

import hashlib
import itertools
import os
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tidings.api.http.metrics_access import MetricsReaders
from tidings.app.operator_files.operator_file import FileRefused
from tidings.connections import kafka_type, outbox_type, smtp_type, sql_type
from tidings.connections.port import ConnectionType
from tidings.core.audit.actor import operator_actor
from tidings.core.connections.connection import Connections
from tidings.core.ids import OrgId
from tidings.core.shaping.platform_rules import read_map
from tidings.core.sources.source import KAFKA, OUTBOX
from tidings.core.webhooks import webhook_types
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.email.driver import EmailDestination
from tidings.destinations.http.driver import HttpDestination
from tidings.destinations.kafka.driver import KafkaDestination
from tidings.destinations.port import Driver
from tidings.destinations.sql.driver import SqlDestination
from tidings.egress.address import parse_target
from tidings.egress.mail import MailServerAddress, SmtpMailer
from tidings.egress.policy import Policy
from tidings.egress.port import OutletMaker, ReceiverAddress
from tidings.egress.sender import HttpSender
from tidings.engine.access.access import CredentialBook
from tidings.engine.access.access_services import AccessServices
from tidings.engine.audit.acting import acting_as
from tidings.engine.clock import Clock
from tidings.engine.shaping.platform import (
    CONNECTIONS_MAX,
    Platform,
    PlatformOptions,
)
from tidings.engine.vault import read_or_make_key
from tidings.ports import Keys
from tidings.settings.settings import Settings, host_of, platform_paths
from tidings.sources.kafka.driver import KafkaDriver
from tidings.sources.outbox.driver import OutboxDriver
from tidings.sources.port import DriverStore, SourceDriver

KEY_FILE = "key"
TERMS_PURPOSE = b"tidings.terms"
TOKENS_PURPOSE, CONSENTS_PURPOSE = b"tidings.tokens", b"tidings.consents"
AUDIT_PURPOSE = b"tidings.audit"
# What the operator may declare, by the name of its type.
CONNECTION_TYPES: dict[str, ConnectionType] = {
    connection_type.name: connection_type
    for connection_type in (kafka_type.TYPE, outbox_type.TYPE, smtp_type.TYPE, sql_type.TYPE)
}


def make_platform(
    settings: Settings, clock: Clock
) -> tuple[Platform | None, list[Callable[[], Awaitable[None]]]]:
    """The platform's own API, dialled under a policy of its own; and how to close it."""
    if settings.platform_url is None:
        return None, []
    policy = Policy(settings.platform_private, denied=settings.deny)
    sender = HttpSender(policy, ca_bundle=settings.ca_file)
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


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Make a context that trusts the system's authorities and those of a file. FileRefused."""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:  # of which an SSLError is one
        raise FileRefused(
            f"ca_file must be a file with certificates in PEM; {ca_file} is none: "
            f"{error.strerror or error}. Correct it, or leave it out."
        ) from None
    return context


def make_mailer(settings: Settings) -> SmtpMailer | None:
    """Build the sender of e-mails; None where no mail server is named."""
    if settings.mail_host is None or settings.mail_from is None:
        return None
    password = settings.mail_password
    return SmtpMailer(
        MailServerAddress(
            host=settings.mail_host,
            port=settings.mail_port,
            sender=settings.mail_from,
            starttls=settings.mail_starttls,
            user=settings.mail_user,
            password=None if password is None else password.reveal(),
        ),
        None if settings.ca_file is None else trusting(settings.ca_file),
    )


def destinations(
    sender: OutletMaker,
    target_of: Callable[[str], ReceiverAddress],
    clock: Clock,
    connections: Connections,
    own: Mapping[str, Driver],
    agreed: Callable[[OrgId, str], bool],
    acting: Callable[[Mapping[str, Driver]], Driver],
) -> DriverDispatch:
    """Every kind of destination, each by its driver; `own` are those of the engine itself.
    `agreed`: whether an address's owner wants the e-mails of an org. `acting`: the driver of
    actions, made over the others."""

    def now_s() -> float:
        return clock.now_ms() / 1000

    drivers: dict[str, Driver] = {
        webhook_types.HTTP: HttpDestination(sender, target_of, now_s),
        webhook_types.KAFKA: KafkaDestination(now_s),
        webhook_types.EMAIL: EmailDestination(connections, agreed),
        webhook_types.SQL: SqlDestination(connections),
        **own,
    }
    drivers[webhook_types.ACTION] = acting(drivers)
    of_webhooks = {kind: driver for kind, driver in drivers.items() if kind in webhook_types.KINDS}
    return DriverDispatch(of_webhooks, connections)


def make_policy(settings: Settings) -> Policy:
    return Policy(settings.dev, settings.allow, settings.deny)


def source_drivers(store: DriverStore, installation: str) -> dict[str, SourceDriver]:
    """Build the drivers that fetch messages of sources, by their type. `installation`: our id, for
    whoever else reads there."""
    return {
        KAFKA: KafkaDriver(store, installation),
        OUTBOX: OutboxDriver(store, installation),
    }


def inbox_host(settings: Settings) -> str | None:
    """The host that serves test inboxes alone; None where they have none."""
    return None if settings.inbox_url is None else host_of(settings.inbox_url)


def metrics_readers(settings: Settings) -> MetricsReaders:
    """Build the list of those who may read the figures beside the platform's own credential."""
    token, networks = settings.metrics_token, settings.metrics_from
    return MetricsReaders(
        everybody=settings.dev and token is None and not networks,
        token=None if token is None else token.reveal(),
        networks=networks,
    )


def keys_in(data: Path) -> Keys:
    """The keys of a data directory."""
    return Keys(
        terms=terms_key(data),
        tokens=derived_key(data, TOKENS_PURPOSE),
        consents=derived_key(data, CONSENTS_PURPOSE),
        audit=derived_key(data, AUDIT_PURPOSE),
    )


def terms_key(data: Path) -> bytes:
    """The key of the search terms."""
    return derived_key(data, TERMS_PURPOSE, 16)


def derived_key(data: Path, purpose: bytes, size: int = 32) -> bytes:
    """A key from the directory's own key, for one purpose: no other use shares it."""
    key = read_or_make_key(data / KEY_FILE).reveal()
    return hashlib.blake2b(purpose, key=key, digest_size=size).digest()


async def first_credential(
    settings: Settings, access: CredentialBook, org_of_file: OrgId | None
) -> None:
    org, key, secret = (
        OrgId(settings.bootstrap_org or org_of_file or 1),
        settings.bootstrap_key,
        settings.bootstrap_secret,
    )
    with acting_as(operator_actor("serve")):
        if key is not None and secret is not None:
            await access.ensure_bootstrap(org, key, secret.reveal())
            return
        fresh = await access.first_credential(org)
    if fresh is not None:
        print(
            f"First start: org {org} and the platform's own credential are made.\n"
            f"  key     {fresh.key}\n"
            f"  secret  {fresh.secret}\n"
            "The secret is shown only once; save it now.",
            file=sys.stderr,
        )


async def console_link(settings: Settings, access_services: AccessServices) -> str | None:
    """With --dev a link that signs in to the console, once."""
    own = access_services.access.of_platform()
    if not settings.dev or not own:
        return None
    with acting_as(operator_actor("serve --dev")):
        token = await access_services.sessions.make_link(own[0].id)
    here = settings.host if settings.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{here}:{settings.port}/console/sign-in?link={token}"


def request_ids() -> Callable[[], str]:
    """Unique for ever, by a random half; cheap, by a counted half."""
    ours, count = os.urandom(8).hex(), itertools.count()
    return lambda: f"{ours}{next(count):016x}"
