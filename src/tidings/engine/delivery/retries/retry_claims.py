"""Due retries: when a lane asks for them, and what happens to those that do not arrive.

A timer per process rings when the first retry of any webhook is due. Its lane then asks for as many
as it has room for; they arrive with the receipt of the commit that has written their attempts down
(a *claim*). One claim of a webhook is under way at a time, or a release, which makes due again what
was claimed and has not come here.
"""

import asyncio
import heapq
from collections.abc import Iterable, Mapping

from tidings.core.delivery.body_memory import WindowBudget
from tidings.engine.clock import Clock
from tidings.engine.delivery.health_tracker import HealthTracker
from tidings.engine.delivery.runner import LaneDriver, WebhookRunner
from tidings.engine.events.commit_queue import Commits
from tidings.engine.outage import Outage
from tidings.store import port

RELEASE_AGAIN_S = 0.25
ALARM_S_MAX = 60.0  # the wall clock may have been set meanwhile


class RetryClaims:
    """The due times of all webhooks of a process, and the claims that are under way."""

    def __init__(
        self,
        *,
        store: port.LaneStore,
        clock: Clock,
        runners: Mapping[int, WebhookRunner],
        lanes: LaneDriver,
        commits: Commits,
        healths: HealthTracker,
        budget: WindowBudget,
    ) -> None:
        """`runners`: those at work, by the numbers of their webhooks; `commits` bring the due
        retries that are asked for; `healths` park what is overdue; `budget` bounds what all lanes
        hold."""
        self._budget = budget
        self._coming: dict[int, int] = {}  # by webhook: how many were asked for
        self._coming_in_all = 0
        self._healths = healths
        self._store = store
        self._clock = clock
        self._runners = runners
        self._lanes = lanes
        self._commits = commits
        self._due: list[tuple[int, int]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._stopped = False
        self._loop = asyncio.get_running_loop()
        self._releases: set[asyncio.Task[None]] = set()
        self._outage = Outage("retries that were taken and did not come")

    def note(self, runner: WebhookRunner, due_ms: int) -> None:
        """Note that a retry of this webhook is due then."""
        if runner.next_due_ms is None or due_ms < runner.next_due_ms:
            runner.next_due_ms = due_ms
            heapq.heappush(self._due, (due_ms, runner.webhook.number))
            self._set_alarm()

    def ask_if_due(self, runner: WebhookRunner) -> None:
        """Ask for what is due now, as far as the lane has room."""
        due_ms = runner.next_due_ms
        if due_ms is None or runner.claiming or not self._lanes.may_claim():
            return
        lane, number = runner.lane, runner.webhook.number
        wanted = 0 if self._budget.spent and not lane.claim_wanted else lane.retries_wanted
        if wanted and due_ms <= self._clock.now_ms():
            runner.claiming = True
            room = self._budget.claim_room(wanted, self._coming_in_all)
            self._coming[number] = room
            self._coming_in_all += room
            self._commits.claim(number, room)

    def claimed(self, runner: WebhookRunner, due_ms: int | None) -> None:
        """End a claim that has come back; the first retry that it has left is due then. None: there
        is none."""
        runner.claims_void = False
        runner.next_due_ms = None
        self._ended(runner)
        if due_ms is not None:
            self.note(runner, due_ms)

    def lose(self, runner: WebhookRunner) -> None:
        """End a claim that has come back and could not be taken in: none is under way. Its retries
        have to be released."""
        runner.claiming = runner.release_wanted = False
        self.forget(runner.webhook.number)

    def leave(self, runner: WebhookRunner) -> None:
        """End a claim that was not made, since the family of the webhook is not here. It is made
        when the lane opens again."""
        runner.claiming = False
        self.forget(runner.webhook.number)

    def forget(self, number: int) -> None:
        """Wait no longer for what was asked for of a webhook: it has come, or the webhook is
        deleted."""
        self._coming_in_all -= self._coming.pop(number, 0)

    def release(self, runner: WebhookRunner) -> None:
        """Make due what was claimed and has not come here, or was dropped; after a claim under
        way."""
        if runner.claiming:
            runner.release_wanted = True
            return
        runner.claiming, runner.release_wanted = True, False
        task = self._loop.create_task(self._release(runner))
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)

    def leapt(self, runners: Iterable[WebhookRunner], by_ms: int) -> None:
        """Move the due times by so many milliseconds: the clock has leapt."""
        self._due.clear()
        for runner in runners:
            if (due_ms := runner.next_due_ms) is not None:
                runner.next_due_ms = None
                self.note(runner, due_ms + by_ms)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()

    # -- inside -----------------------------------------------------------------------------------

    async def _release(self, runner: WebhookRunner) -> None:
        with self._outage:
            try:
                await self._store.release(runner.webhook.number, runner.lane.unsettled)
            except port.FamilyAway:  # done when its lane opens again, or where it has gone to
                runner.release_wanted = True
                self.leave(runner)
                return
            if runner.overdue:
                await self._healths.park_overdue(runner.webhook)
                runner.overdue = False
            self.note(runner, self._clock.now_ms())
        if self._outage.lasts:
            self._loop.call_later(RELEASE_AGAIN_S, self.release, runner)
        self._ended(runner)

    def _ended(self, runner: WebhookRunner) -> None:
        runner.claiming = False
        self.forget(runner.webhook.number)
        if runner.release_wanted:
            self.release(runner)
        elif runner.next_due_ms is not None:  # its alarm may have rung meanwhile
            heapq.heappush(self._due, (runner.next_due_ms, runner.webhook.number))
            self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._due and not self._stopped:
            wait_s = max(0.001, (self._due[0][0] - self._clock.now_ms()) / 1000)
            self._alarm = self._loop.call_later(min(wait_s, ALARM_S_MAX), self._ring)

    def _ring(self) -> None:
        try:
            now_ms = self._clock.now_ms()
            while self._due and self._due[0][0] <= now_ms:
                _, number = heapq.heappop(self._due)
                if (runner := self._runners.get(number)) is not None:
                    self.ask_if_due(runner)
        finally:  # whatever is raised for one lane, the others are asked for
            self._set_alarm()
