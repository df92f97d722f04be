"""Time that a process was given: what waits and what works counts, what others take does not."""

import asyncio
import os
import signal
import subprocess
import sys
import time

from .own_time import own_time


def work(seconds: float) -> None:
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


async def test_a_wait_of_the_loop_counts() -> None:
    with own_time() as seconds:
        for _ in range(40):
            await asyncio.sleep(0.01)
    assert 0.2 <= seconds() <= 40 * 0.01 + 0.4


async def test_work_that_lets_no_tick_end_counts() -> None:
    with own_time() as seconds:
        work(0.2)
    assert seconds() >= 0.2 - 0.02


async def test_a_stall_is_one_tick() -> None:
    with own_time() as seconds:
        time.sleep(0.5)
        await asyncio.sleep(0)
    assert seconds() < 0.3


def test_a_wait_counts_where_no_loop_runs() -> None:
    with own_time() as seconds:
        time.sleep(0.5)
    assert seconds() >= 0.1
    assert seconds() == seconds(), "it has ended"


STOPPED = """
import time
from tests.loops.own_time import own_time
with own_time() as seconds:
    print("begun", flush=True)
    input()
print(seconds())
"""


def test_a_process_that_was_stopped_was_given_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "begun\n"
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(2.0)
        child.stdin.write("\n")
        child.stdin.flush()
        os.kill(child.pid, signal.SIGCONT)
        assert float(child.stdout.readline()) < 1.5
