"""Tells orgs what Tidings has to say of itself: as events, and by e-mail.

`tell` never waits and never fails: facts go through a bounded queue, are accepted like any event,
so they are stored, matched and delivered, and are then sent as letters where the org has addresses.
A store that takes no writes holds them up, it does not lose them; a stop of the process may lose
what was gathered in the last minute, and letters that were not taken yet. The log has it all.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence

import msgspec
import structlog
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from tidings.core.job import Job
from tidings.core.notice_letters import letter
from tidings.core.notices import (
    EXHAUSTED,
    Ended,
    Fact,
    Gathering,
    Notice,
    exhausted,
    is_notice,
    notice,
)
from tidings.core.webhook import Webhook
from tidings.egress.port import Mailer, MailFailed
from tidings.engine.clock import Clock
from tidings.engine.intake import Draft, Overloaded, Verdict
from tidings.store.port import StoreDown

QUEUE_MAX = 1000
AGAIN_S = 1.0
MAIL_EVERY_S = 3600.0  # of ended deliveries; everything else is rare by itself
MAIL_AGAIN_S = (60.0, 300.0, 1800.0, 7200.0)

log = structlog.get_logger("tidings.notices")


class Mail(msgspec.Struct):
    """A letter on its way."""

    id: str
    to: Sequence[str]
    subject: str
    text: str
    due_s: float
    tries: int = 0


class Notices(Collector):
    """The queue of what is to be told, and its figures for Prometheus."""

    def __init__(
        self,
        *,
        accept: Callable[[list[Draft]], Awaitable[list[Verdict]]],
        clock: Clock,
        number_of: Callable[[int, str], int | None],  # of a webhook, by org and id
        addresses: Callable[[int], Sequence[str]] = lambda org: (),
        mailer: Mailer | None = None,
    ) -> None:
        self._accept = accept
        self._clock = clock
        self._number_of = number_of
        self._addresses = addresses
        self._mailer = mailer
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Notice] = deque()
        self._ended = Gathering()
        self._ended_by_mail = Gathering(MAIL_EVERY_S)
        self._mails: list[Mail] = []
        self._wake = asyncio.Event()
        self._mail_wake = asyncio.Event()
        self._told: Counter[str] = Counter()
        self._mailed: Counter[str] = Counter()
        self._lost = 0

    # -- what is to be told -----------------------------------------------------------------------

    def tell(self, kind: str, org: int, fact: Fact) -> None:
        """Tell an org a fact of `core.notices`; the same fact told twice is one event."""
        self._add(notice(kind, org, fact, self._clock.now_ms()))

    def ended(self, webhook: Webhook, job: Job, cause: str) -> None:
        """A delivery has failed for good. Of operational events themselves nothing is told."""
        if not is_notice(job.body):
            self._gather(webhook, Ended(self._clock.now_ms(), cause, job.delivery, job.event_id))

    def parked(self, webhook: Webhook, count: int) -> None:
        """So many deliveries were parked, because their time was over behind an open breaker."""
        self._gather(webhook, Ended(self._clock.now_ms(), "", parked=count))

    def _gather(self, webhook: Webhook, ended: Ended) -> None:
        self._ended.add(webhook, ended)
        if self._mails_to(webhook.org):
            self._ended_by_mail.add(webhook, ended)
        self._wake.set()

    def _add(self, one: Notice) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self._lost += 1
            log.error("more is to be told than can be kept", kind=one.kind, org=one.org)
            return
        self._queue.append(one)
        self._wake.set()

    # -- telling ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_events())
            if self._mailer is not None:
                group.create_task(self._run_mails(self._mailer))

    async def flush(self) -> None:
        """Tell what was gathered and what waits, before a stop. StoreDown, Overloaded: not told."""
        self._collect(all_of_it=True)
        while self._queue:
            await self._tell(self._queue[0])
            self._queue.popleft()

    async def _run_events(self) -> None:
        while True:
            waits = (self._ended.wait_s(self._now_s()), self._ended_by_mail.wait_s(self._now_s()))
            known = [wait for wait in waits if wait is not None]
            try:
                async with asyncio.timeout(min(known) if known else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            self._collect()
            while self._queue:
                one = self._queue[0]
                try:
                    await self._tell(one)
                except (StoreDown, Overloaded):
                    await asyncio.sleep(AGAIN_S)
                    continue
                if self._queue and self._queue[0] is one:
                    self._queue.popleft()

    def _collect(self, *, all_of_it: bool = False) -> None:
        now_s, now_ms = self._now_s(), self._clock.now_ms()
        for batch in self._ended.due(now_s, all_of_it=all_of_it):
            self._add(notice(EXHAUSTED, batch.webhook.org, exhausted(batch), now_ms))
        for batch in self._ended_by_mail.due(now_s, all_of_it=all_of_it):
            self._mail(notice(EXHAUSTED, batch.webhook.org, exhausted(batch), now_ms))

    async def _tell(self, one: Notice) -> None:
        about = one.event["data"].get("webHookId")
        number = None if about is None else self._number_of(one.org, about)
        draft = Draft(one.org, one.kind, one.event_id, one.body, one.event, about=number or 0)
        (verdict,) = await self._accept([draft])
        if verdict.status == "accepted":
            self._told[one.kind] += 1
            if one.kind != EXHAUSTED:
                self._mail(one)

    # -- letters ----------------------------------------------------------------------------------

    def _mails_to(self, org: int) -> Sequence[str]:
        return self._addresses(org) if self._mailer is not None else ()

    def _mail(self, one: Notice) -> None:
        to = self._mails_to(one.org)
        if not to:
            return
        if len(self._mails) >= QUEUE_MAX:
            self._mailed["lost"] += 1
            log.error("more letters wait than can be kept", kind=one.kind, org=one.org)
            return
        words = letter(one.kind, one.org, one.event["data"])
        self._mails.append(Mail(one.event_id, to, words.subject, words.text, self._now_s()))
        self._mail_wake.set()

    async def _run_mails(self, mailer: Mailer) -> None:
        while True:
            next_s = min((mail.due_s for mail in self._mails), default=None)
            try:
                async with asyncio.timeout_at(next_s):
                    await self._mail_wake.wait()
            except TimeoutError:
                pass
            self._mail_wake.clear()
            for mail in [mail for mail in self._mails if mail.due_s <= self._now_s()]:
                await self._send(mailer, mail)

    async def _send(self, mailer: Mailer, mail: Mail) -> None:
        try:
            await mailer.send(mail.id, mail.to, mail.subject, mail.text)
        except MailFailed as failed:
            mail.tries += 1
            if failed.final or mail.tries > len(MAIL_AGAIN_S):
                self._mails.remove(mail)
                self._mailed["lost"] += 1
                log.error("a letter cannot be sent", subject=mail.subject, reason=str(failed))
                return
            mail.due_s = self._now_s() + MAIL_AGAIN_S[mail.tries - 1]
            self._mailed["retried"] += 1
            log.warning("a letter waits", subject=mail.subject, reason=str(failed))
        else:
            self._mails.remove(mail)
            self._mailed["sent"] += 1

    def _now_s(self) -> float:
        return self._loop.time()

    # -- figures ----------------------------------------------------------------------------------

    def collect(self) -> Iterator[Metric]:
        """The metrics at this moment (prometheus_client)."""
        for name, meaning, counts in (
            ("notices", "Operational events by kind.", self._told),
            ("mails", "Letters by what came of them.", self._mailed),
        ):
            family = CounterMetricFamily(f"tidings_{name}", meaning, labels=["kind"])
            for kind, count in sorted(counts.items()):
                family.add_metric([kind], count)
            yield family
        yield CounterMetricFamily(
            "tidings_notices_lost", "Operational events that could not be kept.", value=self._lost
        )
