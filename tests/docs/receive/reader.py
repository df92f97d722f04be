"""A reader: writes the files of a page, types its commands, and looks at what is shown."""

import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests import forked
from tests.docs.receive.pages import Block, files
from tests.docs.receive.terminal import terminal_environ
from tests.e2e.harness.api import FINAL
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess, free_port
from tests.e2e.harness.until import until

SECONDS = 120.0
FETCHES_S = 200.0
"""For Maven, which brings what it works with as well."""
# The network, or another checkout: what they bring is there. `make wheel` has a test of its own.
NOT_TYPED = ("make ", "pip install ", "python3 -m venv ", "source ")
SERVERS = (
    "python receiver.py",
    "node ",
    "java ",
    "go run ",
    "uvicorn ",
    "flask ",
    "python manage.py runserver ",
)


class Reader:
    """Sits in a directory of its own, with a service; what a page calls 8000 is a free port."""

    def __init__(self, directory: Path, service: ServiceProcess) -> None:
        self.directory = directory
        self.port = free_port()
        self.shown: list[str] = []
        """What commands have printed, in turn."""
        self.signed_in = False
        self._service = service
        self.environ = terminal_environ(
            directory,
            GOFLAGS="-modcacherw",  # what it fetches can be taken away again
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",  # what a reader has not installed
        )
        self._log = directory / "shown.log"
        self._server: subprocess.Popen[bytes] | None = None

    def write(self, blocks: list[Block]) -> None:
        """Write every file that the blocks name."""
        for name, text in files(blocks).items():
            path = self.directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(self._here(text), "utf-8")

    def follow(self, blocks: list[Block]) -> None:
        """Write files and type commands in the order of the page."""
        for block in blocks:
            self.write([block])
            for command in block.commands:
                self.type(command)

    def type(self, command: str) -> None:
        """Type one command."""
        if command.startswith(NOT_TYPED):
            return
        words = shlex.split(self._here(command))
        if words[0] == "export":
            assert words[1].partition("=")[0] in self.environ, command
        elif command.startswith(SERVERS):
            self.serve(words)
        else:
            self.shown.append(self.run(words))

    def run(self, words: list[str]) -> str:
        """Run a command to its end; what it has printed. It must not fail."""
        told = None
        if words[:2] == ["tidings", "login"]:
            told, self.signed_in = f"{KEY}:{SECRET}\n", True
        words = [forked.SCRIPT, *words[1:]] if words[0] == "tidings" else words
        seconds = FETCHES_S if words[0] == "mvn" else SECONDS
        how: dict[str, Any] = {"cwd": self.directory, "env": self.environ, "timeout": seconds}
        done = forked.run(words, input=told, **how)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        if words[1:3] == ["webhooks", "create"]:
            found = re.search(r"whsec_\S+", done.stdout)
            assert found is not None, done.stdout
            self.environ["WEBHOOK_SECRET"] = found[0]
        return done.stdout

    def serve(self, words: list[str]) -> None:
        """Start a server, and wait until it listens."""
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                words,
                cwd=self.directory,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._listens, f"a server on port {self.port}; {self.served()}")

    def _listens(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, self.served()
        tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]  # a JVM listens in the second
        rows = [
            row.split()  # a try to connect could disturb it
            for table in tables
            if table.exists()
            for row in table.read_text("ascii").splitlines()
        ]
        return any(row[1].endswith(f":{self.port:04X}") and row[3] == "0A" for row in rows)

    def served(self) -> str:
        """What the server has shown."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def sees(self, text: str) -> None:
        """Wait until the server has shown it, as a line."""
        until(lambda: text in self.served().splitlines(), f"{text!r} in {self.served()!r}")

    def python(self, script: str) -> str:
        """Run a script in the directory; what it has printed."""
        return self.run([sys.executable, "-c", textwrap.dedent(script)])

    def delivery_of(self, shown: str, states: tuple[str, ...] = FINAL) -> dict[str, Any]:
        """What became of the event that `tidings trigger` has shown."""
        with self._service.api() as api:
            return api.settled(shown.split(maxsplit=1)[0], states=states)

    def leave(self) -> None:
        """Stop the server."""
        if self._server is not None:
            os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait(120)

    def _here(self, text: str) -> str:
        text = re.sub(r"\b8080\b", str(self._service.port), text)
        return re.sub(r"\b8000\b", str(self.port), text)
