"""What a source has brought lately: its newest messages, and how many by the minute.

The newest messages and the totals are of this process alone; how many came by the minute, and when
the newest did, outlives it (`kept_activity.py`).
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping

import msgspec

NEWEST = 50
REFUSED_NEWEST = 10  # so that nobody without a proof drives the others out
REFUSED_MIN = 3  # in a row: fewer may be a stranger's
MINUTES = 60
MINUTE_MS = 60_000
ACCEPTED, DUPLICATE, DEAD_LETTER, PASSED = "accepted", "duplicate", "aside", "passedOver"
REFUSED = "refused"  # its sender was not known
Minute = tuple[int, Mapping[str, int]]  # since 1970, with how many messages by outcome
OUTCOMES = (ACCEPTED, DUPLICATE, PASSED, DEAD_LETTER, REFUSED)


class MessageActivity(msgspec.Struct, frozen=True):
    """One message and what became of it. `reason`: why it is set aside, or was refused."""

    at_ms: int
    place: str
    outcome: str
    events: int
    event_id: str = ""
    event_name: str = ""
    reason: str = ""


class Activity:
    """Of one source."""

    def __init__(self) -> None:
        self._newest: deque[MessageActivity] = deque(maxlen=NEWEST)
        self._refused: deque[MessageActivity] = deque(maxlen=REFUSED_NEWEST)
        self.totals: Counter[str] = Counter()
        self._minutes: deque[tuple[int, Counter[str]]] = deque(maxlen=MINUTES)
        self._last_before_ms: int | None = None  # of the processes before
        self.is_unsaved = False

    def restore(self, minutes: Iterable[Minute], last_ms: int | None) -> None:
        """Take over what the processes before have counted."""
        self._minutes.extend((minute, Counter(counts)) for minute, counts in minutes)
        self._last_before_ms = last_ms

    def minutes(self) -> list[Minute]:
        """Return how many came in each minute, by outcome."""
        return [(minute, dict(counts)) for minute, counts in self._minutes]

    def note(self, arrivals: Iterable[MessageActivity]) -> None:
        """Note messages that have come."""
        self.is_unsaved = True
        for arrival in arrivals:
            (self._refused if arrival.outcome == REFUSED else self._newest).append(arrival)
            self.totals[arrival.outcome] += 1
            minute = arrival.at_ms // MINUTE_MS
            if not self._minutes or self._minutes[-1][0] < minute:
                self._minutes.append((minute, Counter()))
            self._minutes[-1][1][arrival.outcome] += 1

    def last_hour(self, now_ms: int) -> Counter[str]:
        """Count the messages of the last sixty minutes by outcome."""
        since = now_ms // MINUTE_MS - MINUTES
        found: Counter[str] = Counter()
        for minute, counts in self._minutes:
            if minute > since:
                found.update(counts)
        return found

    def count_last_hour(self, now_ms: int) -> int:
        """Count the messages of the last sixty minutes, but for those that were refused."""
        hour = self.last_hour(now_ms)
        return hour.total() - hour[REFUSED]

    def per_s(self, now_ms: int) -> float:
        """Compute the messages a second of the last whole minute."""
        last = now_ms // MINUTE_MS - 1
        counts = next((counts for minute, counts in self._minutes if minute == last), Counter())
        return round(sum(counts.values()) / 60, 2)

    def refused_since_ms(self, now_ms: int) -> int | None:
        """Return when the sender began to be refused, where it was several times and nothing of it
        was taken since; None where that is not so, or an hour ago."""
        taken_ms = self._newest[-1].at_ms if self._newest else 0
        lately_ms = max(taken_ms, now_ms - MINUTES * MINUTE_MS)
        refused = [arrival.at_ms for arrival in self._refused if arrival.at_ms > lately_ms]
        return refused[0] if len(refused) >= REFUSED_MIN else None

    @property
    def newest(self) -> list[MessageActivity]:
        """List the messages, newest first."""
        both = (*self._newest, *self._refused)
        return sorted(reversed(both), key=lambda one: -one.at_ms)

    @property
    def last_ms(self) -> int | None:
        """Return when the newest message came that was its sender's."""
        return self._newest[-1].at_ms if self._newest else self._last_before_ms
