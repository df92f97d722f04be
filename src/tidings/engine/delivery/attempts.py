"""One attempt: the message is made, and leaves by the webhook as it is in that moment, or not.

Making a message may take a while, for the platform or a template is asked, and so may a connection
to its receiver. Just before the first byte, without awaiting, four things happen: it is checked
that the attempt may still leave and that the message was made for the current version of the
webhook; then it is dated and signed; then it is checked that the store is still ours, by the lease
of it; then it is noted as in flight. If a check fails nothing is sent, and the message is made
anew, or the job put back. So once a change of the webhook was answered, nothing leaves by what it
was before; nothing leaves once another process may have taken over; and what had not left when its
process was killed is charged to nobody.

Whatever is raised on the way ends the attempt as a fault of ours (unforeseen.py), before its first
byte or after it.

A further attempt sends what an earlier one has sent, whatever has changed meanwhile; but where the
webhook wants no personal data by now, only what was made without it. Else it is made anew from the
accepted bytes, and kept instead.
"""

import asyncio
from typing import Protocol

import msgspec

from tidings.core.delivery.exchange import AttemptResult
from tidings.core.delivery.job import Job
from tidings.core.delivery.waits import NotYet
from tidings.core.running.lease import OwnerLease
from tidings.core.webhooks.webhook import Webhook
from tidings.destinations.port import Channel, Headers
from tidings.engine.callables import Notify
from tidings.engine.clock import Clock
from tidings.engine.delivery import attempt_results
from tidings.engine.delivery.guards.guarded_channel import GuardedChannel
from tidings.engine.delivery.guards.slot import Slot
from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors, is_end
from tidings.engine.delivery.message import JobMessage
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner
from tidings.engine.shaping.faults import ShapeLater, ShapeRefused
from tidings.engine.shaping.shaper import Shaping
from tidings.errors import TidingsError
from tidings.store import port

STORE_WAIT_S = 1.0
_SHAPE, _SEND = AttemptStep.SHAPE, AttemptStep.SEND  # not looked up for each attempt
_UNREAD = "The accepted event could not be read. Tidings tries again."


class Overrun(TidingsError):
    """An attempt has not ended long after its deadline."""


class AttemptListener(Protocol):
    """Starts attempts, and hears what became of each."""

    def may_leave(self, runner: WebhookRunner, job: Job) -> bool:
        """Return whether nothing was decided since its start that keeps it from being made."""

    def attempt_ended(
        self, slot: Slot, webhook: Webhook, job: Job, started_ms: int, result: AttemptResult | None
    ) -> None:
        """Hear that it has ended; a result of None: it was stopped."""

    def not_yet(
        self, slot: Slot, webhook: Webhook, job: Job, started_ms: int, result: NotYet
    ) -> None:
        """Hear that it is not to be made yet: none was made."""

    def put_back(self, slot: Slot, job: Job) -> None:
        """Hear that it has not left."""

    def unusable(
        self,
        slot: Slot,
        webhook: Webhook,
        job: Job,
        started_ms: int,
        result: AttemptResult,
        restore: Notify,
    ) -> bool:
        """Hear that its connection could not be used; `restore` makes the job as it was before.
        Return False where it has ended all the same."""


class Attempts:
    """Makes attempts that a lane has started."""

    def __init__(
        self,
        *,
        shaper: Shaping,
        store: port.DeliveryStore,
        clock: Clock,
        in_flight: port.InFlight,
        lease: OwnerLease,
        listener: AttemptListener,
        lanes: LaneDriver,
        errors: UnforeseenErrors,
    ) -> None:
        """Report each attempt to `listener` once, in one of four ways; run background work by
        `lanes`."""
        self._shaper = shaper
        self._store = store
        self.clock = clock
        self.in_flight = in_flight
        self.lease = lease
        self._listener = listener
        self._lanes = lanes
        self._errors = errors
        self.leapt_ms = 0  # all leaps of the wall clock since this process began, added up

    async def make(self, slot: Slot, job: Job, leapt_ms: int) -> None:
        """Make it in a slot, to its end. `leapt_ms` was ours when its lane started it.

        Until then its lane corrected the job's accept date by the leaps of the clock, from then on
        we do. Raises nothing but what ends the slot's task (`is_end`).
        """
        runner, before = slot.runner, (job.body, job.cut)
        message = _RunningAttempt(self, slot, job)
        leapt_ms = self._dated(job, leapt_ms)
        started_ms = self.clock.now_ms()

        try:
            while True:
                message.step = _SHAPE
                body = await self._message(runner, job)
                if body is None or not self._listener.may_leave(runner, job):
                    self._wait_again(slot, job, leapt_ms)
                    return
                leapt_ms = self._dated(job, leapt_ms)
                message.webhook = webhook = runner.webhook
                if not webhook.plain:
                    started_ms = self.clock.now_ms()
                    if not _take_made(slot, webhook, job, body):
                        self._wait_again(slot, job, leapt_ms)
                        return
                channel = runner.channel
                inner = channel.inner or self._opened(channel, message)
                message.step = _SEND
                channel.active += 1
                try:
                    result = await inner.send(message)
                finally:
                    channel.active -= 1
                    if channel.retired and channel.unused:
                        self._lanes.spawn(channel.close())
                self._check(result, message)
                if message.left or (
                    result is not None and self.is_still_current(runner, webhook, job)
                ):
                    break
                # Not by what was changed before it left; nor for a reader who is not there.
                (job.body, job.cut), job.sent = before, None
                if not self._listener.may_leave(runner, job) or runner.lane.wanted == 0:
                    self._wait_again(slot, job, leapt_ms)
                    return
        except (ShapeRefused, ShapeLater) as unshaped:
            message.webhook, result = runner.webhook, attempt_results.unshaped(unshaped)
        except BaseException as error:
            result = self._failed(slot, message, error, started_ms, before, leapt_ms)
            if result is None:
                return
        # What has left is judged at once, also where its driver says nothing of it.
        if result is None or (isinstance(result, AttemptResult) and not result.unusable):
            self._listener.attempt_ended(slot, message.webhook, job, started_ms, result)
            return
        self._wait(slot, message, started_ms, result, before, leapt_ms)

    def _wait(
        self,
        slot: Slot,
        message: "_RunningAttempt",
        started_ms: int,
        result: AttemptResult | NotYet,
        before: tuple[bytes, bool],
        leapt_ms: int,
    ) -> None:
        """Have it wait: it is not to be made yet, or its connection cannot be used, and whether
        that is so for anybody is not known. What may have left is judged at once."""
        webhook, job = message.webhook, message.job
        if isinstance(result, NotYet):
            self._listener.not_yet(slot, webhook, job, started_ms, result)
            return

        def restore() -> None:
            (job.body, job.cut), job.sent = before, None
            self._dated(job, leapt_ms)

        if message.left or not self._listener.unusable(
            slot, webhook, job, started_ms, result, restore
        ):
            self._listener.attempt_ended(slot, webhook, job, started_ms, result)

    def _failed(
        self,
        slot: Slot,
        message: "_RunningAttempt",
        error: BaseException,
        started_ms: int,
        before: tuple[bytes, bool],
        leapt_ms: int,
    ) -> AttemptResult | None:
        """Judge an attempt in which something was raised; None: it is put back, for it had not
        left. Raises what is to end the slot's task, when that is told."""
        runner, job = slot.runner, message.job
        if not message.left:
            (job.body, job.cut), job.sent = before, None
        if slot.overrun and slot.task is not None and isinstance(error, asyncio.CancelledError):
            slot.overrun, error = False, Overrun()
            slot.task.uncancel()
        ends = is_end(error, slot.task)
        if not message.left and (ends or not self._listener.may_leave(runner, job)):
            self._wait_again(slot, job, leapt_ms)
            if ends:
                raise error
            return None
        if ends:
            self._listener.attempt_ended(slot, message.webhook, job, started_ms, None)
            raise error
        if not message.left:
            message.webhook = runner.webhook
        took_ms = max(0, self.clock.now_ms() - started_ms)
        step, kind = message.step, message.webhook.kind
        return self._errors.result(error, step, kind, sent=message.left, took_ms=took_ms)

    def _opened(self, channel: GuardedChannel, message: "_RunningAttempt") -> Channel:
        """Open the driver's channel, which it has failed to open before; raises what it raises."""
        message.step = AttemptStep.OPEN
        return channel.opened()

    def _check(self, result: AttemptResult | NotYet | None, message: "_RunningAttempt") -> None:
        """Raise what was raised while the message was signed, and TypeError or ValueError for what
        is no result of a driver."""
        if result is None:
            if message.failure is not None:
                message.step = AttemptStep.SIGN
                raise message.failure
        elif type(result) is NotYet:
            attempt_results.check_wait(result, left=message.left)
        elif type(result) is not AttemptResult:
            raise TypeError("a driver must return a result")
        elif not 0 <= result.ending.duration_ms < attempt_results.FOREVER:
            raise ValueError("an attempt must have a duration")

    def _dated(self, job: Job, leapt_ms: int) -> int:
        """Correct the job's accept date by what the wall clock has leapt since `leapt_ms` was read;
        return the sum of all leaps."""
        job.accepted_ms += self.leapt_ms - leapt_ms
        return self.leapt_ms

    def _wait_again(self, slot: Slot, job: Job, leapt_ms: int) -> None:
        self._dated(job, leapt_ms)
        self._listener.put_back(slot, job)

    def handed_out(self, slot: Slot) -> None:
        """Note that a reader has the message: it counts as one of those that readers have."""
        if slot.drop_body():
            self._lanes.give_turns()

    def is_still_current(self, runner: WebhookRunner, webhook: Webhook, job: Job) -> bool:
        """Return whether nothing was decided meanwhile that keeps it from leaving by this
        version."""
        return runner.webhook is webhook and self._listener.may_leave(runner, job)

    async def _message(self, runner: WebhookRunner, job: Job) -> bytes | None:
        """Build the message. If the webhook changes meanwhile, build it anew, as it would be that
        of an old version. Return None if it is not wanted any more."""
        while True:
            webhook, job.left_out = runner.webhook, None
            if webhook.plain:
                return job.body
            as_sent = _goes_as_sent(webhook, job)
            if as_sent and not webhook.type.acts:
                return job.body
            try:
                if job.shaped and not as_sent:
                    body = await self._anew(webhook, job)
                else:
                    body = await self._shaper.shape(webhook, job)
            except (ShapeRefused, ShapeLater):
                if runner.webhook is webhook and self._listener.may_leave(runner, job):
                    raise
            else:
                if runner.webhook is webhook:
                    return body
            if not self._listener.may_leave(runner, job):
                return None

    async def read_body(self, slot: Slot, job: Job, leapt_ms: int) -> bool:
        """Read a body that was left in the store: what an earlier attempt has sent, where that is
        kept, else the accepted bytes. Return False where that cannot be done: it is put back, for
        it is no attempt yet."""
        try:
            kept = await self._store.sent_body(job.delivery)
        except port.StoreDown:
            kept = port.SentBody()
        except BaseException as error:
            if is_end(error, slot.task):
                self._wait_again(slot, job, leapt_ms)
                raise
            self._errors.note(error, _SHAPE, slot.runner.webhook.kind)
            kept = port.SentBody()
        if (body := kept.shaped or kept.accepted) is None:
            try:
                await asyncio.sleep(STORE_WAIT_S)
            finally:
                self._wait_again(slot, job, leapt_ms)
            return False
        job.body, job.unread = body, 0
        if kept.shaped is not None:
            job.shaped, job.cut = True, kept.cut
        return True

    async def _anew(self, webhook: Webhook, job: Job) -> bytes:
        """Build the message from the accepted bytes, instead of from what was sent before."""
        try:
            accepted = (await self._store.sent_body(job.delivery)).accepted
        except port.StoreDown:
            accepted = None
        if accepted is None:
            raise ShapeLater(_UNREAD, STORE_WAIT_S)
        fresh = msgspec.structs.replace(job, body=accepted)
        try:
            return await self._shaper.shape(webhook, fresh)
        finally:
            job.left_out = fresh.left_out


def _goes_as_sent(webhook: Webhook, job: Job) -> bool:
    """Return whether what an earlier attempt has sent may go to the webhook as it is now."""
    return job.shaped and (job.cut or not webhook.without_personal_data)


def _take_made(slot: Slot, webhook: Webhook, job: Job, body: bytes) -> bool:
    """Have a job sent as the message that was made of it; return False where there is no room for
    that now: its lane waits until there is."""
    if body == job.body and _goes_as_sent(webhook, job):
        return True
    if not slot.grow(len(body)):
        return False
    job.sent = job.body = body
    job.cut = webhook.without_personal_data
    return True


class _RunningAttempt(JobMessage):
    """The message of an attempt, and whether it has left."""

    __slots__ = ("_attempts", "_runner", "_slot", "failure", "left", "step")

    def __init__(self, attempts: Attempts, slot: Slot, job: Job) -> None:
        self.job = job
        self.webhook = slot.runner.webhook
        self._attempts = attempts
        self._runner = slot.runner
        self._slot = slot
        self.left = False
        self.step = _SHAPE
        self.failure: Exception | None = None  # of what dates and signs it

    def is_still_current(self) -> bool:
        """See `Message.stands`."""
        return self._attempts.is_still_current(self._runner, self.webhook, self.job)

    def headers_if_current(self, carried: Headers) -> Headers | None:
        """See `Message.leaves`. Raises nothing: what fails here is no failure of whoever asks."""
        attempts, runner, job = self._attempts, self._runner, self.job
        try:
            if not self.is_still_current():
                return None
            headers = runner.headers.of(job, attempts.clock.now_ms() // 1000, carried)
            if not attempts.lease.holds():  # the last look: to sign it has taken a while
                return None
            if not self.left:
                attempts.in_flight.note(job.delivery, job.attempt)
                self.left = True
                if runner.fetched:
                    attempts.handed_out(self._slot)
        except Exception as error:
            self.failure = error
            return None
        return headers
