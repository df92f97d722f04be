"""What a commit has brought, queued in the lanes that it is for; and what it has cancelled, out of
them. Lanes that got something are woken at the end, when everything is in its place.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from tidings.core.delivery.job import Job
from tidings.core.delivery.schedule import WINDOW_S
from tidings.core.ids import DeliveryId, from_first
from tidings.engine.delivery.guards.lane_rescue import LaneRescuer
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.lanes.start_pacer import StartPacer
from tidings.engine.delivery.owed_deliveries import made_late
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import WebhookRunner
from tidings.engine.events.commit_queue import QueuedEvent
from tidings.store import port

# A retry's last time is the end of its window; one that waited longer did so behind a breaker.
LAST_MS = int((WINDOW_S + 1) * 1000)


class ReceiptDispatch:
    """Takes the receipts of commits."""

    def __init__(
        self,
        *,
        runners: WebhookRunners,
        pacer: StartPacer,
        healths: HealthTracker,
        claims: RetryClaims,
        rescuer: LaneRescuer,
    ) -> None:
        """`healths` know whether a webhook's deliveries are parked once their window is over, and
        `claims` do so with those that were claimed for a probe. `rescuer` hears what was raised for
        one webhook, from which the others are kept."""
        self._runners = runners
        self._at_work = runners.at_work
        self._pacer = pacer
        self._healths = healths
        self._claims = claims
        self._rescuer = rescuer

    def take(
        self,
        receipt: port.Receipt,
        events: list[QueuedEvent],
        matched: list[Sequence[port.NewDelivery]],
    ) -> None:
        """Queue the deliveries of a commit that has just returned."""
        held = set(receipt.held)
        now_ms = receipt.now_ms
        woken: dict[WebhookRunner, None] = {}  # in the order of their first job
        for job in chain(receipt.freed, made_late(receipt.fanned_out)):
            try:
                runner = self._at_work.get(job.webhook) or self._runners.runner_of(job.webhook)
                if runner is not None:
                    runner.lane.offer_freed(job)
                    woken[runner] = None
            except BaseException as error:
                self._rescuer.note(job.webhook, error)
        for event, seq, first, found in zip(
            events, receipt.seqs, receipt.firsts, matched, strict=True
        ):
            if not seq:
                continue
            self._offer_event(event, from_first(found, first), held, now_ms, woken)
        woken |= self._offer_replays(receipt.replayed)
        for job in receipt.claimed:
            try:
                self._offer_retry(job, now_ms, woken)
            except BaseException as error:
                self._rescuer.note(job.webhook, error)
        self._forget(receipt.cancelled)
        self._pacer.wake(woken)

    def _offer_event(
        self,
        event: QueuedEvent,
        deliveries: Iterable[tuple[DeliveryId, port.NewDelivery]],
        held: set[DeliveryId],
        now_ms: int,
        woken: dict[WebhookRunner, None],
    ) -> None:
        draft = event.draft
        for delivery, new in deliveries:
            if new.parked or delivery in held:
                continue
            try:
                runner = self._at_work.get(new.webhook) or self._runners.runner_of(new.webhook)
                if runner is None or runner.lane.leaves(delivery):
                    continue
                runner.lane.offer(
                    Job(
                        delivery=delivery,
                        webhook=new.webhook,
                        org=draft.org,
                        event_id=draft.event_id,
                        accepted_ms=now_ms,
                        attempt=1,
                        key=new.key,
                        retry=False,
                        body=draft.body,
                        passage=event.passage,
                    )
                )
                woken[runner] = None
            except BaseException as error:
                self._rescuer.note(new.webhook, error)

    def _offer_retry(self, job: Job, now_ms: int, woken: dict[WebhookRunner, None]) -> None:
        runner = self._runners.runner_of(job.webhook)
        if runner is None or runner.claims_void:
            return
        if now_ms - job.accepted_ms > LAST_MS and self._healths.parks(runner.webhook):
            runner.overdue = True
            self._claims.release(runner)
            return
        runner.lane.offer_retry(job)
        woken[runner] = None

    def _offer_replays(self, replayed: Sequence[port.ReplayReceipt]) -> dict[WebhookRunner, None]:
        """Queue what slices of replays have made; their ids are above those of the events."""
        woken: dict[WebhookRunner, None] = {}
        for job in (job for receipt in replayed for job in receipt.jobs):
            try:
                runner = self._runners.runner_of(job.webhook)
                if runner is not None:
                    runner.lane.offer(job)
                    woken[runner] = None
            except BaseException as error:
                self._rescuer.note(job.webhook, error)
        return woken

    def _forget(self, cancelled: Sequence[port.CancelReceipt]) -> None:
        """Let no attempt start of what is cancelled; last, for a settle may have freed it too."""
        of_webhook: dict[int, set[DeliveryId]] = {}
        for cancelled_delivery in cancelled:
            for webhook, delivery in cancelled_delivery.deliveries:
                of_webhook.setdefault(webhook, set()).add(delivery)
        for webhook, deliveries in of_webhook.items():
            try:
                if (runner := self._at_work.get(webhook)) is not None:
                    runner.cancelled |= deliveries & runner.lane.unsettled_attempts.keys()
                    runner.lane.forget(deliveries)
                    if not runner.lane.queued:
                        runner.waiting_since_s = None
            except BaseException as error:
                self._rescuer.note(webhook, error)
