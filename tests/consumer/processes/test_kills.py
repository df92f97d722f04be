"""SIGKILL of a receiver between handling and noting: nothing is lost, hardly anything done twice.

Each kill finds one event that was handled and not noted (`receiver.py:Killing`), and that one is
handled again: second handlings are at most as many as kills. A note in a file or a server outlives
the process. One in memory does not; there the bound holds because a coroutine handler, its note and
its answer are one step of the loop, so whoever was noted was answered too. With handlers in threads
a kill would cost memory as many second handlings as events were noted and not yet answered.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.consumer.processes.receiver import Setup
from tests.consumer.processes.supervisor import Books, Supervisor, books, journal, post, subscribe
from tests.consumer.servers import Servers
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.store.books import operational_events
from tidings_consumer.ids import LEASE_S

EVENTS = int(os.environ.get("TIDINGS_KILLED_EVENTS", "8000"))  # docs/measured: 20,000
KILLS, KEYS = 10, 300
CONNECTIONS = {"memory": 8, "sqlite": 8, "postgres": 8, "redis": 8}
FRAMEWORKS = {"memory": "asgi", "sqlite": "flask", "postgres": "asgi", "redis": "flask"}
# A killed process's claims: in a file they are taken over at once, from a server after the lease.
LEASES_S = {"memory": LEASE_S, "sqlite": LEASE_S, "postgres": 2.0, "redis": 2.0}
NewService = Callable[..., ServiceProcess]


def address_of(store: str, servers: Servers, tmp_path: Path) -> str:
    """Where a receiver finds its store of ids."""
    if store == "postgres":
        return servers.postgres_database("kills")
    if store == "redis":
        return str(servers.redis_port())
    return str(tmp_path / "handled.db")


def killed(
    store: str,
    service: ServiceProcess,
    servers: Servers,
    tmp_path: Path,
    *,
    events: int,
    kills: int,
) -> Books:
    """The books of a run."""
    setup = Setup(
        store=store,
        address=address_of(store, servers, tmp_path),
        journal=str(tmp_path / "journal"),
        framework=FRAMEWORKS[store],
        lease_s=LEASES_S[store],
    )
    with Supervisor(setup, [events // (kills + 1)] * kills) as supervisor:
        subscribe(service, supervisor.port, CONNECTIONS[store])
        accepted = post(service.api, events, min(KEYS, events // 10))
        with service.api() as api:
            counts = api.drained(400)
        sent = counts["events"] - operational_events(service.data)
        assert counts["delivered"] == sent == len(accepted) == events
        assert supervisor.kills == kills
    return books(accepted, journal(tmp_path / "journal"))


def check(found: Books, events: int, kills: int) -> None:
    """The promise."""
    assert (found.accepted, found.lost, found.unknown) == (events, 0, 0)
    assert found.order_violations == 0
    assert 0 < found.second_handlings <= kills


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_of_a_receiver_that_is_killed_nothing_is_lost_and_at_most_one_event_a_kill_done_twice(
    store: str, own_service: NewService, servers: Servers, tmp_path: Path
) -> None:
    found = killed(store, own_service().start(), servers, tmp_path, events=400, kills=2)
    check(found, 400, 2)


@pytest.mark.systems
@pytest.mark.timeout(500)
@pytest.mark.parametrize("store", CONNECTIONS)
def test_killed_ten_times_within_thousands_of_events(
    store: str,
    own_service: NewService,
    servers: Servers,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun = time.monotonic()
    found = killed(store, own_service().start(), servers, tmp_path, events=EVENTS, kills=KILLS)
    with capsys.disabled():
        print(
            f"\n{store}: {found.accepted} events, {KILLS} kills, {found.second_handlings} second"
            f" handlings, {found.order_violations} out of order, {found.lost} lost,"
            f" {time.monotonic() - begun:.0f} s"
        )
    check(found, EVENTS, KILLS)
