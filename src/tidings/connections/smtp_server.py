"""How a mail server is reached, and what goes over it: the fields of a connection, understood."""

import ssl
from email.headerregistry import Address
from email.utils import parseaddr

import msgspec

from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.form import visible
from tidings.core.mail_addresses import address_of, domain_of
from tidings.core.webhooks.targets.mailing import Recipients, recipients_of

STARTTLS, TLS, PLAINTEXT = "starttls", "tls", "plaintext"
PORTS = {STARTTLS: 587, TLS: 465, PLAINTEXT: 25}
SECURITIES = tuple(PORTS)
HOUR_MAX, DAY_MAX, CONNECTIONS_MAX = 100, 1000, 10


class Mailbox(msgspec.Struct, frozen=True):
    """An address that an e-mail comes from, or goes back to."""

    name: str
    address: str

    def __str__(self) -> str:
        """As a header has it."""
        user, _, domain = self.address.rpartition("@")
        return str(Address(self.name, user, domain))


class SmtpServer(msgspec.Struct, frozen=True):
    """One mail server. Its `tls` is None where it is spoken to in plain text."""

    connection: str
    host: str
    port: int
    security: str
    username: str
    password: str
    sender: Mailbox
    reply_to: Mailbox | None
    recipients: Recipients
    hour_max: int
    day_max: int
    connections_max: int
    ca: str | None = None

    def __repr__(self) -> str:
        """Without what tenants must not see."""
        return f"SmtpServer({self.connection!r})"

    @property
    def secrets(self) -> list[str]:
        """List what must not be in what tenants read."""
        return [text for text in (self.host, self.username, self.password) if text]

    @property
    def our_name(self) -> str:
        """Return the name by which we greet the server."""
        return domain_of(self.sender.address)

    def tls(self) -> ssl.SSLContext:
        """Build the context that judges the server's certificate. Raise ConnectionDown if the file
        of its `ca` cannot be used."""
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ValueError):  # what is wrong of a file may have some of it in its words
            raise ConnectionDown(
                f"The connection {self.connection} must name as its ca a PEM file of certificates; "
                "it does not. Ask the operator to mend it."
            ) from None


def mailbox_of(text: str) -> Mailbox | None:
    """Read `Loyalty <news@brand.example>`, or an address alone; return None for anything else."""
    if not visible(text):
        return None
    name, found = parseaddr(text)
    address = address_of(found)
    if address is None or not (text.endswith((f"<{found}>", found)) and text.count("@") == 1):
        return None
    return Mailbox(name, address)


def server_of(connection: Connection) -> SmtpServer:
    """Return the server of a connection; its fields were judged when they were declared."""
    fields = connection.fields
    security = str(fields.get("security", STARTTLS))
    sender = mailbox_of(str(fields["sender"]))
    assert sender is not None
    answers = fields.get("reply_to")
    ca = fields.get("ca")
    return SmtpServer(
        connection=connection.name,
        host=str(fields["host"]),
        port=int(str(fields.get("port", PORTS[security]))),
        security=security,
        username=str(fields.get("username", "")),
        password=str(fields.get("password", "")),
        sender=sender,
        reply_to=None if answers is None else mailbox_of(str(answers)),
        recipients=recipients_of(fields),
        hour_max=int(str(fields.get("limit_per_hour", HOUR_MAX))),
        day_max=int(str(fields.get("limit_per_day", DAY_MAX))),
        connections_max=connection.admits("connections", CONNECTIONS_MAX),
        ca=None if ca is None else str(ca),
    )
