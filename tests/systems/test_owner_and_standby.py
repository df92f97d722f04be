"""Two services on one database, of which one owns the store and one stands by: the owner is killed
and frozen, the database falls over, and with books on both sides nothing is lost."""

import base64
import os
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from tests.e2e.harness.api import Api
from tests.e2e.harness.events import event, new_id
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.service import KEY, ORG, SECRET, ServiceProcess
from tests.e2e.harness.until import until
from tests.postgres_server import PostgresServer
from tidings.store.postgres.migration import migrate

pytestmark = [pytest.mark.systems, pytest.mark.alone, pytest.mark.timeout(290)]
KILLS, RESTARTS, IN_FLIGHT, SENDERS = 3, 2, 16, 3
FROZEN_S = 15.0
PAUSE_S = 0.02  # of each sender after each event: the machine is to have room for what is measured
TAKEN_OVER_S = 15.0
ANSWER_S = 2.0  # a frozen service takes connections and answers none
SCHEMA = "tidings"
EPOCH = "SELECT epoch FROM owner"
ATTEMPTS = (
    "SELECT d.id, d.state, count(a.delivery), max(a.kind) FROM delivery d"
    " LEFT JOIN attempt a ON a.delivery = d.id GROUP BY d.id, d.state ORDER BY d.id"
)
TWICE = "SELECT id FROM event WHERE org > 0 GROUP BY org, id HAVING count(*) > 1"
LOST = (
    "SELECT e.id FROM attempt a JOIN delivery d ON d.id = a.delivery"
    " JOIN event e ON e.seq = d.event WHERE a.kind = 'lost'"
)


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


class Sender:
    """A platform that sends each event until one of the services has acknowledged it."""

    def __init__(self, services: list[ServiceProcess]) -> None:
        self.acknowledged: set[str] = set()
        self._services = services
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        login = f"{KEY}:{SECRET}"
        lines = [Api(service.port, login, seconds=ANSWER_S) for service in self._services]
        at = 0
        while not self._end.is_set():
            event_id = new_id()
            body = event(event_id, ORG)
            while (line := lines[at]) and not _takes(line, body):
                at = (at + 1) % len(lines)
                time.sleep(PAUSE_S)
            self.acknowledged.add(event_id)
            time.sleep(PAUSE_S)

    def wait(self, more: int) -> None:
        """Until so many more are acknowledged."""
        count = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= count, f"{count} acknowledged events")

    def stop(self) -> None:
        """End it, when all that it has begun is acknowledged."""
        self._end.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


def _takes(line: Api, body: bytes) -> bool:
    try:
        return line.post(body).status == 202
    except OSError:
        return False


class TakeOver(NamedTuple):
    """How long after the end of the owner another one owned the store, and was ready."""

    owned_s: float
    ready_s: float


class Pair:
    """An owner and the one that stands by."""

    def __init__(self, uri: str, new_service: NewService, directory: Path) -> None:
        key = directory / "key"
        key.touch(0o600)
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        self.uri = uri
        self.owner = new_service(database=uri, master_key_file=key).start()
        self.standby = new_service(database=uri, master_key_file=key)
        self.services = [self.owner, self.standby]
        self.stand_by()

    def stand_by(self) -> None:
        """Start the one that is not the owner, and wait until it says what it is."""
        self.standby.launch()
        until(lambda: _stands_by(self.standby), "a standby")

    def take_over(self) -> TakeOver:
        """Wait until the one that stood by is the owner, and serves."""
        began_s = time.monotonic()
        before = self.ask(EPOCH)
        self.owner, self.standby = self.standby, self.owner
        until(lambda: self.ask(EPOCH) != before, "a standby that has taken over")
        owned_s = time.monotonic() - began_s
        until(lambda: _is_ready(self.owner), "an owner that is ready")
        return TakeOver(owned_s, time.monotonic() - began_s)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        options = f"-c search_path={SCHEMA}"
        with psycopg.connect(self.uri, options=options, autocommit=True) as line:
            return line.execute(query.encode()).fetchall()


def _is_ready(service: ServiceProcess) -> bool:
    with suppress(OSError), service.api() as api:
        return api.get("/readyz").status == 200
    return False


def _stands_by(service: ServiceProcess) -> bool:
    with suppress(OSError), service.api() as api:
        ready = api.get("/readyz")
        return ready.status == 503 and b"stands by" in ready.body
    return False


def test_killed_frozen_and_without_its_database_nothing_is_lost_and_nothing_is_accepted_twice(
    own_service: NewService,
    receiver: Receiver,
    postgres: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uri = postgres.database("drill")
    with psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection, SCHEMA)
    pair = Pair(uri, own_service, tmp_path)
    path = receiver.path(delay=0.1)
    with pair.owner.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=IN_FLIGHT)
    sender = Sender(pair.services)
    sender.wait(50)
    taken = []

    for _ in range(KILLS):
        pair.owner.kill_all()
        taken.append(pair.take_over())
        pair.stand_by()
        sender.wait(50)

    for _ in range(RESTARTS):
        with postgres.crashed():
            time.sleep(1)
        sender.wait(50)
    assert pair.owner.running.poll() is None and pair.standby.running.poll() is None

    os.killpg(pair.owner.pid, signal.SIGSTOP)
    frozen_s = time.monotonic()
    taken.append(pair.take_over())
    sender.wait(50)
    sender.stop()
    all_arrive(receiver, path, sender.acknowledged)
    with pair.owner.api() as api:
        api.drained()
    time.sleep(max(0.0, frozen_s + FROZEN_S - time.monotonic()))
    settled, arrived = pair.ask(ATTEMPTS), len(receiver.arrivals(path))
    os.killpg(pair.standby.pid, signal.SIGCONT)
    code = pair.standby.wait()
    assert pair.ask(ATTEMPTS) == settled, "it settles nothing"
    arrivals = receiver.arrivals(path)
    late = len(arrivals) - arrived
    assert late <= IN_FLIGHT, "it sends no more than what it had begun"

    assert sender.acknowledged <= receiver.known_ids(path), "nothing is lost"
    assert pair.ask(TWICE) == [], "nothing is accepted twice"
    repeats = Counter(arrival.event_id for arrival in arrivals)
    lost = {str(event_id) for (event_id,) in pair.ask(LOST)}
    assert {event_id for event_id, count in repeats.items() if count > 1} <= lost
    again = sum(repeats.values()) - len(repeats)
    assert again <= (KILLS + 1) * IN_FLIGHT
    assert max(take_over.owned_s for take_over in taken) <= TAKEN_OVER_S
    assert code != 0 and pair.owner.stop() == 0
    with capsys.disabled():
        print(
            f"\n{len(sender.acknowledged)} acknowledged, 0 lost, 0 accepted twice, {again} repeats,"
            f" {late} sent by the frozen one; owned and ready after"
            f" {', '.join(f'{owned_s:.1f} {ready_s:.1f}' for owned_s, ready_s in taken)} s"
        )
