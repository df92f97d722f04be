"""What keeps a receiver running, as systemd would, and the books over what it has handled."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from tests.consumer.processes.receiver import Setup
from tests.e2e.harness.api import Api
from tests.e2e.harness.events import CREATED, new_id
from tests.e2e.harness.service import ORG, ServiceProcess
from tidings_consumer.testing import SECRET

POSTED_AT_ONCE = 200
MODULE = "tests.consumer.processes.receiver"


class Supervisor:
    """A receiver that is started again, over the same listening socket, whenever it was killed.

    Its caller holds the socket (socket activation), so those who connect meanwhile wait: what a
    kill cuts off is what is under way, and no breaker of the service opens for it.
    """

    def __init__(self, setup: Setup, kill_at: Iterable[int] = (), port: int = 0) -> None:
        """`kill_at`: the notes of its lives one after the other; the life after them is not cut."""
        self._listening = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._listening.getsockname()[1]
        self._setup = replace(setup, port=self.port, fd=self._listening.fileno())
        self._kill_at = iter(kill_at)
        self.kills = 0
        self._start()
        self._ending = False
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> None:
        """SIGTERM; once it has ended, nobody starts it again."""
        self.process.terminate()
        self._thread.join(30)
        assert self.process.returncode in (0, -signal.SIGTERM), self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self.process.kill()
        self._thread.join(20)
        self._listening.close()

    def _start(self) -> None:
        setup = replace(self._setup, kill_at=next(self._kill_at, 0))
        command = [sys.executable, "-m", MODULE, setup.text()]
        self.process = subprocess.Popen(command, pass_fds=[setup.fd])

    def _watch(self) -> None:
        while self.process.wait() == -signal.SIGKILL and not self._ending:
            self.kills += 1
            self._start()


@dataclass(frozen=True)
class Handling:
    """A line of the journal."""

    key: int
    sequence: int
    id: str


def journal(path: Path) -> list[Handling]:
    """All that was handled, in its order."""
    if not path.exists():
        return []
    rows = (line.split() for line in path.read_text().splitlines())
    return [Handling(int(key), int(sequence), id) for key, sequence, id in rows]


@dataclass(frozen=True)
class Books:
    """What was accepted against what was handled."""

    accepted: int
    lost: int
    unknown: int
    second_handlings: int
    order_violations: int


def books(accepted: list[str], handled: list[Handling]) -> Books:
    """A handling is out of order where a later event of its key was handled before it."""
    ids = {handling.id for handling in handled}
    latest: dict[int, int] = {}
    violations = 0
    for handling in handled:
        violations += handling.sequence < latest.get(handling.key, -1)
        latest[handling.key] = max(handling.sequence, latest.get(handling.key, -1))
    return Books(
        accepted=len(set(accepted)),
        lost=len(set(accepted) - ids),
        unknown=len(ids - set(accepted)),
        second_handlings=len(handled) - len(ids),
        order_violations=violations,
    )


def subscribe(service: ServiceProcess, port: int, connections: int, **fields: Any) -> None:
    """A webhook that is ordered by key, and retries after a second."""
    with service.api() as api:
        api.webhook(
            f"http://127.0.0.1:{port}/",
            ordering="key",
            maxAllowedConnections=connections,
            signingSecret=SECRET,
            **fields,
        )


def post(connect: Callable[[], Api], count: int, keys: int) -> list[str]:
    """Post events, each the next one of its key; the ids of those that were accepted."""
    accepted: list[str] = []
    with connect() as api:
        for first in range(0, count, POSTED_AT_ONCE):
            numbers = range(first, min(count, first + POSTED_AT_ONCE))
            rows = api.accept(json.dumps(list(_events(numbers, keys))).encode())
            accepted += [row["eventId"] for row in rows]
    return accepted


def _events(numbers: Iterable[int], keys: int) -> Iterator[dict[str, Any]]:
    for number in numbers:
        customer = {"customerId": number % keys + 1}
        yield {
            "eventName": "pointsIssued",
            "eventId": new_id(),
            "orgId": ORG,
            "refId": f"{ORG}_{number}",
            "createdAt": CREATED,
            "data": {
                "totalPointsIssued": 5,
                "customerIdentifiers": customer,
                "note": str(number // keys),
            },
        }
