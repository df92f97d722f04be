"""Work that the store holds and no receipt has told of: of a former owner, or of a lost answer."""

import asyncio
from collections.abc import Iterable, Sequence

from tidings.engine.delivery.guards.lane_rescue import LaneRescuer
from tidings.engine.delivery.lanes.pages import PAGE_RETRY_S
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.retries.retry_claims import RetryClaims
from tidings.engine.delivery.runner import LaneDriver
from tidings.engine.outage import Outage
from tidings.store import port


class LaneRecovery:
    """Has lanes read it."""

    def __init__(
        self,
        *,
        store: port.LaneStore,
        reading: Outage,
        runners: WebhookRunners,
        lanes: LaneDriver,
        claims: RetryClaims,
        rescuer: LaneRescuer,
    ) -> None:
        """`rescuer` hears what was raised for one lane, from which the others are kept."""
        self._store = store
        self._reading = reading
        self._runners = runners
        self._lanes = lanes
        self._claims = claims
        self._rescuer = rescuer
        self._loop = asyncio.get_running_loop()

    def follow(self, webhooks: Iterable[int]) -> None:
        """Put webhooks to work that fail, whatever they are set to and though nothing may wait:
        what a change of one does depends on what it was before."""
        for webhook in webhooks:
            try:
                self._runners.runner_of(webhook)
            except BaseException as error:  # the other lanes begin
                self._rescuer.note(webhook, error)

    def begin(self, backlogs: Sequence[port.Backlog]) -> None:
        """Take up what a former owner left unfinished."""
        for backlog in backlogs:
            try:
                if (runner := self._runners.runner_of(backlog.webhook)) is None:
                    continue
                if backlog.pending:
                    runner.lane.start_over()
                if backlog.next_due_ms is not None:
                    self._claims.note(runner, backlog.next_due_ms)
                self._lanes.pump(runner)
            except BaseException as error:  # the other lanes begin
                self._rescuer.note(backlog.webhook, error)

    def look_again(self, claimed_of: set[int]) -> None:
        """Read again what the store holds: a commit was refused, or its answer lost, so that there
        may be more than receipts have told.

        Lanes with unfinished work read it again, and retries that were claimed of these webhooks
        and did not arrive are due again. What waits here is dropped at once, and what was started
        and has not left is put back: a cancel whose answer was lost may have ended it, and its
        repeat does not name it.
        """
        doubted = set(claimed_of)
        for number, runner in self._runners.at_work.items():
            runner.doubted |= runner.lane.unsettled_attempts.keys()
            if runner.lane.queued:
                doubted.add(number)
                runner.lane.start_over(keep_retries=False)
                self._lanes.pump(runner)
        self._lanes.spawn(self.read_unfinished(doubted))

    async def read_unfinished(self, claimed_of: set[int]) -> None:
        """Have lanes read all that the store has unfinished, and claim again what did not arrive of
        these webhooks."""
        with self._reading:
            backlogs = await self._store.unfinished()
        if self._reading.lasts:
            self._loop.call_later(PAGE_RETRY_S, self.look_again, claimed_of)
            return
        self.begin(backlogs)
        for number in claimed_of:
            if (runner := self._runners.at_work.get(number)) is not None:
                self._claims.release(runner)
