"""Whoever runs the tests ends them however, and nothing of what they started runs on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import forked, left_running

ROOT = Path(__file__).parents[1]
STARTS = """
import sys, time
from collections.abc import Callable
from pathlib import Path
from tests.e2e.harness.service import ServiceProcess
service = ServiceProcess(Path(sys.argv[1]) / "store").start()
print(service.pid, *(service.store_child(role).pid for role in ("write", "read")), flush=True)
time.sleep(60)
"""


def test_what_a_killed_worker_had_started_is_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS, str(tmp_path)]
    usual = {name: value for name, value in os.environ.items() if name != forked.FRESH}
    with subprocess.Popen(command, cwd=ROOT, env=usual, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        started = [psutil.Process(int(pid)) for pid in worker.stdout.readline().split()]
        assert len(started) == 3 and all(process.is_running() for process in started)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        left = psutil.wait_procs(started, 30)[1]
        # One that nobody has waited for yet has ended too.
        assert {process.status() for process in left} <= {psutil.STATUS_ZOMBIE}


LEAVES = """
import subprocess, sys
from tests import left_running
left_running.ENDING_S = 0.2
def test_a() -> None:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    if {ends}:
        program.kill()
        program.wait()
"""


@pytest.mark.parametrize("ends", [True, False])
def test_a_run_whose_tests_leave_a_program_running_fails_and_names_it(
    tmp_path: Path, ends: bool
) -> None:
    (tmp_path / "test_leaves.py").write_text(LEAVES.format(ends=ends), "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", os.devnull]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == (0 if ends else 1)
    assert ("Tests must end the programs that they start" in done.stdout) is not ends
    assert ("time.sleep(60)" in done.stdout) is not ends


def test_a_program_that_runs_on_is_found_and_one_that_ends_is_not() -> None:
    asleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(asleep) as one, subprocess.Popen([sys.executable, "-c", ""]) as other:
        other.wait()
        until_s = time.monotonic() + 10
        while one.pid not in left_running._marked({os.getpid()}):
            assert time.monotonic() < until_s
        left = left_running._marked({os.getpid()})
        assert "time.sleep(60)" in left[one.pid]
        assert other.pid not in left
        left_running.end_programs({one.pid: left[one.pid]})
        assert one.wait(120) == -signal.SIGKILL


@pytest.mark.parametrize("signals", [os.kill, os.killpg])
@pytest.mark.parametrize("pid", [0, 1, -1])
def test_a_signal_to_the_own_group_or_to_all_is_refused(
    signals: Callable[[int, int], None], pid: int
) -> None:
    with pytest.raises(ValueError, match=f"got the id {pid}"):
        signals(pid, 0)  # the number that does no harm, where it is not refused
