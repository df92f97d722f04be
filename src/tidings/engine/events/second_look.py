"""When the lanes look at the store again, for what no receipt has told them.

A commit that was refused may be on stable storage all the same, and one that is written may not
reach the lanes, by a fault of ours. After a single fault they look at once. Where faults follow
each other, each look waits for a pause that grows: one that never ends takes neither the processor
nor the store, and delays what it concerns by that pause. Commits go on meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from tidings.core.running.restarts import count_failures, restart_delay_s
from tidings.engine.events.commit_queue import CommitContents, CommitQueue

PAUSE_S_MAX = 5.0
REPORT_AT = 3  # faults that follow each other; fewer are counted, and logged

Report = Callable[[BaseException], None]


class Onlooker(Protocol):
    """The lanes, which can read the store."""

    def look_again(self, claimed_of: set[int]) -> None:
        """Read it again: what was accepted, and due retries that were claimed of these webhooks,
        may be there without a receipt."""


class SecondLook:
    """Knows what the lanes may have missed."""

    def __init__(self, queue: CommitQueue, lanes: Onlooker, report: Report) -> None:
        """`queue`: of the commits that bring claims; `report` hears every fault of ours."""
        self._queue = queue
        self._lanes = lanes
        self._report = report
        self._doubted: set[int] | None = None
        self._unanswered: dict[int, int] = {}  # claims, as they were asked for
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._faults = 0  # that follow each other
        self._fault_s = 0.0
        self._cause = ""
        self._stopped = False

    def doubt(self, claims: Mapping[int, int]) -> None:
        """Take note that a commit with these claims was refused, and may be written."""
        self._doubted = (self._doubted or set()) | claims.keys()

    def miss(self, claims: Mapping[int, int]) -> None:
        """Take note that a commit is written and the lanes do not know all of it. Its claims are
        asked for once more with the look, so that none is taken for under way."""
        self.doubt(claims)
        self._unanswered.update(claims)

    def note(self, error: BaseException) -> None:
        """Report a fault of ours that has kept the lanes from what is written."""
        now_s = self._loop.time()
        self._faults = count_failures(self._faults, now_s - self._fault_s)
        self._fault_s, self._cause = now_s, type(error).__name__
        self._report(error)

    def begin_if_due(self) -> None:
        """Have the lanes look at the store if they must: at once, or when the pause is over."""
        if self._doubted is None or self._timer is not None or self._stopped:
            return
        if (pause_s := self._pause_s) > 0:
            self._timer = self._loop.call_later(pause_s, self._end_pause)
        else:
            self._begin()

    def stop(self) -> None:
        """Begin no more looks: what is missed is found by the next start."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def notices(self) -> list[str]:
        """Say that the lanes learn too late of what is written, in a sentence."""
        if self._faults < REPORT_AT or count_failures(1, self._loop.time() - self._fault_s) == 1:
            return []
        return [
            f"Deliveries start up to {PAUSE_S_MAX:.0f} s late: Tidings could not pass on what it "
            f"has stored, because of an error of its own ({self._cause}), {self._faults:,} times "
            "in a row. Nothing is lost: it reads its store instead. Look for "
            '"an unforeseen error" in the log, and report it.'
        ]

    @property
    def _pause_s(self) -> float:
        """Compute how long the next look has to wait, in seconds."""
        if self._faults < 2:
            return 0.0
        return min(PAUSE_S_MAX, restart_delay_s(self._faults - 1))

    def _end_pause(self) -> None:
        self._timer = None
        self._begin()

    def _begin(self) -> None:
        doubted, self._doubted = self._doubted or set(), None
        if self._unanswered:
            self._queue.put_back(CommitContents(claims=self._unanswered))
            self._unanswered = {}
            self._queue.wake()
        try:
            self._lanes.look_again(doubted)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self._doubted = doubted
            self.note(error)
            self.begin_if_due()
