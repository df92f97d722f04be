"""What the load is sent to: a service with a port, a process tree and books."""

import base64
import sqlite3
import sys
from collections import defaultdict
from pathlib import Path
from typing import Protocol

from bench.ledger import OwnBooks
from bench.payload import ORG_FIRST
from bench.process import Process, Usage, free_port, wait_for_port

YARDSTICK_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
YARDSTICK_SERVER = ("--interface", "asgi", "--loop", "uvloop", "--workers", "1", "--no-ws")


class Target(Protocol):
    """The yardstick or the product, as the runs see them."""

    @property
    def name(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def path(self) -> str:
        """Where an event is posted."""
        ...

    @property
    def headers(self) -> dict[str, str]:
        """What the generator sends with each event."""
        ...

    @property
    def webhooks_of(self) -> dict[int, list[int]]:
        """For each organisation that has events, the numbers of the webhooks that get them."""
        ...

    @property
    def secrets(self) -> dict[int, str]:
        """The signing secret of each receiving webhook."""
        ...

    @property
    def listening(self) -> frozenset[int]:
        """The webhooks that answer: their deliveries must all have arrived at the end of a run."""
        ...

    def usage(self) -> Usage:
        """Of the whole process tree."""
        ...

    def mark(self) -> int:
        """Where the service's books stand now; `books` answers for what came after."""
        ...

    def books(self, mark: int) -> OwnBooks:
        """What the service's store says of every event accepted since the mark."""
        ...

    def stop(self) -> float: ...


class Yardstick:
    """The bare pipeline under granian, sending all events to webhook 0 of the receiver."""

    name = "yardstick"
    path = "/"
    listening = frozenset({0})

    def __init__(
        self, folder: Path, receiver_port: int, cores: frozenset[int] | None = None
    ) -> None:
        self.port = free_port()
        self.headers: dict[str, str] = {}
        self.webhooks_of = {ORG_FIRST: [0]}
        self.secrets = {0: YARDSTICK_SECRET}
        self._db = folder / "yardstick.db"
        self.process = Process(
            [
                sys.executable,
                "-m",
                "granian",
                *YARDSTICK_SERVER,
                "--port",
                str(self.port),
                "bench.yardstick:app",
            ],
            env={
                "YARDSTICK_DB": str(self._db),
                "YARDSTICK_SINK": f"http://127.0.0.1:{receiver_port}/h/0",
            },
            log=folder / "yardstick.log",
            cores=cores,
        )
        try:
            wait_for_port(self.port, self.process)
        except BaseException:
            self.stop()
            raise

    def usage(self) -> Usage:
        return self.process.usage()

    def mark(self) -> int:
        [(seq,)] = self._read("SELECT coalesce(max(seq), 0) FROM event", ())
        assert isinstance(seq, int)
        return seq

    def books(self, mark: int) -> OwnBooks:
        delivered: dict[int, set[bytes]] = defaultdict(set)
        pending: dict[int, set[bytes]] = defaultdict(set)
        rows = self._read(
            "SELECT e.id, o.seq FROM event e LEFT JOIN outcome o ON o.seq = e.seq AND o.webhook = 1"
            " WHERE e.seq > ?",
            (mark,),
        )
        for event, outcome in rows:
            assert isinstance(event, str)
            (pending if outcome is None else delivered)[0].add(event.encode())
        return OwnBooks(delivered=delivered, pending=pending)

    def _read(self, query: str, values: tuple[int, ...]) -> list[tuple[object, ...]]:
        reader = sqlite3.connect(f"file:{self._db}?mode=ro", uri=True)
        try:
            return reader.execute(query, values).fetchall()
        finally:
            reader.close()

    def stop(self) -> float:
        return self.process.stop()
