"""Two releases on one database, as processes and under load: the newer one migrates beside the
older one and follows it; the older one takes nothing over from it, and says what to do."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.drills.hooks import TWICE
from tests.drills.pair import Pair, stands_by
from tests.drills.releases import next_release
from tests.drills.sender import Sender
from tests.drills.updates import hand_over, refuse_older, told_what_to_do
from tests.e2e.harness.fixtures import NewService
from tests.e2e.harness.pump import all_arrive
from tests.e2e.harness.receiver import Receiver
from tests.e2e.harness.until import until
from tests.postgres_server import shared_server

pytestmark = pytest.mark.systems
EACH, IN_FLIGHT = 30, 16
NEW_COLUMN = "SELECT DISTINCT of_next FROM event"
MAY_WRITE = "SELECT has_table_privilege(current_user, 'of_next', 'INSERT')"
ROLE = "tidings_updated"


@pytest.fixture
def databases() -> Iterator[tuple[str, str]]:
    """The URIs of a database: for the role that owns its tables, and for one that serves."""
    uri = shared_server().lend_database()
    with psycopg.connect(uri, autocommit=True) as connection:
        owner = connection.info.user
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}".encode())
        connection.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
        assert uri.count(f"//{owner}:") == 1
        yield uri, uri.replace(f"//{owner}:", f"//{ROLE}:")
        connection.execute(f"DROP OWNED BY {ROLE}".encode())
        connection.execute(f"DROP ROLE {ROLE}".encode())


def test_the_newer_release_follows_the_older_one_and_not_the_other_way_round(
    databases: tuple[str, str], own_service: NewService, receiver: Receiver, tmp_path: Path
) -> None:
    releases, (owned, uri) = next_release(tmp_path), databases
    releases.older.migrate(owned, "--serve-role", ROLE)
    pair = Pair(uri, own_service, tmp_path)
    former, late = pair.services
    newer = own_service(database=uri, master_key_file=pair.key, wrap=releases.newer.wrap)
    path = receiver.path(delay=0.02)
    with pair.owner.api() as api:
        api.webhook(receiver.url(path), maxAllowedConnections=IN_FLIGHT)
    sender = Sender([former, late, newer])
    sender.wait(EACH)

    releases.newer.migrate(owned)  # who serves gets its rights by that
    sender.wait(EACH)
    assert pair.ask(NEW_COLUMN) == [(7,)] and pair.ask(MAY_WRITE) == [(True,)]
    newer.launch()
    for standby in (newer, late):
        until(lambda: stands_by(standby), "both releases stand by")  # noqa: B023  # called at once

    os.killpg(late.pid, signal.SIGSTOP)  # so that it is not the faster one
    try:
        pair.standby = newer
        handed_over = hand_over(pair, sender)
    finally:
        os.killpg(late.pid, signal.SIGCONT)
    told_what_to_do(late, releases)
    refuse_older(former, releases)
    sender.wait(EACH)
    sender.stop()

    all_arrive(receiver, path, set(sender.acknowledged))
    assert handed_over.at_once == 0, "never two owners"
    assert sender.acknowledged.keys() <= receiver.known_ids(path), "nothing is lost"
    assert pair.ask(TWICE) == [], "nothing is accepted twice"
    counts = Counter(arrival.event_id for arrival in receiver.arrivals(path))
    assert counts.total() - len(counts) <= IN_FLIGHT
    assert set(sender.refused) <= {503} and sender.without_wait == 0
    assert newer.stop() == 0
