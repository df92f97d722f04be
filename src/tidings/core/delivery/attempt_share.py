"""Which share of a webhook's attempts fails, over the last five minutes, and since when.

    well ──(2 failures or more, at least 1 in 10 of 10 attempts or more)──► failing
    failing ──(less than 1 in 20, or no attempt in all the window)──► well

One success does not make well what fails three times in twenty, and one failure does not make
failing what is well: the two bounds lie apart, so that a share near one of them changes nothing
back and forth. A restart changes nothing either: the next process goes on with what the store knows
of the window, and with the judgement (`resume`). Pure; seconds of one clock are passed in.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

WINDOW_S = 300.0
BUCKETS = 10
BUCKET_S = WINDOW_S / BUCKETS
ATTEMPTS_MIN = 10
FAILURES_MIN = 2
ENTERS = 0.10
LEAVES = 0.05
_CAUSES_MAX = 8  # of a bucket; others are counted without their name


class Share(msgspec.Struct, frozen=True):
    """What a failing webhook's attempts of the window were."""

    attempts: int
    failed: int
    cause: str  # that most of them failed with
    since_ms: int  # the first failure of this time of failing

    @property
    def percent(self) -> float:
        """Per cent of the attempts that failed."""
        return round(100 * self.failed / self.attempts, 1)


class Past(msgspec.Struct, frozen=True, array_like=True):
    """What a part of the window has seen before this process: attempts that ended the same."""

    webhook: int
    bucket: int  # 0 is the oldest of `BUCKETS`
    count: int
    cause: str  # nothing: they succeeded
    first_ms: int  # the end of the first of them


def window_from_ms(now_s: float, now_ms: int) -> int:
    """The date on which the oldest bucket of the window begins."""
    return now_ms - round((BUCKETS - 1 + now_s / BUCKET_S % 1) * BUCKET_S * 1000)


class _Failures:
    """The failures of one bucket."""

    __slots__ = ("causes", "count", "first_ms")

    def __init__(self, first_ms: int) -> None:
        self.count = 0
        self.first_ms = first_ms
        self.causes: Counter[str] = Counter()

    def add(self, cause: str, count: int) -> None:
        """Count failures of a cause."""
        self.count += count
        if cause in self.causes or len(self.causes) < _CAUSES_MAX:
            self.causes[cause] += count


class AttemptShare:
    """The attempts of one webhook, forgotten by tenths of the window.

    One that never fails costs one list: there may be tens of thousands of webhooks.
    """

    __slots__ = ("_bad", "_bucket", "_failures", "_good", "_goods", "_since_ms")

    def __init__(self) -> None:
        self._goods = [0] * BUCKETS
        self._good = 0  # all of them
        self._failures: dict[int, _Failures] = {}  # by bucket
        self._bad = 0  # all of them
        self._bucket = 0
        self._since_ms: int | None = None  # while it is failing

    @property
    def since_ms(self) -> int | None:
        """The first failure of this time of failing, as judged at the last attempt; None: well."""
        return self._since_ms

    def resume(self, now_s: float, since_ms: int | None, past: Iterable[Past]) -> None:
        """Go on where a former process has ended: with its window, and with its judgement."""
        newest = self._bucket = int(now_s / BUCKET_S)
        for one in past:
            at = (newest - BUCKETS + 1 + one.bucket) % BUCKETS
            if not one.cause:
                self._goods[at] += one.count
                self._good += one.count
                continue
            failures = self._failures.setdefault(at, _Failures(one.first_ms))
            failures.first_ms = min(failures.first_ms, one.first_ms)
            failures.add(one.cause, one.count)
            self._bad += one.count
        self._since_ms = since_ms
        self._judge()

    def good(self, now_s: float) -> None:
        """Count a success."""
        self._goods[self._at(now_s)] += 1
        self._good += 1
        self._judge()

    def bad(self, now_s: float, now_ms: int, cause: str) -> None:
        """Count a failure."""
        at = self._at(now_s)
        if at not in self._failures:
            self._failures[at] = _Failures(now_ms)
        self._failures[at].add(cause, 1)
        self._bad += 1
        self._judge()

    def only_fails(self, now_s: float) -> bool:
        """Whether nothing has succeeded in all the window."""
        self._at(now_s)
        return not self._good

    def failing(self, now_s: float) -> Share | None:
        """What fails of it; None where it is well."""
        self._at(now_s)
        self._judge()
        if self._since_ms is None:
            return None
        causes = sum((failures.causes for failures in self._failures.values()), Counter[str]())
        most = max(causes, key=lambda cause: (causes[cause], cause), default="")
        return Share(self._bad + self._good, self._bad, most, self._since_ms)

    def _judge(self) -> None:
        failed, attempts = self._bad, self._bad + self._good
        if self._since_ms is not None:
            if failed < LEAVES * attempts or not attempts:
                self._since_ms = None
        elif failed >= FAILURES_MIN and attempts >= ATTEMPTS_MIN and failed >= ENTERS * attempts:
            self._since_ms = min(failures.first_ms for failures in self._failures.values())

    def _at(self, now_s: float) -> int:
        """The bucket of a time; those that it has left behind are emptied."""
        bucket = int(now_s / BUCKET_S)
        if bucket > self._bucket:
            if self._good or self._bad:
                for passed in range(self._bucket + 1, min(bucket, self._bucket + BUCKETS) + 1):
                    self._empty(passed % BUCKETS)
            self._bucket = bucket
            if not (self._bad or self._good):
                self._since_ms = None  # here, too, so that nothing hangs on who looks when
        return self._bucket % BUCKETS

    def _empty(self, at: int) -> None:
        self._good -= self._goods[at]
        self._goods[at] = 0
        if (failures := self._failures.pop(at, None)) is not None:
            self._bad -= failures.count
