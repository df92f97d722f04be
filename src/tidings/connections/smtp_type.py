"""Connections of type `smtp`: a mail server. The client library is imported when one is used."""

from collections.abc import Iterator, Mapping

from tidings.connections.port import ConnectionType, comes_with
from tidings.connections.smtp_server import (
    CONNECTIONS_MAX,
    DAY_MAX,
    HOUR_MAX,
    PORTS,
    SECURITIES,
    mailbox_of,
)
from tidings.core.connections.connection import Connection
from tidings.core.connections.fields import ConnectionField
from tidings.core.mail_addresses import address_of
from tidings.core.webhooks.targets.mailing import ANY, CONFIRMED, SMTP

EXTRA = "email"
FIELDS = (
    ConnectionField("host", "The mail server's name or address", required=True, shown=True),
    ConnectionField(
        "port",
        "Its port",
        what="port",
        usual=", ".join(f"{port} for {name}" for name, port in PORTS.items()),
        shown=True,
    ),
    ConnectionField(
        "security",
        "How it is encrypted: by STARTTLS, which the server must offer; by TLS from its begin; or "
        "not at all",
        words=SECURITIES,
        usual=SECURITIES[0],
        shown=True,
    ),
    ConnectionField("username", "Who we are to it", usual="nobody", shown=True),
    ConnectionField("password", "Of the user"),
    ConnectionField(
        "ca",
        "A PEM file: who signs the server's certificate",
        usual="the system's",
        shown=True,
    ),
    ConnectionField(
        "sender",
        "Whom e-mails come from, `Loyalty <news@brand.example>`",
        required=True,
        shown=True,
    ),
    ConnectionField("reply_to", "Where answers go", usual="the sender", shown=True),
    ConnectionField(
        "recipients",
        "Who may be written to: who has agreed by a link; or anybody, also whom an event names",
        words=(CONFIRMED, ANY),
        usual=CONFIRMED,
        shown=True,
    ),
    ConnectionField(
        "domains", "Those that recipients must be of", what="texts", usual="all", shown=True
    ),
    ConnectionField(
        "limit_per_hour",
        "Recipients of one org in an hour",
        what="number",
        usual=str(HOUR_MAX),
        shown=True,
    ),
    ConnectionField(
        "limit_per_day",
        "Recipients of one org in 24 hours",
        what="number",
        usual=str(DAY_MAX),
        shown=True,
    ),
    ConnectionField(
        "connections",
        "How many e-mails go at once, of all webhooks",
        what="number",
        usual=str(CONNECTIONS_MAX),
        shown=True,
    ),
)


def _together(fields: Mapping[str, object]) -> Iterator[str]:
    for field, other in (("username", "password"), ("password", "username")):
        if field in fields and other not in fields:
            yield f"{other} must be set beside {field}; got nothing"
    for name in ("sender", "reply_to"):
        if name in fields and mailbox_of(str(fields[name])) is None:
            yield f"{name} must be one mailbox, as Loyalty <news@brand.example>; got another text"
    domains = fields.get("domains", [])
    for domain in domains if isinstance(domains, list) else []:
        if address_of(f"a@{domain}") != f"a@{domain}":
            yield "domains must hold names of domains in lower-case ASCII; got another text"
            break


async def _check(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.smtp_session import check  # noqa: PLC0415
    await check(connection)


async def _probe(connection: Connection) -> None:
    with comes_with(EXTRA):
        from tidings.connections.smtp_session import probe  # noqa: PLC0415
    await probe(connection)


TYPE = ConnectionType(
    SMTP, "A mail server.", FIELDS, check=_check, probe=_probe, extra=EXTRA, together=_together
)
