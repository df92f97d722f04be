"""Carries one message to a channel: as a letter, or as a call through the egress guard."""

import asyncio

import msgspec

from tidings.core.alerts.answers import AlertResult, judge_answer
from tidings.core.alerts.channel import ChannelType
from tidings.core.alerts.messages import email_body, post_body
from tidings.core.alerts.plan import AlertMessage
from tidings.egress.port import Mailer, MailFailed, MailHeld, Poster
from tidings.engine.alerts.channels import ALL_ORGS, LiveChannel
from tidings.engine.alerts.surroundings import AlertSurroundings
from tidings.engine.clock import Clock

DEADLINE_S = 10.0


class AlertCarrier:
    """The ways out of alerts."""

    def __init__(
        self,
        *,
        poster: Poster | None,
        mailer: Mailer | None,
        surroundings: AlertSurroundings,
        clock: Clock,
        base: str,
    ) -> None:
        """`base`: the public URL that links begin with."""
        self._poster = poster
        self._mailer = mailer
        self._surroundings = surroundings
        self._clock = clock
        self._base = base
        self._mailing = asyncio.Lock()  # the mail server is given one letter at a time

    async def carry(self, channel: LiveChannel, message: AlertMessage) -> AlertResult | None:
        """Send a message, and return what came of it; None where nothing of it has left."""
        if channel.is_operators:
            message = _with_orgs(message)
        if channel.settings.type is ChannelType.EMAIL:
            return await self._mail(channel, message)
        if self._poster is None:
            return AlertResult("This service makes no calls of this kind")
        body = msgspec.json.encode(post_body(channel.settings, message, self._base))
        ending = await self._poster.post(channel.settings.target, body, DEADLINE_S)
        if ending is None:
            return None
        return judge_answer(channel.settings, ending, self._clock.now_ms() / 1000)

    async def _mail(self, channel: LiveChannel, message: AlertMessage) -> AlertResult | None:
        if self._mailer is None:
            return AlertResult("This service has no mail server: set mail_host and mail_from")
        addresses = channel.settings.addresses
        has_agreed = self._surroundings.has_agreed
        to = [
            address
            for address in addresses
            if channel.is_operators or has_agreed(channel.org, address)
        ]
        if not to:
            return AlertResult("None of its addresses has agreed to e-mails yet")
        subject, text = email_body(message, self._base)
        id = f"alert-{channel.id}-{message.key}-{message.act}-{message.at_ms}"
        try:
            async with self._mailing:
                await self._mailer.send(id, to, subject, text)
        except MailHeld:
            return None
        except MailFailed as failed:
            return AlertResult(f"The mail server took no letter: {failed}"[:200])
        return AlertResult("")


def _with_orgs(message: AlertMessage) -> AlertMessage:
    """Name the org of each incident, for who hears of all of them."""
    named = [
        msgspec.structs.replace(incident, name=f"{incident.name} of org {incident.org}")
        for incident in message.incidents
        if incident.org != ALL_ORGS
    ]
    return message._replace(incidents=named or message.incidents, all_orgs=True)
