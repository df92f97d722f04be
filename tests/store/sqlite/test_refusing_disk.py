"""A disk that refuses costs the commit, nothing more: StoreDown, nothing half done, then on again.

Each operation is run against a disk that refuses its k-th write or sync, for every k.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.store.rows import event, failing, new, settled, webhook
from tests.store.sqlite.disk import Disk
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import RowKind
from tidings.store import port
from tidings.store.hosting.host import writing_operations
from tidings.store.sql import halves
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sqlite.checkpoints import Checkpoints
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import ReadingHalf, WritingHalf
from tidings.store.sqlite.search_file import open_search

ORG = OrgId(1)

FAULTS = [(apsw.FullError, ("write",)), (apsw.IOError, ("sync",))]
Ask = Callable[..., Any]


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.unregister()


@pytest.fixture
def half(tmp_path: Path, disk: Disk) -> Iterator[WritingHalf]:
    half = WritingHalf(tmp_path / FILE, vfs=disk.name)
    yield half
    half.close()


@pytest.fixture
def ask(half: WritingHalf) -> Ask:
    """Asks as the child process does."""
    operations = writing_operations(half)
    return lambda name, *arguments: operations[name][0](*arguments)


def contents(half: WritingHalf) -> list[tuple[Any, ...]]:
    """Everything of the tables that the operations change."""
    run = half.connection.execute
    tables = ("event_id", "event", "body", "delivery", "attempt", "rejection", "webhook_version")
    return [row for table in (*tables, "meta") for row in run(f"SELECT * FROM {table}")]


def sweep(
    disk: Disk,
    half: WritingHalf,
    ask: Ask,
    fault: tuple[type[Exception], tuple[str, ...]],
    operation: Callable[[], tuple[Any, ...]],
) -> int:
    """Refuse the k-th write or sync of an operation, for every k; how many there were."""
    kind, at = fault
    for after in range(500):
        question = operation()
        before = contents(half)
        with disk.refusing(kind, after, *at):
            try:
                ask(*question)
            except port.StoreDown:
                assert half.connection.get_autocommit()
                assert contents(half) == before
            else:
                if not disk.refused:
                    return after
        if disk.refused:
            ask(*operation())  # space is back
    raise AssertionError("the operation never came through")


@pytest.mark.parametrize("fault", FAULTS, ids=["full", "io"])
def test_a_refused_commit_leaves_nothing_and_can_be_made_again(
    disk: Disk, half: WritingHalf, ask: Ask, fault: tuple[type[Exception], tuple[str, ...]]
) -> None:
    numbers = iter(range(10_000))

    def operation() -> tuple[Any, ...]:
        fresh = [event(f"e{next(numbers)}", new(1), new(2, 7), body=b"x" * 3000) for _ in range(3)]
        return ("commit", port.Batch(1, [*fresh, fresh[0]], [settled(1), failing(3, 0)]))

    assert sweep(disk, half, ask, fault, operation) >= 1
    seqs = [seq for (seq,) in half.connection.execute("SELECT seq FROM event ORDER BY seq")]
    assert seqs == sorted(seqs) and half.writer.seq == seqs[-1]
    assert half.connection.pragma("integrity_check") == "ok"


def test_a_refused_commit_is_not_in_force_but_a_new_owner_may_find_it(
    disk: Disk, half: WritingHalf, ask: Ask, tmp_path: Path
) -> None:
    """Its frames are in the log when the sync is refused; the next commit writes over them."""

    def found(place: Path) -> set[str]:
        place.mkdir()
        for file in (FILE, FILE + "-wal"):
            shutil.copy(tmp_path / file, place / file)
        owner = WritingHalf(place / FILE)
        ids = {str(id) for (id,) in owner.connection.execute("SELECT id FROM event")}
        owner.close()
        return ids

    half.commit(port.Batch(1, [event("a", new(1))]))
    with disk.refusing(apsw.IOError, 0, "sync"), pytest.raises(port.StoreDown):
        ask("commit", port.Batch(1, [event("b", new(1))]))
    assert half.writer.page(1, 1, 10) == []
    assert found(tmp_path / "died at once") == {"a", "b"}
    ask("commit", port.Batch(1, [event("c", new(1))]))
    assert found(tmp_path / "died later") == {"a", "c"}


def test_a_refused_slice_of_what_is_owed_is_owed_still(
    disk: Disk, half: WritingHalf, ask: Ask
) -> None:
    half.commit(port.Batch(1, [event("a", *(new(n, 7) for n in range(400)))], deliveries_max=0))
    for after in range(3):
        with disk.refusing(apsw.FullError, after, "write"), pytest.raises(port.StoreDown):
            ask("commit", port.Batch(0, fan_out=50))
    made = [row for _ in range(8) for row in ask("commit", port.Batch(0, fan_out=50)).fanned_out]
    assert [id for row in made for id, _, _ in row.deliveries] == list(range(1, 401))


def test_a_commit_larger_than_the_cache_is_refused_whole(
    disk: Disk, half: WritingHalf, ask: Ask
) -> None:
    """Pages then spill into the log in the middle of the transaction, and may be refused there."""
    half.connection.pragma("cache_size", 10)
    numbers = iter(range(100_000))

    def operation() -> tuple[Any, ...]:
        fresh = [event(f"e{next(numbers)}", new(1), body=b"x" * 9000) for _ in range(8)]
        return ("commit", port.Batch(1, fresh))

    assert sweep(disk, half, ask, FAULTS[0], operation) > 20


@pytest.mark.parametrize("fault", FAULTS, ids=["full", "io"])
def test_a_refused_change_of_configuration_leaves_the_registry_as_it_was(
    disk: Disk, half: WritingHalf, ask: Ask, fault: tuple[type[Exception], tuple[str, ...]]
) -> None:
    names = (f"hook {number}" for number in range(1000))
    assert sweep(disk, half, ask, fault, lambda: ("put_webhook", webhook(next(names)))) >= 1
    version = half.configuration.load().registry_version
    assert not half.commit(port.Batch(version, [event("a")])).moved


@pytest.mark.parametrize("name", ["retire", "recover", "put_org", "put_credential"])
def test_every_writing_operation_says_that_the_store_is_down(
    disk: Disk, half: WritingHalf, ask: Ask, name: str
) -> None:
    half.webhooks.put_webhook(webhook("till"))
    numbers = itertools.count(1)

    def operation() -> tuple[Any, ...]:
        number = next(numbers)
        half.connection.execute("UPDATE meta SET value = 0 WHERE key = 'clean_stop'").fetchall()
        half.connection.execute("UPDATE delivery SET state = 0").fetchall()
        return {
            "retire": (name, 1, int(State.PARKED), 10),
            "recover": (name, 10),
            "put_org": (name, port.StoredOrg(OrgId(number), "a")),
            "put_credential": (name, port.StoredCredential(f"a{number}", ORG, True, b"", "")),
        }[name]

    half.commit(port.Batch(2, [event("a", new(1)), event("b", new(1))]))
    assert sweep(disk, half, ask, FAULTS[0], operation) >= 1


def test_a_refused_checkpoint_harms_nobody_and_is_made_later(
    disk: Disk, half: WritingHalf, ask: Ask
) -> None:
    half.checkpoints = Checkpoints(half.connection, 5)
    half.commit(port.Batch(1, [event("a", body=b"x" * 40_000)]))
    with disk.refusing(apsw.FullError, 0, "write", "truncate"):
        half.checkpoints.run_if_due()
        assert disk.refused
    half.commit(port.Batch(1, [event("b")]))
    disk.ops.clear()
    half.checkpoints.run_if_due()
    assert any(op.file == FILE for op in disk.ops)


def test_a_clean_stop_that_cannot_be_written_closes_all_the_same(
    disk: Disk, half: WritingHalf, tmp_path: Path, ask: Ask
) -> None:
    half.recovery.recover(10)
    half.commit(port.Batch(1, [event("a")]))
    with disk.refusing(apsw.FullError, 0, "write", "truncate"), pytest.raises(port.StoreDown):
        ask("close", True)
    again = WritingHalf(tmp_path / FILE)
    assert again.writer.seq == 1
    [(clean,)] = again.connection.execute("SELECT value FROM meta WHERE key = 'clean_stop'")
    assert clean == 0
    again.close()


def test_a_log_that_could_not_be_folded_does_not_outlive_the_connection(half: WritingHalf) -> None:
    """The child process looks for a due checkpoint after each answer, also after `close`."""
    half.checkpoints = Checkpoints(half.connection, 1)
    half.commit(port.Batch(1, [event("a")]))
    half.close()
    half.checkpoints.run_if_due()


def test_an_index_that_cannot_be_written_waits_and_shows_its_lag(
    disk: Disk, half: WritingHalf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halves, "INDEX_AT_LEAST_EVERY_S", 0.0)
    half.commit(port.Batch(1, [event("a", terms=[b"12345678"])]))
    reading = ReadingHalf.in_directory(tmp_path)
    own = reading._segments  # its connection is that of the summaries too
    reading._segments = SearchSegments(open_search(tmp_path / "search.db", vfs=disk.name))
    with disk.refusing(apsw.FullError, 0, "write"):
        assert not reading.background()
        assert reading.counts().index_lag == 1
    reading.background()
    assert reading.find(b"12345678", 10) == [1]
    reading.close()
    own.close()


SLICES = [*(("drop", kind) for kind in RowKind), ("give_back", None)]


def synced(half: WritingHalf, disk: Disk, id: str) -> bool:
    """Whether a commit is on the disk before it is answered."""
    assert half.connection.pragma("synchronous") == 2
    disk.ops.clear()
    half.commit(port.Batch(1, [event(id)]))
    return any(op.kind == "sync" for op in disk.ops)


def old_data(half: WritingHalf, marks: Iterator[int]) -> Callable[[], None]:
    """Something for each kind of slice to drop."""

    def more() -> None:
        ids = [f"old {next(marks)}" for _ in range(3)]
        batch = port.Batch(1, [event(id, new(1), body=b"x" * 9000) for id in ids])
        firsts = half.commit(batch).firsts
        answers = [failing(first, 0) for first in firsts[:1]] + [
            settled(first) for first in firsts[1:]
        ]
        refusal = port.NewRejection(ORG, "a", ids[0], "code", "message", "data", b"{}")
        half.commit(port.Batch(0, settled=answers, rejections=[refusal]))

    return more


def slice_of(name: str, kind: RowKind | None) -> tuple[Any, ...]:
    """The question that drops what has become old, or gives back. The first slice of a pass would
    look at nothing but what was kept back."""
    if kind is None:
        return (name, 64)
    later = 1 << 50
    return (name, port.DropSlice(kind, 1, later, (), True, rows_max=20, first=False, now_ms=later))


@pytest.mark.parametrize("fault", FAULTS, ids=["full", "io"])
@pytest.mark.parametrize(("name", "kind"), SLICES, ids=[str(kind) for _, kind in SLICES])
def test_behind_a_slice_that_a_disk_refused_every_commit_is_synced(
    disk: Disk,
    half: WritingHalf,
    ask: Ask,
    fault: tuple[type[Exception], tuple[str, ...]],
    name: str,
    kind: RowKind | None,
) -> None:
    marks = iter(range(10_000))
    more = old_data(half, marks)
    half.connection.pragma("cache_size", 5)  # pages spill in the middle, and may be refused there
    refused = rows = 0
    for after in range(200):
        if after == 0 or kind is None:
            more()
        if kind is None:
            ask(*slice_of("drop", RowKind.METADATA))
        with disk.refusing(fault[0], after, "write", "sync"):
            try:
                rows = ask(*slice_of(name, kind)).rows
            except port.StoreDown:
                refused += 1
        assert half.connection.get_autocommit()
        assert synced(half, disk, f"after {after}")
        if not disk.refused:
            break
    assert disk.refused == 0 and rows > 0, "it has dropped something in the end"
    assert refused or kind is None or fault[0] is apsw.IOError
    assert half.connection.pragma("integrity_check") == "ok"


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, apsw.BusyError])
@pytest.mark.parametrize(("name", "kind"), SLICES, ids=[str(kind) for _, kind in SLICES])
def test_behind_a_slice_that_met_a_fault_of_our_own_every_commit_is_synced(
    disk: Disk, half: WritingHalf, name: str, kind: RowKind | None, error: type[BaseException]
) -> None:
    """Whichever of its statements it was."""
    more = old_data(half, iter(range(10_000)))
    part: Any = half.retention if name == "drop" else half.space
    question = slice_of(name, kind)
    run = part._run
    for at in range(1, 8):
        more()
        seen = 0

        def fails(statement: str, *binding: Any, at: int = at) -> Any:
            nonlocal seen
            seen += 1
            if seen == at and not statement.startswith(("PRAGMA synchronous", "ROLLBACK")):
                raise error("a fault")
            return run(statement, *binding)

        part._run = fails
        try:
            getattr(part, name)(*question[1:])
        except error:
            pass
        finally:
            part._run = run
        assert half.connection.get_autocommit()
        assert synced(half, disk, f"{name} {at}")
