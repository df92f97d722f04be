"""Starting our programs without waiting for the interpreter to import them each time.

The tests start the service, the commands and the store's processes more than a thousand times, and
most of such a start is imports. One process per test worker has imported everything; it forks the
program. What comes of it is a process like any other, with its own memory, files and signals, and
is killed for real. With `TIDINGS_TESTS_FRESH=1` every program is started by the system instead
(`make test-systems` does that), as it always is where a command is wrapped or is not ours.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])

from tests.chosen_store import on_postgres
from tests.cost import children

SCRIPT = str(Path(sys.executable).with_name("tidings"))
MODULE = [sys.executable, "-m"]
OURS = "tidings."
FRESH = "TIDINGS_TESTS_FRESH"
MESSAGE_BYTES = 1 << 20
FILES_MAX = 16
Limits = Sequence[tuple[int, int, int]]
"""Of a process: the resource as `resource` numbers it, its soft limit, its hard limit."""

PRELOADED = (
    "tidings.app.service",
    "tidings.store.sqlite.process",
    "tidings.demo",
)
PRELOADED_ON_POSTGRES = ("tidings.store.postgres.process",)  # elsewhere nothing has its driver
PRELOADED_ALL_OF = "tidings.cli"  # its commands are imported when they are run


def program(command: list[str]) -> list[str] | None:
    """The module to run as `__main__` and its words, if the command can be forked."""
    if os.environ.get(FRESH):
        return None
    words = [str(word) for word in command]
    if words[:1] == [SCRIPT]:
        return ["tidings.cli", *words[1:]]
    if words[:2] == MODULE and words[2].startswith(OURS):
        return words[2:]
    return None


class Popen(subprocess.Popen[Any]):
    """`subprocess.Popen` whose process is forked where it can be, and has limits of its own."""

    _forked = False

    def __init__(self, args: list[str], *, limits: Limits = (), **how: Any) -> None:
        self._limits = limits
        if limits:
            how["preexec_fn"] = lambda: _bound(limits)
        super().__init__(args, **how)

    # The signature is the base class's, which is private; that is why it is not spelt out.
    def _execute_child(self, args: list[str], *rest: Any) -> None:
        (_, _, _, pass_fds, cwd, env, _, _, shell, *ends) = rest
        ours = None if shell else program(args)
        if ours is None:
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = ends[:6]
        start_new_session = ends[-2]
        files = {number: number for number in pass_fds}
        files |= {0: p2cread, 1: c2pwrite, 2: errwrite}
        given = {at: place if place >= 0 else at for at, place in files.items()}
        self.pid = _Zygote.of_this_process().start(
            {
                "program": ours,
                "cwd": str(cwd) if cwd else os.getcwd(),
                "env": dict(os.environ if env is None else env),
                "session": bool(start_new_session),
                "limits": list(self._limits),
                "files": list(given),
            },
            list(given.values()),
        )
        self._forked = self._child_created = True
        for place, other in ((p2cread, p2cwrite), (c2pwrite, c2pread), (errwrite, errread)):
            if place >= 0 and other >= 0:
                os.close(place)

    def _internal_poll(self, *rest: Any, **more: Any) -> int | None:
        if not self._forked:
            return super()._internal_poll(*rest, **more)  # type: ignore[misc, no-any-return]
        if self.returncode is None:
            self.returncode = _Zygote.of_this_process().ended(self.pid)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        if not self._forked:
            return super()._wait(timeout)  # type: ignore[misc, no-any-return]
        until = None if timeout is None else time.monotonic() + timeout
        while self._internal_poll() is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            _Zygote.of_this_process().wait(0.05)
        return self.returncode


def run(
    command: list[str], *, input: str | None = None, timeout: float, **how: Any
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run(…, capture_output=True, text=True, check=False)`."""
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if input is None else pipe
    with Popen(command, stdin=stdin, stdout=pipe, stderr=pipe, text=True, **how) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def pid_of_forker() -> int | None:
    """Return the process that forks for this one; None where none was needed so far."""
    return _Zygote._only.pid if _Zygote._only is not None else None


class _Zygote:
    """The line to the process that forks."""

    _only: ClassVar["_Zygote | None"] = None
    _making = threading.Lock()

    @classmethod
    def of_this_process(cls) -> "_Zygote":
        with cls._making:
            if cls._only is None:
                cls._only = cls()
            return cls._only

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._codes: dict[int, int] = {}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno()), children.ROOM],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        atexit.register(self._end)

    @property
    def pid(self) -> int:
        """The process that forks."""
        return self._process.pid

    def _end(self) -> None:
        self._line.close()
        self._process.wait(120)

    def start(self, order: dict[str, Any], files: list[int]) -> int:
        """The pid of the forked program."""
        with self._lock:
            socket.send_fds(self._line, [json.dumps(order).encode()], files)
            while "pid" not in (said := self._read()):
                pass
            self._codes.pop(said["pid"], None)  # of one that ended before, and had the same number
            return int(said["pid"])

    def ended(self, pid: int) -> int | None:
        """Its exit code as `Popen.returncode`, once it has ended."""
        with self._lock:
            while pid not in self._codes and _readable(self._line, 0.0):
                self._read()
            return self._codes.get(pid)

    def wait(self, seconds: float) -> None:
        """Until there is something to be known, or so long."""
        _readable(self._line, seconds)

    def _read(self) -> dict[str, int]:
        piece = self._line.recv(MESSAGE_BYTES)
        assert piece, "the process that forks is gone"
        said: dict[str, int] = json.loads(piece)
        if "ended" in said:
            self._codes[said["ended"]] = said["code"]
        return said


def _readable(line: socket.socket, seconds: float) -> bool:
    with selectors.PollSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        return bool(selector.select(seconds))


def _serve(line: socket.socket) -> None:
    """Fork what is asked for, and tell of each end, until nobody asks any longer.

    Returns in the forked process, as the program that it shall be.
    """
    woken, wakes = os.pipe()
    running: set[int] = set()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.PollSelector()
    selector.register(line, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                with suppress(BlockingIOError):
                    os.read(woken, 4096)
                _tell_ends(line, running)
                continue
            piece, files, _, _ = socket.recv_fds(line, MESSAGE_BYTES, FILES_MAX)
            if not piece:  # whoever asked has ended, or was killed: nobody else ends these
                for pid in running:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                os._exit(0)
            order = json.loads(piece)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                selector.close()
                for number in (line.detach(), woken, wakes):
                    os.close(number)
                _become(order, files)
                return
            running.add(pid)
            for number in files:
                os.close(number)
            line.send(json.dumps({"pid": pid}).encode())


def _tell_ends(line: socket.socket, running: set[int]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            code = os.waitstatus_to_exitcode(status)
            running.discard(pid)
            with suppress(BrokenPipeError):
                line.send(json.dumps({"ended": pid, "code": code}).encode())


def _bound(limits: Limits) -> None:
    for resource_, soft, hard in limits:
        resource.setrlimit(resource_, (soft, hard))


def _become(order: dict[str, Any], files: list[int]) -> None:
    if order["session"]:
        os.setsid()
    _bound(order["limits"])
    # First out of the way of the numbers that they shall have.
    above = max(*order["files"], *files) + 1
    high = [fcntl.fcntl(number, fcntl.F_DUPFD, above) for number in files]
    for number in files:
        os.close(number)
    for wanted, number in zip(order["files"], high, strict=True):
        os.dup2(number, wanted)
        os.close(number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    time.tzset()
    sys.argv = order["program"]
    children.fork_children(_run)


def _run() -> None:
    """The program, and its end as the interpreter would make it, without taking apart every module
    that was imported: that takes longer than most commands."""
    warnings.filterwarnings("ignore", module="runpy")  # that it was imported before: so it was
    code = 0
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as exit_:
        if isinstance(exit_.code, str):
            print(exit_.code, file=sys.stderr)
        code = int(bool(exit_.code)) if not isinstance(exit_.code, int) else exit_.code
    except KeyboardInterrupt:
        traceback.print_exc()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        code = 1
    # Pools of threads are told to end, then all are joined.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except ValueError:
            pass  # closed by the program
        except OSError:
            code = 120
    os._exit(code & 0xFF)


def _preload() -> None:
    commands = pkgutil.iter_modules(importlib.import_module(PRELOADED_ALL_OF).__path__)
    names = [
        f"{PRELOADED_ALL_OF}.{command.name}" for command in commands if command.name != "__main__"
    ]
    of_store = PRELOADED_ON_POSTGRES if on_postgres() else ()
    for name in (*PRELOADED, *of_store, *names):
        importlib.import_module(name)
    # Only this process needs them; what they keep for all is in every program that it forks.
    from tests.api.one_app import the_one  # noqa: PLC0415
    from tests.cost import once  # noqa: PLC0415
    from tests.store.migrated import copy_migrated  # noqa: PLC0415
    from tidings.catalogue import load  # noqa: PLC0415
    from tidings.engine.access.passwords import Passwords  # noqa: PLC0415

    copy_migrated()
    once.keep_path_patterns()
    load().prepare_all()
    the_one()  # models of requests and answers are made when the first application is
    Passwords()
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _preload()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    _run()
