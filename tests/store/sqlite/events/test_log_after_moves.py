"""A filter of the log finds what the whole log holds of it, whatever has happened to old blocks:
replays, cancels, tries by hand, writes, and retention that drops blocks whole and in part."""

import random
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.depth import depth
from tests.store.rows import event, new, settled
from tests.store.sqlite.events.log_pages import blocks_module_quiet
from tests.store.sqlite.log_rows import OTHER, OWN, START_MS, fill_blocks
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId
from tidings.core.orgs.retention import RowKind
from tidings.store import port
from tidings.store.port import REPLAYED
from tidings.store.sql.events.blocks import Blocks
from tidings.store.sql.events.log import LogRows
from tidings.store.sql.events.segments import SearchSegments
from tidings.store.sql.events.totals import TotalRows
from tidings.store.sqlite.database import FILE, open_writer
from tidings.store.sqlite.halves import WritingHalf
from tidings.store.sqlite.search_file import open_search

MEMORY = Path("/dev/shm")  # a sync costs nothing there
BLOCK, BLOCKS = 4096, depth(2, 3)
BLOCK_MS = BLOCK * 1000  # of `fill_blocks`: a second from one delivery to the next
EVER = (0, 1 << 60)


class MovedLog:
    """Some blocks of deliveries, each of few states, and what happens to them."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now_ms = START_MS + 4 * BLOCK_MS
        self._place = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._path = Path(self._place.name) / FILE
        writer = open_writer(self._path)
        fill_blocks(writer, rng, BLOCKS)
        writer.close()
        self._open()

    def _open(self) -> None:
        """As both halves start."""
        self.half = WritingHalf(self._path, lambda: self.now_ms)
        self.segments = SearchSegments(open_search(Path(self._place.name) / "search.db"))
        connection = self.segments.connection
        self.blocks = Blocks(self.half.connection, connection)
        self.log = LogRows(self.half.connection, self.segments, self.blocks)
        self.totals = TotalRows(self.half.connection, connection, self.blocks, lambda: self.now_ms)

    def _close(self) -> None:
        self.segments.close()
        self.half.close()

    def close(self) -> None:
        """End it."""
        self._close()
        self._place.cleanup()

    def rows(self, query: str, *binding: Any) -> list[Any]:
        return self.half.connection.execute(query, binding).fetchall()

    def some(self, *states: State) -> list[DeliveryId]:
        """Some ids of deliveries in one of the states: few, many, or all of a block."""
        marks = ",".join(str(int(state)) for state in states)
        found = [
            DeliveryId(id)
            for (id,) in self.rows(f"SELECT id FROM delivery WHERE state IN ({marks})")
        ]
        if found and self.rng.random() < 0.5:
            block = self.rng.choice(found) // BLOCK
            return [id for id in found if id // BLOCK == block]
        return self.rng.sample(found, min(len(found), self.rng.choice((1, 20, 500))))

    # -- what happens -----------------------------------------------------------------------------

    def summarise(self) -> None:
        """Everything that can be; what happens later makes blocks unsure again."""
        blocks_module_quiet(self.blocks)

    def write(self) -> None:
        """New events, and what came of attempts."""
        wanted = [new(number) for number in self.rng.sample(OWN, 3)]
        [(version,)] = self.rows("SELECT value FROM meta WHERE key = 'registry_version'")
        name = f"n-{self.rng.random()}"
        self.half.commit(port.Batch(version, [event(name, *wanted)]))
        self._settle(self.some(State.PENDING, State.RETRYING))

    def _settle(self, ids: Sequence[int]) -> None:
        ends = (State.DELIVERED, State.DELIVERED, State.FAILED)
        rows = [
            settled(id, self.rng.choice(ends), webhook=webhook, attempt=attempts + 1)
            for of in ids
            for id, webhook, attempts in self.rows(
                "SELECT id, webhook, attempts FROM delivery WHERE id = ?", of
            )
        ]
        self.half.commit(port.Batch(0, settled=rows))

    def cancel(self) -> None:
        """What has not ended, by somebody or because it was delivered otherwise."""
        ids = self.some(State.PENDING, State.RETRYING)
        slice = port.CancelSlice(ids, "me", delivered=self.rng.random() < 0.5)
        self.half.commit(port.Batch(0, cancels=[slice]))

    def retire(self) -> None:
        """All that has not ended of a webhook that is disabled or gone."""
        state = self.rng.choice((State.PARKED, State.CANCELLED))
        self.half.recovery.retire(self.rng.choice(OWN), state, self.rng.choice((5, 5000)))

    def end_all(self) -> None:
        """Nothing is owed any more, so that retention finds whole blocks."""
        for webhook in OWN:
            self.half.recovery.retire(webhook, State.PARKED, 10_000)

    def try_again(self) -> None:
        """By hand, what has ended badly; some of it arrives."""
        ids = self.some(State.FAILED, State.PARKED, State.CANCELLED)[:200]
        with self.half.connection:
            for id in ids:
                self.rows(
                    "INSERT OR IGNORE INTO body SELECT event, x'7b7d' FROM delivery WHERE id = ?",
                    id,
                )
        for id in ids:
            self.half.manual_retries.retry_now(id)
        self._settle(ids[::2])

    def replay(self) -> None:
        """What has not arrived is delivered by a replay, all of it or some; or fails once more."""
        missed = self.some(State.FAILED, State.PARKED)
        [(newest,)] = self.rows("SELECT coalesce(max(id), 0) FROM delivery")
        made = range(newest + 1, newest + 1 + len(missed))
        with self.half.connection:
            for id, old in zip(made, missed, strict=True):
                self.rows(
                    "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
                    " SELECT ?, event, webhook, 1, 0, 0 FROM delivery WHERE id = ?",
                    *(id, old),
                )
                self.rows(
                    "INSERT INTO delivery_replay SELECT id, 1, event, webhook, 0, ?, NULL"
                    " FROM delivery WHERE id = ?",
                    *(self.now_ms, id),
                )
        self.restart()  # who writes knows the newest id from its start on
        self._settle([id for id in made if self.rng.random() < 0.9])

    def restart(self) -> None:
        """What was summarised is known again."""
        self._close()
        self._open()

    def drop(self) -> None:
        """Retention: whole blocks and parts of some, in slices; now and then it stops between."""
        oldest = self.rows("SELECT coalesce(min(at_ms), 0), coalesce(max(at_ms), 0) FROM event")[0]
        before_ms = oldest[0] + int(
            (oldest[1] - oldest[0]) * self.rng.choice((0.1, 0.34, 0.5, 0.9))
        )
        if self.rng.random() < 0.3:  # the edge of a block
            before_ms = START_MS + ((before_ms - START_MS) // BLOCK_MS) * BLOCK_MS
        kind = self.rng.choice((RowKind.METADATA, RowKind.METADATA, RowKind.PAYLOAD))
        first = more = True
        while more and (first or self.rng.random() < 0.9):
            rows_max = self.rng.choice((100, 5_000, 100_000))
            wish = port.DropSlice(kind, 90, before_ms, (), True, rows_max, first, self.now_ms)
            more, first = self.half.retention.drop(wish).more, False

    # -- what is asked ----------------------------------------------------------------------------

    def listed(self, webhooks: list[int], *states: int) -> list[tuple[int, int]]:
        """The ids and states of all pages, newest first."""
        rows: list[tuple[int, int]] = []
        query = port.DeliveryQuery(webhooks, states, limit=self.rng.choice((150, 200)))
        while True:
            page = self.log.deliveries(query)
            rows += [(delivery.id, int(delivery.state)) for delivery in page.deliveries]
            if page.older is None:
                return rows
            query = replace(query, before=page.older)

    def check(self) -> None:
        """Each filter's answer is the whole log filtered by hand; so are the counts."""
        wanted: list[tuple[State, ...]] = [(state,) for state in State]
        wanted += [tuple(self.rng.sample(list(State), number)) for number in (2, 3)]
        for webhooks in self.rng.sample(([*OWN, OTHER], [self.rng.choice(OWN)]), depth(1, 2)):
            whole = self.listed(webhooks)
            marks = ",".join(map(str, webhooks))
            assert [id for id, _ in whole] == [
                id
                for (id,) in self.rows(
                    f"SELECT id FROM delivery WHERE webhook IN ({marks}) ORDER BY id DESC"
                )
            ]
            for states in wanted:
                by_hand = [row for row in whole if row[1] in states]
                assert self.listed(webhooks, *states) == by_hand, states
            for webhook in webhooks[:1]:
                counted = self.totals.tally(webhook, *EVER).by_state
                of_one = self.listed([webhook])
                assert sum(counted.values()) == len(of_one)
                for state in (State.PENDING, State.RETRYING, State.DELIVERED, State.CANCELLED):
                    assert counted[state] == sum(row[1] == state for row in of_one), state
                badly = sum(row[1] in (State.FAILED, State.PARKED) for row in of_one)
                assert counted[State.FAILED] + counted[State.PARKED] <= badly
                assert counted[REPLAYED] >= 0


Move = Callable[[MovedLog], None]
MOVES: list[Move] = [
    MovedLog.drop, MovedLog.drop, MovedLog.summarise, MovedLog.write, MovedLog.cancel,
    MovedLog.retire, MovedLog.end_all, MovedLog.try_again, MovedLog.replay, MovedLog.restart,
]  # fmt: skip


@settings(max_examples=depth(2, 10), suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 1 << 30).map(random.Random),
    st.lists(st.sampled_from(MOVES), min_size=2, max_size=8),
)
@example(random.Random(1), [MovedLog.summarise, MovedLog.replay, MovedLog.end_all, MovedLog.drop])
@example(random.Random(2), [MovedLog.drop, MovedLog.summarise, MovedLog.drop, MovedLog.write])
def test_any_filter_finds_what_the_whole_log_holds_after_any_moves(
    rng: random.Random, moves: list[Move]
) -> None:
    log = MovedLog(rng)
    try:
        for move in moves:
            move(log)
            log.check()
        log.summarise()
        log.check()
    finally:
        log.close()


def test_retention_drops_blocks_whole_and_in_part_here() -> None:
    """The moves do what they are there for: all of a block goes, and a part of another one."""
    seen: set[str] = set()
    for seed in range(3):
        log = MovedLog(random.Random(seed))
        log.end_all()
        before = dict(log.rows("SELECT id / 4096, count(*) FROM delivery GROUP BY 1"))
        for _ in range(4):
            log.drop()
            left = dict(log.rows("SELECT id / 4096, count(*) FROM delivery GROUP BY 1"))
            seen |= {"whole" for block in before if block not in left}
            seen |= {"part" for block, count in left.items() if count < before[block]}
        log.close()
    assert seen == {"whole", "part"}
