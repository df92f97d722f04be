"""Letters over SMTP, to the one server that the operator names.

The standard library's client blocks, so each letter is handed over on a thread of its own, which
a stop does not wait for: a mail server that hangs holds up letters and nothing else.
"""

import asyncio
import contextlib
import smtplib
import ssl
import threading
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime, localtime

import msgspec

from tidings.core.mail_addresses import ENCODED, Subject
from tidings.core.running.lease import OwnerLease
from tidings.egress.port import MailFailed, MailHeld

TIMEOUT_S = 20.0  # for each answer of the server; a letter has three times as long
FINAL_FROM = 500  # SMTP: 4xx may pass, 5xx will not
START = 354  # the server waits for the content of the letter


class MailServerAddress(msgspec.Struct, frozen=True):
    """The server that takes letters, and how it does."""

    host: str
    port: int
    sender: str  # the address that they come from
    starttls: bool = True
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"MailServer({self.host!r}, {self.port})"


class _LeasedLine(smtplib.SMTP):
    """A conversation in which no content is written once the lease of the store is over."""

    def __init__(self, lease: OwnerLease, host: str, port: int, timeout_s: float) -> None:
        self._lease = lease  # before the greeting of the server is read
        super().__init__(host, port, timeout=timeout_s)

    def getreply(self) -> tuple[int, bytes]:
        """Return the server's answer. MailHeld instead of the one that asks for the content."""
        answer = super().getreply()
        if answer[0] == START and not self._lease.holds():
            self.close()  # there is no other way to take back DATA
            raise MailHeld("the lease of the store is over")
        return answer


class SmtpMailer:
    """`port.Mailer` over SMTP. `context` is the TLS trust; the system's where none is given."""

    def __init__(
        self,
        server: MailServerAddress,
        lease: OwnerLease,
        context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._server = server
        self._lease = lease
        self._context = context
        self._timeout_s = timeout_s

    async def send(self, id: str, to: Sequence[str], subject: str, text: str) -> None:
        """See `port.Mailer.send`."""
        message = self._message(id, to, subject, text)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # An executor's threads are waited for when the process ends; a daemon's is not.
        threading.Thread(target=self._run, args=(message, ended), name="mail", daemon=True).start()
        try:
            async with asyncio.timeout(3 * self._timeout_s):
                await ended
        except TimeoutError:  # it answers now and then, and never to the end
            took = f"the mail server has taken more than {3 * self._timeout_s:.0f} s"
            raise MailFailed(took, final=False) from None

    def _run(self, message: EmailMessage, ended: "asyncio.Future[None]") -> None:
        error: Exception | None = None
        try:
            self._hand_over(message)
        except Exception as raised:  # it belongs to who waits for the letter
            error = raised

        def tell() -> None:
            if ended.done():
                return
            if error is None:
                ended.set_result(None)
            else:
                ended.set_exception(error)

        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waited
            ended.get_loop().call_soon_threadsafe(tell)

    def _message(self, id: str, to: Sequence[str], subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        domain = self._server.sender.rpartition("@")[2] or "localhost"
        try:
            if any(ENCODED in address for address in to):
                raise ValueError("an address is no plain one")
            message["From"] = self._server.sender
            message["To"] = ", ".join(to)
            message["Subject"] = Subject(" ".join(subject.split()))
            message["Date"] = format_datetime(localtime())
            message["Message-ID"] = f"<{id}@{domain}>"
            message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers (RFC 3834)
        except ValueError as error:
            raise MailFailed(f"its header cannot be written: {error}", final=True) from None
        message.set_content(text)
        return message

    def _hand_over(self, message: EmailMessage) -> None:
        server = self._server
        try:
            with _LeasedLine(self._lease, server.host, server.port, self._timeout_s) as line:
                line.ehlo_or_helo_if_needed()
                if server.starttls:
                    line.starttls(context=self._context or ssl.create_default_context())
                if server.user is not None:
                    line.login(server.user, server.password or "")
                line.send_message(message)
        except smtplib.SMTPRecipientsRefused as refused:
            codes = [code for code, _ in refused.recipients.values()]
            raise MailFailed(
                f"the mail server refuses every recipient ({min(codes)})",
                final=min(codes) >= FINAL_FROM,
                deferred=min(codes) < FINAL_FROM,
            ) from None
        except smtplib.SMTPAuthenticationError as refused:
            # An operator may mend it: tried again. The server's text may repeat what was sent.
            raise MailFailed(f"the mail server refuses the login ({refused.smtp_code})") from None
        except smtplib.SMTPResponseException as refused:
            raise MailFailed(
                f"the mail server answers {refused.smtp_code}",
                final=refused.smtp_code >= FINAL_FROM,
                deferred=refused.smtp_code < FINAL_FROM,
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailFailed(f"{type(error).__name__}: {error}") from None
