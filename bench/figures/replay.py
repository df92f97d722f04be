"""A large replay beside live traffic, over two restarts: what live events notice, what it makes.

One webhook is disabled, so everything that comes for it is parked; then it is enabled and asks for
all that it missed. Live traffic of other orgs runs in legs; between them the service is
restarted, once in order and once by a kill.
"""

import http.client
import math
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bench.figures.latency import yardstick_rate
from bench.layout import Hook, crowd
from bench.ledger import Books, Sent, arrivals, delays_ms, owed, percentile
from bench.payload import ID_SLOT, ORG_LAST, event_bytes, uuid_source
from bench.product import Product
from bench.report import HELD, MISSED, VOID, Options, Row
from bench.run import Bench, generate, generator_faults, settled_books
from bench.target import Yardstick

SHARE = 0.35
GROWTH_MAX = 2.0
RECEIVING = 20
REPLAYING = 5000  # the number of the webhook; the others have smaller ones
RATE = 5_000.0  # deliveries a second that are asked for: no bound but the live traffic
BATCH = 500
CALLERS = 4
LEG_SECONDS = 20.0
LEG_SECONDS_QUICK = 4.0
RESTARTS = (signal.SIGTERM, signal.SIGKILL)
DONE_SECONDS_MAX = 600.0
CHANGE_SECONDS_MAX = 60.0  # a job counts first
POLL_SECONDS = 0.5


def run(options: Options) -> list[Row]:
    print(f"replay of {options.replayed:,} deliveries", flush=True)
    broken = Hook(REPLAYING, ORG_LAST, True)
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        try:
            full = yardstick_rate(bench, yardstick, options)
        finally:
            yardstick.stop()
        product = Product(
            bench.folder,
            bench.receiver.port,
            [*crowd(RECEIVING, RECEIVING), broken],
            cores=options.service_cores,
        )
        try:
            return Trial(bench, product, broken, options, SHARE * full).run()
        finally:
            product.stop()


class Trial:
    """One run of the figure."""

    def __init__(
        self, bench: Bench, product: Product, broken: Hook, options: Options, rate: float
    ) -> None:
        self.bench = bench
        self.product = product
        self.broken = broken
        self.options = options
        self.rate = rate
        self.seconds = LEG_SECONDS_QUICK if options.quick else LEG_SECONDS
        # The generator sends for the others; the webhook that replays gets its own events.
        self.live = {
            org: hooks for org, hooks in product.webhooks_of.items() if hooks != [broken.number]
        }
        self.sent: list[Sent] = []

    def run(self) -> list[Row]:
        bench, product = self.bench, self.product
        bench.receiver.tell("reset")
        bench.receiver.know(product.secrets)
        mark, since_ms = product.mark(), int(time.time() * 1000) - 1000
        missed = self.miss(self.options.replayed)
        base = [self.leg() for _ in range(2)]
        product.stand(self.broken, "enable")
        job = product.replay_missed(self.broken, since_ms, RATE)
        self.until(lambda: product.replay(self.broken, job)["made"] > 0, CHANGE_SECONDS_MAX)
        legs: list[Sent] = []
        made: list[int] = []
        for restart in (*RESTARTS, None):
            at = product.replay(self.broken, job)["made"]
            legs.append(self.leg())
            made.append(product.replay(self.broken, job)["made"] - at)
            print(f"{made[-1]:,} made beside {self.seconds:g} s of live events", flush=True)
            if restart is not None:
                product.stop(restart)
                product.start()
                product.wait_ready()
        alone, at = time.monotonic(), product.replay(self.broken, job)["made"]
        self.until(
            lambda: product.replay(self.broken, job)["state"] == "finished", DONE_SECONDS_MAX
        )
        state, took = product.replay(self.broken, job), time.monotonic() - alone
        return self.rows(mark, missed, base, legs, made, state, (len(missed) - at) / took)

    def miss(self, count: int) -> set[bytes]:
        """Events for a webhook that is disabled; their ids."""
        began = time.monotonic()
        self.product.stand(self.broken, "disable")
        before, after = event_bytes(self.broken.org).split(ID_SLOT.encode())
        make_id = uuid_source()
        ids = [make_id() for _ in range(count)]

        def send(share: list[bytes]) -> None:
            own = http.client.HTTPConnection("127.0.0.1", self.product.port, timeout=60)
            for at in range(0, len(share), BATCH):
                events = [before + id + after for id in share[at : at + BATCH]]
                self.product.post_events(events, own)
            own.close()

        with ThreadPoolExecutor(CALLERS) as callers:
            for _ in callers.map(send, [ids[start::CALLERS] for start in range(CALLERS)]):
                pass
        print(f"{count:,} missed, in {time.monotonic() - began:.0f} s", flush=True)
        return set(ids)

    def leg(self) -> Sent:
        """Live events for a while."""
        sent = generate(
            self.bench,
            self.product,
            seconds=self.seconds,
            rate=self.rate,
            orgs=list(self.live),
            connections=self.options.connections * 4,
        )
        self.sent.append(sent)
        return sent

    def until(self, done: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise RuntimeError(f"it did not happen within {seconds:g} s")
            time.sleep(POLL_SECONDS)

    def rows(
        self,
        mark: int,
        missed: set[bytes],
        base: list[Sent],
        legs: list[Sent],
        made: list[int],
        state: dict[str, object],
        alone: float,
    ) -> list[Row]:
        number = self.broken.number
        own = settled_books(self.product, mark)
        received = self.bench.receiver.ledger()
        arrived = arrivals(received)
        expected = owed(self.sent, self.live) | {number: missed}
        books = Books(
            acknowledged=expected,
            arrived=arrived,
            own=own,
            sent=frozenset(missed).union(*(sent.ids for sent in self.sent)),
            arrivals=len(received.ids),
            forged=received.forged,
            unreadable=received.unreadable,
        )
        faults = books.faults() + [fault for sent in self.sent for fault in generator_faults(sent)]
        rows_made, events, delivered, lost = self.product.replayed()
        skipped = len(missed) - len(arrived.get(number, set()))
        delivered_count = sum(hook == b"%d" % number for hook in received.webhooks)
        if faults:
            print(f"VOID: {'; '.join(faults)}", flush=True)

        def verdict(held: bool) -> str:
            return VOID if faults else HELD if held else MISSED

        def p99(parts: list[Sent], percent: float = 99) -> float:
            delays = [
                delay
                for part in parts
                for delay in delays_ms(part, received, self.product.listening)
            ]
            return percentile(delays, percent) if delays else math.nan

        before, beside = p99(base), p99(legs)
        return [
            Row(
                "replay",
                f"live p99 beside the replay, ms, at {self.rate:,.0f} events/s",
                f"{beside:.2f}",
                f"≤ {GROWTH_MAX * before:.1f}",
                verdict(beside <= GROWTH_MAX * before),
            ),
            Row("replay", "live p99 before it, ms", f"{before:.2f}"),
            Row("replay", "live p50 before it, ms", f"{p99(base, 50):.2f}"),
            Row("replay", "live p50 beside it, ms", f"{p99(legs, 50):.2f}"),
            Row(
                "replay",
                f"of {len(missed):,} missed, over a stop and a kill: skipped",
                f"{skipped:,}",
                "≤ 0",
                verdict(skipped == 0 and delivered == len(missed) and state["state"] == "finished"),
            ),
            Row(
                "replay",
                "made twice within the job",
                f"{rows_made - events:,}",
                "≤ 0",
                verdict(rows_made == events == len(missed)),
            ),
            Row(
                "replay",
                f"requests beyond one each, where {lost:,} attempts were lost by the kill",
                f"{delivered_count - len(missed):,}",
                f"≤ {lost:,}",
                verdict(0 <= delivered_count - len(missed) <= lost),
            ),
            Row(
                "replay",
                "made a second beside live events",
                " ".join(f"{count / self.seconds:,.0f}" for count in made),
            ),
            Row("replay", "made a second without them", f"{alone:,.0f}"),
        ]
