"""Whatever happens in whatever order: what is unfinished is whole, what is too old is gone."""

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.store.rows import event, failing, new, settled
from tidings.core.delivery import State
from tidings.core.retention import DAY_MS, Retention, before_ms, groups
from tidings.store import port
from tidings.store.sqlite.embedded import WritingHalf

ORGS = (1, 2, 3)
START_MS = 1_800_000_000_000


class Model:
    """A store in memory whose clock is moved, and what it was given."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.now_ms = START_MS
        self.half = WritingHalf(":memory:", lambda: self.now_ms)
        self.days: dict[int, Retention] = {}
        self.events: list[tuple[str, int, int]] = []  # id, org, when
        self.dropped: set[str] = set()  # events that are gone
        self.without: set[str] = set()  # events whose payload is

    def ask(self, query: str, *binding: Any) -> list[tuple[Any, ...]]:
        return self.half.connection.execute(query, binding).fetchall()

    def accept(self) -> None:
        draw = self.draw
        batch = []
        for _ in range(draw.randrange(1, 8)):
            id, org = f"e{len(self.events)}", draw.choice(ORGS)
            wanted = [new(1 + i, draw.choice((None, 7))) for i in range(draw.randrange(4))]
            batch.append(event(id, *wanted, org=org))
            self.events.append((id, org, self.now_ms))
        self.half.commit(port.Batch(1, batch))

    def settle(self) -> None:
        rows = self.ask("SELECT id, webhook, key, attempts FROM delivery WHERE state IN (0, 2)")
        outcomes = []
        for id, webhook, key, attempts in rows:
            number, how = attempts + 1, self.draw.randrange(5)
            if how == 0:
                outcomes.append(failing(id, 1000, webhook=webhook, key=key, attempt=number))
            elif how < 3:
                state = self.draw.choice((State.DELIVERED, State.FAILED))
                outcomes.append(settled(id, state, webhook=webhook, key=key, attempt=number))
        outcomes = [replace(one, started_ms=self.now_ms) for one in outcomes]
        self.half.commit(port.Batch(0, settled=outcomes))
        if self.draw.random() < 0.2:
            self.half.recovery.retire(self.draw.randrange(1, 4), State.PARKED, 10)

    def shape(self) -> None:
        """Some deliveries have sent other bytes than the event's, which was there to be shaped."""
        for (id,) in self.ask(
            "SELECT d.id FROM delivery d JOIN body b ON b.seq = d.event ORDER BY d.id DESC LIMIT 3"
        ):
            self.ask("INSERT OR IGNORE INTO sent VALUES (?, x'00')", id)
            self.ask("INSERT OR IGNORE INTO left_out VALUES (?, x'00')", id)

    def replay(self) -> None:
        """A replay makes deliveries of old events: far behind their own ones, and of these nothing
        is unfinished any more, or they are of any event."""
        ended = " WHERE b.seq NOT IN (SELECT event FROM delivery WHERE state < 3)"
        which = ended if self.draw.random() < 0.8 else ""
        rows = self.ask(f"SELECT b.seq FROM body b{which} ORDER BY b.seq")
        for (seq,) in self.draw.sample(rows, min(3, len(rows))):
            writer = self.half.writer
            writer._delivery += 1
            self.ask(
                "INSERT INTO delivery (id, event, webhook, version, state, attempts)"
                " VALUES (?, ?, 9, 1, 0, 0)",
                writer._delivery,
                seq,
            )
            self.ask(
                "INSERT INTO delivery_replay VALUES (?, 1, ?, 9, 0, ?, NULL)",
                *(writer._delivery, seq, self.now_ms),
            )

    def set_days(self) -> None:
        draw = self.draw
        self.days[draw.choice(ORGS)] = draw.choice(
            (Retention(), Retention(9, 7, 60), Retention(30, 1, 90), Retention(60, 30, 365))
        )

    def keep(self) -> None:
        """A whole pass, in slices of any size; bounded in rows."""
        for group in groups(self.days):
            first = more = True
            while more:
                rows_max = self.draw.choice((4, 10, 1000))
                dropped = self.half.retention.drop(
                    port.Dropping(
                        group.kind,
                        group.days,
                        before_ms(group, self.now_ms),
                        group.orgs,
                        group.others,
                        rows_max,
                        first,
                        self.now_ms,
                    )
                )
                assert dropped.rows <= rows_max
                first, more = False, dropped.more
                self.check_unfinished()

    def check_unfinished(self) -> None:
        assert not self.ask(
            "SELECT d.id FROM delivery d LEFT JOIN event e ON e.seq = d.event"
            " LEFT JOIN body b ON b.seq = d.event WHERE d.state < 3"
            " AND (e.seq IS NULL OR b.seq IS NULL)"
        ), "45 retention never takes the payload of what is unfinished"
        assert not self.ask(
            "SELECT d.id FROM delivery d WHERE d.state = 1 AND NOT EXISTS (SELECT 1 FROM delivery p"
            " WHERE p.webhook = d.webhook AND p.key = d.key AND p.state < 3 AND p.id < d.id)"
        )

    def check_kept(self) -> None:
        """After a pass: everything that is young, nothing that is old and finished."""
        unfinished = {
            seq for (seq,) in self.ask("SELECT DISTINCT event FROM delivery WHERE state < 3")
        }
        stored = {
            id: (seq, body)
            for id, seq, body in self.ask(
                "SELECT e.id, e.seq, b.bytes FROM event e LEFT JOIN body b ON b.seq = e.seq"
            )
        }
        for id, org, at_ms in self.events:
            days = self.days.get(org, Retention())
            age_ms = self.now_ms - at_ms
            if id not in stored:
                assert age_ms > days.metadata_days * DAY_MS or id in self.dropped
                self.dropped.add(id)
                continue
            seq, body = stored[id]
            if seq in unfinished:
                assert body is not None
                continue
            assert age_ms <= days.metadata_days * DAY_MS, "old metadata are gone"
            if age_ms > days.payload_days * DAY_MS:
                assert body is None, "an old payload is gone"
                self.without.add(id)
            elif body is None:
                assert id in self.without, "a young payload is there"

    def check_leftovers(self) -> None:
        for table, column, of in (
            ("body", "seq", "event"),
            ("event_id", "seq", "event"),
        ):
            assert not self.ask(
                f"SELECT 1 FROM {table} WHERE {column} NOT IN (SELECT seq FROM {of})"
            ), table
        for table in ("attempt", "sent", "left_out", "delivery_replay"):
            assert not self.ask(
                f"SELECT 1 FROM {table} WHERE delivery NOT IN (SELECT id FROM delivery)"
            ), table
        assert not self.ask("SELECT 1 FROM delivery WHERE event NOT IN (SELECT seq FROM event)")
        assert not self.ask(
            "SELECT 1 FROM sent s JOIN delivery d ON d.id = s.delivery"
            " WHERE d.event NOT IN (SELECT seq FROM body)"
        ), "what was made of a payload goes with it"
        limit = self.now_ms - 31 * DAY_MS
        assert not self.ask(
            "SELECT 1 FROM attempt WHERE headers IS NOT NULL AND kind IS NULL AND started_ms < ?",
            limit,
        ), "old answers are gone"


@given(seed=st.integers(0, 1 << 30), steps=st.lists(st.integers(0, 9), min_size=10, max_size=60))
@settings(deadline=None, max_examples=60)
def test_retention_takes_what_is_old_and_finished_and_nothing_else(
    seed: int, steps: list[int]
) -> None:
    model = Model(seed)
    for step in steps:
        if step < 3:
            model.accept()
            model.shape()
        elif step < 6:
            model.settle()
        elif step == 6:
            model.replay()
        elif step == 7:
            model.set_days()
        else:
            model.now_ms += model.draw.choice((1, 5, 20, 100)) * DAY_MS
            model.keep()
            model.check_kept()
            model.check_leftovers()
    model.half.close()
