"""A test message: one signed attempt at a webhook, whose answer is shown and which is not stored.

It goes the way of every delivery (shape, sign, the same destination behind the same guard), but
through a channel of its own, so that no delivery waits for it, and it counts for nothing.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from tidings.core.audit.audit_actions import WEBHOOK_TESTED
from tidings.core.delivery.exchange import (
    AttemptResult,
    DeliveryVerdict,
    Ending,
    FaultKind,
    TransportFault,
    of_fault,
)
from tidings.core.delivery.job import TRIAL, TRIAL_NOW, Job
from tidings.core.delivery.waits import NotYet
from tidings.core.ids import OrgId
from tidings.core.running.lease import OwnerLease
from tidings.core.shaping.left_out import LeftOut
from tidings.core.shares.budget import SharedBudget
from tidings.core.shares.token_bucket import TokenBucket
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Destination, Headers
from tidings.engine.audit.audit_log import AuditLog
from tidings.engine.callables import Ask
from tidings.engine.clock import Clock
from tidings.engine.delivery.attempt_results import check_wait, in_vain
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors, is_end
from tidings.engine.delivery.message import HeadersOf, JobMessage, MessageHeaders
from tidings.engine.families import AwayFamilies
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.engine.shaping.shaper import Shaping
from tidings.errors import Conflict, FieldRefusal, Throttled

RATE_PER_S = 1.0  # of an org
UNDER_WAY_MAX = 40  # of the process; an org has as many as it leaves to others
MARK = ("tidings-test", "true")
_CHANGED = (
    "The webhook was changed while the test was under way, so nothing was sent. Test it again."
)


_NOT_OURS = (
    "Tidings could not be sure that it still owns its store, so nothing was sent. Test it again in "
    "a moment."
)


class TooSoon(Throttled):
    """The org, or everybody, sends test messages faster than may be."""

    def __init__(self, wait_s: float) -> None:
        message = (
            "An org must send at most one test message a second; got more. Wait for the time "
            "in Retry-After."
        )
        super().__init__(FieldRefusal.build("too_many_tests", message), wait_s=wait_s)


class NotDialled(Conflict):
    """The webhook is of a type that makes no call."""

    def __init__(self, kind: str) -> None:
        message = (
            f"webHookType must be one that can be called for a test message; it is {kind}, which "
            "nothing is sent to. Send an event instead, or set webHookType to HTTP with the "
            "receiver's URL."
        )
        super().__init__(FieldRefusal.build("not_dialled", message, field="webHookType"))


class TrialResult(msgspec.Struct, frozen=True):
    """A test message, and what came of it."""

    method: str
    url: str
    headers: Headers  # none where nothing left
    body: bytes
    started_ms: int
    ending: Ending
    left_out: LeftOut | None = None  # as of a delivery
    delivered: bool = False  # whether it counts as taken, whatever its status


class TrialListener(Protocol):
    """Hears which receivers take messages."""

    def succeeded_outside(self, webhook: int) -> None:
        """Hear of a webhook, by its number, whose receiver has taken a message that was no
        delivery."""


class Trial:
    """Sends test messages."""

    def __init__(
        self,
        *,
        destination: Destination,
        audit: AuditLog | None,
        shaper: Shaping,
        clock: Clock,
        lease: OwnerLease,
        errors: UnforeseenErrors | None = None,
        headers_of: HeadersOf = MessageHeaders,
        listener: TrialListener | None = None,
        families: AwayFamilies | None = None,
    ) -> None:
        """`listener` hears of tests of the stored configuration; None: nobody does. `audit`: None
        where there is no store that could keep who has sent one. Without the `lease` nothing
        leaves, nor for an org of `families` that is not here; None: all are."""
        self._lease = lease
        self._families = families
        self._listener = listener
        self._headers_of = headers_of
        self._errors = errors or UnforeseenErrors()
        self._destination = destination
        self._audit = audit
        self._shaper = shaper
        self._clock = clock
        self._buckets: dict[int, TokenBucket] = {}
        self._under_way = SharedBudget[OrgId](UNDER_WAY_MAX)

    def _note_success(self, webhook: Webhook) -> None:
        if self._listener is not None:
            self._listener.succeeded_outside(webhook.number)

    async def rehearse(self, org: OrgId, webhook: Webhook, event_id: str, body: bytes) -> bytes:
        """Make the bytes that a test would send of an event; nothing is sent. Raise TooSoon,
        ShapeRefused or ShapeLater."""
        self._admit(org)
        try:
            return await self._shaper.shape(
                webhook, self._job(org, webhook, event_id, body, now=True)
            )
        finally:
            self._under_way.give(org)

    async def send(
        self,
        org: OrgId,
        webhook: Webhook,
        event_id: str,
        body: bytes,
        stands: Ask,
        *,
        stored: bool = False,
        now: bool = False,
    ) -> TrialResult:
        """Send one attempt with an event of the org. Raise TooSoon, NotDialled, or StoreDown where
        it cannot be recorded; any other fault is in the result.

        `stored`: the webhook is as it is stored, so that a success tells how it does; `now`: in the
        quiet hours of an action too. `stands`: whether what is stored of the webhook is still as it
        is here. The message leaves only then.
        """
        if not webhook.has_target or webhook.type.fetched:
            raise NotDialled(webhook.kind)
        self._admit(org)
        job = self._job(org, webhook, event_id, body, now=now)
        started_ms = job.accepted_ms
        try:
            if self._audit is not None:
                fields = {"name": webhook.name, "host": _host(webhook.url), "stored": stored}
                await self._audit.append(WEBHOOK_TESTED, org, webhook.id, fields)
            try:
                job.body = await self._shaper.shape(webhook, job)
            except (ShapeRefused, ShapeLater) as unshaped:
                waits = unshaped.kind in (FaultKind.SKIPPED, FaultKind.WAITS)
                kind = unshaped.kind if waits else FaultKind.TRANSFORM
                fault: Ending = TransportFault(kind, False, unshaped.reason, duration_ms=0.0)
                return TrialResult(
                    method=webhook.method,
                    url=webhook.url,
                    headers=[],
                    body=b"",
                    started_ms=started_ms,
                    ending=fault,
                )
            except BaseException as error:
                fault = self._failed(error, AttemptStep.SHAPE, webhook).ending
                return TrialResult(
                    method=webhook.method,
                    url=webhook.url,
                    headers=[],
                    body=b"",
                    started_ms=started_ms,
                    ending=fault,
                )
            message = _Test(job, webhook, stands, self._clock, self._lease, self._headers_of)
            began_s = monotonic()
            result = await self._attempt(message)
            if message.failure is not None and (result is None or not message.headers):
                result = self._failed(message.failure, AttemptStep.SIGN, webhook)
            if result is None:
                taken_ms = (monotonic() - began_s) * 1e3
                why = _CHANGED if self._lease.holds() else _NOT_OURS
                result = of_fault(TransportFault(FaultKind.OURS, False, why, duration_ms=taken_ms))
            if stored and result.verdict is DeliveryVerdict.DELIVERED:
                self._note_success(webhook)
            shown = self._destination.show(webhook, message.headers, job.body, job.key)
            return TrialResult(
                method=shown.method,
                url=shown.url or webhook.url,
                headers=shown.headers,
                body=shown.body,
                started_ms=started_ms,
                ending=result.ending,
                left_out=job.left_out,
                delivered=result.verdict is DeliveryVerdict.DELIVERED,
            )
        finally:
            self._under_way.give(org)

    async def _attempt(self, message: "_Test") -> AttemptResult | None:
        lonely = msgspec.structs.replace(message.webhook, connections_max=1, keep_answers=True)
        channel = GuardedChannel(self._destination, lonely, self._errors)
        step = AttemptStep.OPEN
        try:
            inner, step = channel.opened(), AttemptStep.SEND
            result = await inner.send(message)
            if not isinstance(result, NotYet):
                return result
            check_wait(result, left=bool(message.headers))
            return in_vain(result)
        except BaseException as error:
            return self._failed(error, step, lonely, sent=bool(message.headers))
        finally:
            await asyncio.shield(channel.close())

    def _failed(
        self, error: BaseException, step: AttemptStep, webhook: Webhook, *, sent: bool = False
    ) -> AttemptResult:
        if is_end(error, asyncio.current_task()):
            raise error
        return self._errors.result(error, step, webhook.kind, sent=sent)

    def _job(self, org: OrgId, webhook: Webhook, event_id: str, body: bytes, *, now: bool) -> Job:
        now_ms = self._clock.now_ms()
        trial = TRIAL_NOW if now else TRIAL
        return Job(
            delivery=trial,
            webhook=webhook.number,
            org=org,
            event_id=event_id,
            accepted_ms=now_ms,
            attempt=1,
            key=None,
            retry=False,
            body=body,
        )

    def under_way(self, is_of: Callable[[OrgId], bool]) -> int:
        """Count the messages of tests that are on their way for some orgs."""
        return self._under_way.held_where(is_of)

    def _admit(self, org: OrgId) -> None:
        """Count one that is under way, until it is given back. TooSoon, FamilyAway."""
        if self._families is not None and self._families.is_away(org):
            raise self._families.refusal_of(org)
        now_s = self._clock.now_ms() / 1000
        bucket = self._buckets.get(org)
        if bucket is None:
            if len(self._buckets) > 10_000:
                self._buckets.clear()
            bucket = self._buckets[org] = TokenBucket(RATE_PER_S)
        if not self._under_way.admits(org):
            raise TooSoon(1.0)
        if not bucket.take(now_s):
            raise TooSoon(bucket.wait_s(now_s))
        self._under_way.charge(org, 1)


def _host(url: str) -> str | None:
    """Return the host of a URL, for the audit log: the rest may be secret. None where it has none,
    or is none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


class _Test(JobMessage):
    """The message of a test, and the headers with which it left: none where nothing did."""

    __slots__ = ("_clock", "_headers_of", "_lease", "_stands", "failure", "headers")

    def __init__(
        self,
        job: Job,
        webhook: Webhook,
        stands: Ask,
        clock: Clock,
        lease: OwnerLease,
        headers_of: HeadersOf,
    ) -> None:
        self._lease = lease
        self._headers_of = headers_of
        super().__init__(job, webhook)
        self._stands = stands
        self._clock = clock
        self.headers: Headers = []
        self.failure: Exception | None = None  # of what dates and signs it

    @property
    def trial(self) -> bool:
        return True

    def is_still_current(self) -> bool:
        """See `Message.stands`."""
        return self._lease.holds() and self._stands()

    def headers_if_current(self, carried: Headers) -> Headers | None:
        """See `Message.leaves`. Raises nothing."""
        try:
            if not self.is_still_current():
                return None
            made = MessageHeaders(self.webhook).of(self.job, self._clock.now_ms() // 1000, carried)
            if not self._lease.holds():  # to sign it has taken a while
                return None
        except Exception as error:
            self.failure = error
            return None
        self.headers = [*made, MARK]
        return self.headers
