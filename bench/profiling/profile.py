"""The table of a service's CPU time by phase, of the main process and of the store's writer."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.layout import crowd
from bench.product import Product
from bench.profiling import sampler
from bench.profiling.phases import MAIN, OURS, WRITER, Phase, phase_of
from bench.report import VOID, Options, Row, disturbance
from bench.run import Bench, Measured, measure
from bench.store_server import STORES, StoreServer, store_server

FIGURE = "profile"
WRITERS = {f"tidings.store.{store}.process" for store in STORES}
WARM_UP_SECONDS = 2.0
PLACES_SHOWN = 4  # of a phase: where most of it goes


class Samples(msgspec.Struct):
    """What one process wrote down (`sampler.py`)."""

    command: list[str]
    main_ns: int
    process_ns: int
    samples: int
    stacks: list[tuple[tuple[str, ...], int]]


class Sampling:
    """A folder that makes a sampler of every Python process whose PYTHONPATH names it."""

    def __init__(self, parent: Path) -> None:
        self._folder = parent / "sampling"
        self._folder.mkdir()
        shutil.copy(sampler.__file__, self._folder / "sitecustomize.py")
        self.settings = {"PYTHONPATH": str(self._folder)}

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count what is seen within the block."""
        flag = self._folder / sampler.FLAG
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def found(self) -> list[Samples]:
        """Read what the processes saw that have ended."""
        files = sorted(self._folder.glob("samples-*.json"))
        return [msgspec.json.decode(file.read_bytes(), type=Samples) for file in files]


class Share(NamedTuple):
    """One phase of one process, by what it has used."""

    group: str
    name: str
    ns: int
    places: list[tuple[str, int]]  # the functions at work, the dearest first


def shares(samples: Samples, phases: Sequence[Phase]) -> list[Share]:
    """Add up the samples by phase, in the order of the table; what it does not know comes last."""
    used: Counter[tuple[str, str]] = Counter()
    places: dict[tuple[str, str], Counter[str]] = {}
    for stack, ns in samples.stacks:
        phase = phase_of(stack, phases)
        used[phase] += ns
        places.setdefault(phase, Counter())[_at_work(stack)] += ns
    known = [(phase.group, phase.name) for phase in phases]
    unknown = sorted(used.keys() - set(known), key=lambda phase: -used[phase])
    return [
        Share(*phase, used[phase], places.get(phase, Counter()).most_common(PLACES_SHOWN))
        for phase in (*known, *unknown)
    ]


def _at_work(stack: Sequence[str]) -> str:
    """Return the innermost function of ours, or of whatever there is."""
    ours = next((call for call in stack if call.startswith(OURS)), None)
    return ours.removeprefix(OURS) if ours else stack[0] if stack else "?"


def run(options: Options) -> list[Row]:
    """Load one service at full load, sampled, and show where its time went."""
    print(f"profile, {options.receiving} receiving, {options.seconds:g} s", flush=True)
    with (
        Bench(options.folder, options.patience_seconds) as bench,
        store_server(options.store, options.server_settings, bench.folder) as server,
    ):
        sampling = Sampling(bench.folder)
        product = Product(
            bench.folder,
            bench.receiver.port,
            crowd(options.receiving),
            cores=options.service_cores,
            settings=sampling.settings,
            server=server,
        )
        try:
            plan: dict[str, Any] = {"connections": options.connections, "server": server}
            measure(bench, product, seconds=WARM_UP_SECONDS, **plan)
            before = server.shares() if server is not None else {}
            with sampling.on():
                measured = measure(bench, product, seconds=options.seconds, **plan)
            of_server = _server_rows(server, before, measured)
        finally:
            product.stop()
        found = sampling.found()
    print(measured.line(), flush=True)
    return [*rows_of(found, measured), *of_server, disturbance(FIGURE, [measured])]


def _server_rows(
    server: StoreServer | None, before: dict[str, float], measured: Measured
) -> list[Row]:
    """Make the rows of the processes of a server, the dearest first."""
    if server is None:
        return []
    used = {name: cpu_s - before.get(name, 0.0) for name, cpu_s in server.shares().items()}
    return [
        Row(FIGURE, f"server, {name}", f"{1e6 * cpu_s / max(1, measured.events):.1f} µs/event")
        for name, cpu_s in sorted(used.items(), key=lambda pair: -pair[1])
        if cpu_s > 0
    ]


def rows_of(found: Sequence[Samples], measured: Measured) -> list[Row]:
    """Make the rows of both processes; the rest of the tree is one row."""
    [main] = (process for process in found if "serve" in process.command)
    [writer] = (
        process
        for process in found
        if "write" in process.command and WRITERS & set(process.command)
    )
    tree = sum(process.process_ns for process in found)
    rows = [Row(FIGURE, "; ".join(measured.faults), "-", "", VOID)] if measured.faults else []
    for name, process, phases in (("main", main, MAIN), ("writer", writer, WRITER)):
        rows += _process_rows(name, process, phases, measured.events, tree)
    others = tree - main.process_ns - writer.process_ns
    rows.append(Row(FIGURE, "all other processes: share of the tree", _percent(others, tree)))
    return rows


def _process_rows(
    name: str, process: Samples, phases: Sequence[Phase], events: int, tree: int
) -> list[Row]:
    whole = max(1, process.main_ns)
    threads = max(0, process.process_ns - process.main_ns)
    rows = [
        Row(FIGURE, f"{name}: share of the tree's CPU", _percent(process.process_ns, tree)),
        Row(FIGURE, f"{name}: its other threads", _percent(threads, process.process_ns)),
        Row(FIGURE, f"{name}: samples", f"{process.samples:,}"),
    ]
    for share in shares(process, phases):
        us = share.ns / 1e3 / max(1, events)
        text = f"{_percent(share.ns, whole)}, {us:.1f} µs/event"
        rows.append(Row(FIGURE, f"{name}, {share.group}: {share.name}", text))
        places = ", ".join(f"{place} {_percent(ns, whole)}" for place, ns in share.places)
        print(f"{name}, {share.group}: {share.name}: {places}", flush=True)
    return rows


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"
