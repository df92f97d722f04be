"""A stand-in in a process of its own, for tests that kill what calls it.

    with Apart(Magento, attributes=["loyalty_tier"]) as magento:
        magento.add(7, "asha@example.test")
        ... magento.url("/rest/V1/customers/7") ... magento.attribute(7, "loyalty_tier")

It has the methods of the stand-in; what they take and give is JSON. The process ends with its
stdin.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from .base import TOLD, StandIn

ROOT = Path(__file__).parents[2]


class Apart:
    """See the module."""

    def __init__(self, kind: type[StandIn], **how: Any) -> None:
        self._command = [sys.executable, "-m", __name__, f"{kind.__module__}:{kind.__name__}"]
        self._how = how
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [*self._command, json.dumps(self._how)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
            start_new_session=True,
        )  # fmt: skip
        self.port = int(self._read()["port"])
        return self

    def __exit__(self, *failed: object) -> None:
        assert self._process is not None
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    def url(self, path: str = "") -> str:
        """As that of the stand-in."""
        return f"http://127.0.0.1:{self.port}{path}"

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in TOLD:
            raise AttributeError(name)
        return lambda *args, **kwargs: self._ask(name, args, kwargs)

    def _ask(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert self._process is not None and self._process.stdin is not None
        order = {"call": name, "args": args, "kwargs": kwargs}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        said = self._read()
        if "error" in said:
            raise AssertionError(said["error"])
        return said["result"]

    def _read(self) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the stand-in's process has ended"
        said: dict[str, Any] = json.loads(line)
        return said


def main(where: str, how: str) -> None:
    """Serve until stdin ends; each line is a call of a method."""
    module, _, name = where.partition(":")
    stand_in: StandIn = getattr(importlib.import_module(module), name)(**json.loads(how)).start()
    print(json.dumps({"port": stand_in.port}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["call"] not in TOLD:
                raise AttributeError(order["call"])
            said = {"result": getattr(stand_in, order["call"])(*order["args"], **order["kwargs"])}
        except Exception as why:
            said = {"error": f"{order['call']}: {why!r}"}
        print(json.dumps(said), flush=True)
    os._exit(0)  # without waiting for callers that never leave


if __name__ == "__main__":
    main(*sys.argv[1:3])
