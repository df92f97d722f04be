"""The signs of life of all parts of the running service, and what is told of those that give none.

Every background task and child process has a heart here (`Heartbeats.heart`). What lasts
for a while and is no part's silence is told by name (`raise_notice`, `clear_notice`): a budget that
is full, attempts that fail by our own fault. `/readyz`, the console, `tidings doctor` and the
metrics ask `problems` and `notices` here and nowhere else.

A sign of life costs an attribute: the time of the awake clock is kept by a timer of the loop, which
no task can end.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from typing import Protocol

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.running.heartbeat import (
    AwakeClock,
    Finding,
    PartCondition,
    Pulse,
    describe_finding,
    judge_part,
)
from tidings.core.running.restarts import count_failures
from tidings.core.running.service_part import GRACE_S, SLEEP_SLICE_S, TELL_S, ServicePart
from tidings.engine.callables import Notify, ReadSeconds
from tidings.engine.running.metric_families import values_by_label

TICK_S = 1.0
SOON_S = 2.0  # work that has waited for less has not been left lying
UNWATCHED_SLICE_S = 86_400.0  # who is not looked at need not wake up
NOTICES_MAX = 100  # that stand at one time; names are given by code, not by callers

log = structlog.get_logger(__name__)


class WatchedProcess(Protocol):
    """A child process of ours, looked at about once a second."""

    @property
    def part(self) -> ServicePart:
        """Return the part."""

    @property
    def is_up(self) -> bool:
        """Return whether it can work; one that is started when it is first needed can."""

    @property
    def crashes(self) -> int:
        """Count how often it has ended without being told to, so far."""

    def silent_s(self) -> float:
        """Tell for how long it has had work without any progress, in seconds."""

    def kill(self) -> None:
        """End it at once; whoever keeps it starts another one."""


class _ProcessHeart:
    """Follows the life of a process."""

    def __init__(self, process: WatchedProcess, heart: "Heart") -> None:
        self._process = process
        self._heart = heart
        self._crashes = process.crashes
        self._killed = False
        heart.begin()

    def look(self) -> int:
        """Take note of what became of it and end it if it froze. Return how often it has ended
        since."""
        process, heart = self._process, self._heart
        ended, self._crashes = process.crashes - self._crashes, process.crashes
        if ended and heart.pulse.running:
            heart.fail()
        if process.is_up and not heart.pulse.running:
            self._killed = False
            heart.begin()
        if heart.is_frozen and process.part.restarts and not self._killed:
            self._killed = True
            process.kill()
        return ended


class Heart:
    """The signs of life of one task or process. Without `Heartbeats` nobody looks at them."""

    def __init__(
        self,
        part: ServicePart,
        clock: AwakeClock,
        slice_s: float,
        grace_s: float,
        silent_s: ReadSeconds | None = None,
    ) -> None:
        """Begin to follow a part. `silent_s` is for one that shows no life by itself: it returns,
        at each look, for how long the part has had work without progress."""
        self.part = part
        self._silent_s = silent_s
        self.pulse = Pulse()
        self._clock = clock
        self._slice_s = slice_s
        self._grace_s = grace_s
        self._began_s = 0.0

    def beat(self, work_s: float | None = None, *, explained: bool = False) -> None:
        """Show life: the next sign follows within `work_s`, by default as the part declares.

        However long that is, a part that shows no other sign is told of after `TELL_S`, except
        where it is `explained` already what it waits for.
        """
        pulse, now_s = self.pulse, self._clock.now_s
        work_s = self.part.work_s if work_s is None else work_s
        pulse.beat_s = now_s
        pulse.due_s = now_s + (work_s if explained else min(work_s, TELL_S))
        pulse.restart_s = now_s + work_s

    def rest(self) -> None:
        """Show life before a wait that cannot hang, or that may take any time: nothing is expected
        until the next `beat`."""
        pulse = self.pulse
        pulse.beat_s = self._clock.now_s
        pulse.due_s = pulse.restart_s = inf

    async def sleep(self, seconds: float) -> None:
        """Sleep, with signs of life on the way."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        while (left_s := until_s - loop.time()) > 0:
            self.beat(self._slice_s + self._grace_s)
            await asyncio.sleep(min(left_s, self._slice_s))
        self.beat()

    async def wait(self, event: asyncio.Event, timeout_s: float | None = None) -> bool:
        """Wait until the event is set, with signs of life on the way; return whether it is."""
        loop = asyncio.get_running_loop()
        until_s = None if timeout_s is None else loop.time() + timeout_s
        while not event.is_set():
            left_s = self._slice_s if until_s is None else until_s - loop.time()
            if left_s <= 0:
                break
            self.beat(self._slice_s + self._grace_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self._slice_s)):
                    await event.wait()
        self.beat()
        return event.is_set()

    def look(self) -> None:
        """Take progress for a sign of life."""
        if self._silent_s is not None and self.pulse.running and self._silent_s() <= SOON_S:
            self.beat()

    # -- said by whoever runs it ------------------------------------------------------------------

    def begin(self) -> None:
        """Note that the part runs from now on."""
        self._began_s = self._clock.now_s
        self.pulse.running = True
        self.beat()

    def fail(self) -> None:
        """Note that the part has ended by a failure, or was ended because it froze."""
        pulse, now_s = self.pulse, self._clock.now_s
        pulse.failures = count_failures(pulse.failures, now_s - self._began_s)
        pulse.failed_s, pulse.running = now_s, False

    def end(self) -> None:
        """Note that the part has ended as it was meant to."""
        self.pulse = Pulse()

    @property
    def is_frozen(self) -> bool:
        """Return whether it is to be restarted: it gave no sign of life in all the time it has."""
        return self.pulse.running and self._clock.now_s > self.pulse.restart_s


def unwatched_heart(name: str = "unwatched") -> Heart:
    """Make a heart that nobody looks at, for work that is run by itself, as tests do."""
    part, clock = ServicePart(name, "nothing follows"), AwakeClock(0.0, TICK_S)
    return Heart(part, clock, UNWATCHED_SLICE_S, GRACE_S)


class Heartbeats(Collector):
    """The registry of all parts, and its metrics for Prometheus."""

    def __init__(
        self, *, tick_s: float = TICK_S, slice_s: float = SLEEP_SLICE_S, grace_s: float = GRACE_S
    ) -> None:
        """`tick_s` is how exact times are, the others are of sleeping parts: see `parts.py`."""
        self._loop = asyncio.get_running_loop()
        self._tick_s, self._slice_s, self._grace_s = tick_s, slice_s, grace_s
        self._clock = AwakeClock(self._loop.time(), tick_s)
        self._hearts: dict[str, list[Heart]] = {}
        self._processes: list[tuple[str, _ProcessHeart]] = []
        self._notices: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._notified: dict[str, PartCondition] = {}
        self._listeners: list[Notify] = []
        self._restarts: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look at all of them from now on, until `stop`. Idempotent."""
        if self._timer is None:
            self._tick()

    def stop(self) -> None:
        """Look at none any more. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- parts ------------------------------------------------------------------------------------

    def heart(self, part: ServicePart, silent_s: ReadSeconds | None = None) -> Heart:
        """Make a heart of a part. Several of one name are told of as one, by the worst of them.

        `silent_s` is for what shows no life by itself: how long it has had work without progress.
        """
        heart = Heart(part, self._clock, self._slice_s, self._grace_s, silent_s)
        self._hearts.setdefault(part.name, []).append(heart)
        return heart

    def watch(self, process: WatchedProcess) -> None:
        """Watch a child process from now on; one that freezes is ended, if it may be."""
        heart = self.heart(process.part, process.silent_s)
        self._processes.append((process.part.name, _ProcessHeart(process, heart)))

    def watch_work(self, part: ServicePart, silent_s: ReadSeconds) -> None:
        """Watch what is no task of the supervisor, from now on: `silent_s` says for how long it has
        had work without progress, in seconds."""
        self.heart(part, silent_s).begin()

    def retire(self, heart: Heart) -> None:
        """Forget a heart: its work is over. Idempotent."""
        hearts = self._hearts.get(heart.part.name, [])
        if heart in hearts:
            hearts.remove(heart)
        if not hearts:
            self._hearts.pop(heart.part.name, None)

    def on_look(self, listener: Notify) -> None:
        """Call a function at each look, about once a second: who restarts what froze."""
        self._listeners.append(listener)

    def count_restart(self, name: str) -> None:
        """Count that a part was begun anew."""
        self._restarts[name] += 1

    def findings(self) -> list[Finding]:
        """Judge all parts; those that are well are among them."""
        now_s, found = self._clock.now_s, []
        for hearts in self._hearts.values():
            found.append(judge_part(hearts[0].part, [heart.pulse for heart in hearts], now_s))
        return found

    # -- what is told -----------------------------------------------------------------------------

    def raise_notice(
        self, name: str, sentence: str, *, for_s: float | None = None, problem: bool = False
    ) -> None:
        """Tell something by its name until it is cleared, or for so many seconds; a later sentence
        of the name takes the place of the one before. With `problem` the service is not ready: only
        for what stops accepting, sending or settling as a whole."""
        notices, other = self._notices, self._problems
        if problem:
            notices, other = other, notices
        other.pop(name, None)
        if name not in notices and len(notices) >= NOTICES_MAX:
            return  # and the log has it
        if notices.get(name) is None:
            log.warning("a notice is raised", notice=name, text=sentence)
        notices[name] = sentence
        if (ends := self._ends.pop(name, None)) is not None:
            ends.cancel()
        if for_s is not None:
            self._ends[name] = self._loop.call_later(for_s, self.clear_notice, name)

    def clear_notice(self, name: str) -> None:
        """Tell it no longer. Idempotent."""
        if (ends := self._ends.pop(name, None)) is not None:
            ends.cancel()
        raised = name in self._notices or name in self._problems
        self._notices.pop(name, None)
        self._problems.pop(name, None)
        if raised:
            log.info("a notice is over", notice=name)

    def problems(self) -> list[str]:
        """List why nothing can be accepted, sent or settled, in sentences."""
        found = [finding for finding in self.findings() if finding.stops_service]
        return [*map(describe_finding, found), *self._problems.values()]

    def notices(self) -> list[str]:
        """List what else an operator should know, in sentences; no org is named."""
        found = [finding for finding in self.findings() if not finding.stops_service]
        notices = [text for finding in found if (text := describe_finding(finding))]
        return [*notices, *self._notices.values()]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        findings = {finding.part.name: finding for finding in self.findings()}
        works = {name: 0 if finding.fails else 1 for name, finding in findings.items()}
        yield values_by_label("part_works", works)
        silent = {name: finding.for_s for name, finding in findings.items()}
        yield values_by_label("part_silent_seconds", silent)
        restarts = {name: self._restarts[name] for name in findings}
        yield values_by_label("part_restarts", restarts)
        conditions = dict.fromkeys({*self._notices, *self._problems}, 1)
        yield values_by_label("notice_standing", conditions)

    # -- inside -----------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._tick_s, self._tick)  # first, whatever follows
        self._clock.tick(self._loop.time())
        for hearts in self._hearts.values():
            for heart in hearts:
                heart.look()
        for name, process in self._processes:
            self._restarts[name] += process.look()
        for finding in self.findings():
            self._log(finding)
        for listener in self._listeners:
            listener()

    def _log(self, finding: Finding) -> None:
        name, condition = finding.part.name, finding.condition
        before = self._notified.get(name, PartCondition.WELL)
        if condition is before:
            return
        self._notified[name] = condition
        if condition is PartCondition.SILENT:
            log.error("a part has frozen", part=name, silent_s=round(finding.for_s))
        elif condition is PartCondition.SLOW:
            log.warning("a part waits too long", part=name, silent_s=round(finding.for_s))
        elif before in (PartCondition.SILENT, PartCondition.SLOW):
            log.info("a part responds again", part=name)
