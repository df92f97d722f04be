"""`python -m tests.mutants [SEED …]`: draws bugs by each seed and tells which ones no test finds.

Each bug is made in a copy of the source and run against the tests near it, until one fails or the
time is up. A bug that changes no behaviour is named, with its reason, in `harmless.toml`. Exits
with 1 where fewer than `--least` of 30 are found.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue

from tests import forked
from tests.mutants.generator import Mutant, draw
from tests.mutants.nearness import near

ROOT = Path(__file__).parents[2]
SOURCE, TESTS = ROOT / "src" / "tidings", ROOT / "tests"
HARMLESS = Path(__file__).with_name("harmless.toml")
NEAR_S = 20  # of the processor, for the tests near one bug
HANGS_S = 40  # by the wall: a test that takes longer hangs because of the bug
WALL_S = 900.0  # only what neither ends nor uses the processor
FAILED = (1, 2, 3, 4)  # of pytest: a test, what it or a conftest imports, or collecting fails
FILES_MAX = 16
LEAST_OF_30 = 28
AT_ONCE = 2


class Outcome(StrEnum):
    """What came of the tests near one bug."""

    FOUND = "found"
    NOT_FOUND = "NOT FOUND"
    OUT_OF_TIME = "NOT FOUND in time"


class Copies:
    """Copies of the source, one for each run at a time."""

    def __init__(self, folder: Path, count: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(count):
            copy = folder / str(number)
            shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
            self._free.put(copy)

    @contextmanager
    def with_bug(self, mutant: Mutant) -> Iterator[Path]:
        """Lend a copy in which the bug is made."""
        copy = self._free.get()
        place = copy / mutant.path.relative_to(ROOT / "src")
        source = place.read_text("utf-8")
        place.write_text(mutant.apply(source), "utf-8")
        try:
            yield copy
        finally:
            place.write_text(source, "utf-8")
            self._free.put(copy)


def try_bug(mutant: Mutant, copies: Copies) -> Outcome:
    """Run the tests near a bug, and return whether one fails because of it within the time.

    The time is that of the processor, so that a busy machine finds as many as a quiet one. A test
    that hangs fails by its own timeout.
    """
    files = near(mutant.path, SOURCE, TESTS)[:FILES_MAX]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    with copies.with_bug(mutant) as copy:
        process = forked.Popen(
            [*command, f"--timeout={HANGS_S}", *map(str, files)],
            limits=[(resource.RLIMIT_CPU, NEAR_S, NEAR_S)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = process.wait(WALL_S)
        except subprocess.TimeoutExpired:
            return Outcome.OUT_OF_TIME
        else:
            if code in FAILED:
                return Outcome.FOUND
            return Outcome.NOT_FOUND if code == 0 else Outcome.OUT_OF_TIME
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def unfound(seed: int, count: int, copies: Copies) -> list[str]:
    """Return the bugs of a seed that no test near them finds, in words."""
    reasons = tomllib.loads(HARMLESS.read_text("utf-8"))
    mutants, missed = draw(SOURCE, seed, count), []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for mutant, outcome in zip(
            mutants, pool.map(lambda drawn: try_bug(drawn, copies), mutants), strict=True
        ):
            edit = mutant.describe(mutant.path.read_text("utf-8")).removeprefix(f"{SOURCE}/")
            reason = reasons.get(edit.partition(" ")[2])
            harmless = reason is not None and outcome is not Outcome.FOUND
            print(f"{f'harmless: {reason}' if harmless else outcome:9}  {edit}", flush=True)
            if outcome is not Outcome.FOUND and not harmless:
                missed.append(edit)
    return missed


def main() -> int:
    """Run the bugs of the seeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, default=[1, 2, 3])
    parser.add_argument("--count", type=int, default=30, help="bugs of each seed")
    parser.add_argument("--least", type=int, default=LEAST_OF_30, help="found of 30, at least")
    asked = parser.parse_args()
    poor = False
    with tempfile.TemporaryDirectory(prefix="tidings-mutants-") as folder:
        copies = Copies(Path(folder), AT_ONCE)
        for seed in asked.seeds:
            missed = unfound(seed, asked.count, copies)
            found = asked.count - len(missed)
            print(f"seed {seed}: {found} of {asked.count} found")
            poor = poor or found * 30 < asked.least * asked.count
    return int(poor)


if __name__ == "__main__":
    sys.exit(main())
