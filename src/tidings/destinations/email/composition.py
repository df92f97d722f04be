"""An e-mail as it goes: its headers, and the bytes behind them.

What comes of an event can end no header and begin none, and no line is longer than SMTP has it.
"""

import hashlib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from tidings.connections.smtp_server import SmtpServer
from tidings.core.mail_addresses import Subject, domain_of
from tidings.core.webhooks.targets.mailing import ShapedMail
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Headers
from tidings.errors import ShapingError

ID, DATED, TEST, SUBJECT = "webhook-id", "webhook-timestamp", "tidings-test", "Subject"
_OURS = ("webhook-", "tidings-")


class Uncomposable(ShapingError):
    """No e-mail can be made of what shaping has made. `part`: the header, text or html."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def headers_of(mail: ShapedMail, server: SmtpServer) -> Headers:
    """Build the headers: who writes to whom, about what, and that a program does."""
    headers = [("From", str(server.sender)), ("To", ", ".join(mail.to)), (SUBJECT, mail.subject)]
    if server.reply_to is not None:
        headers.append(("Reply-To", str(server.reply_to)))
    headers.append(("Auto-Submitted", "auto-generated"))  # no out-of-office answers (RFC 3834)
    return headers


def known_by(headers: Headers, webhook: Webhook, server: SmtpServer) -> Headers:
    """Build the Message-ID, by which a repeat is seen to be one; nothing where the message has no
    id. `headers`: those that the message has left with.

    Another webhook's e-mail of the same event has another, since of several with the same one mail
    programs show one; so has each test.
    """
    has = dict(headers)
    if not (id := has.get(ID)):
        return []
    test = f".test-{has.get(DATED, '')}" if TEST in has else ""
    return [("Message-ID", f"<{id}.{webhook.number}{test}@{domain_of(server.sender.address)}>")]


def way_out_of(mail: ShapedMail) -> Headers:
    """Write where its reader says that no more may come (RFC 2369), as a line of its own: a long
    one that is folded, or encoded, leads nowhere."""
    return [] if mail.unsubscribe is None else [("List-Unsubscribe", f"<{mail.unsubscribe}>")]


def carried_of(headers: Headers, signature: str) -> Headers:
    """Return what a message has left with, as an e-mail carries it: our headers, its date for
    people, and no signature. Servers on the way write the content anew; what they leave is DKIM's
    to prove."""
    kept = [
        ("-".join(part.capitalize() for part in name.split("-")), value)
        for name, value in headers
        if name.lower().startswith(_OURS) and name.lower() != signature.lower()
    ]
    stamps = [int(value) for name, value in headers if name == DATED and value.isdigit()]
    if stamps:
        kept.insert(0, ("Date", format_datetime(datetime.fromtimestamp(stamps[0], UTC))))
    return kept


def written(headers: Headers) -> bytes:
    """Write headers of ours as lines. One that is not ASCII, or would end its line, is left out."""
    return b"".join(
        f"{name}: {value}\r\n".encode("ascii")
        for name, value in headers
        if value.isascii() and value.isprintable()
    )


def compose(mail: ShapedMail, headers: Headers) -> bytes:
    """Build the bytes of the e-mail, without what is written in front of it when it leaves. Raise
    Uncomposable, which names the part that no e-mail can hold."""
    plain = all(recipient.isascii() for recipient in mail.to)
    # Content as 7 bits: no server need be asked whether it takes more, and long lines are broken.
    policy = (SMTP if plain else SMTPUTF8).clone(cte_type="7bit")
    message = EmailMessage(policy)
    part = ""
    try:
        for part, value in headers:
            message[part] = Subject(value) if part == SUBJECT else value
        part = "text" if mail.html is None else "html"
        if mail.text is not None:
            message.set_content(mail.text, charset="utf-8")
        if mail.html is not None and mail.text is not None:
            message.add_alternative(mail.html, subtype="html", charset="utf-8")
            digest = hashlib.blake2b(f"{mail.text}\0{mail.html}".encode(), digest_size=16)
            message.set_boundary(f"=_{digest.hexdigest()}")
        elif mail.html is not None:
            message.set_content(mail.html, subtype="html", charset="utf-8")
        content = message.as_bytes()
    except MemoryError:
        raise
    except Exception as error:  # the library raises what it likes at what nobody has written before
        raise Uncomposable(part) from error
    return content if content.endswith(b"\r\n") else content + b"\r\n"
