"""What runs take is what a walk takes, of two equal logs, pass after pass."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.store.postgres.databases import migrated
from tests.store.rows import event, failing, new, settled, webhook
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.core.orgs.retention import DAY_MS, RetentionDays, RowKind, before_ms, groups
from tidings.store import port
from tidings.store.postgres import retention
from tidings.store.postgres.database import StoreDatabase
from tidings.store.postgres.halves import PostgresWriter
from tidings.store.postgres.ownership import OwnerWatch
from tidings.store.postgres.retention import PostgresRetention

START_MS = 1_800_000_000_000
ORGS = [OrgId(1), OrgId(2), OrgId(3)]
DAYS = {OrgId(2): RetentionDays(9, 7, 60), OrgId(3): RetentionDays(60, 30, 120)}
# Those that retention takes something of, and the key of each row.
TABLES = {
    "event": "seq", "body": "seq", "event_id": "seq", "delivery": "id", "sent": "delivery",
    "attempt": "delivery, number", "delivery_replay": "delivery", "fan_out": "first",
    "cap_use": "delivery", "kept_back": "kind, seq", "replay": "number, delivered",
}  # fmt: skip
OWED = "INSERT INTO fan_out (first, event, count, entries) SELECT id, event, 1, ''"
USED = (
    "INSERT INTO cap_use (webhook, subject, delivery, at_ms, until_ms)"
    f" SELECT 1, 'a', id, 1, {1 << 60}"
)
JOB = (
    "INSERT INTO replay (number, org, kind, state, spec, rate, hold, by, reason, cursor,"
    " counted_to, counted, made, under_way, had, no_body, delivered, failed, parked, cancelled,"
    f" created_ms, closed) SELECT 1, 1, 'replay', 'running', x'00', 1.0, 0, '', ''{', 0' * 13}"
)
ENDS = [State.DELIVERED] * 8 + [State.FAILED]


class Twin:
    """A log of thirty days, made by one draw."""

    def __init__(self, seed: int, *, by_runs: bool) -> None:
        self.now_ms = START_MS
        database = StoreDatabase(migrated())
        ours = OwnerWatch(database.connect, lambda: 0.0).take()
        self.half = PostgresWriter(database.open_writer(ours), ours, lambda: self.now_ms)
        self.half.webhooks.put_webhook(webhook("one"))
        self.half.retention._takes_runs &= by_runs  # type: ignore[attr-defined]
        self._fill(random.Random(seed))

    def ask(self, query: str) -> list[Any]:
        """What the rows say."""
        return self.half.connection.execute(query).fetchall()

    def _fill(self, rng: random.Random) -> None:
        [(version,)] = self.ask("SELECT value FROM meta WHERE key = 'registry_version'")
        self.ask(JOB)
        self._odd = rng.choice((0.01, 0.05, 0.2))
        for day in range(30):
            batch = [
                event(f"{day}.{n}", *[new(1)] * rng.choice((0, 1, 1, 1, 3)), org=rng.choice(ORGS))
                for n in range(rng.randrange(4, 12))
            ]
            receipt = self.half.commit(port.Batch(version, batch))
            ids = [
                first + at
                for first, appended in zip(receipt.firsts, batch, strict=True)
                for at in range(len(appended.deliveries))
            ]
            self._settle(rng, ids)
            self._replay(rng)
            self.now_ms += DAY_MS
        for insert in (OWED, USED):
            self.ask(f"{insert} FROM delivery WHERE id % {rng.randrange(20, 40)} = 0")

    def _settle(self, rng: random.Random, ids: list[int]) -> None:
        retried = [id for id in ids if rng.random() < 0.2]
        left = {id for id in ids if rng.random() < self._odd}
        first = [failing(id, 0) for id in retried]
        then = [
            settled(id, rng.choice(ENDS), attempt=1 + (id in retried))
            for id in ids
            if id not in left
        ]
        for outcomes in (first, then):
            if outcomes:
                self.half.commit(port.Batch(0, settled=outcomes))

    def _replay(self, rng: random.Random) -> None:
        """Deliveries of replays lie between those of events, some of them unfinished."""
        if rng.random() > 4 * self._odd:
            return
        [(last,)] = self.ask("SELECT max(event) FROM delivery")
        event = max(1, last - rng.choice((5, 30, 100)))
        state = rng.choice((0, 3, 3))
        number = self.half.numbers.take("delivery")
        self.ask(
            "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
            f" VALUES ({number}, {event}, 1, 1, {state}, 0)"
        )
        self.ask(
            "INSERT INTO delivery_replay (delivery, replay, event, webhook, again, at_ms)"
            f" VALUES ({number}, 1, {event}, 1, 0, 0)"
        )

    def keep(self, rng: random.Random) -> int:
        """A whole pass; how many rows it took of events."""
        total = 0
        for group in groups(DAYS):
            first = more = True
            while more:
                slice_ = port.DropSlice(
                    group.kind,
                    group.days,
                    before_ms(group, self.now_ms),
                    group.orgs,
                    group.others,
                    rng.choice((10, 60, 400)),
                    first,
                    self.now_ms,
                )
                dropped = self.half.retention.drop(slice_)
                assert dropped.rows <= slice_.rows_max
                first, more = False, dropped.more
                if group.kind in (RowKind.PAYLOAD, RowKind.METADATA):
                    total += dropped.rows
        return total

    def rows(self) -> dict[str, list[Any]]:
        """What is left."""
        return {
            table: self.ask(f"SELECT {key} FROM {table} ORDER BY {key}")
            for table, key in TABLES.items()
        }


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The rows of each run; short ones are taken too."""
    taken: list[int] = []
    run: Callable[..., int] = PostgresRetention._drop_run
    monkeypatch.setattr(retention, "RUN_MIN", 2)

    def ran(*given: Any) -> int:
        taken.append(run(*given))
        return taken[-1]

    monkeypatch.setattr(PostgresRetention, "_drop_run", ran)
    yield taken


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_runs_take_what_a_walk_takes(runs: list[int], seed: int) -> None:
    one, other = Twin(seed, by_runs=True), Twin(seed, by_runs=False)
    assert one.rows() == other.rows()
    rng = random.Random(seed)
    for days in (10, 20, 31, 15, 20, 30, 30, 90):
        for twin in (one, other):
            twin.now_ms += days * DAY_MS
        assert one.keep(random.Random(days)) == other.keep(rng)
        assert one.rows() == other.rows(), days
    assert len(runs) > 15
    for twin in (one, other):
        twin.half.close()
