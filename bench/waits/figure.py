"""The table of waits: where a call's time goes between its arrival and its 202, at 0.35 load."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.figures.latency import yardstick_rate
from bench.figures.pairs import warm_up
from bench.forms import SHARE
from bench.layout import crowd
from bench.ledger import percentile
from bench.product import Product
from bench.report import VOID, Options, Row, disturbance
from bench.run import Bench, Measured, measure
from bench.target import Yardstick
from bench.waits import recorder
from bench.waits.recorder import (
    ADDED,
    ANSWERED,
    APPLIED,
    BEGUN,
    CALL,
    CLOSED,
    COMMIT,
    RECEIPT,
    RESUMED,
    SENT,
    SYNCED,
    WRITTEN,
)

FIGURE = "waits"
SLOWEST = 0.01


class Notes(msgspec.Struct):
    """What one process has noted (`recorder.py`)."""

    calls: list[list[int]]
    commits: list[list[int]]


class Way(NamedTuple):
    """One call: its own note, and those of its commit on both sides."""

    call: list[int]
    sent: list[int]
    written: list[int]


Wait = Callable[[Way], int]

WAITS: tuple[tuple[str, Wait], ...] = (
    ("read and checked", lambda way: way.call[ADDED] - way.call[CALL]),
    ("queued for the next batch", lambda way: way.call[CLOSED] - way.call[ADDED]),
    ("matched, packed, sent", lambda way: way.sent[SENT] - way.call[CLOSED]),
    ("the writer's turn", lambda way: way.written[BEGUN] - way.sent[SENT]),
    ("inserts", lambda way: way.written[APPLIED] - way.written[BEGUN]),
    ("commit and sync", lambda way: way.written[SYNCED] - way.written[APPLIED]),
    ("the receipt's way back", lambda way: way.sent[RECEIPT] - way.written[SYNCED]),
    ("lanes told first", lambda way: way.call[ANSWERED] - way.sent[RECEIPT]),
    ("the loop's turn", lambda way: way.call[RESUMED] - way.call[ANSWERED]),
    ("write of the 202", lambda way: way.call[WRITTEN] - way.call[RESUMED]),
)
"""The phases in their order; together they are the whole time of a call."""


def ways(main: Notes, writer: Notes) -> list[Way]:
    """Join the calls with their commits. A commit that either side has not ended is left out."""
    found = []
    for call in main.calls:
        at = call[COMMIT] - 1
        with suppress(IndexError):
            way = Way(call, main.commits[at], writer.commits[at])
            if all(way.sent) and all(way.written):
                found.append(way)
    return found


def whole(way: Way) -> int:
    """Return the nanoseconds from a call's arrival to its 202."""
    return way.call[WRITTEN] - way.call[CALL]


def rows_of(found: Sequence[Way]) -> list[Row]:
    """Make the table: each wait by its median, its p99, and its part of the slowest calls."""
    slowest = sorted(found, key=whole)[-max(1, int(SLOWEST * len(found))) :]
    rows = []
    for name, wait in (*WAITS, ("the whole call", whole)):
        each = [wait(way) / 1e6 for way in found]
        mean = sum(map(wait, slowest)) / 1e6 / max(1, len(slowest))
        text = f"{percentile(each, 50):.2f}, {percentile(each, 99):.2f}, {mean:.2f}"
        what = f"{name}: p50, p99, mean of the slowest hundredth, ms"
        rows.append(Row(FIGURE, what, text))
    return rows


def run(options: Options) -> list[Row]:
    """Drive one service at its share of the yardstick's rate, and show where its calls waited."""
    print(f"{FIGURE}, {options.receiving} receiving, {options.seconds:g} s", flush=True)
    with Bench(options.folder, options.patience_seconds) as bench:
        yardstick = Yardstick(bench.folder, bench.receiver.port, options.service_cores)
        try:
            warm_up(bench, [yardstick])
            rate = SHARE * yardstick_rate(bench, yardstick, options)
        finally:
            yardstick.stop()
        folder = bench.folder / "noted"
        folder.mkdir()
        shutil.copy(recorder.__file__, folder / "sitecustomize.py")
        measured = _noted(options, bench, folder, rate)
        main, writer = (_notes(folder / f"waits-{role}.json") for role in ("main", "writer"))
    print(measured.line(), flush=True)
    found = ways(main, writer)
    rows = [Row(FIGURE, "; ".join(measured.faults), "-", "", VOID)] if measured.faults else []
    rows.append(Row(FIGURE, "calls noted, of those made", f"{len(found):,} of {measured.events:,}"))
    rows.append(Row(FIGURE, "events/s that were due", f"{rate:,.0f}"))
    return [*rows, *rows_of(found), disturbance(FIGURE, [measured])]


def _noted(options: Options, bench: Bench, folder: Path, rate: float) -> Measured:
    product = Product(
        bench.folder,
        bench.receiver.port,
        crowd(options.receiving),
        cores=options.service_cores,
        settings={"PYTHONPATH": str(folder)},
    )
    try:
        plan: dict[str, Any] = {"connections": options.connections * 4, "rate": rate}
        warm_up(bench, [product], **plan)
        (folder / recorder.FLAG).touch()
        return measure(bench, product, seconds=options.seconds, **plan)
    finally:
        product.stop()


def _notes(file: Path) -> Notes:
    return msgspec.json.decode(file.read_bytes(), type=Notes)
