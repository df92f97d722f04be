"""The command as a user runs it: a process of its own, behind a pipe or on a terminal."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import forked
from tests.e2e.harness.until import until

PROGRAM = [sys.executable, "-m", "tidings.cli"]
SECONDS = 120.0


@dataclass
class Done:
    """How a command ended, and what it said where."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[Any]:
        """NDJSON on stdout, read."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def row(self) -> Any:
        """The only line of it."""
        (found,) = self.rows
        return found

    def must(self, code: int = 0) -> "Done":
        """Itself, if it ended so."""
        assert self.code == code, f"{code} was expected, got {self.code}: {self.err}{self.out}"
        return self


class Command:
    """Runs `tidings` with an environment and a home of its own."""

    def __init__(self, home: Path, **environ: str) -> None:
        clean = {name: value for name, value in os.environ.items() if name[:8] != "TIDINGS_"}
        for name in ("XDG_CONFIG_HOME", "NO_COLOR", "COLUMNS"):
            clean.pop(name, None)
        self.home = home
        self.environ = clean | {"HOME": str(home), "TERM": "xterm-256color", "TZ": "UTC"} | environ

    def __call__(self, *arguments: str, stdin: str = "", **environ: str) -> Done:
        """Behind pipes, to its end."""
        command = [*PROGRAM, *arguments]
        done = forked.run(command, input=stdin, timeout=SECONDS, env=self.environ | environ)
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> "Running":
        """Behind pipes, and on its own until it is told to end."""
        return Running([*PROGRAM, *arguments], self.environ)

    def on_terminal(self, *arguments: str, columns: int = 120, **environ: str) -> "Terminal":
        """On a pseudo-terminal."""
        return Terminal([*PROGRAM, *arguments], self.environ | environ, columns)


class Running:
    """A command that goes on."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = forked.Popen(
            # Ctrl-C must reach it, though what started the tests in the background may ignore it.
            command if forked.program(command) else ["env", "--default-signal=INT", *command],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._said = {1: b"", 2: b""}
        assert self._process.stdout is not None and self._process.stderr is not None
        self._pipes = {self._process.stdout.fileno(): 1, self._process.stderr.fileno(): 2}
        for number in self._pipes:
            os.set_blocking(number, False)

    def _read(self) -> None:
        for number, which in self._pipes.items():
            while select.select([number], [], [], 0)[0] and (piece := os.read(number, 65536)):
                self._said[which] += piece

    @property
    def out(self) -> str:
        """What it has printed."""
        self._read()
        return self._said[1].decode()

    @property
    def err(self) -> str:
        """What it has said."""
        self._read()
        return self._said[2].decode()

    def says(self, text: str) -> None:
        """Wait until it says so on stderr."""
        until(lambda: text in self.err, f"{text!r} is said; it says {self.err!r}")

    def prints(self, lines: int) -> list[str]:
        """Its first lines on stdout, once there are so many."""
        until(lambda: self.out.count("\n") >= lines, f"{lines} lines; stderr: {self.err}")
        return self.out.splitlines()

    def end(self, number: int = signal.SIGINT) -> Done:
        """Send a signal, and wait for its end."""
        self._process.send_signal(number)
        return self.ended()

    def ended(self) -> Done:
        """Wait for its end."""
        deadline = time.monotonic() + SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            self._read()
            time.sleep(0.01)
        code = self._process.wait(120)
        return Done(code, self.out, self.err)

    def kill(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(120)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


class Terminal:
    """A command on a pseudo-terminal: what it writes there, and what is typed."""

    def __init__(self, command: list[str], environ: dict[str, str], columns: int) -> None:
        self._main, side = pty.openpty()
        size = environ | {"COLUMNS": str(columns), "LINES": "40"}
        self._process = forked.Popen(
            command, env=size, stdin=side, stdout=side, stderr=side, start_new_session=True
        )
        os.close(side)
        self._said = b""

    @property
    def pid(self) -> int:
        """Its process, and its group."""
        return self._process.pid

    @property
    def screen(self) -> str:
        """Everything that was written."""
        try:
            while select.select([self._main], [], [], 0)[0]:
                self._said += os.read(self._main, 65536)
        except OSError:
            pass  # its end: nobody has the other side open
        return self._said.decode().replace("\r\n", "\n")

    def shows(self, text: str) -> None:
        """Wait until it is on the screen."""
        until(lambda: text in self.screen, f"{text!r} is shown; there is {self.screen!r}")

    def type(self, text: str) -> None:
        """Type on its keyboard."""
        os.write(self._main, text.encode())

    def ended(self) -> Done:
        """Wait for its end."""
        until(lambda: (self.screen, self._process.poll() is not None)[1], "its end")
        said = self.screen
        os.close(self._main)
        return Done(self._process.wait(120), said, said)
