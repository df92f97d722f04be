"""A replay or a cancel that something is left to be done for: where it is, and how it goes."""

import asyncio
from collections import deque

from tidings.core.replay import ReplayPace
from tidings.store import port

NO_ROOM_S = 0.02
WAITING_S = 0.5
TALLY_S = 1.0
RATE_OVER_S = 10.0


class ReplayRun:
    """A job that something is left to be done for."""

    def __init__(self, job: port.ReplayJob, now_s: float) -> None:
        self.job = job
        self.pace = ReplayPace(job.rate, now_s)
        self.scan = job.cursor  # looked at up to here; the store's cursor follows with a slice
        self.visited = False  # nothing is behind
        self.doubted = False  # the store has refused: it may be elsewhere
        self.driven = False
        self.waiting = ""  # why nothing is made at the moment
        self.wake = asyncio.Event()
        self.tally_after = 0
        self.tallied_s = float("-inf")
        self.quiet_s = TALLY_S
        self.without_room = 0
        self.waits_s = WAITING_S
        self.notified = False
        self.unfinished = True
        self.count_since = 0
        self.count_cursor = job.counted_to
        self.noted_s = now_s
        self.made: deque[tuple[float, int]] = deque()

    def rate(self, now_s: float) -> float:
        """Compute how many deliveries are made a second, over the last ten."""
        while self.made and self.made[0][0] < now_s - RATE_OVER_S:
            self.made.popleft()
        return sum(count for _, count in self.made) / RATE_OVER_S

    def go_on(self, found: port.ReplayCandidates) -> float:
        """Go on behind what was looked at, in which nothing fits; the seconds to wait before. A job
        stands still while the next event's deliveries are being made."""
        stands = found.cursor == self.scan and not found.ended
        self.scan, self.visited = found.cursor, found.ended
        return NO_ROOM_S if stands else 0.0
