"""Witnesses that sit beside the engine's own parts and assert what no outsider can see.

20 no retry is taken before it is due · 22 delays within the schedule's jitter, `Retry-After` inside
its clamp · 23 nothing is exhausted before its window's end · 33 an open breaker admits one probe at
a time and none in its pause but one that a person has asked for, and closes after three
successes · 44 replays get at most a quarter of the starts while fresh deliveries wait. Each counts
for itself, with the numbers of the contract.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.loop import ends_run
from tidings.core.delivery.job import Job
from tidings.core.delivery.lane import Lane
from tidings.core.delivery.receivers.breaker import Breaker, Pause, Position
from tidings.core.delivery.states import State
from tidings.core.delivery.statuses import retry_after_s
from tidings.core.ids import DeliveryId, OrgId
from tidings.core.shaping.circuit import PAUSE_MAX_S
from tidings.engine.delivery.runner import WebhookRunner
from tidings.engine.engine import Engine
from tidings.store import port
from tidings.store.sql.facts.leaps import LATER

DELAYS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200)
JITTER = 0.2
WINDOW_MS = 168 * 3_600_000
DAY_S = 86_400.0
# The simulated platform asks for 20 s at most; what keeps failing is left alone for longer.
SHAPING_WAITS_S = max(20.0, PAUSE_MAX_S)
SLOW_DOWN = {429, 502, 503, 504}  # the receiver asks for less
REFUSALS = {400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501, 505}
ROUNDING_S = 0.002
FIRST_PAUSE_S, LAST_PAUSE_S, PAUSE_JITTER = 5.0, 300.0, 0.1
CLOSES_AFTER = 3
TURN = 4


class WatchedBreaker(Breaker):
    """33, with a memory of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.in_row = 0
        self.asks_from_s = float("-inf")
        self.pause_ends_s = float("-inf")  # of the pause in which somebody has asked
        self.probes = 0
        self.good = 0

    @ends_run
    def started(self) -> None:
        """A lane starts an attempt."""
        if self.position is not Position.CLOSED:
            now_s = asyncio.get_running_loop().time()
            assert not self.probes, "33 one probe at a time"
            assert now_s >= self.asks_from_s, "33 none in its pause"
            self.probes += 1
        super().started()

    def ask(self, now_s: float) -> bool:
        """Somebody asks for one now."""
        if asked := super().ask(now_s):
            self.pause_ends_s, self.asks_from_s = self.asks_from_s, now_s
        return asked

    @ends_run
    def record(self, now_s: float, started_s: float, ok: bool, rng: random.Random) -> bool:
        """An attempt has ended."""
        before, until_s, asked = self.position, self.until_s, self._pause_until_s is not None
        moved = super().record(now_s, started_s, ok, rng)
        if before is not Position.CLOSED:
            self.good += ok
        if self.position is Position.CLOSED:
            if before is not Position.CLOSED:
                assert self.good >= CLOSES_AFTER, "33 it closes after three successes"
                self.in_row = 0
            self.probes = 0
        elif ok:  # the next follows without a pause
            self.asks_from_s = min(self.asks_from_s, now_s)
            self.probes = min(self.probes, self._probes)
        elif asked and self._pause_until_s is None:
            self.go_on_pausing()
        elif self.position is Position.OPEN and self.until_s != until_s:
            pause_s = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(self.in_row, 10))
            self.asks_from_s = now_s + pause_s * (1 - PAUSE_JITTER)
            self.in_row += 1
            self.good = self.probes = 0
        elif moved or self._probes == 0:
            self.probes = min(self.probes, self._probes)
        return moved

    def unproven(self) -> None:
        """An attempt says nothing."""
        asked = self._pause_until_s is not None
        super().unproven()
        if asked and self._pause_until_s is None:
            self.go_on_pausing()
        self.probes = min(self.probes, self._probes)

    def go_on_pausing(self) -> None:
        """What somebody asked for was not a success: the pause ends when it would have ended."""
        self.asks_from_s = self.pause_ends_s
        self.probes = min(self.probes, self._probes)

    def resume(self, pause: Pause, now_s: float) -> None:
        """After a restart."""
        super().resume(pause, now_s)
        self.in_row = pause.opens
        self.asks_from_s = now_s + pause.left_s


class Witness:
    """Attached to one life of the engine; `ask` reads the simulated disk."""

    def __init__(self, engine: Engine, ask: Callable[..., list[Any]], now_ms: Callable[[], int]):
        self._ask = ask
        self._now_ms = now_ms
        self._settle = engine.commits.settle
        self.settled: Callable[[port.Settlement], None] = lambda _: None
        self._restore = engine.dispatcher._breakers.restore
        self._make_promise = engine.dispatcher.promised_retries.make
        self.promised: dict[int, int] = {}  # when those that are asked for sooner were due anyhow
        engine.dispatcher.promised_retries.make = self.promise  # type: ignore[method-assign]
        engine.commits.settle = self.settle  # type: ignore[method-assign]
        engine.dispatcher._breakers.restore = self.restore  # type: ignore[method-assign]

    def restore(self, runner: WebhookRunner) -> None:
        """A lane has been made."""
        runner.lane.breaker = WatchedBreaker()
        watch_turns(runner.lane)
        self._restore(runner)

    def promise(self, org: OrgId, delivery: DeliveryId, due_ms: int) -> None:
        """Another try is asked for before the automatic one is due."""
        self.promised.setdefault(delivery, due_ms)
        self._make_promise(org, delivery, due_ms)

    @ends_run
    def settle(self, settled: port.Settlement) -> None:
        """An attempt's outcome is handed to be written."""
        self.settled(settled)
        if settled.delay_ms is not None:
            self.check_delay(settled)
        else:
            self.promised.pop(settled.delivery, None)
            if settled.state is State.FAILED:
                self.check_failed(settled)
        self._settle(settled)

    def check_delay(self, settled: port.Settlement) -> None:
        """22: after the n-th attempt the n-th delay, or what the receiver asked for; what was
        possibly sent takes no step. A try that was asked for takes no automatic one away: it is due
        when it was due without it, unless the receiver asks for less."""
        evidence = settled.evidence
        kind = None if evidence is None else evidence.kind
        if kind in ("lost", "stale"):
            assert settled.delay_ms == 0, "22 what was not the receiver's doing is due at once"
            return
        if settled.waits is not None:  # acting.py sees whether it did
            assert settled.state is State.WAITING and evidence is None, "22 a wait is no attempt"
            assert settled.delay_ms, "22 what is not to be done yet is not due"
            return
        [(lost,)] = self._ask(
            "SELECT count(*) FROM attempt WHERE delivery = ? AND number < ? AND kind = 'lost'",
            settled.delivery,
            settled.attempt,
        )
        base = DELAYS_S[min(settled.attempt - lost, len(DELAYS_S)) - 1]
        headers = () if evidence is None else evidence.headers
        wait_s = retry_after_s(tuple(headers), self._now_ms() / 1000)
        asked = wait_s or 0.0
        least = max(base * (1 - JITTER), min(asked, DAY_S))
        later = max(asked, SHAPING_WAITS_S if kind == "ours" else 0.0)
        most = max(base * (1 + JITTER), min(later, DAY_S))
        left_s = self.window_left_s(settled.delivery)
        assert settled.delay_ms is not None
        delay_s = settled.delay_ms / 1000
        promised_ms = None if kind == "ours" else self.promised.pop(settled.delivery, None)
        if self._was_ended(settled.delivery):
            promised_ms = None  # its attempt is told, and no try is due any more
        if promised_ms is not None and settled.status not in SLOW_DOWN and wait_s is None:
            promised_s = max(0.0, (promised_ms - self._now_ms()) / 1000)
            assert delay_s <= promised_s + ROUNDING_S, ("22 the automatic try is gone", delay_s)
            if delay_s >= promised_s - ROUNDING_S:
                return
        assert min(least, left_s) - ROUNDING_S <= delay_s, ("22 too soon", delay_s, least)
        assert delay_s <= max(min(most, left_s), 0) + ROUNDING_S, ("22 too late", delay_s, most)

    def _was_ended(self, delivery: DeliveryId) -> bool:
        """Return whether a delivery was ended while its attempt was under way."""
        [(state,)] = self._ask("SELECT state FROM delivery WHERE id = ?", delivery)
        return State(state) in (State.PARKED, State.CANCELLED)

    def check_failed(self, settled: port.Settlement) -> None:
        """23: refused for good, or tried until the window's end."""
        kind = None if settled.evidence is None else settled.evidence.kind
        if settled.status in REFUSALS or kind == "transform":
            return
        assert self.window_left_s(settled.delivery) <= ROUNDING_S, "23 exhausted at the end alone"

    def window_left_s(self, delivery: int) -> float:
        """Seconds until the delivery's 168 hours end."""
        [(at_ms,)] = self._ask(
            f"SELECT coalesce(r.at_ms, e.at_ms) + {LATER} FROM delivery d"
            " JOIN event e ON e.seq = d.event"
            " LEFT JOIN delivery_replay r ON r.delivery = d.id WHERE d.id = ?",
            delivery,
        )
        return float(at_ms + WINDOW_MS - self._now_ms()) / 1000


def watch_turns(lane: Lane) -> None:
    """44: live traffic keeps its share of a lane's starts."""
    start, counts = lane.start, [0, 0]

    @ends_run
    def watched(now_s: float) -> Job | None:
        waits = bool(lane._fresh)
        job = start(now_s)
        if not waits:
            counts[:] = 0, 0
        elif job is not None:
            counts[0] += 1
            counts[1] += job.replay is not None
            assert counts[1] <= counts[0] / TURN + 1, "44 live traffic keeps its share"
        return job

    lane.start = watched  # type: ignore[method-assign]
