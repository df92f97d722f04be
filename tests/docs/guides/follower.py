"""Somebody who follows a guide: types its commands, and compares what they show with the page."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests import forked
from tests.docs.guides.guide_page import OtherTerminal, SavedFile, Step, Work, work_of
from tests.docs.guides.shown_lines import SITE, filled, missing_line
from tests.docs.receive.terminal import terminal_environ
from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import until

SECONDS = 120.0
SETTLES_S = 30.0
"""For what a command shows once the service has done its part: who looks at once looks again."""
NOBODY = ("\0",)
_SHELL = re.compile(r"[|<>;&]|\$\(")
_LOOKS = {"list", "show", "log", "rejected", "preview", "doctor", "lag", "curl"}

_WAIT = ("Send it again in", "(cell_not_open, ")
"""Refusals after which the guides have their readers try again."""


class Follower:
    """Sits in a directory of its own, beside a service; what a page calls 8000 is a free port."""

    def __init__(self, directory: Path, port: int, **environ: str) -> None:
        self.directory = directory
        self.site = f"http://127.0.0.1:{port}"
        self.receiver_port = free_port()
        self.output = ""
        """All that was shown so far."""
        self.typed: list[str] = []
        self.places: dict[str, str] = {}
        """What stands for paths of the page."""
        self._beside: list[subprocess.Popen[bytes]] = []
        self._logs: list[Path] = []  # of the commands that run beside the others, one of each
        (directory / ".curlrc").write_text("silent\nshow-error\n", "utf-8")  # as on a terminal
        self.environ = terminal_environ(directory, COLUMNS="100", TIDINGS_URL=self.site, **environ)

    def follow(
        self,
        text: str,
        passes_over: tuple[str, ...] = (),
        before: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        """Do what the page says, but for commands that begin with one of `passes_over`; `before`
        has what happens to the service ahead of the command that begins so."""
        for work in work_of(text):
            if isinstance(work, Step):
                for start, happens in (before or {}).items():
                    if work.command.startswith(start):
                        happens()
                if work.command.startswith(passes_over or NOBODY):
                    continue
            self.do(work)

    def do(self, work: Work) -> None:
        """Save a file, type a command, or look at the other terminal."""
        if isinstance(work, SavedFile):
            path = self.directory / work.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.here(work.text), "utf-8")
        elif isinstance(work, OtherTerminal):
            until(
                lambda: missing_line(work.shown, self._as_written(self.beside())) is None,
                f"{work.shown} in the other terminal; see the logs in {self.directory}",
            )
        else:
            self._take(work)

    def _take(self, step: Step) -> None:
        command = self.here(step.command)
        deadline = time.monotonic() + SETTLES_S
        while True:
            code, shown = self.type(command)
            missing = missing_line(step.shown, self._as_written(shown))
            if missing is None and (code == 0 or step.shown):
                break
            again = not _LOOKS.isdisjoint(command.split())
            again = again or any(words in shown for words in _WAIT)
            assert again and time.monotonic() < deadline, (
                f"{command}\nmust show: {missing}\nends with {code} and shows:\n{shown}"
            )
            time.sleep(0.2)
        self.output += shown
        self.typed.append(step.command)

    def type(self, command: str) -> tuple[int, str]:
        """Type a command; its exit code, and what it has printed."""
        words = shlex.split(self._expanded(command))
        if words[0] == "export":
            return self._export(command)
        if words[0] == "cd":
            self.directory = self.directory / words[1]
            return 0, ""
        if command.endswith(" &"):
            return self._begin(command.removesuffix(" &"))
        plain = words[0] == "tidings" and not _SHELL.search(command)
        run = forked.run if plain else _run
        spoken = [forked.SCRIPT, *words[1:]] if plain else ["bash", "-c", command]
        done = run(spoken, timeout=SECONDS, cwd=self.directory, env=self.environ)
        return done.returncode, done.stdout + done.stderr

    def _export(self, command: str) -> tuple[int, str]:
        done = _run(
            ["bash", "-ec", f"{command}\nenv -0"],
            timeout=SECONDS, cwd=self.directory, env=self.environ,
        )  # fmt: skip
        if done.returncode == 0:
            rows = (row.partition("=") for row in done.stdout.split("\0") if row)
            self.environ = {name: value for name, _, value in rows}
        return done.returncode, done.stderr

    def _begin(self, command: str) -> tuple[int, str]:
        """Start a command that runs beside the others, and wait for its first sign of life."""
        words = shlex.split(self._expanded(command))
        own_log = self.directory / f"other-terminal-{len(self._logs)}.log"
        self._logs.append(own_log)
        with own_log.open("wb") as log:
            beside = forked.Popen(
                [forked.SCRIPT, *words[1:]] if words[0] == "tidings" else words,
                cwd=self.directory, env=self.environ, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self._beside.append(beside)
        if words[0] == "tidings":
            sign = "listens on" if words[1] == "serve" else "\n"
            until(lambda: sign in own_log.read_text("utf-8", "replace"), f"{command} runs")
        else:
            port = re.search(r"--listen 127\.0\.0\.1:(\d+)", command)
            until(
                lambda: _is_bound(int(port[1]) if port else self.receiver_port), f"{command} runs"
            )
        return 0, ""

    def beside(self) -> str:
        """What the commands that run beside the others have shown."""
        return "".join(log.read_text("utf-8", "replace") for log in self._logs)

    def leave(self) -> None:
        """End what still runs."""
        for beside in self._beside:
            if beside.poll() is None:
                os.killpg(beside.pid, signal.SIGKILL)
                beside.wait(SECONDS)

    def here(self, text: str) -> str:
        """The text with what is meant here: this service, free ports, what was shown."""
        text = text.replace(SITE, self.site)
        for written, own in self.places.items():
            text = re.sub(rf"{re.escape(written)}(?![\w-])", own, text)
        text = re.sub(r"\b8000\b", str(self.receiver_port), text)
        return filled(text, self.output)

    def _as_written(self, shown: str) -> str:
        """What was shown, with the address and the paths of the page."""
        for written, own in sorted(self.places.items(), key=lambda place: -len(place[1])):
            shown = shown.replace(own, written)
        return shown.replace(self.site, SITE)

    def _expanded(self, command: str) -> str:
        return re.sub(
            r"\$(?:(\w+)|\{(\w+)\})",
            lambda found: self.environ.get(found[1] or found[2], found[0]),
            command,
        )


def _run(
    command: list[str], *, timeout: float, cwd: Path, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=env, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _is_bound(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)
