"""One conversation with a mail server, over aiosmtplib: opened, used for one e-mail after the
other, closed. What it says of a fault is for tenants too: it names the connection, and no host."""

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence

import aiosmtplib
import msgspec
import structlog

from tidings.connections.port import ConnectionDown
from tidings.connections.smtp_replies import (
    CONTENT,
    HELLO,
    LOGIN,
    RECIPIENT,
    SENDER,
    MailDown,
    MailRefused,
    SmtpReply,
    refuses_us,
)
from tidings.connections.smtp_server import PLAINTEXT, STARTTLS, TLS, SmtpServer, server_of
from tidings.core.connections.connection import Connection
from tidings.core.delivery.exchange import FaultKind

log = structlog.get_logger(__name__)

WORDS_MAX = 500  # characters of one answer
CLOSING = 421
START = 354
_STUFFED = re.compile(rb"(?m)^\.")
_INVALID = -1  # what came is no answer of a mail server


class SmtpSession:
    """See the module. It serves one e-mail at a time."""

    def __init__(self, server: SmtpServer) -> None:
        """Prepare a conversation; nothing is sent yet. Raise ConnectionDown if the server's `ca`
        cannot be used."""
        self._server = server
        self._sent = False  # the content of the e-mail that is under way
        self._spent = False
        self.used = False
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.our_name,
            timeout=None,
            use_tls=server.security == TLS,
            start_tls=False,
            tls_context=None if server.security == PLAINTEXT else server.tls(),
        )

    @property
    def usable(self) -> bool:
        """Return whether another e-mail may go over it."""
        return self._client.is_connected and not self._spent

    async def open(self) -> None:
        """Reach the server, be encrypted, and be let in. Raise MailDown if it cannot be reached,
        MailRefused if it does not let us in."""
        server, client = self._server, self._client
        with self._translated(HELLO):
            await client.connect()
            await client.ehlo()
            if server.security == STARTTLS:
                if not client.supports_extension("starttls"):
                    raise MailDown(
                        FaultKind.TLS,
                        f"{self._whose} must offer STARTTLS; it does not, so nothing was sent. "
                        "Ask the operator.",
                    )
                await client.starttls()
                await client.ehlo()
        if server.username:
            with self._translated(LOGIN):
                await client.login(server.username, server.password)

    async def hand_over(
        self,
        recipients: Sequence[str],
        wanted: Callable[[], bool],
        content: Callable[[], bytes | None],
    ) -> tuple[SmtpReply, Sequence[SmtpReply]] | None:
        """Send one e-mail; return the server's answer and its refusals of single recipients. Raise
        MailDown if the conversation breaks, MailRefused if nobody gets it.

        `wanted` is asked before each recipient is named, and `content` just before the first byte
        is written. Where the one says False or the other None, nothing is sent and None comes back.
        """
        client, self._sent = self._client, False
        international = any(not recipient.isascii() for recipient in recipients)
        knows = client.supports_extension("smtputf8")
        with self._translated(SENDER):
            options = ["SMTPUTF8"] if international and knows else []
            await client.mail(self._server.sender.address, options=options)
        refused, taken = [], 0
        for recipient in recipients:
            if not wanted():
                await self._reset()
                return None
            if not recipient.isascii() and not knows:
                words = "the mail server accepts only ASCII characters before the @ (no SMTPUTF8)"
                refused.append(SmtpReply(RECIPIENT, 553, words, about=recipient))
                continue
            try:
                with self._translated(RECIPIENT):
                    await client.rcpt(
                        recipient, encoding="ascii" if recipient.isascii() else "utf-8"
                    )
                taken += 1
            except MailRefused as no:
                refused.append(msgspec.structs.replace(no.replies[0], about=recipient))
                if self._spent:
                    raise MailRefused(refused) from None
        if not taken:
            await self._reset()
            raise MailRefused(refused)
        with self._translated(CONTENT):
            answered = await client.execute_command(b"DATA")
            if answered.code != START:
                raise aiosmtplib.SMTPDataError(answered.code, answered.message)
        if (written := content()) is None:  # what it raises is no failure of the server
            self.abort()  # there is no other way to take back DATA
            return None
        with self._translated(CONTENT):
            assert client.protocol is not None
            client.protocol.write(_STUFFED.sub(b"..", written) + b".\r\n")
            self._sent = self.used = True
            answered = await client.protocol.read_response()
            if not 200 <= answered.code <= 299:
                raise aiosmtplib.SMTPDataError(answered.code, answered.message)
        return self._reply(CONTENT, answered.code, answered.message), refused

    async def name_sender(self) -> None:
        """Begin an e-mail, of which nothing follows. Raise MailRefused if the server does not
        accept our sender, MailDown if the conversation breaks."""
        with self._translated(SENDER):
            await self._client.mail(self._server.sender.address)
        await self._reset()

    def abort(self) -> None:
        """Let go at once."""
        self._spent = True
        self._client.close()

    async def _reset(self) -> None:
        with self._translated(SENDER):
            await self._client.rset()

    @property
    def _whose(self) -> str:
        return f"The mail server of the connection {self._server.connection}"

    @contextlib.contextmanager
    def _translated(self, step: str) -> Iterator[None]:
        """Raise failures of the library as MailDown and MailRefused, in our words. After one of
        them nothing is known of the conversation, but for a plain refusal."""
        try:
            yield
        except aiosmtplib.SMTPResponseException as no:
            if no.code == _INVALID or not 200 <= no.code <= 599:
                raise self._down(FaultKind.PROTOCOL, "must answer as one; it did not", no) from None
            if no.code == CLOSING or step in (HELLO, LOGIN, CONTENT):
                self.abort()
            # What it says to a login may repeat what it was sent.
            words = "" if step == LOGIN else no.message
            raise MailRefused([self._reply(step, no.code, words)]) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise self._fault(error) from None

    def _fault(self, error: BaseException) -> MailDown:
        chain = [error]  # the library's own is around the system's
        while chain[-1].__cause__ is not None:
            chain.append(chain[-1].__cause__)

        def is_a(*kinds: type[BaseException]) -> bool:
            return any(isinstance(error, kinds) for error in chain)

        kind, must = FaultKind.PROTOCOL, "must offer what the connection needs; it does not"
        if self._sent:
            kind = FaultKind.RESET
            must = "must say whether it takes an e-mail; it ended the conversation before"
        elif is_a(socket.gaierror):
            kind, must = FaultKind.DNS, "must have an address; its name has none"
        elif is_a(ssl.SSLError):
            kind = FaultKind.TLS
            must = "must be reached by TLS with a certificate that fits; it was not"
        elif is_a(ConnectionRefusedError):
            kind, must = FaultKind.REFUSED, "must be listening; it is not"
        elif is_a(aiosmtplib.SMTPServerDisconnected, ConnectionResetError, BrokenPipeError):
            kind, must = FaultKind.RESET, "must go on; it ended the conversation"
        elif is_a(OSError):
            kind, must = FaultKind.UNREACHABLE, "must be reached; it was not"
        return self._down(kind, must, error)

    def _down(self, kind: FaultKind, must: str, error: BaseException) -> MailDown:
        self.abort()
        log.warning("a mail server fails", connection=self._server.connection, reason=repr(error))
        return MailDown(
            kind,
            f"{self._whose} {must}. Tidings will retry; if it lasts, ask the operator.",
            sent=self._sent,
        )

    def _reply(self, step: str, code: int, words: str) -> SmtpReply:
        shown = "".join(sign if sign.isprintable() else " " for sign in words)
        for secret in self._server.secrets:
            shown = re.sub(re.escape(secret), "…", shown, flags=re.IGNORECASE)
        # Cut last: of what is cut first, the begin of a secret may be left.
        return SmtpReply(step, code, _ADDRESSES.sub("…", shown)[:WORDS_MAX].strip())


# Of hosts by number: the operator's network is nobody's business.
_ADDRESSES = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\[[0-9a-fA-F:.]+\]|\bIPv6:[0-9a-fA-F:.]+")


async def check(connection: Connection) -> None:
    """Check that the server lets us in. Raise ConnectionDown if it does not."""
    session = SmtpSession(server_of(connection))
    try:
        await session.open()
    except MailDown as down:
        raise ConnectionDown(down.detail) from None
    except MailRefused as no:
        raise _refused(connection, no) from None
    finally:
        session.abort()


async def probe(connection: Connection) -> None:
    """Check that the server lets us in and accepts our sender, or is too busy to tell. Raise
    ConnectionDown if it refuses either."""
    session, is_in = SmtpSession(server_of(connection)), False
    try:
        await session.open()
        is_in = True
        await session.name_sender()
    except MailDown as down:
        if not is_in:
            raise ConnectionDown(down.detail) from None
    except MailRefused as no:
        if refuses_us(no.replies):
            raise _refused(connection, no) from None
    finally:
        session.abort()


def _refused(connection: Connection, no: MailRefused) -> ConnectionDown:
    return ConnectionDown(
        f"The mail server of the connection {connection.name} must let us in; it answered "
        f"{no.replies[0].code} to {no.replies[0].step}. Ask the operator."
    )
