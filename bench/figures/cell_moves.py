"""A family with a backlog that moves between two cells again and again, under load and kills.

It has 20,000 unfinished deliveries at a paused webhook that keeps its order, and as many at one
that refuses, and goes there and back while another org is served. In some of the moves the process
of one of both cells is killed. At the end the webhook is resumed: all must arrive, in order.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from bench.cells_product import CellsProduct
from bench.layout import REFUSING, Hook
from bench.ledger import ACCEPTED, Received, arrivals, delays_ms, numbers, percentile, spread
from bench.payload import ID_SLOT, ORG_FIRST, event_bytes, uuid_source
from bench.product import EVENTS_PATH
from bench.report import HELD, MISSED, Options, Row
from bench.run import Bench, generate

FIGURE = "cell-moves"
MOVING, BESIDE = ORG_FIRST, ORG_FIRST + 1
PAUSED, DEAD, OTHER = Hook(0, MOVING, True), Hook(1, MOVING, True, REFUSING), Hook(2, BESIDE, True)
UNFINISHED = 20_000
MOVES, KILLS = 20, 8
RATE = 200.0  # events/s of the other org
IN_FLIGHT = 10  # connections of a webhook
PROBE_S = 0.05
MOVE_S_MAX = 120.0
DRAIN_S_MAX = 240.0


def run(options: Options) -> list[Row]:
    """Measure all of it, on directories."""
    moves, kills = (2, 1) if options.quick else (MOVES, KILLS)
    backlog = 2_000 if options.quick else UNFINISHED
    with Bench(options.folder, options.patience_seconds) as bench:
        product = CellsProduct(
            bench.folder,
            bench.receiver.port,
            [PAUSED, DEAD, OTHER],
            cores=options.service_cores,
            fields={"ordering": "strict"},
        )
        try:
            return _Trial(bench, product).run(backlog, moves, kills)
        finally:
            product.stop()


class _Trial:
    def __init__(self, bench: Bench, product: CellsProduct) -> None:
        self._bench = bench
        self._product = product
        self._accepted: list[bytes] = []  # ids of the moving org, in order
        self._pauses: list[float] = []  # of each move, between two calls that were taken
        self._taken_s = 0.0
        self._make_id = uuid_source(7)

    def run(self, backlog: int, moves: int, kills: int) -> list[Row]:
        bench, product = self._bench, self._product
        bench.reset()
        bench.receiver.know(product.secrets)
        product.stand(PAUSED, "pause")
        self._fill(backlog)
        chosen = {*random.Random(11).sample(range(moves), kills)}
        with self._beside() as sent_beside:
            for number in range(moves):
                self._move(number, is_killed=number in chosen)
                print(f"move {number + 1}: {self._pauses[-1]:.1f} s", flush=True)
        product.stand(PAUSED, "resume")
        missing = self._await_all()
        received = bench.received()
        return self._rows(received, missing, sent_beside[0] if sent_beside else None, moves, kills)

    # -- what is done -----------------------------------------------------------------------------

    def _fill(self, backlog: int) -> None:
        before, after = event_bytes(MOVING).split(ID_SLOT.encode(), 1)
        for first in range(0, backlog, 100):
            ids = [self._make_id() for _ in range(min(100, backlog - first))]
            body = b"[" + b",".join(before + id + after for id in ids) + b"]"
            while self._post(body) != ACCEPTED:
                time.sleep(PROBE_S)
            self._accepted += ids

    def _post(self, body: bytes) -> int:
        try:
            return self._product.post(EVENTS_PATH, body, {})
        except OSError:  # the process that had taken it was killed
            return 0

    def _probe(self) -> None:
        """Send one event of the org that moves, again and again until it is taken."""
        before, after = event_bytes(MOVING).split(ID_SLOT.encode(), 1)
        id = self._make_id()
        if self._post(before + id + after) == ACCEPTED:
            now_s = time.monotonic()
            if self._taken_s:
                self._pauses[-1] = max(self._pauses[-1], now_s - self._taken_s)
            self._taken_s = now_s
            self._accepted.append(id)

    def _move(self, number: int, *, is_killed: bool) -> None:
        """Move the family to the other cell, and wait until it is served there."""
        source = self._cell()
        target = 2 if source == 1 else 1
        self._taken_s = 0.0
        self._pauses.append(0.0)
        self._probe()
        until_s = time.monotonic() + MOVE_S_MAX
        while self._ask("POST", f"/v1/orgs/{MOVING}/move", {"to": target})[0] >= 400:
            _not_later(until_s, "a move that begins")
            time.sleep(PROBE_S)
        kill_s = time.monotonic() + random.Random(number).uniform(0.2, 2.5)
        killed = {0: source, 1: target}[number % 2] if is_killed else 0
        while self._cell() != target or self._taken_s < kill_s:
            _not_later(until_s, "the end of a move")
            if killed and time.monotonic() >= kill_s:
                worker = self._product.workers().get(killed)
                if worker is not None:
                    os.kill(worker, signal.SIGKILL)
                    killed = 0
            self._probe()
            time.sleep(PROBE_S)
        count = len(self._accepted)
        while len(self._accepted) == count:
            _not_later(until_s, "calls that are taken")
            self._probe()
            time.sleep(PROBE_S)

    def _cell(self) -> int:
        until_s = time.monotonic() + MOVE_S_MAX
        while True:
            status, body = self._ask("GET", f"/v1/orgs/{MOVING}/cell", None)
            if status == 200:
                return int(body["cell"])
            _not_later(until_s, f"which cell the org is in ({status}, {body})")
            time.sleep(PROBE_S)

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        try:
            status, answer = self._product.call(method, path, body)
            return status, json.loads(answer or b"null")
        except (OSError, ValueError):
            return 503, None

    @contextmanager
    def _beside(self) -> Iterator[list[Any]]:
        """Have events of the other org come in meanwhile."""
        found: list[Any] = []
        ended = threading.Event()

        def work() -> None:
            while not ended.is_set():
                found.append(
                    generate(
                        self._bench,
                        self._product,
                        orgs=[BESIDE],
                        seconds=20.0,
                        rate=RATE,
                        connections=8,
                    )
                )

        with ThreadPoolExecutor(1) as beside:
            working = beside.submit(work)
            yield found
            ended.set()
            working.result()

    def _await_all(self) -> int:
        """Wait until all of the moving org has arrived; return how much has not."""
        expected = {*self._accepted}
        until_s = time.monotonic() + DRAIN_S_MAX
        while True:
            missing = expected - arrivals(self._bench.received()).get(PAUSED.number, set())
            if not missing or time.monotonic() > until_s:
                return len(missing)
            time.sleep(1.0)

    # -- what came of it --------------------------------------------------------------------------

    def _rows(
        self, received: Received, missing: int, beside: Any, moves: int, kills: int
    ) -> list[Row]:
        mine = [
            id
            for id, hook in zip(received.ids, received.webhooks, strict=True)
            if hook == b"%d" % PAUSED.number
        ]
        first = list(dict.fromkeys(mine))
        came = {*first}
        in_order = [id for id in self._accepted if id in came] == first
        twice = len(mine) - len(first)
        pauses, what = spread(self._pauses), f"{moves} moves, {kills} kills"
        rows = [
            Row(FIGURE, f"{what}: lost", f"{missing}", "0", _held(not missing)),
            Row(
                FIGURE,
                "sent twice",
                f"{twice}",
                f"≤ {IN_FLIGHT * kills}",
                _held(twice <= IN_FLIGHT * kills),
            ),
            Row(FIGURE, "in order", str(in_order), "True", _held(in_order)),
            Row(FIGURE, "longest time in which no call was taken, s a move", pauses.text(1)),
            Row(FIGURE, "deliveries that moved, at the end", f"{2 * len(self._accepted):,}"),
        ]
        return rows + self._rows_beside(beside, received)

    def _rows_beside(self, sent: Any, received: Received) -> list[Row]:
        if not sent:
            return []
        refused = sum(status not in (ACCEPTED,) for status in numbers(sent.statuses, "H"))
        p99 = percentile(delays_ms(sent, received, {OTHER.number}), 99)
        return [
            Row(FIGURE, "other org, first 20 s: events not taken", f"{refused} of {len(sent.ids)}"),
            Row(FIGURE, "other org, first 20 s: p99, ms", f"{p99:.0f}"),
        ]


def _held(held: bool) -> str:
    return HELD if held else MISSED


def _not_later(until_s: float, what: str) -> None:
    if time.monotonic() > until_s:
        raise RuntimeError(f"{what}: not within {MOVE_S_MAX:.0f} s")
