"""When lanes start what a commit has brought: those that are well at once, the others in turn.

An event may go to hundreds of webhooks. To start an attempt may mean to open a connection, so all
of them together would keep the loop from its sockets for long, and the next event with them. Lanes
that have just delivered quickly have connections, and come first. The others, which are new, slow
or failing, get a few starts in each turn of the loop.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from tidings.engine.delivery.runner import LanePump, WebhookRunner

TURN_MIN = 2  # lanes in a turn of the loop
TURN_SHARE = 16  # of many that wait, one in so many


class MissedStarts(Protocol):
    """Hears of lanes that an error has kept from starting."""

    def note(self, webhook: int, error: BaseException) -> None:
        """Hear what was raised for a webhook, by its number."""


class StartPacer:
    """The lanes that wait to be woken."""

    def __init__(
        self,
        lanes: LanePump,
        missed: MissedStarts,
    ) -> None:
        """Start deliveries by `lanes`; `missed` is told of each error that this raises."""
        self._lanes = lanes
        self._missed = missed
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[WebhookRunner, None] = {}  # in the order in which they came

    def wake(self, runners: Iterable[WebhookRunner]) -> None:
        """Let these lanes start what they may."""
        for runner in runners:
            if runner.well:
                self._wake(runner)
                continue
            if not self._waiting:
                self._loop.call_soon(self._turn)
            self._waiting[runner] = None

    def _turn(self) -> None:
        try:
            count = min(len(self._waiting), max(TURN_MIN, len(self._waiting) // TURN_SHARE))
            for _ in range(count):
                runner = next(iter(self._waiting))
                del self._waiting[runner]
                self._wake(runner)
        finally:
            if self._waiting:
                self._loop.call_soon(self._turn)

    def _wake(self, runner: WebhookRunner) -> None:
        try:
            self._lanes.pump(runner)
        except BaseException as error:  # the others have their turn
            self._missed.note(runner.webhook.number, error)
