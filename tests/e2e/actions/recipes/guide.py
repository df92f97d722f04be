"""A guide of a recipe, followed line by line: its commands are run, and say what it shows."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import forked
from tests.e2e.actions.recipes.recipe import EXAMPLES
from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, ORG, SECRET, free_port
from tests.e2e.harness.until import until

_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Guide:
    """It, and where its reader is."""

    def __init__(self, recipe: str, folder: Path, **environ: str) -> None:
        text = (EXAMPLES / recipe / "README.md").read_text("utf-8")
        self.steps = [step for block in _BLOCK.findall(text) for step in _steps(block)]
        self.where = folder
        self.followed: list[str] = []
        self._port = free_port()
        self._serving: subprocess.Popen[bytes] | None = None
        kept = {name: text for name, text in os.environ.items() if name[:8] != "TIDINGS_"}
        self.environ = kept | {
            "TIDINGS_URL": f"http://127.0.0.1:{self._port}",
            "TIDINGS_KEY": f"{KEY}:{SECRET}",
            "TIDINGS_ORG": "100458",
            "TIDINGS_PORT": str(self._port),
            "TIDINGS_DATA": str(folder / "data"),
            "TIDINGS_BOOTSTRAP_ORG": str(ORG),
            "TIDINGS_BOOTSTRAP_KEY": KEY,
            "TIDINGS_BOOTSTRAP_SECRET": SECRET,
            **environ,
        }

    def follow(self, *past: str) -> None:
        """Run every step, but for commands that begin with one of `past`."""
        try:
            for command, shown in self.steps:
                if not command.startswith(past or ("\0",)):
                    self._run(command, shown)
                    self.followed.append(command)
        finally:
            if self._serving is not None:
                self._serving.send_signal(signal.SIGTERM)
                self._serving.wait(120)

    def changes(self, *addresses: tuple[str, str]) -> None:
        """Its reader puts their own addresses into the file, after the first check."""
        check = next(
            at
            for at, (step, _) in enumerate(self.steps)
            if step.startswith("tidings actions check")
        )
        first, rest = self.steps[: check + 1], self.steps[check + 1 :]
        self.steps = first
        self.follow()
        file = self.where / "actions.toml"
        text = file.read_text("utf-8")
        for written, own in addresses:
            assert written in text
            text = text.replace(written, own)
        file.write_text(text, "utf-8")
        own_of = dict(addresses)
        self.steps = [(text, [_with(line, own_of) for line in shown]) for text, shown in rest]

    def _run(self, command: str, shown: list[str]) -> None:
        name, *words = shlex.split(command)
        if name == "cd":
            self.where = self.where / words[0]
        elif name == "export":
            for word in words:
                said = word.partition("=")[0]
                assert said in self.environ, f"the test sets {said}"
        elif name == "cat":
            assert words[1] == ">>"
            with (self.where / words[2]).open("a") as file:
                file.write((self.where / words[0]).read_text("utf-8"))
        elif words[:2] == ["actions", "run"]:
            self._serve(words)
        else:
            assert name == "tidings"
            into = words[words.index(">") + 1] if ">" in words else ""
            spoken = words[: words.index(">")] if into else words
            done = forked.run(
                [forked.SCRIPT, *spoken], timeout=120, cwd=self.where, env=self.environ
            )
            assert done.returncode == 0, (command, done.stdout, done.stderr)
            if into:
                (self.where / into).write_text(done.stdout, "utf-8")
            _says(command, done.stdout + done.stderr, shown)

    def _serve(self, words: list[str]) -> None:
        self._serving = forked.Popen(
            [forked.SCRIPT, *words], cwd=self.where, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

        def ready() -> bool:
            assert self._serving is not None and self._serving.poll() is None, words
            try:
                with Api(self._port) as api:
                    return api.get("/readyz").status == 200
            except OSError:
                return False

        until(ready, "a service that runs the actions")


def _steps(block: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in block.replace("\\\n", "").splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip():
            found[-1][1].append(line.strip())
    return found


def _with(line: str, own_of: Mapping[str, str]) -> str:
    for written, own in own_of.items():
        line = line.replace(written, own)
    return line


def _says(command: str, said: str, shown: list[str]) -> None:
    """That every line that is shown is said, in this order."""
    lines = iter([line.strip() for line in said.splitlines()])
    for text in shown:
        wanted = re.compile(".*".join(map(re.escape, text.split("…"))))
        assert any(wanted.fullmatch(line) for line in lines), (command, text, said)
