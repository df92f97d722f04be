"""`python -m bench`: the figures of Tidings against the yardstick.

python -m bench throughput one figure, as it is claimed python -m bench all --quick all of them,
short: shows that they run, proves nothing
"""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.figures import (
    backlog,
    bad,
    cell_moves,
    cell_orgs,
    cells,
    dead,
    destinations,
    fanout,
    idle,
    latency,
    parts,
    producer,
    recovery,
    reference,
    replay,
    sources,
    throughput,
    yardstick,
)
from bench.figures.actions import kills as actions_killed
from bench.figures.actions import start as actions_start
from bench.figures.actions import throughput as actions_throughput
from bench.figures.postgres import faults, logs, restores
from bench.prices import figure as prices
from bench.profiling import profile
from bench.report import VOID, Options, Row, show
from bench.store_server import SQLITE, STORES
from bench.waits import figure as waits

Value = TypeVar("Value")

FIGURES: dict[str, Callable[[Options], list[Row]]] = {
    "parts": parts.run,
    "yardstick": yardstick.run,
    "throughput": throughput.run,
    "profile": profile.run,
    "prices": prices.run,
    "waits": waits.run,
    "latency": latency.run,
    "fanout": fanout.run,
    "idle": idle.run,
    "dead": dead.run,
    "bad": bad.run,
    "cells": cells.run,
    "cell-moves": cell_moves.run,
    "cell-orgs": cell_orgs.run,
    "recovery": recovery.run,
    "replay": replay.run,
    "backlog": backlog.run,
    "reference": reference.run,
    "producer": producer.run,
    "destinations": destinations.run,
    "sources": sources.run,
    "actions": actions_throughput.run,
    "actions-killed": actions_killed.run,
    "actions-start": actions_start.run,
    "faults": faults.run,
    "logs": logs.run,
    "restores": restores.run,
}


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--quick", action="store_true", help="2 short runs instead of 7")
    common.add_argument(
        "--runs", type=int, help="runs (pairs) of each figure; 7, of forms as each says"
    )
    common.add_argument("--seconds", type=float, help="length of a run; 5")
    common.add_argument("--connections", type=int, default=64, help="of the generator; 64")
    common.add_argument("--forms", help="patterns of forms, as 'http-20*,kafka' (throughput); all")
    common.add_argument("--features", help="of which, as 'schema,order' (prices); all")
    common.add_argument(
        "--receiving", type=int, default=1, help="receiving webhooks (profile, waits); 1"
    )
    common.add_argument("--deliveries", type=int, help="size of the backlog, or the log; 1000000")
    common.add_argument("--customers", type=int, help="that are loaded (reference); 1000000")
    common.add_argument("--idle", type=int, help="idle webhooks; 10000")
    common.add_argument("--dead", type=int, help="dead endpoints; 100")
    common.add_argument(
        "--dead-rate", type=float, default=50.0, help="events/s beside the dead; 50"
    )
    common.add_argument("--bad", type=int, help="dead, slow and flapping endpoints each; 100")
    common.add_argument("--bad-orgs", type=int, help="orgs that share them; 10")
    common.add_argument("--webhooks", type=int, help="webhooks that recover; 1000")
    common.add_argument("--due", type=int, help="their due deliveries; 100000")
    common.add_argument("--replayed", type=int, help="deliveries to be replayed; 250000")
    common.add_argument("--messages", type=int, help="to a destination; 20000")
    common.add_argument(
        "--events", type=int, help="of each trial (sources; faults take a twentieth); 100000"
    )
    common.add_argument("--sources", help="of kafka,outbox,webhook,rate (sources); all")
    common.add_argument("--faults", help=f"of {','.join(faults.TRIALS)} (faults); all")
    common.add_argument("--times", type=int, help="each fault, instead of its own number (faults)")
    common.add_argument(
        "--store", choices=STORES, default=SQLITE, help="of the service (throughput, profile)"
    )
    common.add_argument(
        "--server", help="settings of the server, as full_page_writes=off; with --store postgres"
    )
    common.add_argument(
        "--numbers",
        type=int,
        default=0,
        help="events that the store has before (throughput); with --store postgres",
    )
    common.add_argument("--pin", help="cores for the service alone, as 0 or 0,1; by default all")
    common.add_argument(
        "--patience",
        type=float,
        default=20.0,
        help="seconds a run may wait for a quiet machine; 20",
    )
    common.add_argument("--dir", type=Path, help="where data directories are made; the system's")
    common.add_argument("--save", type=Path, help="also write the table to this file")
    main_parser = argparse.ArgumentParser(prog="bench", description=__doc__.partition("\n")[0])
    commands = main_parser.add_subparsers(dest="figure", required=True)
    for name, figure in FIGURES.items():
        module = sys.modules[figure.__module__]
        one = commands.add_parser(
            name, parents=[common], help=(module.__doc__ or "").partition("\n")[0]
        )
        if name == "destinations":
            one.add_argument("destinations", nargs="*", help="which of them; all")
    commands.add_parser("all", parents=[common], help="Every figure, one after the other.")
    return main_parser


def choose(quick: bool, value: Value | None, full: Value, short: Value) -> Value:
    """What was given, else what this kind of run takes."""
    return value if value is not None else short if quick else full


def options_of(given: argparse.Namespace) -> Options:
    quick = bool(given.quick)
    return Options(
        quick=quick,
        runs=choose(quick, given.runs, 7, 2),
        seconds=choose(quick, given.seconds, 5.0, 2.0),
        connections=given.connections,
        forms=tuple(given.forms.split(",")) if given.forms else (),
        pairs=1 if quick and given.runs is None else given.runs,
        deliveries=choose(quick, given.deliveries, 1_000_000, 20_000),
        receiving=given.receiving,
        features=tuple(given.features.split(",")) if given.features else (),
        customers=choose(quick, given.customers, 1_000_000, 20_000),
        idle=choose(quick, given.idle, 10_000, 1_000),
        dead=choose(quick, given.dead, 100, 100),
        dead_rate=given.dead_rate,
        bad=choose(quick, given.bad, 100, 100),
        bad_orgs=choose(quick, given.bad_orgs, 10, 10),
        webhooks=choose(quick, given.webhooks, 1_000, 100),
        due=choose(quick, given.due, 100_000, 5_000),
        replayed=choose(quick, given.replayed, 250_000, 10_000),
        messages=choose(quick, given.messages, 20_000, 1_000),
        destinations=tuple(getattr(given, "destinations", ())),
        events=choose(quick, given.events, 100_000, 3_000),
        sources=tuple(given.sources.split(",")) if given.sources else (),
        faults=tuple(given.faults.split(",")) if given.faults else (),
        times=given.times,
        store=given.store,
        server_settings=tuple(given.server.split(",")) if given.server else (),
        numbers=given.numbers,
        patience_seconds=given.patience,
        folder=given.dir,
        service_cores=frozenset(map(int, given.pin.split(","))) if given.pin else None,
    )


def main() -> int:
    given = parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stop what we started, then end
    options = options_of(given)
    rows: list[Row] = []
    for name in FIGURES if given.figure == "all" else [given.figure]:
        try:
            rows += FIGURES[name](options)
        except Exception as error:  # one figure that cannot run does not take the others with it
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            rows.append(Row(name, f"not measured: {str(error).splitlines()[0]}", "-", verdict=VOID))
    return 0 if show(rows, options, given.save) else 1


if __name__ == "__main__":
    sys.exit(main())
