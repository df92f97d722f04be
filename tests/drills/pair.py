"""Two services on one database: an owner of the store, and one that stands by."""

import base64
import os
import secrets
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import PATIENCE_S, until
from tests.loops.given_time import given_time

SCHEMA = "tidings"
EPOCH = "SELECT epoch FROM owner"
CONNECT_S = 5


class TakeOver(NamedTuple):
    """How long after the end of the owner another one owned the store, and was ready: of the time
    that the machine gave."""

    owned_s: float
    ready_s: float


class Pair:
    """An owner and the one that stands by."""

    def __init__(
        self,
        uri: str,
        new_service: NewService,
        directory: Path,
        ways: Sequence[str] = (),
        **settings: object,
    ) -> None:
        """`ways`: the URI of the database for each service, where it is not that of the books."""
        key = directory / "key"
        key.touch(0o600)
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        self.uri = uri
        self.key = key
        first, second = (
            new_service(database=way, master_key_file=key, **settings) for way in ways or (uri, uri)
        )
        self.owner, self.standby = first.start(), second
        self.services = [first, second]
        self._epoch = self.ask(EPOCH)  # of that owner, so that its end may be seen late
        self.stand_by()

    def stand_by(self) -> None:
        """Start the one that is not the owner, and wait until it says what it is."""
        self.standby.launch()
        until(lambda: stands_by(self.standby), "a standby")

    def take_over(self) -> TakeOver:
        """Wait until the one that stood by is the owner, and serves."""
        return self._follow(time.monotonic())

    def hand_over(self) -> TakeOver:
        """SIGTERM of the owner; wait until the one that stood by is the owner, and serves."""
        began_s = time.monotonic()
        self.owner.signal(signal.SIGTERM)
        taken = self._follow(began_s)
        assert self.standby.wait() == 0, self.standby.words()
        return taken

    def _follow(self, began_s: float) -> TakeOver:
        self.owner, self.standby = self.standby, self.owner
        with given_time(self.owner.pid) as given:
            until(lambda: self.ask(EPOCH) != self._epoch, "a standby that has taken over")
            owned_s = given.since(began_s)
            self._epoch = self.ask(EPOCH)
            until(lambda: is_ready(self.owner), "an owner that is ready")
            return TakeOver(owned_s, given.since(began_s))

    def freeze_owner(self) -> float:
        """SIGSTOP it with its children. Return when that was."""
        os.killpg(self.owner.pid, signal.SIGSTOP)
        return time.monotonic()

    def thaw_standby(self) -> int:
        """SIGCONT the one that was the owner. Return the code with which it ends by itself."""
        os.killpg(self.standby.pid, signal.SIGCONT)
        return self.standby.wait()

    def settle(self, seconds: float = PATIENCE_S) -> int:
        """Wait until one of them is the owner, whoever that is, and the other one stands by. Return
        how many had ended, having lost the store, and were started again."""
        restarted = 0

        def whole() -> bool:
            nonlocal restarted
            for service in self.services:
                if service.running.poll() is not None:
                    service.launch()
                    restarted += 1
            ready = [service for service in self.services if is_ready(service)]
            if len(ready) == 1:
                [self.owner] = ready
                [self.standby] = [other for other in self.services if other is not self.owner]
            return len(ready) == 1 and stands_by(self.standby)

        until(whole, "an owner and a standby", seconds)
        self._epoch = self.ask(EPOCH)
        return restarted

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        options = f"-c search_path={SCHEMA}"
        with psycopg.connect(
            self.uri, options=options, autocommit=True, connect_timeout=CONNECT_S
        ) as line:
            return line.execute(query.encode()).fetchall()


def is_ready(service: ServiceProcess) -> bool:
    """Whether it serves."""
    with suppress(OSError), service.api() as api:
        return api.get("/readyz").status == 200
    return False


def stands_by(service: ServiceProcess) -> bool:
    """Whether it says that another one is the owner."""
    with suppress(OSError), service.api() as api:
        ready = api.get("/readyz")
        return ready.status == 503 and b"stands by" in ready.body
    return False
