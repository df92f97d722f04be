"""A million deliveries that wait: memory, the way back after a restart, and how fast they go out.

The backlog is made by receivers that take 20 seconds for an answer: the service works as it should,
and no faster than they.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.figures.latency import yardstick_rate
from bench.layout import crowd
from bench.ledger import arrivals, owed
from bench.product import Product
from bench.report import HELD, MISSED, VOID, Options, Row
from bench.run import Bench, close, drain, generate, settled_books
from bench.target import Yardstick

RECEIVING = 20
SLOW_MS = 20_000
RSS_MB_MAX = 300
RESTART_SECONDS_MAX = 10.0
SHARE_MIN = 0.6
WAITING_SHARE_MIN = 0.9
RATE_MIN = 200.0  # a drain slower than this is given up
SAMPLE_SECONDS = 0.2


class Peak:
    """The most memory that the service's tree was seen to hold."""

    def __init__(self) -> None:
        self.bytes = 0

    @contextmanager
    def watch(self, product: Product) -> Iterator[None]:
        over = threading.Event()

        def sample() -> None:
            while not over.wait(SAMPLE_SECONDS):
                self.bytes = max(self.bytes, product.usage().rss_bytes)

        watcher = threading.Thread(target=sample, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def run(options: Options) -> list[Row]:
    print(f"backlog of {options.deliveries:,} deliveries", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        try:
            full = yardstick_rate(bench, yardstick, options)
        finally:
            yardstick.stop()
        product = Product(
            bench.folder, bench.receiver.port, crowd(RECEIVING), cores=options.service_cores
        )
        try:
            return fill_and_drain(bench, product, options, full)
        finally:
            product.stop()


def fill_and_drain(bench: Bench, product: Product, options: Options, full: float) -> list[Row]:
    receiver, peak, count = bench.receiver, Peak(), options.deliveries
    receiver.tell("reset")
    receiver.know(product.secrets)
    receiver.tell("answer", status=200, delay_ms=SLOW_MS)
    mark, started = product.mark(), time.monotonic()
    with peak.watch(product):
        sent = generate(bench, product, count=count, connections=options.connections)
    filled, peak_filling = time.monotonic() - started, peak.bytes
    receiver.tell("answer", status=200)
    stop_seconds = product.stop()
    early = receiver.count()
    waiting = sum(map(len, product.books(mark).pending.values()))
    print(
        f"filled in {filled:.0f} s, {early:,} sent, {waiting:,} waiting at the restart", flush=True
    )

    restarted = time.monotonic()
    product.start()
    with peak.watch(product):
        if drain(bench, early + 1, 60.0):
            first = receiver.tell("arrival", index=early)["at"] / 1e9
        else:
            first = float("inf")
        before = product.usage()
        expected = owed([sent], product.webhooks_of)
        whole = sum(map(len, expected.values()))
        drain(bench, whole, 30.0 + waiting / RATE_MIN)
        received = receiver.ledger()
        if sum(map(len, arrivals(received).values())) < whole:
            time.sleep(5.0)  # duplicates made the count full too early
            received = receiver.ledger()
        usage = product.usage().since(before)
    last = receiver.tell("count")["last"] / 1e9
    measured = close(product, sent, received, expected, settled_books(product, mark))
    faults = measured.faults + (
        [f"only {waiting:,} were waiting at the restart"]
        if waiting < WAITING_SHARE_MIN * count
        else []
    )
    if faults:
        print(f"VOID: {'; '.join(faults)}", flush=True)
    rate = waiting / max(last - first, 1e-9)

    def verdict(held: bool) -> str:
        return VOID if faults else HELD if held else MISSED

    rss, back, share = peak.bytes / 1e6, first - restarted, rate / full
    return [
        Row(
            "backlog",
            f"{waiting:,} waiting: resident memory at most, MB",
            f"{rss:,.0f}",
            f"≤ {RSS_MB_MAX}",
            verdict(rss <= RSS_MB_MAX),
        ),
        Row(
            "backlog",
            "restart to the first delivery, s",
            f"{back:.2f}",
            f"≤ {RESTART_SECONDS_MAX:g}",
            verdict(back <= RESTART_SECONDS_MAX),
        ),
        Row(
            "backlog",
            "drained: share of the yardstick",
            f"{share:.2f}",
            f"≥ {SHARE_MIN}",
            verdict(share >= SHARE_MIN),
        ),
        Row("backlog", "drained, deliveries/s", f"{rate:,.0f}"),
        Row("backlog", "yardstick, events/s", f"{full:,.0f}"),
        Row(
            "backlog",
            "drain: CPU µs/delivery, process tree",
            f"{1e6 * usage.cpu_seconds / max(1, waiting):.1f}",
        ),
        Row(
            "backlog",
            "drain: bytes written/delivery",
            f"{usage.written_bytes / max(1, waiting):,.0f}",
        ),
        Row("backlog", "accepted while filling, events/s", f"{count / filled:,.0f}"),
        Row("backlog", "resident memory while filling, MB", f"{peak_filling / 1e6:,.0f}"),
        Row("backlog", "stop, s", f"{stop_seconds:.1f}"),
        Row("backlog", "sent twice", f"{measured.duplicates:,}"),
    ]
