"""Which share of a webhook's attempts fails, over the last five minutes, and since when.

    well ──(2 failures or more, at least 1 in 10 of 10 attempts or more)──► failing
    failing ──(less than 1 in 20 of 80 attempts or more, or none in all the window)──► well

One success does not make well what fails three times in twenty, and one failure does not make
failing what is well: the two bounds lie apart, so that a share near one of them changes nothing
back and forth. Of a few attempts chance alone lets none fail: so a webhook that is failing and
makes few of them is judged by its last 80, however long ago those were. What failed without
exception is another matter: where a webhook that was well fails several times in a row, or long
enough, that is over with the first success, and counts no more. A restart changes nothing either:
the next process goes on with what the store knows of the window, and with the judgement (`resume`).
Pure; seconds of one clock are passed in.
"""

from collections import Counter, deque
from collections.abc import Iterable

import msgspec

WINDOW_S = 300.0
BUCKETS = 10
BUCKET_S = WINDOW_S / BUCKETS
ATTEMPTS_MIN = 10
FAILURES_MIN = 2
ENTERS = 0.10
LEAVES = 0.05
# Attempts, and so many more for each that failed: of fewer the share says nothing. What fails 15 %
# at random is judged well once in 100,000 looks.
LEAVES_MIN, LEAVES_MORE = 80, 12
RUN_MIN = 5  # failures in a row after successes: one in ten thousand where 15 % fail at random
RUN_LONG = 20  # failures in a row that are total whatever came before them
_CAUSES_MAX = 8  # of a bucket; others are counted without their name


class Share(msgspec.Struct, frozen=True):
    """The attempts of a failing webhook in the window."""

    attempts: int
    failed: int
    cause: str  # that most of them failed with
    since_ms: int  # the first failure of this time of failing

    @property
    def percent(self) -> float:
        """Return the percentage of attempts that failed."""
        return round(100 * self.failed / self.attempts, 1)

    @property
    def is_part(self) -> bool:
        """Return whether some of them succeeded."""
        return self.failed < self.attempts


class Past(msgspec.Struct, frozen=True, array_like=True):
    """Attempts of a part of the window that this process has not seen: how many ended the same."""

    webhook: int
    bucket: int  # 0 is the oldest of `BUCKETS`
    count: int
    cause: str  # nothing: they succeeded
    first_ms: int  # the end of the first of them


def window_from_ms(now_s: float, now_ms: int) -> int:
    """Compute the time at which the oldest bucket of the window begins, in milliseconds since the
    epoch."""
    return now_ms - round((BUCKETS - 1 + now_s / BUCKET_S % 1) * BUCKET_S * 1000)


class _Failures:
    """The failures of one bucket."""

    __slots__ = ("causes", "count", "first_ms", "run")

    def __init__(self, first_ms: int) -> None:
        self.count = 0
        self.run = 0  # those of them that belong to the newest run without a success
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

    __slots__ = (
        "_bad",
        "_bucket",
        "_failures",
        "_good",
        "_goods",
        "_older",
        "_older_bad",
        "_older_good",
        "_run",
        "_since_ms",
        "_total_bucket",
        "_was_well",
    )

    def __init__(self) -> None:
        self._goods = [0] * BUCKETS
        self._good = 0  # all of them
        self._failures: dict[int, _Failures] = {}  # by bucket
        self._bad = 0  # all of them
        self._older: deque[tuple[int, _Failures | None]] = deque()  # buckets before the window
        self._older_good = self._older_bad = 0  # all of these; they count while it is failing
        self._bucket = 0
        self._run = 0  # failures since the last success
        self._was_well = True  # when that run began
        self._total_bucket = -BUCKETS  # of the end of the last total failure
        self._since_ms: int | None = None  # while it is failing

    @property
    def since_ms(self) -> int | None:
        """Return the time since which it has been failing, as judged at the last attempt; None if
        it is well."""
        return self._since_ms

    @property
    def attempts(self) -> tuple[int, int]:
        """Count the attempts that succeeded and failed in the window, of those that count."""
        return self._good, self._bad

    def resume(
        self, now_s: float, since_ms: int | None, past: Iterable[Past], run: int = 0
    ) -> None:
        """Go on where a former process has ended: with its window, with its judgement, and with the
        `run` failures since its last success. What it had forgotten does not come back: where it
        judged well, nothing but that run is held against the webhook."""
        newest = self._bucket = int(now_s / BUCKET_S)
        for part in past:
            at = (newest - BUCKETS + 1 + part.bucket) % BUCKETS
            if not part.cause:
                self._goods[at] += part.count
                self._good += part.count
                continue
            failures = self._failures.setdefault(at, _Failures(part.first_ms))
            failures.first_ms = min(failures.first_ms, part.first_ms)
            failures.add(part.cause, part.count)
            self._bad += part.count
        self._run, self._was_well = run, since_ms is None
        for behind in range(BUCKETS):  # the newest bucket first
            if (kept := self._failures.get((newest - behind) % BUCKETS)) is not None:
                kept.run = min(run, kept.count)
                run -= kept.run
        # Where nothing is left in the window all is well, as in a process that has gone on (`_at`).
        self._since_ms = since_ms if self._good or self._bad else None
        self._judge()
        if since_ms is None and self._since_ms is not None:
            for at, failures in list(self._failures.items()):
                self._forget(at, failures.count - failures.run)
            self._since_ms = None
            self._judge()

    def good(self, now_s: float) -> None:
        """Count a success; it ends a run of failures."""
        at = self._at(now_s)
        if self._run:
            self._end_run()
        self._goods[at] += 1
        self._good += 1
        self._judge()

    def recover(self, now_s: float) -> None:
        """End a run of failures by a success that is not counted."""
        self._at(now_s)
        if self._run:
            self._end_run()
            self._judge()

    def bad(self, now_s: float, now_ms: int, cause: str) -> None:
        """Count a failure."""
        at = self._at(now_s)
        if at not in self._failures:
            self._failures[at] = _Failures(now_ms)
        failures = self._failures[at]
        failures.add(cause, 1)
        failures.run += 1
        if not self._run:
            self._was_well = self._since_ms is None
        self._run += 1
        self._bad += 1
        if not self._good and self._run >= RUN_LONG:
            self._forget_older()  # nothing gets through any more: no success of before counts
        self._judge()

    def _end_run(self) -> None:
        """Forget the failures of the run where it was a total failure."""
        is_total = self._was_well and (not self._good or self._run >= self._run_min)
        is_total = is_total or (not self._good and self._run >= RUN_LONG)
        if is_total:
            self._total_bucket = self._bucket
        for at, failures in list(self._failures.items()):
            if is_total:
                self._forget(at, failures.run)
            failures.run = 0
        self._run = 0
        if is_total:
            self._forget_older()
            self._since_ms = None

    @property
    def _run_min(self) -> int:
        """Return how many failures in a row are a total failure: more if one was in the window
        already, for what fails most of the time fails in such runs."""
        return RUN_MIN if self._bucket - self._total_bucket >= BUCKETS else RUN_LONG

    def _forget(self, at: int, count: int) -> None:
        """Forget so many failures of a bucket; of their causes only where none is left."""
        self._failures[at].count -= count
        self._bad -= count
        if not self._failures[at].count:
            del self._failures[at]

    def only_fails(self, now_s: float) -> bool:
        """Return whether nothing has succeeded in all the window."""
        self._at(now_s)
        return not self._good

    def failing(self, now_s: float) -> Share | None:
        """Return the share that fails; None where it is healthy."""
        self._at(now_s)
        self._judge()
        if self._since_ms is None:
            return None
        older = [failures for _, failures in self._older if failures is not None]
        counted = (failures.causes for failures in (*self._failures.values(), *older))
        causes = sum(counted, Counter[str]())
        most = max(causes, key=lambda cause: (causes[cause], cause), default="")
        failed = self._bad + self._older_bad
        return Share(failed + self._good + self._older_good, failed, most, since_ms=self._since_ms)

    def _judge(self) -> None:
        if self._older:
            self._trim_older()
        failed = self._bad + self._older_bad
        attempts = failed + self._good + self._older_good
        if self._since_ms is not None:
            enough = attempts >= LEAVES_MIN + LEAVES_MORE * failed
            if enough and failed < LEAVES * attempts:
                self._forget_older()
                self._since_ms = None
        elif failed >= FAILURES_MIN and attempts >= ATTEMPTS_MIN and failed >= ENTERS * attempts:
            self._since_ms = min(failures.first_ms for failures in self._failures.values())

    def _at(self, now_s: float) -> int:
        """Return the bucket of a time, and empty those that it has left behind."""
        bucket = int(now_s / BUCKET_S)
        if bucket > self._bucket:
            if self._good or self._bad:
                for passed in range(self._bucket + 1, min(bucket, self._bucket + BUCKETS) + 1):
                    self._empty(passed % BUCKETS)
            self._bucket = bucket
            if not (self._bad or self._good):
                self._forget_older()
                self._since_ms = None  # here, too, so that nothing hangs on who looks when
        return self._bucket % BUCKETS

    def _empty(self, at: int) -> None:
        """Take a bucket out of the window; of what is failing it is remembered."""
        goods, failures = self._goods[at], self._failures.pop(at, None)
        bad = 0 if failures is None else failures.count
        self._goods[at] = 0
        self._good -= goods
        self._bad -= bad
        if self._since_ms is not None and (goods or bad):
            self._older.append((goods, failures))
            self._older_good += goods
            self._older_bad += bad

    def _trim_older(self) -> None:
        """Forget the oldest buckets, as long as enough attempts are left."""
        while self._older:
            goods, failures = self._older[0]
            bad = 0 if failures is None else failures.count
            all_attempts = self._good + self._bad + self._older_good + self._older_bad
            if all_attempts - goods - bad < LEAVES_MIN:
                return
            self._older.popleft()
            self._older_good -= goods
            self._older_bad -= bad

    def _forget_older(self) -> None:
        self._older.clear()
        self._older_good = self._older_bad = 0
