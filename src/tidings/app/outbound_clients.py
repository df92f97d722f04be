"""The clients of what Tidings itself calls: the platform's API, the mail server, and the collector
of traces; and the policy of whom webhooks may reach.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tidings.app.operator_files.operator_file import FileRefused
from tidings.core.running.lease import OwnerLease
from tidings.core.shaping.platform_rules import read_map
from tidings.egress.address import parse_target
from tidings.egress.mail import MailServerAddress, SmtpMailer
from tidings.egress.policy import Policy
from tidings.egress.sender import HttpSender
from tidings.engine.clock import Clock
from tidings.engine.events.tracing import NoTracing, Tracing
from tidings.engine.shaping.platform import (
    CONNECTIONS_MAX,
    Platform,
    PlatformOptions,
)
from tidings.errors import Unusable
from tidings.settings.service_addresses import platform_paths
from tidings.settings.settings import Settings

if TYPE_CHECKING:
    from tidings.app.span_export import SpanExport


def make_platform(
    settings: Settings, clock: Clock
) -> tuple[Platform | None, list[Callable[[], Awaitable[None]]]]:
    """Make the client of the platform's own API, dialled under a policy of its own, and return it
    with what closes it. None and nothing where no URL is set."""
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


async def make_tracing(settings: Settings) -> tuple[Tracing, Callable[[], Awaitable[None]]]:
    """Make what records spans, and what closes it; nothing is recorded where no collector is set.
    Unusable where its library is not installed."""
    if settings.traces_to is None:
        return NoTracing(), _close_nothing
    try:
        made = await asyncio.to_thread(import_module, "tidings.app.span_export")
    except ImportError:
        raise Unusable(
            "traces_to needs the OpenTelemetry libraries; they are not installed. Install the "
            "extra otel of Tidings, or leave traces_to out."
        ) from None
    export: SpanExport = made.SpanExport(
        settings.traces_to, settings.traces_share, time.monotonic, random.Random()
    )
    return export, partial(asyncio.to_thread, export.close)


async def _close_nothing() -> None:
    pass


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


def make_sender(settings: Settings, connections_max: int, lease: OwnerLease) -> HttpSender:
    """Build the sender of calls to receivers, which leave while the lease holds. FileRefused."""
    if settings.ca_file is not None:
        trusting(settings.ca_file)  # refused at the start, and not by each call
    return HttpSender(
        make_policy(settings),
        ca_bundle=settings.ca_file,
        connections_max=connections_max,
        lease=lease,
    )


def make_mailer(settings: Settings, lease: OwnerLease) -> SmtpMailer | None:
    """Build the sender of e-mails, which leave while the lease holds; None where no mail server is
    named."""
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
        lease,
        None if settings.ca_file is None else trusting(settings.ca_file),
    )


def make_policy(settings: Settings) -> Policy:
    return Policy(settings.dev, settings.allow, settings.deny)
