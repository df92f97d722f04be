"""A receiver that is stopped, and one whose store of ids goes away and comes back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.consumer.processes.receiver import Setup
from tests.consumer.processes.supervisor import (
    Books,
    Supervisor,
    books,
    journal,
    post,
    subscribe,
)
from tests.consumer.servers import Servers
from tests.e2e.harness.service import ServiceProcess
from tests.e2e.harness.until import until
from tidings_consumer import SqliteDeadLetters

pytestmark = pytest.mark.systems  # it takes a minute

NewService = Callable[..., ServiceProcess]


def once(count: int) -> Books:
    """Each of so many events was handled once, in its order."""
    return Books(accepted=count, lost=0, unknown=0, second_handlings=0, order_violations=0)


def answers(service: ServiceProcess, ids: list[str]) -> list[int | None]:
    """What the attempts of these events were answered."""
    with service.api() as api:
        return [attempt["status"] for id in ids for attempt in api.delivery_of(id)["attemptList"]]


def test_what_was_given_up_is_kept_although_a_kill_follows(
    own_service: NewService, tmp_path: Path
) -> None:
    """The kill comes between keeping a letter and noting its event."""
    service = own_service().start()
    letters = str(tmp_path / "dead.db")
    setup = Setup(
        "sqlite", str(tmp_path / "ids.db"), str(tmp_path / "journal"), dead_letters=letters
    )
    with Supervisor(setup, [2]) as supervisor:
        subscribe(service, supervisor.port, connections=4)
        accepted = post(service.api, 4, keys=4)  # too few failures for the breaker
        with service.api() as api:
            assert api.drained()["delivered"] == 4
        assert supervisor.kills == 1
    kept = list(SqliteDeadLetters(letters))
    assert sorted(letter.event.id for letter in kept) == sorted(accepted)
    assert {letter.reason for letter in kept} == {
        f"Failed: {dead_letter.event.id}" for dead_letter in kept
    }


@pytest.mark.parametrize("framework", ["asgi", "asgi thread"])
@pytest.mark.parametrize("patience_s", [None, 1])
def test_a_receiver_that_is_told_to_end_loses_nothing_and_does_nothing_twice(
    framework: str, patience_s: int | None, own_service: NewService, tmp_path: Path
) -> None:
    """It handles events at that moment. They are answered before it ends; or, where its server has
    less patience than they take, a coroutine is ended and its event comes again at once, and what
    a thread has handled is noted."""
    service = own_service().start()
    setup = Setup(
        "sqlite",
        str(tmp_path / "ids.db"),
        str(tmp_path / "journal"),
        framework,
        handling_s=0.4 if patience_s is None else 2.5,
        patience_s=patience_s,
    )
    with Supervisor(setup) as first:
        subscribe(service, first.port, connections=4)
        accepted = post(service.api, 12, keys=12)
        until(lambda: claimed(setup) >= 4, "events are being handled")
        first.stop()
    with Supervisor(replace(setup, handling_s=0.0), port=first.port), service.api() as api:
        assert api.drained()["delivered"] == 12
    assert books(accepted, journal(tmp_path / "journal")) == once(12)


def claimed(setup: Setup) -> int:
    """How many events a receiver has begun with."""
    try:
        with closing(sqlite3.connect(setup.address)) as ids:
            [(count,)] = ids.execute("SELECT count(*) FROM handled").fetchall()
    except sqlite3.OperationalError:
        return 0
    return int(count)


@pytest.mark.parametrize("store", ["postgres", "redis"])
def test_while_the_store_of_ids_is_away_events_wait_and_then_are_handled_once(
    store: str, own_service: NewService, servers: Servers, tmp_path: Path
) -> None:
    if store == "postgres":
        address, away = servers.postgres_database("away"), servers.postgres_crashed
    else:
        address, away = str(servers.redis_port()), servers.redis_killed
    service = own_service().start()
    setup = Setup(store, address, str(tmp_path / "journal"))
    with Supervisor(setup) as supervisor, service.api() as api:
        subscribe(service, supervisor.port, connections=4)
        accepted = post(service.api, 20, keys=5)
        assert api.drained()["delivered"] == 20
        with away():
            late = post(service.api, 4, keys=2)  # too few for the breaker
            until(lambda: 503 in answers(service, late), "an answer of 503")
            assert len(journal(tmp_path / "journal")) == 20
        assert api.drained()["delivered"] == 24
    handled = journal(tmp_path / "journal")
    assert books(accepted, handled[:20]) == once(20) and books(late, handled[20:]) == once(4)
