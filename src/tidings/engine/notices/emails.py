"""The e-mails to the owners of webhooks: rows until the mail server has taken them.

An e-mail is written down before the operational event that it tells is accepted, so no kind of stop
loses it, and it is handed over once at least: after a kill between the mail server's yes and the
row's end it is handed over again, under the same Message-ID. Who gets it, and its words, are found
when it goes.

Ended deliveries of a webhook make one e-mail an hour at most: what ends meanwhile is added to the
e-mail that waits. When the last one went is a row too, so a restart begins no new hour.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from tidings.core.ids import OrgId
from tidings.core.notices.consent_rules import Purpose
from tidings.core.notices.emails import CONSENT, consent, email
from tidings.core.notices.facts import Notice, merged
from tidings.core.notices.mail_server import MailServerState, ReportMailServer
from tidings.core.notices.operational_events import EXHAUSTED
from tidings.core.running.lease import OwnerLease
from tidings.core.running.service_part import ServicePart
from tidings.core.shares.budget import leaves_room
from tidings.egress.port import Mailer, MailFailed, MailHeld
from tidings.engine.callables import AddressesOf
from tidings.engine.clock import Clock
from tidings.engine.families import AwayFamilies
from tidings.engine.heartbeats import Heart, unwatched_heart
from tidings.engine.outage import Outage
from tidings.store import port

EMAILS_MAX = 1000  # of all orgs; an org has as many as it leaves to others
EVERY_MS = 3_600_000  # of ended deliveries; everything else is rare by itself
SENT = "tidings.letter.sent"  # the kind of a row that only says until when the next one waits
AGAIN_MS = (60_000, 300_000, 1_800_000, 7_200_000)
DOWN_S = 1.0
SEND_S = 75.0  # a mail server has a minute for each letter
PART = ServicePart(
    "letters to owners", "owners of webhooks get no e-mails", waits_for="the mail server"
)

log = structlog.get_logger(__name__)


class Emails:
    """The e-mails that wait for the mail server. Without a mailer nothing ever does."""

    def __init__(
        self,
        *,
        store: port.EmailStore,
        clock: Clock,
        lease: OwnerLease,
        addresses: AddressesOf,
        mailer: Mailer | None,
        awaits: Callable[[OrgId, str, Purpose], bool] = lambda org, address, purpose: False,
        link: Callable[[OrgId, str, int, Purpose], str] = lambda org, address, at_ms, purpose: "",
        report: ReportMailServer = lambda sentence: None,
        families: AwayFamilies | None = None,
    ) -> None:
        """`awaits` and `link` are of e-mails that ask an owner whether others may come; `report`
        hears when the mail server takes none, and when it does again. Without the `lease` no
        e-mail leaves, and none of an org of `families` that is not here; None: all are."""
        self._lease = lease
        self._report = report
        self._families = families
        self._server = MailServerState()
        self._store = store
        self._clock = clock
        self._addresses = addresses
        self._mailer = mailer
        self._awaits = awaits
        self._link = link
        self._waiting: dict[str, port.QueuedEmail] = {}
        self._going = ""  # the one that the mail server is being given
        self._unnoted: dict[tuple[int, str, Purpose], port.QueuedEmail] = {}  # asks that wait
        self._gone: list[str] = []  # rows to be dropped
        self._next_ms: dict[str, int] = {}  # by webhook: when ended deliveries may be told again
        self._loaded = False
        self._found: set[str] = set()  # that a former owner has left: they go, told again or not
        self._noting = ""  # the one that is written down, and does not go before it is confirmed
        self._noted: tuple[str, port.QueuedEmail, bool] | None = None  # and not confirmed
        self._wake = asyncio.Event()
        self._outage = Outage("letters to owners")
        self.counts: Counter[str] = Counter()

    # -- what is to be told -----------------------------------------------------------------------

    async def note(self, one: Notice) -> None:
        """Write an e-mail down; `confirm` or `withdraw` follows. Asked again it changes nothing.

        StoreDown: it is not written, and the fact must not be told yet.
        """
        if self._mailer is None or not self._addresses(one.org):
            return
        if self._noted is not None and self._noted[0] == one.event_id:
            self._noted = (one.event_id, self._noted[1], False)
            return
        await self._load()
        if one.event_id in self._found:
            return  # a stop came between the e-mail and its fact: it goes, or has gone
        made = self._made(one)
        if made is None:
            self.counts["lost"] += 1
            log.error("more letters wait than can be kept", kind=one.kind, org=one.org)
            return
        self._noting = made.id
        fresh = await self._store.put_email(made)
        self._noted = (one.event_id, made, fresh)

    def asking(self, org: OrgId) -> tuple[int, int]:
        """Return how many e-mails that ask wait for the mail server: all, and those of an org."""
        orgs = [email.org for email in self._waiting.values() if email.kind == CONSENT]
        return len(orgs), orgs.count(org)

    async def ask(
        self,
        org: OrgId,
        address: str,
        now_ms: int,
        note: Callable[[], Awaitable[object]],
        purpose: Purpose = Purpose.NOTICES,
    ) -> None:
        """Write down an e-mail that asks the owner of an address; it goes once `note` has written
        that they are asked. StoreDown: it does not go, and asked again it is the same e-mail."""
        about = org, address, purpose
        made = self._unnoted.get(about)
        if made is None:
            asked = {"address": address, "askedAt": now_ms}
            if purpose is not Purpose.NOTICES:
                asked["purpose"] = purpose
            body = msgspec.json.encode(asked)
            id = hashlib.sha256(b"%d %b" % (org, body)).hexdigest()[:32]
            made = self._unnoted[about] = port.QueuedEmail(
                id, org, CONSENT, fact=body, due_ms=now_ms
            )
        await self._store.put_email(made)
        await note()
        del self._unnoted[about]
        self._waiting[made.id] = made
        self._wake.set()

    def confirm(self) -> None:
        """Queue the e-mail that was noted: its fact is told."""
        if self._noted is not None:
            made = self._noted[1]
            self._noted, self._noting = None, ""
            self._waiting[made.id] = made
            self._wake.set()

    def withdraw(self) -> None:
        """Drop the e-mail that was noted: its fact had been told before. One that was known before
        it was noted goes all the same."""
        if self._noted is not None:
            _, made, fresh = self._noted
            if not fresh:
                self.confirm()
                return
            self._noted, self._noting = None, ""
            self._gone.append(made.id)
            self._wake.set()

    def _made(self, one: Notice) -> port.QueuedEmail | None:
        fact, now_ms = one.event["data"], self._clock.now_ms()
        due_ms = now_ms
        if one.kind == EXHAUSTED:
            about = fact["webHookId"]
            for waits in self._waiting.values():
                if waits.kind != EXHAUSTED or waits.id == self._going:
                    continue
                known = msgspec.json.decode(waits.fact)
                if known["webHookId"] == about:
                    return msgspec.structs.replace(
                        waits, fact=msgspec.json.encode(merged(known, fact))
                    )
            due_ms = max(now_ms, self._next_ms.get(about, now_ms))
        own = sum(email.org == one.org for email in self._waiting.values())
        if not leaves_room(EMAILS_MAX, len(self._waiting), own):
            return None
        return port.QueuedEmail(
            one.event_id, one.org, one.kind, fact=msgspec.json.encode(fact), due_ms=due_ms
        )

    # -- handing over -----------------------------------------------------------------------------

    async def run(self, heart: Heart | None = None) -> None:
        """Hand over what is due, until cancelled."""
        heart = heart or unwatched_heart()
        if self._mailer is None:
            return
        await self._take_up(heart)
        while True:
            self._wake.clear()
            if not self._lease.holds():
                await heart.sleep(DOWN_S)
                continue
            now_ms = self._clock.now_ms()
            for due in [queued for queued in self._settled() if _due_ms(queued, now_ms) <= now_ms]:
                heart.beat(SEND_S, explained=self._server.is_reported)  # else told of long before
                await self._go(self._mailer, due.id)
            heart.beat()
            await self._drop_gone()
            next_ms = min((_due_ms(queued, now_ms) for queued in self._settled()), default=None)
            wait_s = None if next_ms is None else max(0.0, (next_ms - self._clock.now_ms()) / 1000)
            if self._gone:
                wait_s = DOWN_S
            await heart.wait(self._wake, wait_s)

    async def _take_up(self, heart: Heart) -> None:
        """Take up what a former owner has left; until the store has told, nothing goes."""
        while not self._loaded:
            with self._outage:
                await self._load()
            if self._outage.lasts:
                await heart.sleep(DOWN_S)

    async def _load(self) -> None:
        """Load what a former owner has left, once. StoreDown."""
        if self._loaded:
            return
        emails = await self._store.emails()
        if self._loaded:
            return
        self._loaded = True
        for known in emails:
            if known.kind == SENT:
                self._next_ms[msgspec.json.decode(known.fact)["webHookId"]] = known.due_ms
            elif known.id not in self._gone and known not in self._unnoted.values():
                self._found.add(known.id)
                self._waiting.setdefault(known.id, known)

    def _settled(self) -> list[port.QueuedEmail]:
        """List the e-mails that wait, without the one to which something is being added, and those
        of families that are not here."""
        return [
            email
            for email in self._waiting.values()
            if email.id != self._noting and not self._is_away(email.org)
        ]

    def _is_away(self, org: OrgId) -> bool:
        return self._families is not None and self._families.is_away(org)

    def under_way(self, is_of: Callable[[OrgId], bool]) -> int:
        """Count the letters of some orgs that the mail server is being given."""
        going = self._waiting.get(self._going)
        return int(going is not None and is_of(going.org))

    def look_again(self) -> None:
        """Look again at what waits: a family may be here again."""
        self._wake.set()

    async def _go(self, mailer: Mailer, id: str) -> None:
        one = self._waiting[id]
        if self._noting == id:
            return  # since it was looked for something is being added to it
        fact = msgspec.json.decode(one.fact)
        if one.kind == CONSENT:
            address, purpose = fact["address"], Purpose(fact.get("purpose", Purpose.NOTICES))
            to: Sequence[str] = [address] if self._awaits(one.org, address, purpose) else ()
            link = self._link(one.org, address, fact["askedAt"], purpose)
            words = consent(one.org, address, link, purpose)
        else:
            to = self._addresses(one.org)
            words = email(one.kind, one.org, fact)
        if not to:
            self._end(one)  # the org wants no e-mails any more
            return
        if not self._lease.holds() or self._is_away(one.org):
            return
        self._going = one.id
        try:
            await mailer.send(one.id, to, words.subject, words.text)
        except MailHeld:
            return  # no try was made of it
        except MailFailed as failed:
            await self._failed(one, failed, words.subject)
        else:
            if self._server.note_taken():
                self._report("")
            if one.kind == EXHAUSTED:
                await self._note_sent(one.org, fact["webHookId"])
            self._end(one)
            self.counts["sent"] += 1
        finally:
            self._going = ""

    async def _failed(self, one: port.QueuedEmail, failed: MailFailed, subject: str) -> None:
        if not failed.final:  # that says something of the letter alone
            now_ms = self._clock.now_ms()
            if sentence := self._server.note_failure(now_ms, str(failed), deferred=failed.deferred):
                self._report(sentence)
        if failed.final or one.tries >= len(AGAIN_MS):
            self._end(one)
            self.counts["lost"] += 1
            log.error("a letter cannot be sent", subject=subject, reason=str(failed))
            return
        again = msgspec.structs.replace(
            one, tries=one.tries + 1, due_ms=self._clock.now_ms() + AGAIN_MS[one.tries]
        )
        self._waiting[one.id] = again
        self.counts["retried"] += 1
        log.warning("a letter waits", subject=subject, reason=str(failed))
        with self._outage:  # a restart would then try it sooner
            await self._store.put_email(again)

    def _end(self, one: port.QueuedEmail) -> None:
        del self._waiting[one.id]
        self._gone.append(one.id)

    async def _drop_gone(self) -> None:
        gone = list(self._gone)
        if not gone:
            return
        with self._outage:
            await self._store.drop_emails(gone)
            self._gone = self._gone[len(gone) :]

    async def _note_sent(self, org: OrgId, about: str) -> None:
        now_ms = self._clock.now_ms()
        # What holds nothing back any more is forgotten, so that this stays small.
        over = [
            email_id
            for email_id, at_ms in self._next_ms.items()
            if at_ms <= now_ms and email_id != about
        ]
        for webhook in over:
            del self._next_ms[webhook]
        self._gone += [_sent_id(webhook) for webhook in over]
        self._next_ms[about] = next_ms = now_ms + EVERY_MS
        id, body = _sent_id(about), msgspec.json.encode({"webHookId": about})
        self._gone = [gone_id for gone_id in self._gone if gone_id != id]
        with self._outage:  # a restart would then tell sooner
            await self._store.put_email(port.QueuedEmail(id, org, SENT, fact=body, due_ms=next_ms))


def _due_ms(email: port.QueuedEmail, now_ms: int) -> int:
    """Return when it is sent: now, where its date was made by a clock that was ahead."""
    latest_ms = now_ms + max(EVERY_MS, *AGAIN_MS)
    return email.due_ms if email.due_ms <= latest_ms else now_ms


def _sent_id(about: str) -> str:
    return f"sent {about}"
