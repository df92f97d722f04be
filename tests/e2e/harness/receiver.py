"""The test's end of the receivers' process: it tells them how to answer and reads what came."""

import base64
import json
import subprocess
import sys
import threading
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .until import PATIENCE_S, until

PROGRAM = Path(__file__).with_name("receiver_process.py")


@dataclass
class Arrival:
    """One request as it came."""

    path: str
    method: str
    headers: dict[str, str]
    body: bytes
    at_s: float  # CLOCK_MONOTONIC, the same in all processes
    parallel: int  # requests to this path that were unanswered, this one included
    answer: int  # the status that it is answered; 0 for none

    @property
    def message(self) -> str:
        """Its webhook-id."""
        return self.headers["webhook-id"]

    @property
    def attempt(self) -> int:
        """The number that the service gave it."""
        return int(self.headers["tidings-attempt"])

    @cached_property
    def event(self) -> dict[str, Any]:
        """Its body, read."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def event_id(self) -> str:
        """The event's own id."""
        return str(self.event["eventId"])


class Receiver:
    """Receivers on one port; a path is a receiver of its own."""

    def __init__(self, port: int = 0) -> None:
        """On a port of its own choice unless one is named."""
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.port, self.refusing_port = ports["port"], ports["refusingPort"]
        self._arrivals: defaultdict[str, list[Arrival]] = defaultdict(list)
        self._synced = 0
        self._open = 0  # connections, as of the last answer
        self._wanted = 0
        self._paths = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            fact = json.loads(line)
            if "sync" in fact:
                self._open, self._synced = fact["open"], fact["sync"]
                continue
            self._arrivals[fact["path"]].append(
                Arrival(
                    fact["path"],
                    fact["method"],
                    dict(fact["headers"]),
                    base64.b64decode(fact["body"]),
                    fact["atNs"] / 1e9,
                    fact["parallel"],
                    fact["answer"],
                )
            )

    def _tell(self, **order: Any) -> None:
        assert self._process.stdin is not None
        self._wanted += 1
        self._process.stdin.write(json.dumps(order | {"sync": self._wanted}).encode() + b"\n")
        self._process.stdin.flush()
        until(lambda: self._synced >= self._wanted, "the receivers answer their control line")

    def path(self, **plan: Any) -> str:
        """A new path that answers so."""
        self._paths += 1
        path = f"/hook/{self._paths}"
        self.plan(path, **plan)
        return path

    def plan(self, path: str, **plan: Any) -> None:
        """From now on, this path answers so."""
        self._tell(plan={path: plan})

    def url(self, path: str) -> str:
        """Where a webhook finds a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def dead_url(self) -> str:
        """An address that refuses every connection."""
        return f"http://127.0.0.1:{self.refusing_port}/dead"

    def arrivals(self, path: str) -> list[Arrival]:
        """What has come so far, in order; everything that arrived before this call."""
        self._tell()
        return list(self._arrivals[path])

    def read_out(self) -> None:
        """Have it read to their ends the connections of a service that was killed: whatever that
        one sent has arrived."""

        def is_read() -> bool:
            self._tell()
            return self._open == 0

        until(is_read, "the end of every connection")
        until(is_read, "nor did one wait to be taken")

    def wait(self, path: str, count: int, seconds: float = PATIENCE_S) -> list[Arrival]:
        """The arrivals at a path, once there are this many."""
        until(
            lambda: len(self._arrivals[path]) >= count,
            f"{count} arrivals at {path}",
            seconds,
        )
        return list(self._arrivals[path])

    def known_ids(self, path: str) -> set[str]:
        """The ids of the events that have come."""
        return {arrival.event_id for arrival in list(self._arrivals[path])}

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
