"""What comes of a conversation with a mail server, in words of ours. Tenants read them: no host, no
user and no password is in them."""

from collections.abc import Sequence

import msgspec

from tidings.core.delivery.exchange import FaultKind
from tidings.errors import TidingsError

HELLO, LOGIN, SENDER, RECIPIENT, CONTENT = "EHLO", "AUTH", "MAIL", "RCPT", "DATA"
"""The steps, by the commands of SMTP."""
NEEDS_LOGIN = (530, 534, 535, 538)  # who we are is not proved, or not well enough


class MailDown(TidingsError):
    """No e-mail can be handed over, or nobody knows what came of one (`sent`)."""

    def __init__(self, kind: FaultKind, detail: str, *, sent: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.sent = sent


class SmtpReply(msgspec.Struct, frozen=True):
    """The server's reply to a step: a code, and words without anything secret."""

    step: str
    code: int
    words: str
    about: str = ""  # of a recipient: who


class MailRefused(TidingsError):
    """The server has refused a step, and with it the e-mail."""

    def __init__(self, replies: Sequence[SmtpReply]) -> None:
        super().__init__(f"{replies[0].step}: {replies[0].code}")
        self.replies = replies


def refuses_us(replies: Sequence[SmtpReply]) -> bool:
    """Return whether a server refuses Tidings itself, before any recipient was told: for good, and
    not because it is busy."""
    first = replies[0]
    if first.step in (HELLO, LOGIN):
        return first.code >= 500
    return first.step == SENDER and first.code in NEEDS_LOGIN
