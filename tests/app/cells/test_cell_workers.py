"""A machine has a process for each cell that it is to own, whatever becomes of one of them."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.server.support import until
from tidings.app.cells.cell_workers import CellWorkers, WorkerStart
from tidings.app.cells.worker_ends import WorkerEnds
from tidings.core.cells.families import CellId

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
# Like the service: it says that it is there, ends in order when told to, and with its host.
OBEDIENT = """\
import os, signal, sys
place, cell = sys.argv[1:]
def say(what):
    with open(place, "a") as file:
        file.write(f"{what} {cell} {os.getpid()}\\n")
signal.signal(signal.SIGTERM, lambda *_: (say("ends"), os._exit(0)))
say("begins")
sys.stdin.read()
say("follows")
"""
ENDS = 'signal.signal(signal.SIGTERM, lambda *_: (say("ends"), os._exit(0)))'
DEAF = OBEDIENT.replace(ENDS, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
# It ends in order, and takes as long as a test wants.
SLOW = OBEDIENT.replace(
    ENDS,
    """def end(*_):
    say("told")
    while not os.path.exists(place + ".go"):
        time.sleep(0.01)
    say("ends")
    os._exit(0)
signal.signal(signal.SIGTERM, end)""",
).replace("import os,", "import os, time,")
# It ends once to take up its store anew, which is no failure.
AGAIN = """\
import os, sys
place, cell = sys.argv[1:]
if f"again {cell}" not in open(place).read():
    open(place, "a").write(f"again {cell} 0\\n")
    sys.exit(75)
"""
FAILING = "import sys; open(sys.argv[1], 'a').write(f'fails {sys.argv[2]} 0\\n'); sys.exit(3)"


class Machine:
    """Workers that write into a file what becomes of them."""

    def __init__(self, place: Path, *, stop_s: float = 120.0) -> None:
        self.place = place
        self.place.touch()
        self.scripts: dict[CellId, str] = {}
        self.failures: list[int] = []
        self.workers = CellWorkers(self._start_of, stop_s, self._delay_s)

    def _start_of(self, cell: CellId) -> WorkerStart:
        script = self.scripts.get(cell, OBEDIENT)
        return WorkerStart([sys.executable, "-S", "-c", script, str(self.place), str(cell)])

    def _delay_s(self, failures: int) -> float:
        self.failures.append(failures)
        return 0.01

    def happened(self, what: str, cell: CellId) -> list[int]:
        """List the processes of a cell to which something happened."""
        rows = [line.split() for line in self.place.read_text().splitlines()]
        return [int(pid) for word, number, pid in rows if (word, int(number)) == (what, cell)]


def is_there(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def begun(machine: Machine, *cells: CellId) -> Callable[[], bool]:
    return lambda: all(machine.happened("begins", cell) for cell in cells)


async def test_one_that_ends_to_take_up_its_store_anew_is_begun_again_at_once(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path / "log")
    machine.scripts[ONE] = AGAIN + OBEDIENT
    machine.workers.want((ONE, TWO))
    await until(begun(machine, ONE, TWO), "both")
    assert machine.happened("again", ONE) == [0]
    assert not machine.failures and len(machine.happened("begins", TWO)) == 1
    await machine.workers.close()


async def test_each_cell_that_is_wanted_has_one_process(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "log")
    for wanted in ((ONE,), (ONE, TWO), (TWO, ONE)):
        machine.workers.want(wanted)
    await until(begun(machine, ONE, TWO), "both")
    assert machine.workers.running.keys() == {ONE, TWO}
    assert [len(machine.happened("begins", cell)) for cell in (ONE, TWO)] == [1, 1]
    machine.workers.want((TWO,))
    await until(lambda: bool(machine.happened("ends", ONE)), "the end of what nobody wants")
    await machine.workers.close()
    assert machine.happened("ends", TWO) == machine.happened("begins", TWO)
    assert not machine.workers.running and not machine.failures


def begins(machine: Machine, cell: CellId, count: int) -> Callable[[], bool]:
    """Ask whether a cell's process has begun so often."""
    return lambda: len(machine.happened("begins", cell)) == count


async def test_one_that_dies_is_begun_anew_and_the_others_hear_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "log")
    machine.workers.want((ONE, TWO))
    await until(begun(machine, ONE, TWO), "both")
    for count in range(1, 4):
        os.kill(machine.workers.running[ONE], signal.SIGKILL)
        await until(begins(machine, ONE, count + 1), "another one")
    assert machine.failures == [1, 2, 3]
    assert len(machine.happened("begins", TWO)) == 1
    await machine.workers.close()


async def test_one_that_fails_or_cannot_be_started_is_tried_later_each_time(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path / "log")
    machine.scripts[ONE] = FAILING
    machine.workers.want((ONE,))
    await until(lambda: len(machine.failures) >= 3, "three failures")
    assert machine.failures[:3] == [1, 2, 3]
    await machine.workers.close()
    started: list[CellId] = []

    def nothing(cell: CellId) -> WorkerStart:
        started.append(cell)
        return WorkerStart([str(tmp_path / "nothing")])

    workers = CellWorkers(nothing, 120.0, lambda failures: 0.01)
    workers.want((ONE,))
    await until(lambda: len(started) >= 3, "three tries")
    await workers.close()


def test_the_same_reason_is_logged_once_a_minute_and_another_one_at_once() -> None:
    passed_s = [0.0]
    ends = WorkerEnds(lambda: passed_s[0])
    with capture_logs() as logged:
        for second in range(150):
            passed_s[0] = float(second)
            ends.note(ONE, "there is none", 1.0)
            if second == 70:
                ends.note(TWO, "it is another one", 1.0)
        assert [line["cell"] for line in logged] == [ONE, ONE, TWO, ONE]
        ends.note(ONE, "it was killed", 1.0)
        ends.note(ONE, "there is none", 1.0)
        ends.forget(ONE)
        ends.note(ONE, "there is none", 1.0)
    reasons = [line["reason"] for line in logged[4:]]
    assert reasons == ["it was killed", "there is none", "there is none"]


async def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "log", stop_s=0.05)
    machine.scripts[ONE] = DEAF
    machine.workers.want((ONE, TWO))
    await until(begun(machine, ONE, TWO), "both")
    pids = machine.workers.running.values()
    await machine.workers.close()
    assert not any(map(is_there, pids))
    assert not machine.happened("ends", ONE)


async def test_one_that_is_wanted_again_waits_for_the_end_of_the_former(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "log")
    machine.workers.want((ONE,))
    await until(begun(machine, ONE), "the first")
    machine.workers.want(())
    machine.workers.want((ONE,))
    await until(lambda: len(machine.happened("begins", ONE)) == 2, "the second")
    words = [line.split()[0] for line in machine.place.read_text().splitlines()]
    assert words == ["begins", "ends", "begins"]
    await machine.workers.close()


@pytest.mark.parametrize("turns", [0, 5])
async def test_one_that_still_ends_is_waited_for_also_where_its_cell_was_wanted_meanwhile(
    tmp_path: Path, turns: int
) -> None:
    """A host that has ended has no process left that could not tell the map of its own end."""
    machine = Machine(tmp_path / "log")
    machine.scripts[ONE] = SLOW
    machine.workers.want((ONE,))
    await until(begun(machine, ONE), "the first")
    machine.workers.want(())
    await until(lambda: bool(machine.happened("told", ONE)), "that it is told to end")
    machine.workers.want((ONE,))
    for _ in range(turns):  # by which the next one waits for it, or has not even begun to
        await asyncio.sleep(0)
    machine.workers.want(())
    machine.workers.want((ONE,))
    closing = asyncio.create_task(machine.workers.close())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not closing.done() and len(machine.happened("begins", ONE)) == 1
    machine.place.with_suffix(".go").touch()
    await closing
    assert machine.happened("ends", ONE) == machine.happened("begins", ONE)


async def test_what_is_wanted_no_more_before_it_has_started_is_not_left_over(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path / "log")
    machine.workers.want((ONE, TWO, THREE))
    await asyncio.sleep(0)
    await machine.workers.close()
    cells = (ONE, TWO, THREE)
    assert not any(is_there(pid) for cell in cells for pid in machine.happened("begins", cell))
    assert not machine.workers.running


def test_workers_end_with_their_host(tmp_path: Path) -> None:
    place = tmp_path / "log"
    host = os.fork()
    if not host:  # dies without a word once its workers are there

        async def run() -> None:
            machine = Machine(place)
            machine.workers.want((ONE, TWO))
            await until(begun(machine, ONE, TWO), "both")
            os.kill(os.getpid(), signal.SIGKILL)

        try:
            asyncio.run(run())
        finally:
            os._exit(1)
    os.waitpid(host, 0)
    machine = Machine(place)

    async def follow() -> None:
        await until(lambda: all(machine.happened("follows", cell) for cell in (ONE, TWO)), "both")

    asyncio.run(follow())
