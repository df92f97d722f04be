"""A watch over the send slots: what is held by nobody is given back, and what never ends is ended.

By construction neither happens (slot.py). If it does all the same, a process would send less and
less, and say nothing of it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog

from tidings.core.delivery.receivers.breaker import Position
from tidings.core.delivery.turns import HANGS_S, Permit
from tidings.core.running.service_part import ServicePart
from tidings.core.webhooks.webhook import Webhook
from tidings.engine.delivery.admission import Admission
from tidings.engine.delivery.guards.unforeseen import UnforeseenErrors
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner
from tidings.engine.delivery.send_slots import SendSlots
from tidings.engine.heartbeats import Heart, unwatched_heart

LOOK_EVERY_S = 10.0
OVERDUE_S = 10.0
PART = ServicePart("watch of send slots", "send slots that nobody holds are not found")
LATE_S = 15.0  # beyond its deadline an attempt is told of; with the look, within 30 s
HANGING_PART = 10  # of the slots, one in so many: held without an answer, that is told of
OVERRUN_S = 600.0  # beyond its deadline: for its message to be made, and for a driver to give up

log = structlog.get_logger(__name__)


class SlotWatch:
    """Compares what is counted with the tasks that there are."""

    def __init__(
        self,
        *,
        admission: Admission,
        runners: WebhookRunners,
        lanes: LaneDriver,
        slots: SendSlots,
        errors: UnforeseenErrors,
    ) -> None:
        """Take stuck slots back, and give them out again by `slots`."""
        self._admission = admission
        self._runners = runners
        self._lanes = lanes
        self._slots = slots
        self._errors = errors
        self.late: Counter[str] = Counter()
        """Attempts that had not ended long after their deadlines, by type of webhook, at the last
        look."""

    async def run(self, heart: Heart | None = None) -> None:
        """Look again and again, until cancelled."""
        heart = heart or unwatched_heart()
        while True:
            await heart.sleep(LOOK_EVERY_S)
            self.look()

    def look(self) -> int:
        """Give back what nobody holds; returns how many slots that were."""
        held: set[Permit] = set()
        lost = 0
        late: Counter[str] = Counter()
        now_s = asyncio.get_running_loop().time()
        for runner in list(self._runners.all()):
            jobs = {}
            for task, slot in list(runner.slots.items()):
                if (job := slot.job) is None:
                    continue
                jobs[job.delivery] = job
                if slot.permit is None:
                    continue
                held.add(slot.permit)
                over_s = now_s - slot.began_s - runner.webhook.deadline_s
                if over_s > LATE_S:
                    late[runner.webhook.kind] += 1
                if over_s > OVERRUN_S:
                    slot.overrun = True
                    task.cancel()
            for delivery in runner.lane.under_way - jobs.keys():
                lost += 1
                runner.lane.free(delivery)
                self._lanes.take_up(runner, delivery)
        self._note_late(late)
        lost = max(lost, self._admission.permits.take_back_but(held, now_s))
        if lost:
            self._errors.slots_lost(lost)
            self._slots.give()
        return lost

    def notices(self) -> list[str]:
        """Say which attempts do not end and how many hang, in sentences; no org and no webhook is
        named."""
        permits = self._admission.permits
        hanging = permits.hanging(asyncio.get_running_loop().time())
        found = []
        if hanging and hanging * HANGING_PART >= permits.count:
            found.append(
                f"Receivers hang: {hanging:,} of {permits.count:,} send slots are held by attempts "
                f"that have had no answer for {HANGS_S:.0f} s or more. Each ends at its deadline; "
                "webhooks whose receivers answer keep slots of their own, others wait in turns. "
                "The failing webhooks are listed in the console."
            )
        return found + [
            f"{count:,} attempt{'' if count == 1 else 's'} of type {kind} had not ended "
            f"{LATE_S:.0f} s after the deadline. Their messages wait to be made, or to be let go "
            f"by what they are sent over; they are ended after {OVERRUN_S / 60:.0f} min."
            for kind, count in sorted(self.late.items())
        ]

    def _note_late(self, late: Counter[str]) -> None:
        for kind in late.keys() - self.late.keys():
            log.warning("attempts do not end at their deadlines", type=kind, count=late[kind])
        self.late = late

    def overdue(self, runners: Iterable[WebhookRunner]) -> list[Webhook]:
        """List the webhooks whose lane has a free slot and work that waits too long for it all the
        same."""
        now_s = asyncio.get_running_loop().time()
        return [
            runner.webhook
            for runner in runners
            if runner.waiting_since_s is not None
            and runner.lane.can_start
            and runner.lane.rate_limit is None
            and runner.lane.breaker.position is Position.CLOSED
            and runner.lane.learned.rate is None
            and not runner.lane.learned.shut
            and self._admission.admits(runner, now_s)
            and now_s - runner.waiting_since_s > OVERDUE_S
        ]
