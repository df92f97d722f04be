"""The drains of this process: which webhooks are drained, how that goes, and how it went.

Each attempt is told to them (`heard`), which costs a look into an empty table as long as nothing is
drained. What is known is in memory: after a restart what was made due goes on as due, and a drain
asked for again makes due what was not.
"""

import msgspec

from tidings.core.delivery.drain import (
    BODY_SHOWN,
    DrainState,
    LanePotential,
    ProbeAnswer,
    describe_drain,
    describe_queue,
)
from tidings.core.delivery.exchange import Ending, ReceiverAnswer
from tidings.core.delivery.job import Job
from tidings.core.delivery.learned_rate import AskedWait
from tidings.core.delivery.outcome import Cancelled, Delivered, Failed, Outcome, Retry
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shares.table import SharedTable
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.clock import Clock

KEPT_MAX = 10_000  # drains that are over, one a webhook


class Drain(msgspec.Struct, eq=False):
    """One drain of a webhook."""

    webhook: int
    org: OrgId
    by: str
    begun_ms: int
    state: DrainState = DrainState.PROBING
    total: int = 0  # that waited when it began
    lane: LanePotential = LanePotential(1)
    delivered: int = 0
    failed: int = 0
    left: int = 0
    answer: ProbeAnswer | None = None
    why: str = ""  # it has ended so
    ended_ms: int | None = None
    # What only the engine asks.
    probe: DeliveryId | None = None  # which delivery is the probe; None: whichever comes
    asked: bool = False  # its lane was, for the probe
    waited: AskedWait | None = None  # what the receiver had asked for before
    place: tuple[int, int] | None = None  # how far its retries are made due
    woken: bool = False  # all of them are
    last: frozenset[tuple[DeliveryId, int]] | None = (
        None  # attempts that must end before it is done
    )
    recounts: int = 0  # of what is left
    recount_ms: int = 0  # when the next one is made

    @property
    def expected(self) -> str:
        """Say what it has begun with, and about how long that takes."""
        return describe_queue(self.total, self.lane)

    @property
    def text(self) -> str:
        """Say how it goes, or how it went."""
        return describe_drain(
            self.state,
            delivered=self.delivered,
            failed=self.failed,
            left=self.left,
            answer=self.answer,
            why=self.why,
        )

    def hear(
        self, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome, now_ms: int
    ) -> None:
        """Take note of an attempt of the webhook that has ended."""
        if self.state is DrainState.PROBING:
            self._judge(webhook, job, ending, outcome, now_ms)
        if job.accepted_ms > self.begun_ms:
            return
        if isinstance(outcome, Delivered):
            self.delivered += 1
        elif isinstance(outcome, Failed | Cancelled):
            self.failed += 1
        else:
            return
        self.left = max(0, self.total - self.delivered - self.failed)

    def _judge(
        self, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome, now_ms: int
    ) -> None:
        if isinstance(outcome, Delivered):
            self.answer = describe_answer(webhook, job, ending, delivered=True)
            self.state = DrainState.DRAINING
            return
        began_ms = now_ms - ending.duration_ms
        is_ours = isinstance(outcome, Retry) and outcome.ours
        is_probe = self.probe is None or job.delivery == self.probe
        if (
            not (is_ours or isinstance(outcome, Cancelled))
            and is_probe
            and began_ms >= self.begun_ms - 1
        ):
            self.answer = describe_answer(webhook, job, ending, delivered=False)
            self.state = DrainState.REFUSED


def describe_answer(webhook: Webhook, job: Job, ending: Ending, *, delivered: bool) -> ProbeAnswer:
    """Describe the answer to an attempt, with the first of its body as text."""
    if isinstance(ending, ReceiverAnswer):
        body = bytes(ending.body[: 4 * BODY_SHOWN]).decode(errors="replace")[:BODY_SHOWN]
        status, fault = ending.status, None
    else:
        body, status, fault = "", None, str(ending.kind)
    return ProbeAnswer(
        delivery=job.delivery,
        delivered=delivered,
        status=status,
        fault=fault,
        detail=ending.detail,
        body=body,
        duration_ms=ending.duration_ms,
        http=webhook.type.answers_status,
        acts=webhook.type.acts,
    )


class OpenDrains:
    """The drains that go on, and of each webhook the last one that is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.open: dict[int, Drain] = {}
        self._over = SharedTable[OrgId, int, Drain](KEPT_MAX)

    def of(self, webhook: int) -> Drain | None:
        """Return the drain of a webhook that goes on, or the last one."""
        return self.open.get(webhook) or self._over.get(webhook)

    def begin(self, drain: Drain) -> None:
        """Keep a drain that begins."""
        self._over.pop(drain.webhook)
        self.open[drain.webhook] = drain

    def drop(self, drain: Drain) -> None:
        """Forget a drain that could not begin."""
        self.open.pop(drain.webhook, None)

    def end(self, drain: Drain) -> None:
        """Keep a drain as one that is over."""
        drain.ended_ms = self._clock.now_ms()
        if self.open.pop(drain.webhook, None) is not None:
            self._over.put(drain.org, drain.webhook, drain)

    def used_by(self, org: OrgId) -> int:
        """Count the drains of an org that go on."""
        return sum(1 for drain in self.open.values() if drain.org == org)

    def hear(self, webhook: Webhook, job: Job, ending: Ending, outcome: Outcome) -> None:
        """Take note of an attempt that has ended, of a webhook that may be drained."""
        drain = self.open.get(webhook.number)
        if drain is not None:
            drain.hear(webhook, job, ending, outcome, self._clock.now_ms())
