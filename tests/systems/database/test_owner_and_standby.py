"""Two services on one database, of which one owns the store and one stands by: the owner is killed
and frozen, the database falls over, and with books on both sides nothing is lost."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.drills.hooks import TWICE
from tests.drills.pair import SCHEMA, Pair
from tests.drills.sender import Sender
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.postgres_server import PostgresServer
from tidings.store.postgres.migration import migrate

pytestmark = [pytest.mark.systems, pytest.mark.waiting]
KILLS, RESTARTS, IN_FLIGHT = 3, 2, 16
FROZEN_S = 15.0
TAKEN_OVER_S = 15.0
ATTEMPTS = (
    "SELECT d.id, d.state, count(a.delivery), max(a.kind) FROM delivery d"
    " LEFT JOIN attempt a ON a.delivery = d.id GROUP BY d.id, d.state ORDER BY d.id"
)
LOST = (
    "SELECT e.id FROM attempt a JOIN delivery d ON d.id = a.delivery"
    " JOIN event e ON e.seq = d.event WHERE a.kind = 'lost'"
)


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.end()


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

    frozen_s = pair.freeze_owner()
    taken.append(pair.take_over())
    sender.wait(50)
    sender.stop()
    all_arrive(receiver, path, set(sender.acknowledged))
    with pair.owner.api() as api:
        api.drained()
    time.sleep(max(0.0, frozen_s + FROZEN_S - time.monotonic()))
    settled, arrived = pair.ask(ATTEMPTS), len(receiver.arrivals(path))
    code = pair.thaw_standby()
    assert pair.ask(ATTEMPTS) == settled, "it settles nothing"
    arrivals = receiver.arrivals(path)
    late = len(arrivals) - arrived
    assert late <= IN_FLIGHT, "it sends no more than what it had begun"

    assert sender.acknowledged.keys() <= receiver.known_ids(path), "nothing is lost"
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
