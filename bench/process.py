"""Processes of a run: started, stopped, and counted with all their children, from /proc."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS_MAX = 20.0
QUIET_WINDOW_SECONDS = 0.5
QUIET_SHARE_MAX = 0.05
FIRST_PORT, PORT_BLOCKS, PORTS_EACH = 2_000, 90, 100
_ports = itertools.count()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree has used since it began."""

    cpu_seconds: float = 0.0
    written_bytes: int = 0
    rss_bytes: int = 0

    def since(self, before: "Usage") -> "Usage":
        return Usage(
            self.cpu_seconds - before.cpu_seconds,
            self.written_bytes - before.written_bytes,
            self.rss_bytes,
        )


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on (the name before it may hold anything)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree_of(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(stat_fields(int(name))[1]), []).append(int(name))
            except (OSError, IndexError):
                continue  # it ended while we looked
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def usage_of(root: int) -> Usage:
    """CPU, bytes written and resident memory of the tree.

    Children that have ended are in their parent's cutime, cstime and io: no work is forgotten.
    """
    ticks = written = rss = 0
    for pid in tree_of(root):
        try:
            fields = stat_fields(pid)
            io = Path(f"/proc/{pid}/io").read_text()
        except OSError:
            continue
        ticks += sum(int(fields[index]) for index in (11, 12, 13, 14))
        rss += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        written += int(io.partition("\nwrite_bytes:")[2].split()[0])
    return Usage(ticks / TICKS_PER_SECOND, written, rss)


@contextlib.contextmanager
def on_cores(cores: frozenset[int] | None) -> Iterator[None]:
    """Children begun inside run on these cores only; None leaves them free."""
    before = os.sched_getaffinity(0)
    if cores:
        os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine_seconds() -> tuple[float, float]:
    """Processor seconds that the machine has been busy, and those that its host took away."""
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, stolen = map(int, stat.readline().split()[1:9])
    busy = user + nice + system + irq + softirq
    return busy / TICKS_PER_SECOND, stolen / TICKS_PER_SECOND


def wait_until_quiet(patience_seconds: float) -> None:
    """Give others on this machine the chance to finish; go on when patience is over."""
    deadline = time.monotonic() + patience_seconds
    while time.monotonic() < deadline:
        busy, ours = machine_seconds()[0], usage_of(os.getpid()).cpu_seconds
        time.sleep(QUIET_WINDOW_SECONDS)
        others = machine_seconds()[0] - busy - (usage_of(os.getpid()).cpu_seconds - ours)
        if others <= QUIET_SHARE_MAX * QUIET_WINDOW_SECONDS * (os.cpu_count() or 1):
            return


def _of_others() -> dict[str, str]:
    """Return what programs find around them, but for settings that were meant for this one."""
    return {name: text for name, text in os.environ.items() if not name.startswith("TIDINGS_")}


class Process:
    """One process that we started, in its own session, so that the whole of it can be stopped."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        piped: bool = False,
        cores: frozenset[int] | None = None,
    ) -> None:
        self.name = " ".join(command[:4])
        self.log = log
        self._log_file: IO[bytes] | None = log.open("ab") if log else None
        pipe = subprocess.PIPE if piped else None
        with on_cores(cores):
            self.popen = subprocess.Popen(
                command,
                env={**_of_others(), **(env or {})},
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or self._log_file,
                stderr=self._log_file,
                start_new_session=True,
            )
        self.pid = self.popen.pid

    def usage(self) -> Usage:
        return usage_of(self.pid)

    def running(self) -> bool:
        return self.popen.poll() is None

    def output(self) -> str:
        """The end of what it logged, for an error text."""
        if self.log is None or not self.log.exists():
            return ""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(
        self, number: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS_MAX
    ) -> float:
        """Ask it to end, and make sure of the whole tree; the seconds that took."""
        started = time.monotonic()
        tree = tree_of(self.pid) if self.running() else []
        if self.running():
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        for pid in tree[1:]:
            _kill_own(pid, self.pid)
        self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self._log_file):
            if stream is not None:
                stream.close()
        return time.monotonic() - started


def _kill_own(pid: int, session: int) -> None:
    """End what is left of a session of ours; a number given to another process since is safe."""
    try:
        if int(stat_fields(pid)[3]) == session:
            os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def free_port() -> int:
    """Return a port far below those that the system hands out by itself, and apart from those of
    other processes: nothing takes it before it is bound."""
    first = FIRST_PORT + os.getpid() % PORT_BLOCKS * PORTS_EACH
    while True:
        port = first + next(_ports) % PORTS_EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def wait_for_port(port: int, process: Process, seconds: float = 120.0) -> None:
    """Until something listens on the port; an error if the process ends before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.running():
            raise RuntimeError(
                f"{process.name} ended with {process.popen.returncode}:\n{process.output()}"
            )
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(
        f"{process.name} did not listen on port {port} within {seconds:.0f} s:\n{process.output()}"
    )
