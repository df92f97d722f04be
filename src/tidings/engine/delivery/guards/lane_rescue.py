"""Lanes that an error of ours has kept from what a commit has brought: they read the store again.

What was committed is in the store, whatever fails after it. So a lane that could not be handed its
deliveries, opened or woken counts as behind at once, which keeps its order, and is filled from the
store a little later, again and again until that succeeds. The other lanes of the commit go on.
"""

import asyncio

from tidings.engine.delivery.guards.unforeseen import AttemptStep, UnforeseenErrors
from tidings.engine.delivery.lanes.runners import WebhookRunners
from tidings.engine.delivery.runner import LaneDriver

RESCUE_S = 5.0


class LaneRescuer:
    """Knows the webhooks whose lanes have missed something, each once."""

    def __init__(
        self,
        *,
        runners: WebhookRunners,
        lanes: LaneDriver,
        errors: UnforeseenErrors,
    ) -> None:
        self._runners = runners
        self._lanes = lanes
        self._errors = errors
        self._missed: set[int] = set()  # webhooks; a timer runs for each
        self._loop = asyncio.get_running_loop()

    def note(self, webhook: int, error: BaseException) -> None:
        """Report an error that was raised in what concerns the lane of this webhook alone, and have
        the lane read the store. Raise nothing but a KeyboardInterrupt."""
        if isinstance(error, KeyboardInterrupt):
            raise error
        self._errors.note(error, AttemptStep.HANDOVER)
        try:
            if (runner := self._runners.at_work.get(webhook)) is not None:
                runner.lane.start_over()  # nothing that is committed later goes before it
        except Exception as another:
            self._errors.note(another, AttemptStep.HANDOVER)
        if webhook not in self._missed:
            self._missed.add(webhook)
            self._loop.call_later(RESCUE_S, self._rescue, webhook)

    def _rescue(self, webhook: int) -> None:
        self._missed.discard(webhook)
        try:
            if (runner := self._runners.runner_of(webhook)) is not None:
                self._lanes.fill(runner)
        except BaseException as error:
            self.note(webhook, error)
