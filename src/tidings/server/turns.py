"""Who begins its next call in which round of the loop. No IO, no clock.

A call is worked on within the round of the loop in which it begins, and newcomers are accepted
between two rounds. So the calls that begin in one round are bounded: their number is halved where a
round took longer than `SLICE_S`, and doubled where it was short. What is over waits in line.

Of those that wait, a call that came alone (*fresh*) goes before one that was sent behind others
(*pipelined*), of which every fourth turn is. Of the fresh ones the oldest and the newest go in
turns: where more come than can be served, those that have just come are answered at once all the
same, and nobody waits for ever. Calls that a place is kept for have a line of their own.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

C = TypeVar("C")
SLICE_S: Final = 0.02  # how long a round may take before fewer calls begin in the next one
_PIPELINED_EVERY: Final = 4


class TurnLine(Generic[C]):
    """The calls of one kind that wait, and how many may begin until the next round."""

    def __init__(self, least: int, most: int, *, newest_too: bool) -> None:
        self._least = least
        self._most = most
        self._newest_too = newest_too
        self._allowed = most
        self._fresh: deque[C] = deque()
        self._pipelined: deque[C] = deque()
        self._taken = 0
        self.left = self._allowed

    def __len__(self) -> int:
        return len(self._fresh) + len(self._pipelined)

    def take(self, fresh: bool) -> bool:
        """Take a turn if there is one now; return False where the call has to wait in line."""
        if self.left > 0 and not (self._fresh or (self._pipelined and not fresh)):
            self.left -= 1
            return True
        return False

    def wait(self, connection: C, fresh: bool) -> None:
        """Stand in line."""
        (self._fresh if fresh else self._pipelined).append(connection)

    def refill(self, took_s: float) -> None:
        """Begin another round, after one that took so many seconds."""
        if took_s > SLICE_S:
            self._allowed = max(self._least, self._allowed // 2)
        elif took_s < SLICE_S / 2:
            self._allowed = min(self._most, self._allowed * 2)
        self.left = self._allowed

    def next_ones(self, admits: Callable[[], bool], begin: Callable[[C], bool]) -> None:
        """Begin the calls of those whose turn it is, while `admits` says that more may.

        `begin` returns False for who has gone meanwhile: that takes no turn.
        """
        while self.left > 0 and len(self) and admits():
            if begin(self._pop()):
                self.left -= 1

    def _pop(self) -> C:
        self._taken += 1
        if not self._fresh or (self._pipelined and self._taken % _PIPELINED_EVERY == 0):
            return self._pipelined.popleft()
        if self._newest_too and self._taken % 2:
            return self._fresh.pop()
        return self._fresh.popleft()


class Turns(Generic[C]):
    """The turns of one server's connections."""

    def __init__(self) -> None:
        # A call that a place is kept for is small and bounded: so many fit in a round.
        self.kept: TurnLine[C] = TurnLine(256, 2048, newest_too=False)
        self.others: TurnLine[C] = TurnLine(1, 64, newest_too=True)

    def refill(self, took_s: float) -> None:
        """Begin another round, after one that took so many seconds."""
        self.kept.refill(took_s)
        self.others.refill(took_s)
