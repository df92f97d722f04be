"""What is said at the end: one row a figure, with where and when it was measured."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.ledger import Spread, spread
from bench.run import CORES, Measured
from bench.store_server import SQLITE

HELD = "✓"
MISSED = "✗ missed"
VOID = "✗ VOID"
BESIDE = "·"
DISTURBED = "! disturbed"
DISTURBED_PERCENT = 10.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the final table. `target` is empty for what is only printed beside."""

    figure: str
    what: str
    measured: str
    target: str = ""
    verdict: str = BESIDE


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    quick: bool = False
    runs: int = 7
    seconds: float = 5.0
    connections: int = 64
    forms: tuple[str, ...] = ()  # patterns of their names; all
    pairs: int | None = None  # of each form, where it is not the form's own
    deliveries: int = 1_000_000
    customers: int = 1_000_000
    features: tuple[str, ...] = ()  # whose price is measured; all
    receiving: int = 1  # webhooks of the service that is profiled
    idle: int = 10_000
    dead: int = 100
    dead_rate: float = 50.0
    bad: int = 100
    bad_orgs: int = 10
    webhooks: int = 1_000
    due: int = 100_000
    replayed: int = 250_000
    messages: int = 20_000
    destinations: tuple[str, ...] = ()
    events: int = 100_000
    sources: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()  # of the store in PostgreSQL; all
    times: int | None = None  # each of them, where it is not its own number
    store: str = SQLITE
    server_settings: tuple[str, ...] = ()
    numbers: int = 0  # events that the server's store has before
    patience_seconds: float = 20.0
    folder: Path | None = None
    service_cores: frozenset[int] | None = None

    @property
    def runs_beside(self) -> int:
        """Runs of what is printed beside a figure."""
        return max(1, self.runs // 2)


def judge(runs: Sequence[Measured], held: bool) -> str:
    """VOID if one of the runs is; else whether the target was held."""
    if any(run.faults for run in runs):
        return VOID
    return HELD if held else MISSED


def of(runs: Sequence[Measured], what: str, *values: object) -> Spread:
    """Median and range of an attribute (or method) of the runs that are not void."""
    found = (getattr(run, what) for run in runs if not run.faults)
    return spread(value(*values) if callable(value) else value for value in found)


def cost_rows(figure: str, label: str, *sides: Sequence[Measured]) -> list[Row]:
    """What stands beside each rate: CPU, bytes written, and who else had the machine."""
    rows = []
    for runs in sides:
        if not runs:
            continue
        name = f"{label}, {runs[0].target}"
        rows.append(Row(figure, f"{name}: events/s", of(runs, "rate").text()))
        rows.append(Row(figure, f"{name}: CPU µs/event, process tree", of(runs, "cpu_us").text(1)))
        rows.append(Row(figure, f"{name}: bytes written/event", of(runs, "written").text()))
        if any(run.server.wal_bytes for run in runs):
            cpu = of(runs, "server_cpu_us")
            rows.append(Row(figure, f"{name}: CPU µs/event of the server", cpu.text(1)))
            rows.append(Row(figure, f"{name}: bytes of WAL/event", of(runs, "wal").text()))
    return rows


def disturbance(figure: str, runs: Sequence[Measured]) -> Row:
    """How much of the machine went to others: more than a little makes rates doubtful."""
    shares = spread(100 * run.disturbed for run in runs)
    verdict = DISTURBED if shares.high > DISTURBED_PERCENT else BESIDE
    return Row(figure, "machine taken by others or its host, %", shares.text(1), verdict=verdict)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit_name() -> str:
    name = _git("rev-parse", "--short=12", "HEAD") or "no commit"
    return name + (" with changes" if _git("status", "--porcelain", "--", "src", "bench") else "")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def heading(options: Options) -> list[str]:
    memory = Path("/proc/meminfo").read_text().split()[1]
    where = f"{CORES} cores ({processor()}), {int(memory) // 1_000_000} GB"
    kind = "quick" if options.quick else "full"
    plan = f"{options.runs} runs of {options.seconds:g} s, {options.connections} connections"
    pinned = f", service on cores {sorted(options.service_cores)}" if options.service_cores else ""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return [
        f"Commit {commit_name()}, {when}, {kind} run ({plan}{pinned})",
        f"{where}, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"Command: python -m bench {' '.join(sys.argv[1:])}",
    ]


def table(rows: Sequence[Row]) -> list[str]:
    """A Markdown table with padded columns, so that it is read as well in a terminal."""
    lines = [("Figure", "What", "Median (range)", "Target", ""), ("", "", "", "", "")]
    lines += [(row.figure, row.what, row.measured, row.target, row.verdict) for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    lines[1] = tuple("-" * width for width in widths)  # type: ignore[assignment]  # five again
    return [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]


def show(rows: Sequence[Row], options: Options, save: Path | None) -> bool:
    """Print the table, keep it if asked to; whether every target was held."""
    head, body = heading(options), table(rows)
    print("\n" + "\n".join([*head, "", *body]))
    if save is not None:
        save.parent.mkdir(parents=True, exist_ok=True)
        save.write_text(
            "\n".join(["# Measured", "", *(f"- {line}" for line in head), "", *body, ""])
        )
        print(f"Saved in {save}", file=sys.stderr)
    return not any(row.verdict in (MISSED, VOID) for row in rows)
