"""Many webhooks whose receivers come back at one moment, with all that is due by then.

The receivers answer 503 while the deliveries are made, so every breaker opens; from one moment on
they answer 200, a while after they are asked, so that what they see at one time can be counted.
"""

import time

from bench.layout import teams
from bench.ledger import owed
from bench.product import CONNECTIONS_PER_WEBHOOK, Product
from bench.report import HELD, MISSED, VOID, Options, Row
from bench.run import Bench, close, generate, settled_books

TEAM = 10  # webhooks of an org, which all get its events
ANSWER_MS = 100
LAG_MS_MAX = 250.0
DRAIN_SECONDS_MAX = 240.0
POLL_SECONDS = 0.5
LAG_EVERY_SECONDS = 20.0  # the service tells the worst of the last minute
DOWN_MIN = 0.9


def run(options: Options) -> list[Row]:
    print(f"recovery of {options.webhooks:,} webhooks, {options.due:,} deliveries", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        product = Product(
            bench.folder,
            bench.receiver.port,
            teams(options.webhooks, TEAM),
            cores=options.service_cores,
        )
        try:
            return break_and_mend(bench, product, options)
        finally:
            product.stop()


def break_and_mend(bench: Bench, product: Product, options: Options) -> list[Row]:
    receiver = bench.receiver
    receiver.tell("reset")
    receiver.know(product.secrets)
    receiver.tell("answer", status=503)
    mark = product.mark()
    began = time.monotonic()
    sent = generate(
        bench, product, count=options.due // TEAM, connections=min(16, options.connections)
    )
    filled = time.monotonic() - began
    due = product.unfinished()
    refused = receiver.count()
    lag_down = product.figure("tidings_loop_lag_seconds")
    print(f"{due:,} due after {filled:.0f} s; {refused:,} requests were refused", flush=True)

    before = product.usage()
    receiver.tell("answer", status=200, delay_ms=ANSWER_MS, reset=True)
    back = time.monotonic()
    lags: list[float] = []
    half = None
    looked = back
    while (left := product.unfinished()) and time.monotonic() - back < DRAIN_SECONDS_MAX:
        if half is None and left <= due / 2:
            half = time.monotonic() - back
        if time.monotonic() - looked >= LAG_EVERY_SECONDS:
            looked = time.monotonic()
            lags.append(product.figure("tidings_loop_lag_seconds"))
            print(f"{left:,} left after {looked - back:.0f} s", flush=True)
        time.sleep(POLL_SECONDS)
    drained = time.monotonic() - back
    lags.append(product.figure("tidings_loop_lag_seconds"))
    usage = product.usage().since(before)
    most = receiver.tell("most")["most"]
    received = receiver.ledger()
    expected = owed([sent], product.webhooks_of)
    measured = close(product, sent, received, expected, settled_books(product, mark))
    faults = measured.faults + (
        [f"only {due:,} were due when the receivers came back"]
        if due < DOWN_MIN * options.due
        else []
    )
    if faults:
        print(f"VOID: {'; '.join(faults)}", flush=True)

    def verdict(held: bool) -> str:
        return VOID if faults else HELD if held else MISSED

    lag_ms = 1000 * max(lags)
    return [
        Row(
            "recovery",
            f"{due:,} due at {options.webhooks:,} webhooks: most at one receiver at a time",
            f"{most}",
            f"≤ {CONNECTIONS_PER_WEBHOOK}",
            verdict(most <= CONNECTIONS_PER_WEBHOOK),
        ),
        Row(
            "recovery",
            "loop lag at most, ms",
            f"{lag_ms:.0f}",
            f"< {LAG_MS_MAX:g}",
            verdict(lag_ms < LAG_MS_MAX),
        ),
        Row(
            "recovery",
            "all delivered after, s",
            f"{drained:.0f}",
            "",
            verdict(not left) if faults or left else "·",
        ),
        Row("recovery", "half of them delivered after, s", "-" if half is None else f"{half:.0f}"),
        Row("recovery", "loop lag while they were down, ms", f"{1000 * lag_down:.0f}"),
        Row("recovery", "requests while they were down", f"{refused:,}"),
        Row("recovery", "sent twice", f"{measured.duplicates:,}"),
        Row(
            "recovery",
            "CPU µs/delivery, process tree",
            f"{1e6 * usage.cpu_seconds / max(1, due):.0f}",
        ),
        Row(
            "recovery",
            "bytes written/delivery",
            f"{usage.written_bytes / max(1, due):,.0f}",
        ),
    ]
