"""Asks the owners of addresses whether an org's e-mails may come, and keeps what they said."""

import asyncio
import base64
import binascii
import contextlib
import functools
import hmac

import msgspec

from tidings.core.access.user_rules import email_of
from tidings.core.audit.actor import Actor
from tidings.core.audit.audit_actions import CONSENT_GIVEN
from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import (
    LINK_MS,
    Purpose,
    book_of,
    confirmed,
    next_to_ask,
    recipients,
    state_of,
    with_asked,
    with_confirmed,
    with_mail_confirmed,
)
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.budget import leaves_room
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.audit.current_actor import acting_as
from tidings.engine.callables import AddressesOf
from tidings.engine.clock import Clock
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.notices.emails import Emails
from tidings.engine.orgs import Orgs
from tidings.errors import Invalid
from tidings.store.port import StoreDown

ASKING_MAX = 100  # e-mails that ask and wait; an org has as many as it leaves to others
EVERY_S = 600.0
AGAIN_S = 5.0
PAGE = "/console/confirm"
PART = ServicePart("letters that ask for consent", "new addresses are not asked")


class ConsentRequest(msgspec.Struct, frozen=True):
    """The subject of a link."""

    org: OrgId
    address: str
    purpose: Purpose = Purpose.NOTICES


class Consents:
    """The addresses that may be written to. A link is signed with `key` and begins with `base`."""

    def __init__(
        self,
        *,
        orgs: Orgs,
        audit: AuditLog,
        clock: Clock,
        key: bytes,
        base: str,
        mailed: AddressesOf = lambda org: (),
    ) -> None:
        """`mailed`: whom an org's webhooks write to, where they need agree."""
        self._orgs = orgs
        self._audit = audit
        self._mailed = mailed
        self._clock = clock
        self._key = key
        self._base = base.rstrip("/")

    def recipients(self, org: OrgId) -> list[str]:
        """List the addresses that an org's e-mails go to."""
        return recipients(self._orgs.settings(org))

    def states(self, org: OrgId) -> list[tuple[str, str]]:
        """List each address that an org names, with its state: confirmed, asked or waiting."""
        settings = self._orgs.settings(org)
        return [(address, state_of(settings, address)) for address in settings.notify]

    def has_agreed(self, org: OrgId, address: str) -> bool:
        """Return whether the owner of an address wants what an org's webhooks send."""
        return address in self._orgs.settings(org).mail_confirmed

    def unconfirmed(self, webhook: Webhook) -> list[str]:
        """List the addresses that a webhook writes to in vain, for they have not agreed."""
        if webhook.email is None:
            return []
        mailed = self._mailed(webhook.org)
        return [
            address
            for address in webhook.email.addresses
            if address in mailed and not self.has_agreed(webhook.org, address)
        ]

    def awaits(self, org: OrgId, address: str, purpose: Purpose = Purpose.NOTICES) -> bool:
        """Return whether an address is named and not confirmed."""
        settings = self._orgs.settings(org)
        return self._names(org, address, purpose) and address not in confirmed(settings, purpose)

    def link(
        self, org: OrgId, address: str, asked_ms: int, purpose: Purpose = Purpose.NOTICES
    ) -> str:
        """Build the link by which the owner of an address says yes."""
        named = base64.urlsafe_b64encode(address.encode()).decode().rstrip("=")
        signed_text = f"{org}.{asked_ms}.{named}"
        if purpose is not Purpose.NOTICES:
            signed_text += f".{purpose}"
        return f"{self._base}{PAGE}?token={signed_text}.{self._sign(signed_text)}"

    def asked(self, token: str) -> ConsentRequest:
        """Return what a link is about. Invalid where it is not ours, has ended, or nobody asks
        now."""
        signed_text, _, signed = token[:1024].rpartition(".")
        if hmac.compare_digest(self._sign(signed_text).encode(), signed.encode("utf-8", "replace")):
            with contextlib.suppress(ValueError, binascii.Error):
                number, asked_ms, named, *rest = signed_text.split(".")
                org, purpose = OrgId(int(number)), Purpose(*rest or (Purpose.NOTICES,))
                address = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
                in_time = self._clock.now_ms() < int(asked_ms) + LINK_MS
                if in_time and self._names(org, address, purpose):
                    return ConsentRequest(org, address, purpose)
        raise Invalid.because(
            "link_ended",
            "The link must come from an e-mail of the last 7 days, to an address that the org "
            "still lists; this one does not. Ask the org to remove your address and add it again.",
        )

    async def confirm(self, token: str, origin: str = "") -> ConsentRequest:
        """Record that the owner of an address says yes, and return what they were asked. Raise
        Invalid or StoreDown. `origin`: the network address that it is said from."""
        asked = self.asked(token)
        if asked.purpose is Purpose.NOTICES:
            change = functools.partial(with_confirmed, address=asked.address)
        else:
            mailed = self._mailed(asked.org)
            change = functools.partial(with_mail_confirmed, address=asked.address, mailed=mailed)
        owner = Actor("person", asked.address, asked.address, face="console", address=origin)
        with acting_as(owner):  # nobody is signed in: the link proves who it is
            await self._orgs.amend(
                asked.org,
                change,
                lambda: self._audit.recording(
                    CONSENT_GIVEN, asked.org, asked.address, None, {"purpose": str(asked.purpose)}
                ),
            )
        return asked

    def _names(self, org: OrgId, address: str, purpose: Purpose) -> bool:
        named = self._orgs.settings(org).notify
        return address in (named if purpose is Purpose.NOTICES else self._mailed(org))

    def _sign(self, signed_text: str) -> str:
        return hmac.digest(self._key, signed_text.encode("utf-8", "replace"), "sha256").hex()[:40]


class ConsentEmails:
    """The job that writes the e-mails that ask."""

    def __init__(
        self,
        *,
        orgs: Orgs,
        clock: Clock,
        emails: Emails,
        mailed: AddressesOf = lambda org: (),
    ) -> None:
        """`mailed`: as of `Consents`."""
        self._orgs = orgs
        self._mailed = mailed
        self._clock = clock
        self._emails = emails
        self._wake = asyncio.Event()
        orgs.watch(self._wake.set)

    def webhook_changed(self, webhook: Webhook) -> None:
        """Wake the job: a webhook has changed, and may name somebody else now."""
        if webhook.email is not None:
            self._wake.set()

    async def run(self, heart: Heart | None = None) -> None:
        """Ask until cancelled: at every change of an org, and from time to time."""
        heart = heart or unwatched_heart()
        wait_s = 0.0
        while True:
            await heart.wait(self._wake, wait_s)
            self._wake.clear()
            wait_s = EVERY_S
            try:
                await self._ask_all()
            except StoreDown:
                wait_s = AGAIN_S

    async def _ask_all(self) -> None:
        naming = [org.id for org in self._orgs.all() if self._open(org.id)]
        if not naming:
            return
        now_ms = self._clock.now_ms()
        book = book_of((self._orgs.settings(org.id) for org in self._orgs.all()), now_ms)
        for org in naming:
            while leaves_room(ASKING_MAX, *self._emails.asking(org)):
                following = next_to_ask(self._orgs.settings(org), self._mailed(org), book, now_ms)
                if following is None:
                    break
                purpose, address = following
                asked = functools.partial(
                    with_asked, address=address, now_ms=now_ms, purpose=purpose
                )
                note = functools.partial(self._orgs.amend, org, asked)
                await self._emails.ask(org, address, now_ms, note, purpose)
                book.setdefault(email_of(address), []).append(now_ms)

    def _open(self, org: OrgId) -> bool:
        settings = self._orgs.settings(org)
        return len(settings.notify_confirmed) < len(settings.notify) or any(
            address not in settings.mail_confirmed for address in self._mailed(org)
        )
