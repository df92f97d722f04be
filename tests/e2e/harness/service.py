"""The service as an operator runs it: started, stopped, killed, and started again."""

import fcntl
import os
import random
import resource
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import psutil

from tests import forked

from .api import Api
from .store.database import let_go, store_settings
from .until import PATIENCE_S, until

ORG, KEY, SECRET = 2001, "boss", "s3cret-of-the-tests"

FIRST_PORT, END_PORT, BLOCK = 12_000, 32_000, 50
STORE_PROCESSES = ("tidings.store.sqlite.process", "tidings.store.postgres.process")


class PortBlocks:
    """Ports that nobody else of the tests on this machine is given while this process runs.

    A program binds its port some seconds after it was found free, and again whenever it is started
    anew; beside other tests it could be another's by then. So each process has blocks of ports of
    its own, as long as it holds the locks on their files, and gives no port twice. They lie below
    those that the system hands out by itself.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._locks: list[TextIO] = []
        self._block = iter(range(0))
        self._taking = threading.Lock()

    def take(self) -> int:
        """Return the next one that nothing has bound."""
        with self._taking:
            while True:
                for port in self._block:
                    if _is_free(port):
                        return port
                self._block = iter(self._lock_block())

    def _lock_block(self) -> range:
        self._place.mkdir(exist_ok=True)
        firsts = range(FIRST_PORT, END_PORT, BLOCK)
        for first in random.SystemRandom().sample(firsts, len(firsts)):
            lock = (self._place / str(first)).open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._locks.append(lock)
            return range(first, first + BLOCK)
        raise AssertionError(f"tests that run have all ports from {FIRST_PORT} to {END_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_PORTS = PortBlocks(Path(tempfile.gettempdir()) / f"tidings-ports-of-tests-{os.getuid()}")


def free_port() -> int:
    """Return a port that is this process's alone, of those in which nothing listens."""
    return _PORTS.take()


def environment(**settings: object) -> dict[str, str]:
    """Nothing of the caller's settings, and these instead."""
    kept = {name: value for name, value in os.environ.items() if name[:8] != "TIDINGS_"}
    return kept | {f"TIDINGS_{name.upper()}": str(value) for name, value in settings.items()}


class ServiceProcess:
    """`tidings serve --dev` on one data directory; its children live in its process group."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        wrap: tuple[str, ...] = (),
        limits: forked.Limits = (),
        **settings: object,
    ) -> None:
        self.data = data
        self.log = data.parent / f"{data.name}.log"
        self.port = port or free_port()
        self.wrap = wrap
        self._limits = limits
        self._dev = bool(settings.pop("dev", True))
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self, *options: str) -> None:
        """Start the program, and do not wait."""
        command = [*self.wrap, forked.SCRIPT, "serve"]
        command += ["--dev"] if self._dev else []
        command += ["--data", str(self.data), "--port", str(self.port), *options]
        bootstrap = {"bootstrap_org": ORG, "bootstrap_key": KEY, "bootstrap_secret": SECRET}
        let_go(self.data)
        with self.log.open("ab") as log:
            self._process = forked.Popen(
                command,
                limits=self._limits,
                env=environment(**bootstrap | store_settings(self.data) | self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> "ServiceProcess":
        """Start it, and wait until it is ready."""
        self.launch()
        until(self._ready, f"a ready service; it says: {self.words()}")
        return self

    def _ready(self) -> bool:
        code = self.running.poll()
        assert code is None, f"the service ended with code {code}: {self.words()}"
        try:
            with Api(self.port) as api:
                return api.get("/readyz").status == 200
        except OSError:
            return False

    @property
    def running(self) -> "subprocess.Popen[bytes]":
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def pid(self) -> int:
        """The main process."""
        return self.running.pid

    def words(self) -> str:
        """The end of what it has said."""
        return self.log.read_text("utf-8", "replace")[-2000:] if self.log.exists() else ""

    def errors(self) -> list[str]:
        """List the lines of its log that report a fault of its own."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return [line for line in lines if '"level": "error"' in line or '"level":"error"' in line]

    def store_child(self, role: str) -> psutil.Process:
        """The store's child process: `write` or `read`."""
        for child in psutil.Process(self.pid).children(recursive=True):
            line = child.cmdline()
            if role in line and any(module in line for module in STORE_PROCESSES):
                return child
        raise AssertionError(f"no {role} process of the store")

    def api(self, org: int | None = None) -> Api:
        """A client with the platform's credential."""
        return Api(self.port, f"{KEY}:{SECRET}", org)

    def signal(self, number: int) -> None:
        """To the main process alone."""
        self.running.send_signal(number)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended by itself."""
        return self.running.wait(seconds)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill_all(self) -> None:
        """SIGKILL the whole process group, as an out-of-memory killer or a power cut would."""
        os.killpg(self.pid, signal.SIGKILL)
        self.running.wait(PATIENCE_S)
        until(lambda: not _group(self.pid), "the end of its process group")

    @contextmanager
    def without_room(self, room: int = 0) -> Iterator[None]:
        """Have the kernel refuse what the store's process writes to a file (EFBIG): all of it, or
        what goes so many bytes beyond the longest of its files."""
        pid = self.store_child("write").pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        longest = max(file.stat().st_size for file in self.data.rglob("*") if file.is_file())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (longest + room if room else 0, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    def end(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self._process is not None and _group(self.pid):
            self.kill_all()


def _group(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return any(
        process.info["status"] != psutil.STATUS_ZOMBIE and _pgid(process.pid) == leader
        for process in psutil.process_iter(["status"])
    )


def _pgid(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
