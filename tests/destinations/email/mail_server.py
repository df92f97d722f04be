"""A mail server on loopback (aiosmtpd), which does as it is told and keeps what it was given."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tidings.connections.smtp_type import FIELDS
from tidings.core.connections.connection import Connection, Connections
from tidings.core.webhooks.webhook_types import EMAIL
from tidings.destinations.dispatch import DriverDispatch
from tidings.destinations.email.driver import Confirmed, EmailDestination

USER, PASSWORD = "tidings-user", "secret-0123456789abcdef"  # noqa: S105  # of the test's own server


class Came(NamedTuple):
    """An e-mail as it arrived."""

    sender: str
    to: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """It, as a mail program reads it."""
        found = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found

    @property
    def text(self) -> str:
        """Its text for people."""
        part = self.message.get_body(("plain", "html"))
        assert isinstance(part, EmailMessage)
        found: str = part.get_content()
        return found.replace("\r\n", "\n").removesuffix("\n")


class MailServer:
    """See the module. `says` answers the commands that it is asked about; None: as usual."""

    def __init__(self, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.came: list[Came] = []
        self.says: Callable[[str, str], str | None] = lambda command, about: None
        self.stays: Callable[[], Awaitable[None]] | None = None
        self.port = 0
        self.conversations = 0
        self._options = {"enable_SMTPUTF8": True, "data_size_limit": 1 << 24, **options}
        self._tls = tls
        self._at_once = bool(self._options.pop("at_once", False))
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()
        self._mute = socket.socket()  # nobody listens at it
        self._mute.bind(("127.0.0.1", 0))

    async def start(self) -> "MailServer":
        """Listen, at the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._made, "127.0.0.1", self.port, ssl=self._tls if self._at_once else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """End everything, conversations too."""
        assert self._server is not None
        self._server.close()
        for transport in list(self._open):
            transport.abort()  # type: ignore[attr-defined]
        self._open.clear()

    def close(self) -> None:
        """Let go of the port at which nobody listens."""
        self._mute.close()

    def connections(self, **fields: Any) -> Connections:
        """One, named mail, that leads here; and one, named mute, that leads to nobody."""
        assert fields.keys() <= {field.name for field in FIELDS}
        said = {"host": "127.0.0.1", "port": self.port, "security": "plaintext",
                "sender": "Loyalty <news@brand.example>", "limit_per_hour": 100_000,
                "limit_per_day": 1_000_000}  # fmt: skip
        mute = said | fields | {"port": self._mute.getsockname()[1]}
        return Connections(
            [
                Connection("mail", "smtp", said | fields, None),
                Connection("mute", "smtp", mute, None),
            ]
        )

    def destination(
        self, confirmed: Confirmed = lambda org, address: True, **fields: Any
    ) -> DriverDispatch:
        """The driver, over that connection."""
        connections = self.connections(**fields)
        return DriverDispatch({EMAIL: EmailDestination(connections, confirmed)}, connections)

    def _made(self) -> SMTP:
        self.conversations += 1
        made = SMTP(
            self,
            tls_context=None if self._at_once else self._tls,
            authenticator=_authenticate,
            loop=asyncio.get_running_loop(),
            **self._options,
        )
        begin = made.connection_made

        def connection_made(transport: Any) -> None:
            self._open.add(transport)
            begin(transport)

        made.connection_made = connection_made  # type: ignore[method-assign]
        return made

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """MAIL FROM."""
        if (said := self.says("MAIL", address)) is not None:
            return said
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """RCPT TO."""
        if (said := self.says("RCPT", address)) is not None:
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """DATA, with the whole content."""
        content = envelope.original_content or b""
        self.came.append(Came(str(envelope.mail_from), list(envelope.rcpt_tos), content))
        if self.stays is not None:
            await self.stays()
        return self.says("DATA", "") or f"250 OK queued as {len(self.came)}"


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[MailServer]:
    """One for a test."""
    server = await MailServer(tls, **options).start()
    try:
        yield server
    finally:
        await server.stop()
        server.close()
