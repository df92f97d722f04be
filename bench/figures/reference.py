"""A million customers by `tidings reference load`: time, memory of each process, events beside it.

The ids come in no order, as those of exports do: each row goes to another page of the store. Both
formats go into one org, one behind the other: NDJSON while nothing else happens, then CSV, which
replaces every row, with an event every 20 ms beside it. A load gives way to events.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.ledger import percentile
from bench.payload import ID_SLOT, ORG_FIRST, event_bytes, uuid_source
from bench.process import tree_of, wait_until_quiet
from bench.product import BOOTSTRAP, COMMAND, EVENTS_PATH, ORG_HEADER, Product
from bench.report import HELD, MISSED, VOID, Options, Row

GROWTH_MB_MAX = 48  # of the service and of the reader; the file has 100 MB
WRITER_MB_MAX = GROWTH_MB_MAX + 64  # the store's writer keeps pages in memory, so many at most
COMMAND_MB_MAX = 120
SAMPLE_SECONDS = 0.05
SPREAD = 7_919  # steps through the ids, so that they come in no order
PAGE = os.sysconf("SC_PAGE_SIZE")


def run(options: Options) -> list[Row]:
    """Load the same customers from NDJSON, then from CSV."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="tidings-bench-", dir=options.folder) as name:
        folder = Path(name)
        product = Product(folder, 0, [], cores=options.service_cores)
        try:
            product.add_org(ORG_FIRST)
            for kind, label, beside in (
                ("ndjson", "new", False),
                ("csv", "replaced, beside events", True),
            ):
                file = folder / f"customers.{kind}"
                write(file, kind, options.customers)
                wait_until_quiet(options.patience_seconds)
                rows += rows_of(load(product, file, options.customers, beside), kind, label)
                file.unlink()
        finally:
            product.stop()
    return rows


def ids(count: int) -> Iterator[int]:
    """So many different ids, in no order."""
    modulus = count + 1
    while any(modulus % small == 0 for small in range(2, int(modulus**0.5) + 1)):
        modulus += 1
    return (10_000_000 + number * SPREAD % modulus for number in range(1, count + 1))


def write(file: Path, kind: str, count: int) -> None:
    """A file of customers."""
    row = b"%d,1555%08d,c%d@example.test,E%d\n"
    if kind == "ndjson":
        row = b'{"id":%d,"mobile":"1555%08d","email":"c%d@example.test","externalId":"E%d"}\n'
    with file.open("wb") as out:
        if kind == "csv":
            out.write(b"id,mobile,email,externalId\n")
        out.writelines(row % (id, id, id, id) for id in ids(count))


@dataclass
class Loaded:
    """What one load came to. `peaks` and `firsts` are bytes, by process."""

    rows: int
    seconds: float
    output: str
    good: bool
    accepts_ms: list[float]
    firsts: dict[str, int] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)

    def growth_mb(self, name: str) -> float:
        return (self.peaks[name] - self.firsts[name]) / 1e6


def resident(pid: int) -> int:
    """Bytes; 0 for a process that has ended."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0


def processes(product: Product) -> dict[str, int]:
    """The service and its children by what they are."""
    found = {"service": product.process.pid}
    for pid in tree_of(product.process.pid)[1:]:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        found["writer" if "write" in words else "reader" if "read" in words else f"{pid}"] = pid
    return found


def load(product: Product, file: Path, count: int, beside: bool) -> Loaded:
    """Run the command; with `beside`, post events one by one meanwhile."""
    login = f"{BOOTSTRAP['TIDINGS_BOOTSTRAP_KEY']}:{BOOTSTRAP['TIDINGS_BOOTSTRAP_SECRET']}"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}
    environ |= {"TIDINGS_URL": f"http://127.0.0.1:{product.port}", "TIDINGS_KEY": login}
    watched = processes(product)
    firsts = {name: resident(pid) for name, pid in watched.items()}
    began = time.monotonic()
    running = subprocess.Popen(
        [COMMAND, "reference", "load", "customers", str(file), "--org", str(ORG_FIRST)],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    watched |= {"command": running.pid}
    peaks = dict.fromkeys(watched, 0)
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS):
            for name, pid in watched.items():
                peaks[name] = max(peaks[name], resident(pid))

    accepts_ms: list[float] = []
    sampler = threading.Thread(target=sample, daemon=True)
    poster = threading.Thread(target=post, args=(product, over, accepts_ms), daemon=True)
    sampler.start()
    if beside:
        poster.start()
    try:
        _, output = running.communicate()
        seconds = time.monotonic() - began
    finally:
        over.set()
        sampler.join()
        if beside:
            poster.join()
    text = output.decode()
    good = running.returncode == 0 and f"{count:,} loaded" in text and " 0 refused" in text
    return Loaded(count, seconds, text, good, accepts_ms, firsts, peaks)


def post(product: Product, over: threading.Event, took_ms: list[float]) -> None:
    """An event every 20 ms; how long each took to be on the disk and answered."""
    before, after = event_bytes(ORG_FIRST).split(ID_SLOT.encode(), 1)
    new_id = uuid_source()
    while not over.wait(0.02):
        body = before + new_id() + after
        began = time.perf_counter()
        status = product.post(EVENTS_PATH, body, {ORG_HEADER: str(ORG_FIRST)})
        took_ms.append(1e3 * (time.perf_counter() - began) if status == 202 else float("inf"))


def rows_of(loaded: Loaded, kind: str, there: str) -> list[Row]:
    """What is said of one load."""
    print(f"{kind}: {loaded.seconds:.1f} s; {loaded.output.strip()}", flush=True)

    def verdict(held: bool) -> str:
        return VOID if not loaded.good else HELD if held else MISSED

    def bounded(what: str, value: float, most: float) -> Row:
        return Row("reference", what, f"{value:,.0f}", f"≤ {most}", verdict(value <= most))

    label = f"{kind}, {loaded.rows:,} {there}"
    rows = [
        Row("reference", f"{label}: s", f"{loaded.seconds:.1f}", verdict=verdict(True)),
        Row("reference", f"{label}: rows/s", f"{loaded.rows / loaded.seconds:,.0f}"),
        bounded(f"{label}: service grew, MB", loaded.growth_mb("service"), GROWTH_MB_MAX),
        bounded(f"{label}: reader grew, MB", loaded.growth_mb("reader"), GROWTH_MB_MAX),
        bounded(f"{label}: writer grew, MB", loaded.growth_mb("writer"), WRITER_MB_MAX),
        bounded(f"{label}: command held, MB", loaded.peaks["command"] / 1e6, COMMAND_MB_MAX),
    ]
    if loaded.accepts_ms:
        took = loaded.accepts_ms
        for what, value in (
            ("p50", percentile(took, 50)),
            ("p99", percentile(took, 99)),
            ("slowest", max(took)),
        ):
            words = f"{label}: {what} of {len(took):,} accepts, ms"
            rows.append(Row("reference", words, f"{value:.1f}"))
    return rows
