"""The driver of webhooks that send e-mails. What speaks to mail servers is an extra, imported when
the first one is sent."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from enum import Enum, auto
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from tidings.connections.port import ConnectionDown, comes_with
from tidings.connections.smtp_replies import MailDown, MailRefused, SmtpReply
from tidings.connections.smtp_server import SmtpServer, server_of
from tidings.connections.smtp_type import EXTRA
from tidings.core.connections.connection import Connection, Connections
from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import OrgId
from tidings.core.mail_addresses import address_of
from tidings.core.shaping.signatures.standard_webhooks import SIGNATURE_HEADER
from tidings.core.webhooks.targets.mailing import ShapedMail, mail_in
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.deadline import within_its_time
from tidings.destinations.email import verdicts
from tidings.destinations.email.composition import (
    Uncomposable,
    carried_of,
    compose,
    headers_of,
    known_by,
    way_out_of,
    written,
)
from tidings.destinations.email.limits import Limits
from tidings.destinations.port import Headers, Message, MessagePreview
from tidings.shared_places import SharedPlaces

if TYPE_CHECKING:
    from tidings.connections.smtp_session import SmtpSession

SEND = "SEND"
IDLE_S = 20.0  # a conversation that is not used is ended then
BUSY_S = 5.0  # how soon what got no place is tried again

Confirmed = Callable[[OrgId, str], bool]


class MailConnection:
    """State that all webhooks share that send over one connection: its limits, and its
    conversations, which serve e-mail after e-mail of whichever webhook."""

    def __init__(self, server: SmtpServer, confirmed: Confirmed) -> None:
        self.server = server
        self.confirmed = confirmed
        self.limits = Limits(server.hour_max, server.day_max)
        self.places: SharedPlaces[OrgId] = SharedPlaces(server.connections_max)
        self._kept: list[SmtpSession] = []
        self._ends: asyncio.TimerHandle | None = None

    def session(self) -> "SmtpSession":
        """Make a new conversation, not yet begun. Raise ConnectionDown where the extra is not
        installed."""
        with comes_with(EXTRA):
            from tidings.connections.smtp_session import SmtpSession  # noqa: PLC0415
        return SmtpSession(self.server)

    @property
    def share(self) -> int:
        """Compute how many of the places one webhook may have: it leaves some for the others."""
        return max(1, self.server.connections_max // 2)

    def kept(self) -> "SmtpSession | None":
        """Take the conversation that was used last of those that wait for an e-mail; None where
        none does."""
        while self._kept:
            if (session := self._kept.pop()).usable:
                return session
        return None

    def keep(self, session: "SmtpSession | None") -> None:
        """Have it wait for the next e-mail, until for a while there was none."""
        if session is None or not session.usable:
            return
        self._kept.append(session)
        if self._ends is not None:
            self._ends.cancel()
        self._ends = asyncio.get_running_loop().call_later(IDLE_S, self.let_go)

    def let_go(self) -> None:
        """End the conversations that wait."""
        while (session := self.kept()) is not None:
            session.abort()
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None


class EmailDestination:
    """See `Driver`."""

    def __init__(self, connections: Connections, confirmed: Confirmed) -> None:
        """`confirmed`: whether the owner of an address has agreed to an org's e-mails."""
        self._connections = connections
        self._confirmed = confirmed
        self._servers: dict[str, MailConnection] = {}

    def open(self, webhook: Webhook, connection: Connection | None) -> "EmailChannel":
        assert connection is not None  # a type that names one
        server = self._servers.get(connection.name)
        if server is None:
            server = MailConnection(server_of(connection), self._confirmed)
            self._servers[connection.name] = server
            with contextlib.suppress(ConnectionDown):  # told when something is sent
                server.session()  # what is imported for it must not cost an attempt its time
        return EmailChannel(webhook, server)

    def carried(self, webhook: Webhook) -> Headers:
        return []  # all that it has is made of the message

    def show(
        self, webhook: Webhook, headers: Headers, body: bytes, key: int | None
    ) -> MessagePreview:
        """Show the e-mail's headers and its text; of an e-mail of HTML alone that."""
        ours = carried_of(headers, SIGNATURE_HEADER)
        mail, connection = mail_in(body), self._connections.get(webhook.connection)
        if mail is None or connection is None:
            return MessagePreview(SEND, ours, body)
        server = server_of(connection)
        own = [
            *headers_of(mail, server),
            *way_out_of(mail),
            *known_by(headers, webhook, server),
        ]
        return MessagePreview(SEND, [*own, *ours], (mail.text or mail.html or "").encode())


class EmailChannel:
    """See `Channel`: one webhook's e-mails."""

    def __init__(self, webhook: Webhook, server: MailConnection) -> None:
        self._webhook = webhook
        self._shared = server
        self._own = asyncio.Semaphore(min(webhook.connections_max, server.share))

    async def send(self, message: Message) -> AttemptResult | NotYet | None:
        attempt = _EmailAttempt(message)
        server, org = self._shared.server, self._webhook.org
        mail = mail_in(message.body)
        if mail is None:
            return verdicts.unmade(attempt.ms)
        admitted = [
            recipient
            for recipient in mail.to
            if address_of(recipient) == recipient and server.recipients.admits(recipient)
        ]
        if not admitted:
            return verdicts.nobody_admitted(attempt.ms)
        to = [
            recipient
            for recipient in admitted
            if server.recipients.any or self._shared.confirmed(org, recipient)
        ]
        if not to:
            return verdicts.nobody_confirmed(admitted, attempt.ms)
        limits = self._shared.limits
        if (wait_s := limits.take(org, len(to), monotonic())) > 0:
            limit, most = limits.decisive(org, len(to), monotonic())
            return verdicts.over_limit(wait_s, server.connection, limit, most)
        try:
            async with within_its_time(message):
                return await self._hand_over(attempt, self._webhook, mail, to)
        except TimeoutError:
            if attempt.step is _Step.WAITS:
                return verdicts.no_place(BUSY_S, server.connection, attempt.ms)
            return verdicts.timed_out(
                server.connection,
                connected=attempt.step is _Step.TALKS,
                sent=attempt.left,
                ms=attempt.ms,
            )
        except ConnectionDown as down:
            return verdicts.unusable(down, attempt.ms)
        finally:
            if not attempt.left:
                limits.give_back(org, len(to), monotonic())

    async def _hand_over(
        self, attempt: "_EmailAttempt", webhook: Webhook, mail: ShapedMail, to: Sequence[str]
    ) -> AttemptResult | None:
        server, message = self._shared.server, attempt.message
        left_out = [recipient for recipient in mail.to if recipient not in to]
        mail = msgspec.structs.replace(mail, to=tuple(to))
        try:
            ready = compose(mail, headers_of(mail, server))
        except Uncomposable as failed:
            return verdicts.uncomposable(failed.part, attempt.ms)

        def content() -> bytes | None:
            headers = message.headers_if_current([])
            if headers is None:
                return None
            attempt.left = True
            ours = carried_of(headers, SIGNATURE_HEADER)
            own = [*way_out_of(mail), *known_by(headers, webhook, server)]
            return written([*own, *ours]) + ready

        handed: tuple[SmtpReply, Sequence[SmtpReply]] | None = None
        async with self._own, self._shared.places.hold(webhook.org):
            session = self._shared.kept()
            try:
                while True:
                    kept, attempt.step = session is not None, _Step.CONNECTS
                    if session is None:
                        session = self._shared.session()
                        await session.open()
                    attempt.step = _Step.TALKS
                    try:
                        handed = await session.hand_over(to, message.is_still_current, content)
                        break
                    except (MailDown, MailRefused):
                        # The server may end what is not used; nothing of this e-mail has left.
                        if not kept or attempt.left or session.usable:
                            raise
                        session = None
            except MailDown as down:
                opens = attempt.step is _Step.CONNECTS
                return verdicts.judge_down(down, attempt.ms, unusable=opens)
            except MailRefused as no:
                return verdicts.judge_refusal(no.replies, left_out, webhook.retry, attempt.ms)
            except BaseException:
                if session is not None:
                    session.abort()
                raise
            finally:
                self._shared.keep(session)
        return None if handed is None else verdicts.delivered(*handed, left_out, attempt.ms)

    def follow(self, webhook: Webhook) -> bool:
        if _opened_for(webhook) != _opened_for(self._webhook):
            return False
        self._webhook = webhook
        return True

    async def close(self) -> None:
        self._shared.let_go()


class _Step(Enum):
    WAITS = auto()  # for its turn
    CONNECTS = auto()
    TALKS = auto()


class _EmailAttempt:
    """One attempt, and how far it has come."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.step = _Step.WAITS
        self.left = False
        self._began_s = monotonic()

    @property
    def ms(self) -> float:
        """Return what it has taken until now, in milliseconds."""
        return (monotonic() - self._began_s) * 1e3


def _opened_for(webhook: Webhook) -> tuple[str, str, int]:
    return webhook.kind, webhook.connection, webhook.connections_max
