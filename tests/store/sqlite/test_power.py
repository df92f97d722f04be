"""After a power cut at any point, everything acknowledged is there and the file is sound.

Every write, truncation, sync and deletion of a script of commits, checkpoints and changes of
configuration is recorded; then the disk is rebuilt as it may be found after each of them.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest

from tests.depth import depth
from tests.store.rows import event, failing, new, settled, webhook
from tests.store.sqlite.disk import Disk, PowerCut
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import RowKind
from tidings.store import port
from tidings.store.sqlite.checkpoints import Checkpoints
from tidings.store.sqlite.database import FILE
from tidings.store.sqlite.halves import WritingHalf

OTHER = OrgId(9)
CHECKPOINT_PAGES = 24  # often enough for the log to restart within the script


class Promise(NamedTuple):
    """What was acknowledged after `point` operations, as a query that must find a row."""

    point: int
    query: str
    binding: tuple[object, ...]


class Script:
    """What an owner does, and what it may rely on from then on."""

    def __init__(self, place: Path, synchronous: str, beside: bool, dropping: bool) -> None:
        self.disk = Disk()
        self.half = WritingHalf(place / FILE, vfs=self.disk.name)
        self.half.checkpoints = Checkpoints(
            self.half.connection, CHECKPOINT_PAGES, place / FILE if beside else None
        )
        self.half.connection.pragma("synchronous", synchronous)
        self.promises: list[Promise] = []
        self._dropping = dropping
        self.dropped = 0

    def run(self, rounds: int) -> None:
        """Events, outcomes, retries, webhooks and bulk ends, with checkpoints in between."""
        for number in range(rounds):
            self._promise_webhook(number)
            version = self.half.configuration.load().registry_version
            ids = [f"e{number}-{i}" for i in range(3)]
            bodies = [b"x" * 900 * i for i in range(3)]
            receipt = self.half.commit(
                port.Batch(
                    version,
                    [
                        event(id, new(1), new(2, number % 2), body=body)
                        for id, body in zip(ids, bodies, strict=True)
                    ],
                )
            )
            for id in ids:
                self._promise("SELECT 1 FROM event e JOIN body USING (seq) WHERE e.id = ?", id)
            first = receipt.firsts[0]
            if self._dropping:
                self._drop(number)
            self._settled(settled(first), State.DELIVERED)
            self._settled(failing(first + 2, 0), State.RETRYING)
            taken = self.half.commit(port.Batch(0, claims=[port.RetryClaim(1, 1)])).claimed
            self._promise(
                "SELECT 1 FROM attempt WHERE delivery = ? AND number = ?",
                taken[0].delivery,
                taken[0].attempt,
            )
            self.half.checkpoints.run_if_due()
            if (thread := self.half.checkpoints._thread) is not None and number % 2:
                thread.join()  # else the next round commits while it folds

    def _drop(self, number: int) -> None:
        """Retention's slices, which are not synced, between the commits that are."""
        version = self.half.configuration.load().registry_version
        old = [event(f"old{number}-{i}", org=OTHER, body=b"y" * 2000) for i in range(4)]
        self.half.commit(port.Batch(version, old))
        for kind in (RowKind.PAYLOAD, RowKind.METADATA):
            slice_ = port.DropSlice(kind, 9, 1 << 60, [OTHER], False, 20, True)
            while (dropped := self.half.retention.drop(slice_)).more:
                slice_ = msgspec.structs.replace(slice_, first=False)
                self.dropped += dropped.rows

    def _promise_webhook(self, number: int) -> None:
        stored, _ = self.half.webhooks.put_webhook(webhook(f"hook {number}"))
        self._promise("SELECT 1 FROM webhook_version WHERE webhook = ?", stored.number)

    def _settled(self, one: port.Settlement, state: State) -> None:
        self.half.commit(port.Batch(0, settled=[one]))
        self._promise(
            "SELECT 1 FROM delivery WHERE id = ? AND state IN (?, 3, 4, 5, 6)",
            one.delivery,
            int(state),
        )

    def _promise(self, query: str, *binding: object) -> None:
        self.promises.append(Promise(len(self.disk.ops), query, binding))

    def close(self) -> None:
        """End without a farewell."""
        self.half.close(clean=False)
        self.disk.unregister()


Play = Callable[..., Script]


@pytest.fixture
def play(tmp_path: Path, request: pytest.FixtureRequest) -> Play:
    """Runs the script under a setting of `synchronous`."""

    def played(
        synchronous: str, rounds: int, beside: bool = False, dropping: bool = False
    ) -> Script:
        script = Script(tmp_path, synchronous, beside, dropping)
        request.addfinalizer(script.close)
        script.run(rounds)
        script.disk.recording = False
        return script

    return played


def broken(script: Script, place: Path, rng: random.Random | None = None) -> tuple[int, int]:
    """At how many points a cut breaks a promise, and at how many something has been promised. The
    file stays sound.

    Without chance, what is found changes with what is synced or deleted alone: between two of
    those, and between two promises, one look is a look at each point. By chance each point is
    another disk: `make test` looks at every third one, and where something has been promised.
    """
    cut, lost = PowerCut(), 0
    seen, kept = (-1, -1), True
    every = depth(3, 1)
    promised = {promise.point for promise in script.promises}
    for point in range(len(script.disk.ops) + 1):
        if point:
            cut.pass_by(script.disk.ops[point - 1])
        due = [promise for promise in script.promises if promise.point <= point]
        by_chance = rng is not None and (point % every == 0 or point in promised)
        if by_chance or seen != (cut.changes, len(due)):
            seen = cut.changes, len(due)
            cut.leave(place, rng)
            kept = all(_kept(place, due))
        lost += not kept
    first = min(promised, default=len(script.disk.ops) + 1)
    return lost, len(script.disk.ops) + 1 - first


def _kept(place: Path, promises: list[Promise]) -> list[bool]:
    connection = apsw.Connection(str(place / FILE), vfs="unix")
    try:
        connection.pragma("synchronous", "off")
        assert connection.pragma("integrity_check") == "ok"
        have = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        if "event" not in have:  # cut before the schema was there
            return [False for _ in promises]
        return [
            connection.execute(promise.query, promise.binding).fetchone() is not None
            for promise in promises
        ]
    finally:
        connection.close()


def test_no_acknowledged_commit_is_lost_by_a_power_cut(play: Play, tmp_path: Path) -> None:
    script = play("full", 8)
    restarts = [op for op in script.disk.ops if op.file == FILE and op.kind == "sync"]
    assert len(restarts) >= 4  # checkpoints are part of what is swept
    lost, points = broken(script, tmp_path / "found")
    assert (lost, points > 250) == (0, True)


@pytest.mark.parametrize("rng", [None, random.Random(1)], ids=["synced", "torn"])
def test_folding_the_log_beside_the_commits_loses_nothing_acknowledged(
    play: Play, tmp_path: Path, rng: random.Random | None
) -> None:
    script = play("full", 8, beside=True)
    assert [op for op in script.disk.ops if op.file == FILE and op.kind == "sync"]
    assert broken(script, tmp_path / "found", rng)[0] == 0


@pytest.mark.parametrize("seed", range(1, 1 + depth(1, 3)))
def test_torn_and_reordered_writes_lose_nothing_acknowledged(
    play: Play, tmp_path: Path, seed: int
) -> None:
    lost, _ = broken(play("full", 4), tmp_path / "found", random.Random(seed))
    assert lost == 0


@pytest.mark.parametrize("rng", [None, random.Random(1), random.Random(2)][: depth(2, 3)])
def test_slices_of_retention_without_a_sync_lose_nothing_acknowledged(
    play: Play, tmp_path: Path, rng: random.Random | None
) -> None:
    script = play("full", 6, dropping=True)
    assert script.dropped > 10
    assert script.half.connection.pragma("synchronous") == 2
    assert broken(script, tmp_path / "found", rng)[0] == 0


def test_without_the_sync_of_each_commit_the_sweep_sees_losses(play: Play, tmp_path: Path) -> None:
    """The test has teeth: NORMAL loses acknowledged commits at many points."""
    lost, points = broken(play("normal", 4), tmp_path / "found")
    assert lost > points / 4


def test_an_owner_goes_on_from_what_a_cut_left(play: Play, tmp_path: Path) -> None:
    script = play("full", 3)
    cut = PowerCut()
    for point, op in enumerate(script.disk.ops, start=1):
        cut.pass_by(op)
        if point % 25:
            continue
        cut.leave(tmp_path / "found")
        half = WritingHalf(tmp_path / "found" / FILE)
        half.recovery.recover(100)
        batch = port.Batch(half.configuration.load().registry_version, [event("next", new(1))])
        assert all(half.commit(batch).seqs)
        half.close()
