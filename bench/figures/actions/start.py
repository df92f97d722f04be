"""How long the service takes to be ready, and its memory, with and without a file of actions.

The store is new each time, so the start includes making it. Memory is the resident memory of all
processes of the service, what they share counted in each; with a file it is also taken after the
first event, when templates have a process of their own.
"""

import time
from collections.abc import Mapping
from pathlib import Path

from bench.figures.actions.acting import CUSTOMERS, LOOKED_UP, write_files
from bench.ledger import spread
from bench.payload import ID_SLOT, ORG_FIRST, event_bytes, uuid_source
from bench.process import machine_seconds, usage_of, wait_until_quiet
from bench.product import EVENTS_PATH, Product
from bench.report import BESIDE, DISTURBED, DISTURBED_PERCENT, Options, Row
from bench.run import CORES, Bench, drain

MANY = 200_000  # lines of a contact list
SETTLED_SECONDS = 2.0
ARRIVED_SECONDS = 30.0
BARE = "without a file"
KINDS: Mapping[str, int] = {
    BARE: 0,
    f"with a file and {CUSTOMERS:,} contacts": CUSTOMERS,
    f"with a file and {MANY:,} contacts": MANY,
}
READY, RESIDENT, USED = "ready after, ms", "resident memory, MB", "and after its first event, MB"


def run(options: Options) -> list[Row]:
    print(f"actions-start, {options.runs} starts of each kind", flush=True)
    found: dict[tuple[str, str], list[float]] = {}
    others: list[float] = []
    with Bench(options.folder, options.patience_seconds) as bench:
        files = {kind: _file(bench, customers) for kind, customers in KINDS.items()}
        for _ in range(options.runs):
            for kind, file in files.items():
                wait_until_quiet(options.patience_seconds)
                for what, value in _start(bench, file, others).items():
                    found.setdefault((kind, what), []).append(value)
    doubt = DISTURBED if max(others) > DISTURBED_PERCENT else BESIDE
    return [
        *(
            Row("actions-start", f"{kind}: {what}", spread(values).text())
            for (kind, what), values in found.items()
        ),
        Row("actions-start", "machine taken by others, %", spread(others).text(1), "", doubt),
    ]


def _file(bench: Bench, customers: int) -> Path | None:
    if not customers:
        return None
    folder = bench.folder / str(customers)
    folder.mkdir()
    return write_files(folder, LOOKED_UP, bench.receiver.port, customers)


def _start(bench: Bench, file: Path | None, others: list[float]) -> dict[str, float]:
    settings = {} if file is None else {"TIDINGS_ACTIONS": str(file)}
    bench.receiver.tell("reset")
    busy, began = sum(machine_seconds()), time.monotonic()
    product = Product(bench.folder, bench.receiver.port, [], settings=settings)
    try:
        ready_s = time.monotonic() - began
        taken = sum(machine_seconds()) - busy - usage_of(product.process.pid).cpu_seconds
        others.append(100 * max(0.0, taken) / (ready_s * CORES))
        time.sleep(SETTLED_SECONDS)
        values = {READY: 1e3 * ready_s, RESIDENT: product.usage().rss_bytes / 1e6}
        if file is not None:
            body = event_bytes(ORG_FIRST).replace(ID_SLOT.encode(), uuid_source()())
            assert product.post(EVENTS_PATH, body, {}) == 202
            assert drain(bench, 1, ARRIVED_SECONDS), "the action has called nobody"
            values[USED] = product.usage().rss_bytes / 1e6
        return values
    finally:
        product.stop()
