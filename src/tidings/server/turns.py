"""Who begins its next call in which round of the loop. No IO, no clock.

A call is worked on within the round of the loop in which it begins, and newcomers are accepted
between two rounds. So the calls that begin in one round are bounded: their number is halved where a
round took longer than `SLICE_S`, and doubled where it was short. What is over waits in line.

Of those that wait, a call that came alone (*fresh*) goes before one that was sent behind others
(*pipelined*), of which every fourth turn is. Of the fresh ones the oldest and the newest go in
turns: where more come than can be served, those that have just come are answered at once all the
same, and nobody waits for ever.

Calls that a place is kept for have a line of their own, and so have those of known callers, who
have turns among themselves, however many calls each of them has sent: neither strangers nor one
that is known can hold another up. While connections wait to be let in, one call of a stranger
begins in a round, and one of each known caller.
"""

from collections import deque
from collections.abc import Callable, Hashable
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
        self._allowed = _allowed_after(took_s, self._allowed, self._least, self._most)
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


class CallerLine(Generic[C]):
    """The calls of known callers that wait, by caller, and how many may begin until the next
    round. Of the calls that are worked on, one caller has no more than it leaves room for."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most
        self._allowed = most
        self._waiting: dict[Hashable, deque[C]] = {}  # by caller; whose turn it is comes first
        self._working: dict[Hashable, int] = {}  # calls that are worked on, by caller
        self._pressed = False  # connections wait to be let in
        self._had_turn: set[Hashable] = set()  # whose call has begun in a round that is pressed
        self.blocked = False  # none of those that wait could begin in the last round, for room
        self.left = self._allowed

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self, caller: Hashable, room: int) -> bool:
        """Take a turn if there is one now, and room for so many calls; return False where the call
        has to wait in line."""
        if self.left <= 0 or self._waiting or (self._pressed and caller in self._had_turn):
            return False
        if self._working.get(caller, 0) >= room:
            return False
        self._begun(caller)
        return True

    def wait(self, connection: C, caller: Hashable) -> None:
        """Stand in line, behind the other calls of the caller."""
        self._waiting.setdefault(caller, deque()).append(connection)

    def keeps_waiting(self, caller: Hashable) -> bool:
        """Return whether calls of the caller wait."""
        return caller in self._waiting

    def refill(self, took_s: float, *, pressed: bool = False) -> None:
        """Begin another round, after one that took so many seconds. `pressed`: in it, a call of
        each caller begins at most, whether it has waited or not."""
        self._allowed = _allowed_after(took_s, self._allowed, self._least, self._most)
        self.left = self._allowed
        self._pressed = pressed
        self._had_turn.clear()

    def next_ones(self, room: Callable[[], int], begin: Callable[[C], bool]) -> None:
        """Begin a call of each caller in turn, while there is room for another one of it.

        `begin` returns False for who has gone meanwhile: that takes no turn.
        """
        passed = blocked = 0
        while self.left > 0 and passed < len(self._waiting):
            caller = next(iter(self._waiting))
            calls = self._waiting.pop(caller)
            if self._working.get(caller, 0) >= room():
                passed += 1
                blocked += 1
            elif self._pressed and caller in self._had_turn:
                passed += 1
            elif begin(calls.popleft()):
                passed = blocked = 0
                self._begun(caller)
            if calls:
                self._waiting[caller] = calls
        self.blocked = blocked > 0 and blocked >= len(self._waiting)

    def ended(self, caller: Hashable) -> None:
        """Hear that a call of the caller is worked on no more."""
        left = self._working.get(caller, 0) - 1
        if left > 0:
            self._working[caller] = left
        else:
            self._working.pop(caller, None)

    def _begun(self, caller: Hashable) -> None:
        self.left -= 1
        if self._pressed:
            self._had_turn.add(caller)
        self._working[caller] = self._working.get(caller, 0) + 1


class ConnectionTurns(Generic[C]):
    """The turns of one server's connections."""

    def __init__(self) -> None:
        # A call that a place is kept for is small and bounded: so many fit in a round.
        self.kept: TurnLine[C] = TurnLine(256, 2048, newest_too=False)
        self.known: CallerLine[C] = CallerLine(4, 64)
        self.others: TurnLine[C] = TurnLine(1, 64, newest_too=True)

    def refill(self, took_s: float, *, pressed: bool = False) -> None:
        """Begin another round, after one that took so many seconds. `pressed`: connections wait to
        be let in."""
        self.kept.refill(took_s)
        self.known.refill(took_s, pressed=pressed)
        self.others.refill(took_s)
        if pressed:
            self.others.left = 1


def _allowed_after(took_s: float, allowed: int, least: int, most: int) -> int:
    """Compute how many calls may begin in a round, after one that took so many seconds with
    `allowed`."""
    if took_s > SLICE_S:
        return max(least, allowed // 2)
    return min(most, allowed * 2) if took_s < SLICE_S / 2 else allowed
