"""What each store of ids promises, with real servers."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.consumer.servers import STORES, Open, Servers, running
from tidings_consumer import MemoryIds, PostgresIds, RedisIds, SqliteIds
from tidings_consumer.ids import KEEP_S, LEASE_S, RETRY_WINDOW_S, Claim, IdStore


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    yield from running(tmp_path_factory.mktemp("servers"))


@pytest.fixture(params=STORES)
def opened(request: pytest.FixtureRequest, servers: Servers) -> Open:
    return servers.opener(request.param)


def test_an_id_is_claimed_once_then_done(opened: Open) -> None:
    ids, now = opened(), time.time()
    assert ids.claim("a", "one", now) is Claim.FRESH
    assert ids.claim("a", "one", now) is Claim.BUSY
    assert ids.claim("b", "one", now) is Claim.FRESH
    ids.done("a", now)
    assert ids.claim("a", "one", now) is Claim.DONE
    assert ids.claim("a", "one", now + LEASE_S + 1) is Claim.DONE


def test_what_is_released_can_be_claimed_and_what_is_done_cannot_be_released(
    opened: Open,
) -> None:
    ids, now = opened(), time.time()
    assert ids.claim("a", "one", now) is Claim.FRESH
    ids.release("a", "one")
    ids.release("never seen", "one")
    assert ids.claim("a", "one", now) is Claim.FRESH
    ids.done("a", now)
    ids.release("a", "one")
    assert ids.claim("a", "one", now) is Claim.DONE


def later(ids: IdStore, now_s: float, seconds: float) -> float:
    """Let time go by; return what is given as now then. Redis counts it itself, so that what it
    keeps is given less of it."""
    if isinstance(ids, RedisIds):
        for key in ids._client.scan_iter(f"{ids._prefix}*"):
            ids._client.pexpire(key, ids._client.pttl(key) - int(seconds * 1000))
    return now_s + seconds


def test_a_claim_that_was_taken_over_is_not_released_by_who_had_it(opened: Open) -> None:
    """A handler that outlives its lease and then fails: its successor is still at it."""
    ids, now = opened(lease_s=100), time.time()
    assert ids.claim("a", "slow", now) is Claim.FRESH
    now = later(ids, now, 101)
    assert ids.claim("a", "next", now) is Claim.FRESH
    ids.release("a", "slow")
    assert ids.claim("a", "third", now) is Claim.BUSY
    ids.release("a", "next")
    assert ids.claim("a", "third", now) is Claim.FRESH


def test_a_claim_ends_after_its_lease_and_a_note_after_it_is_kept(opened: Open) -> None:
    ids, now = opened(lease_s=100, keep_s=200), time.time()
    assert ids.claim("a", "one", now) is Claim.FRESH
    assert ids.claim("a", "one", now) is Claim.BUSY
    now = later(ids, now, 101)
    assert ids.claim("a", "one", now) is Claim.FRESH
    ids.done("a", now)
    now = later(ids, now, 101)
    assert ids.claim("a", "one", now) is Claim.DONE
    now = later(ids, now, 101)
    assert ids.claim("a", "one", now) is Claim.FRESH


def test_an_id_is_kept_longer_than_it_can_come() -> None:
    assert KEEP_S > RETRY_WINDOW_S and LEASE_S > 30


def test_what_was_handled_without_a_claim_is_done(opened: Open) -> None:
    """Its lease was over before the handler was."""
    ids, now = opened(), time.time()
    ids.done("a", now)
    assert ids.claim("a", "one", now) is Claim.DONE


def test_of_many_who_ask_at_once_one_may(opened: Open) -> None:
    ids, claims = opened(), list[Claim]()
    begin = threading.Barrier(8)

    def ask() -> None:
        begin.wait(60)
        for number in range(20):
            claims.append(ids.claim(f"id{number}", "one", time.time()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claims) == 160 and claims.count(Claim.FRESH) == 20
    assert claims.count(Claim.BUSY) == 140


@pytest.mark.parametrize("id", ["~", "x" * 300, "it's", 'a"b', "é", "a:b%s{}"])
def test_an_id_may_be_any_text(opened: Open, id: str) -> None:
    ids, now = opened(), time.time()
    assert ids.claim(id, "one", now) is Claim.FRESH
    ids.done(id, now)
    assert ids.claim(id, "one", now) is Claim.DONE


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
def test_another_one_over_the_same_data_knows_what_is_done(servers: Servers, kind: str) -> None:
    opened, now = servers.opener(kind), time.time()
    opened().done("a", now)
    assert opened().claim("a", "one", now) is Claim.DONE


CLAIMING = """
import sys, time
from tidings_consumer import SqliteIds
ids = SqliteIds(sys.argv[1])
ids.claim("done", "one", time.time()); ids.done("done", time.time())
ids.claim("claimed", "one", time.time())
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claiming(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that has claimed an event and handles it."""
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMING, str(tmp_path / "handled.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "claimed\n"
        yield process
        process.kill()


def test_in_a_file_a_killed_processs_claims_are_free_at_once_and_its_notes_stay(
    claiming: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    ids = SqliteIds(tmp_path / "handled.db")
    assert ids.claim("claimed", "one", time.time()) is Claim.BUSY
    assert len(list(tmp_path.glob("*-owner-*"))) == 2
    claiming.kill()
    claiming.wait(60)
    assert ids.claim("claimed", "one", time.time()) is Claim.FRESH
    assert ids.claim("claimed", "one", time.time()) is Claim.BUSY
    assert ids.claim("done", "one", time.time()) is Claim.DONE
    ids.close()
    assert list(tmp_path.glob("*-owner-*")) == []


def test_in_a_file_a_process_that_starts_after_a_kill_takes_its_claims_over(
    claiming: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    claiming.kill()
    claiming.wait(60)
    one, other = (SqliteIds(tmp_path / "handled.db") for _ in range(2))
    assert len(list(tmp_path.glob("*-owner-*"))) == 2  # those that live
    assert one.claim("claimed", "one", time.time()) is Claim.FRESH
    assert other.claim("claimed", "one", time.time()) is Claim.BUSY


def test_in_a_file_claims_of_a_process_that_was_forked_hold_for_their_lease(tmp_path: Path) -> None:
    """It has no lock of its own, and its parent may end before it: a server that makes itself a
    daemon does."""
    ids = SqliteIds(tmp_path / "handled.db")
    if os.fork() == 0:
        os._exit(ids.claim("forked", "one", time.time()) is not Claim.FRESH)
    assert os.wait()[1] == 0
    other, now = SqliteIds(tmp_path / "handled.db"), time.time()
    ids.close()
    assert other.claim("forked", "one", now) is Claim.BUSY
    assert other.claim("forked", "one", now + LEASE_S + 1) is Claim.FRESH


def test_a_file_in_memory_and_one_with_an_odd_name_claim_too(tmp_path: Path) -> None:
    for path in (":memory:", tmp_path / "[a]*?.db"):
        ids = SqliteIds(path)
        assert ids.claim("a", "one", time.time()) is Claim.FRESH
        ids.close()
    SqliteIds(tmp_path / "[a]*?.db").close()
    assert list(tmp_path.glob("*-owner-*")) == []


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    ids = MemoryIds(count_max=100)
    for number in range(1000):
        assert ids.claim(str(number), "one", 0.0) is Claim.FRESH
        ids.done(str(number), 0.0)
    assert (
        ids.claim("900", "one", 0.0) is Claim.DONE and ids.claim("899", "one", 0.0) is Claim.FRESH
    )
    assert len(ids._done) <= 100


def test_claims_in_memory_that_nobody_ends_are_bounded_too() -> None:
    ids = MemoryIds(count_max=100)
    for number in range(1000):
        assert ids.claim(str(number), "one", float(number)) is Claim.FRESH
    assert len(ids._claimed) <= LEASE_S


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_rows_whose_time_is_over_are_taken_away(servers: Servers, kind: str) -> None:
    ids = servers.opener(kind)(keep_s=1)
    for number in range(1100):
        ids.done(f"id{number}", float(number))
    if isinstance(ids, SqliteIds):
        [(rows,)] = ids._connection.execute("SELECT count(*) FROM handled").fetchall()
    else:
        assert isinstance(ids, PostgresIds)
        with ids._connection() as connection:
            [(rows,)] = connection.execute("SELECT count(*) FROM tidings_handled").fetchall()
    assert rows <= 600


def test_a_note_in_the_handlers_transaction_stands_and_falls_with_it(servers: Servers) -> None:
    ids = servers.opener("postgres")()
    assert isinstance(ids, PostgresIds)
    now = time.time()
    with pytest.raises(KeyError), ids._connection() as connection:
        ids.note(connection, "a", now)
        raise KeyError("the handler fails")
    assert ids.claim("a", "one", now) is Claim.FRESH
    with ids._connection() as connection:
        ids.note(connection, "a", now)
    assert ids.claim("a", "one", now) is Claim.DONE
