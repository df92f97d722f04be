"""Summaries of runs of the log, made behind the commits, so that a question reads what can answer.

A block is 4,096 neighbouring deliveries, or events. What is kept of one in the search database:

* `block`, `event_block`: the times between which it lies.
* `cell`, `event_cell`: for each owner in it, which pairs of event name and state it holds. A page
  with a filter skips the blocks that hold nothing for it.
* `slice`, `event_slice`: counts by webhook (of events by org) and time, in slots of 5 minutes, an
  hour and 6 hours (totals.py). What the webhooks of an org have together stands under its number
  below zero.

A block of events is final when it is full. A block of deliveries changes with their states: the
writing half notes full blocks that it touches (`touched`), and a summary carries the mark under
which it was made; where the two differ the block is dirty: pages read it row by row, totals
have it summarised first. The last block, not full yet, is always dirty. All of it can be made again
from the rows.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from tidings.core.delivery.exchange import FaultKind
from tidings.core.delivery.states import State
from tidings.core.webhooks.name_matching import NameQuery
from tidings.store.port import LEFT_STATES, REPLAYED, STEP_MS
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.block_rows import (
    INSERT_CELL,
    INSERT_SLICE,
    PUT_BLOCK,
    PUT_EVENT_BLOCK,
    PUT_EVENT_CELL,
    PUT_EVENT_SLICE,
    PUT_NAME,
    BlockCell,
    BlockRow,
    EventBlockRow,
    EventCell,
    EventNameRow,
    bind_event_slice,
    bind_slice_key,
)
from tidings.store.sql.events.changed_blocks import ARRIVED, BLOCK_BITS
from tidings.store.sql.events.existing_blocks import ExistingBlocks
from tidings.store.sql.events.late_events import LateEvents
from tidings.store.sql.events.summaries import SlotSummaries, SummarySlot, earlier_answers, spell

BITS = BLOCK_BITS
BLOCK = 1 << BITS
LEVELS = (STEP_MS, 12 * STEP_MS, 72 * STEP_MS)  # ms of a slot: 5 minutes, an hour, 6 hours
QUIET_S = 2.0  # a dirty block is summarised when nothing has touched it for so long,
OVERDUE_S = 30.0  # or when it has been dirty for so long
AT_ONCE = 4  # blocks of one turn in the background
UNFULL = -1
# Of slices with a delivery in one of LEFT_STATES. What a replay has delivered since is counted
# apart, but it is still parked (or failed): who asks for parked deliveries must meet it too.
LEFT_IN_STATE = (
    f"level = {LEVELS[-1]} AND"
    f" {' + '.join(f'n{int(state)}' for state in (*LEFT_STATES, REPLAYED))} > 0"
)

# Of a delivery `d`: as what it is counted, and how many attempts of it were made and have ended. An
# event that did not arrive is delivered by a replay where a later delivery to the same webhook is;
# a retry without a due time is under way; a reason not to do an action is a row of attempts and
# none, and so was a wait of one, of before. What was delivered at once has no such row.
COUNTED_AS = (
    f"CASE WHEN d.state IN ({int(State.FAILED)}, {int(State.PARKED)}) AND EXISTS (SELECT 1"
    " FROM delivery_replay x INDEXED BY delivery_replay_event CROSS JOIN delivery y"
    " ON y.id = x.delivery WHERE x.event = d.event AND x.webhook = d.webhook AND x.delivery > d.id"
    f" AND y.state = {int(State.DELIVERED)}) THEN {REPLAYED} ELSE d.state END"
)
# Whether a replay has made it of an event that the webhook had a delivery of before. One that was
# cancelled is none: nobody has waited for it to arrive.
_NOT_CANCELLED = f"y.state <> {int(State.CANCELLED)}"
AGAIN = (
    f"CASE WHEN r.delivery IS NOT NULL AND d.state IN ({int(State.DELIVERED)},"
    f" {int(State.FAILED)}, {int(State.PARKED)}) AND (EXISTS (SELECT 1 FROM delivery y"
    " WHERE y.id >= e.first_delivery AND y.id < e.first_delivery + e.deliveries"
    f" AND y.webhook = d.webhook AND {_NOT_CANCELLED}) OR EXISTS (SELECT 1 FROM delivery_replay x"
    " INDEXED BY delivery_replay_event CROSS JOIN delivery y ON y.id = x.delivery"
    " WHERE x.event = d.event AND x.webhook = d.webhook AND x.delivery < d.id"
    f" AND {_NOT_CANCELLED})) THEN 1 ELSE 0 END"
)
_UNTRIED = ", ".join(f"'{kind}'" for kind in (FaultKind.WAITS, FaultKind.SKIPPED))
_LAST_ENDED = (
    f"d.attempts - CASE WHEN d.state = {int(State.RETRYING)} AND d.due_ms IS NULL"
    " AND d.attempts > 0 THEN 1 ELSE 0 END"
)
ENDED = (
    f"{_LAST_ENDED} - CASE WHEN d.attempts > 1 OR (d.attempts = 1 AND d.status IS NULL) THEN"
    " (SELECT count(*) FROM attempt a WHERE a.delivery = d.id"
    f" AND a.kind IN ({_UNTRIED})) ELSE 0 END"
)
# The statuses of all attempts but the last one that has ended, whose status the delivery has; 0:
# it got no answer. Null where there is none, as of nearly all deliveries.
STATUSES = (
    "CASE WHEN d.attempts > 1 THEN (SELECT group_concat(CAST(coalesce(a.status, 0) AS TEXT), ',')"
    f" FROM attempt a WHERE a.delivery = d.id AND a.number < {_LAST_ENDED}"
    f" AND coalesce(a.kind, '') NOT IN ({_UNTRIED})) END"
)
_ROWS = (
    f"SELECT d.webhook, e.name, d.state, {COUNTED_AS}, coalesce(r.at_ms, e.at_ms), d.done_ms,"
    f" d.status, {ENDED}, {STATUSES}, {AGAIN}"
    " FROM delivery d NOT INDEXED CROSS JOIN event e ON e.seq = d.event"
    " LEFT JOIN delivery_replay r ON r.delivery = d.id WHERE d.id >= ? AND d.id < ?"
)
_WITHOUT_EARLIER = (
    f"SELECT DISTINCT block FROM slice WHERE level = {LEVELS[-1]}"
    " AND (earlier IS NULL OR failed_again IS NULL)"
)
_ORG = "SELECT org FROM webhook WHERE number = ?"
_EVENT_ROWS = (
    "SELECT org, name, deliveries > 0, min(at_ms), max(at_ms) FROM event"
    " WHERE seq >= ? AND seq < ? GROUP BY org, name, deliveries > 0"
)
_EVENT_TIMES = (
    "SELECT org, at_ms / :step, count(*) FROM event WHERE seq >= :low AND seq < :high"
    " GROUP BY org, at_ms / :step"
)


class EventNameIndex:
    """Event names as numbers, from 1; what is beyond the last number is 0, "any name"."""

    def __init__(self, search: StoreConnection) -> None:
        self._search = search
        self._numbers = {
            str(text): int(number) for number, text in search.execute("SELECT * FROM name")
        }

    def numbers(self, asked: NameQuery) -> list[int]:
        """Return the numbers of the names that are asked for and that a block holds."""
        if asked.prefixes:
            return [number for text, number in self._numbers.items() if asked.takes(text)]
        found = map(self._numbers.get, asked.names)
        return [number for number in found if number is not None]

    def make(self, text: str) -> int:
        """Make the number of a name, a new one if need be; in a transaction."""
        number = self._numbers.get(text)
        if number is None:
            number = len(self._numbers) + 1
            self._search.execute(PUT_NAME, EventNameRow(number=number, text=text))
            self._numbers[text] = number
        return number


class Blocks:
    """The summaries in the search database, and which of them still hold."""

    def __init__(
        self,
        log: StoreConnection,
        search: StoreConnection,
        clock_s: Callable[[], float] = time.monotonic,
        spare: float = 0.0,
    ) -> None:
        """`spare`: for how many times as long as it took to summarise the last block at a question
        it is left as it is then. While commits never pause, that would else be most of the cost."""
        self._log = log
        self._search = search
        self._clock_s = clock_s
        self._spare = spare
        self._spared_until = 0.0
        self.names = EventNameIndex(search)
        made: list[Any] = search.execute("SELECT number, mark FROM block").fetchall()
        self._made: dict[int, int] = {
            int(number): int(mark) for number, mark in made if number >= 0
        }
        self.late = LateEvents(search, made)
        self._existing = ExistingBlocks(log, "delivery", "id")
        self._existing_events = ExistingBlocks(log, "event", "seq")
        self._orgs: dict[int, int] = {}  # of the webhooks that were met
        self._marks: dict[int, int] = {}
        self._mark = 0  # the greatest that was seen
        self._dirty: dict[int, tuple[float, float]] = {}  # full: since when, last touched
        self._seen: object = None  # of the log, when it was looked at
        self._unfull_seen: object = None
        self.first = self.last = 0  # the blocks of the lowest and of the greatest delivery
        self._event_first = self.event_last = 0  # those of the oldest and of the newest event
        [(self.event_next,)] = search.execute(
            "SELECT coalesce(max(number) + 1, 0) FROM event_block"
        )
        self._began = False

    # -- what holds -------------------------------------------------------------------------------

    def look(self) -> None:
        """Learn what has changed. Cheap where nothing has."""
        now = self._log.log_version()
        if now == self._seen:
            return
        clock = self._clock_s()
        run: Callable[..., Any] = self._log.execute
        was = self.last
        [(self.first, self.last)] = run(
            "SELECT coalesce((SELECT min(id) FROM delivery) >> 12, 0),"
            " coalesce((SELECT max(id) FROM delivery) >> 12, 0)"
        )
        [(event_first, self.event_last)] = run(
            "SELECT coalesce((SELECT min(seq) FROM event) >> 12, 0),"
            " coalesce((SELECT max(seq) FROM event) >> 12, 0)"
        )
        self.event_next = max(self.event_next, event_first)
        if event_first > self._event_first:
            self._forget_events(event_first)
        touched = run("SELECT mark, block FROM touched WHERE mark > ? ORDER BY mark", (self._mark,))
        for mark, block in touched.fetchall():
            self._mark = mark
            if block < 0:
                self._note_arrived(block, mark)
                continue
            self._marks[block] = mark
            if self.first <= block < self.last and self._made.get(block) != mark:
                since, _ = self._dirty.get(block, (clock, clock))
                self._dirty[block] = (since, clock)
        if not self._began:
            self._begin(clock)
        else:
            for block in self._existing.between(max(was, self.first), self.last):
                self._dirty.setdefault(block, (clock, clock))
        self._seen = now

    def _note_arrived(self, noted: int, mark: int) -> None:
        """Learn that rows came into a block from another cell: its summary says nothing of it."""
        if noted > ARRIVED["delivery"]:
            self.late.note(ARRIVED["event"] - noted, mark)
            return
        block = ARRIVED["delivery"] - noted
        if self._made.get(block, mark) < mark:
            self._forget([block])

    def _begin(self, clock: float) -> None:
        """Begin with what a former owner has summarised where its mark is still the block's, and a
        release of now has made it."""
        self._began = True
        for (block,) in self._search.execute(_WITHOUT_EARLIER):
            if self.first <= block < self.last:
                self._dirty[block] = (clock - OVERDUE_S, clock - OVERDUE_S)
        for block in self._existing.between(self.first, self.last):
            if self._made.get(block) != self._marks.get(block, 0):
                self._dirty[block] = (clock - OVERDUE_S, clock - OVERDUE_S)
        beyond = [block for block in self._made if not self.first <= block <= self.last]
        self._forget(beyond)

    def holds(self, block: int) -> bool:
        """Return whether the summary of a block is that of its rows as they are."""
        return block != self.last and block not in self._dirty

    def complete(self, block: int) -> bool:
        """Return whether a block is full and has a summary, of whatever time: states alone
        change."""
        return block != self.last and self._made.get(block, UNFULL) != UNFULL

    def unsure(self) -> list[int]:
        """Return the blocks whose summary does not hold, newest first; the last one is always
        one."""
        return sorted({self.last, *self._dirty}, reverse=True)

    @property
    def behind(self) -> int:
        """Count the full blocks that have no summary at all."""
        return sum(block not in self._made for block in self._dirty)

    # -- making -----------------------------------------------------------------------------------

    def background(self) -> bool:
        """Make a few summaries that are due; whether more are."""
        self.look()
        self._forget_dropped()
        self._make_event_blocks(AT_ONCE)
        now = self._clock_s()
        ripe = [
            block
            for block, (since, touched) in self._dirty.items()
            if now - touched >= QUIET_S or now - since >= OVERDUE_S
        ]
        ripe.sort(reverse=True)
        for block in ripe[:AT_ONCE]:
            self.make(block)
        unmade = next(self.unsummarised_events(0, self.event_last), None)
        return len(ripe) > AT_ONCE or unmade is not None

    def refresh(self, at_most: int) -> None:
        """Summarise what is dirty now, up to so many blocks, those without any summary first."""
        self.look()
        self._forget_dropped()
        dirty = sorted(self._dirty, key=lambda block: (block in self._made, -block))
        for block in dirty[:at_most]:
            self.make(block)
        version = self._log.log_version()
        began = self._clock_s()
        if version != self._unfull_seen and began >= self._spared_until:
            self.make(self.last)
            self._unfull_seen = version
            ended = self._clock_s()
            self._spared_until = ended + self._spare * (ended - began)

    def refresh_events(self, at_most: int) -> int:
        """Summarise up to so many full blocks of events; how many events are in no summary yet, but
        for the last block and a few before it, which are short enough to be counted."""
        self.look()
        self._make_event_blocks(at_most)
        left = sum(1 for _ in self._existing_events.between(self.event_next, self.event_last))
        late = sum(1 for _ in self.late.between(0, self.event_next))
        behind: int = (late + max(0, left - AT_ONCE + 1)) << BITS
        return behind

    def unsummarised_events(self, low: int, end: int) -> Iterator[int]:
        """Yield the blocks of events that exist and have no summary, from `low` to the one before
        `end`, in order."""
        yield from self.late.between(low, min(end, self.event_next))
        yield from self._existing_events.between(max(low, self.event_next), end)

    def make(self, block: int) -> None:
        """Summarise a block anew."""
        with self._log:  # one snapshot of the mark and of the rows
            row = self._log.execute("SELECT mark FROM touched WHERE block = ?", (block,)).fetchone()
            mark = int(row[0]) if row else 0
            [(last,)] = self._log.execute("SELECT coalesce(max(id), 0) >> 12 FROM delivery")
            rows = self._log.execute(_ROWS, (block << BITS, (block + 1) << BITS)).fetchall()
        if block >= last:
            mark = UNFULL
        with self._search:
            self._write(block, mark, rows)
        self._made[block] = mark
        if mark != UNFULL and self._marks.get(block, 0) <= mark:
            self._dirty.pop(block, None)

    def _write(self, block: int, mark: int, rows: Sequence[Any]) -> None:
        run, many = self._search.execute, self._search.executemany
        run("DELETE FROM cell WHERE block = ?", (block,))
        for level in LEVELS:
            run("DELETE FROM slice WHERE level = ? AND block = ?", (level, block))
        if not rows:  # all dropped: keep that it was seen
            run(PUT_BLOCK, BlockRow(number=block, mark=mark))
            return
        kinds: dict[int, set[tuple[str, int]]] = {}
        parts = SlotSummaries(STEP_MS)
        for (
            webhook,
            name,
            state,
            counted_as,
            at_ms,
            done_ms,
            status,
            tried,
            statuses,
            again,
        ) in rows:
            earlier = earlier_answers(statuses)
            parts.add(
                webhook, counted_as, at_ms, done_ms, status, tried, earlier, again=bool(again)
            )
            found = kinds.get(webhook)
            if found is None:
                found = kinds[webhook] = set()
            found.add((name, state))
        number = self.names.make
        cells = []
        for webhook, found in kinds.items():
            pairs = {(number(name), state) for name, state in found}
            cells.append(BlockCell(block=block, webhook=webhook, kinds=spell(pairs)))
        many(INSERT_CELL, sorted(cells))
        self._meet(kinds)
        parts.add_orgs(self._orgs)
        for level in LEVELS:
            many(INSERT_SLICE, list(_slices(level, block, parts.merged(level))))
        spans = [(part.min_ms, part.max_ms) for part in parts.parts.values()]
        low, high = min(span[0] for span in spans), max(span[1] for span in spans)
        run(PUT_BLOCK, BlockRow(number=block, mark=mark, min_ms=low, max_ms=high))

    def _meet(self, webhooks: Iterable[int]) -> None:
        """Learn whose webhooks these are; that never changes."""
        for webhook in webhooks:
            if webhook not in self._orgs:
                for (org,) in self._log.execute(_ORG, (webhook,)):
                    self._orgs[webhook] = org

    def _make_event_blocks(self, at_most: int) -> None:
        """Summarise up to so many full blocks of events."""
        for block in list(islice(self.unsummarised_events(0, self.event_last), at_most)):
            self._make_event_block(block)
            self.late.summarised(block)
            self.event_next = max(self.event_next, block + 1)
        next = self._existing_events.first_from(self.event_next)
        if next is None or next > self.event_last:
            next = self.event_last
        self.event_next = max(self.event_next, next)  # a gap may lie between

    def _make_event_block(self, block: int) -> None:
        rows: list[Any] = self._log.execute(
            _EVENT_ROWS, (block << BITS, (block + 1) << BITS)
        ).fetchall()
        kinds: dict[int, set[tuple[int, int]]] = {}
        with self._search:
            for org, name, matched, _, _ in rows:
                kinds.setdefault(org, set()).add((self.names.make(name), matched))
            self._search.executemany(
                PUT_EVENT_CELL,
                sorted(
                    EventCell(block=block, org=org, kinds=spell(found))
                    for org, found in kinds.items()
                ),
            )
            low = min((row[3] for row in rows), default=0)
            high = max((row[4] for row in rows), default=0)
            self._search.execute(
                PUT_EVENT_BLOCK, EventBlockRow(number=block, min_ms=low, max_ms=high)
            )
            for level in LEVELS:
                asked = {"step": level, "low": block << BITS, "high": (block + 1) << BITS}
                times: list[Any] = self._log.execute(_EVENT_TIMES, asked).fetchall()
                self._search.executemany(
                    PUT_EVENT_SLICE,
                    [
                        bind_event_slice(level=level, org=org, slot=slot, block=block, n=count)
                        for org, slot, count in times
                    ],
                )

    def _forget_dropped(self) -> None:
        """Also the newest block may go whole, where an older delivery is kept back."""
        if self._made and (min(self._made) < self.first or max(self._made) > self.last):
            self._forget([block for block in self._made if not self.first <= block <= self.last])

    def _forget_events(self, first: int) -> None:
        self._event_first = first
        with self._search:
            self._search.execute("DELETE FROM event_block WHERE number < ?", (first,))
            self._search.execute("DELETE FROM event_cell WHERE block < ?", (first,))
            self._search.execute("DELETE FROM event_slice WHERE block < ?", (first,))
            self.late.forget(first)

    def _forget(self, blocks: Iterable[int]) -> None:
        for block in blocks:
            with self._search:
                run = self._search.execute
                run("DELETE FROM block WHERE number = ?", (block,))
                run("DELETE FROM cell WHERE block = ?", (block,))
                for level in LEVELS:
                    run("DELETE FROM slice WHERE level = ? AND block = ?", (level, block))
            self._made.pop(block, None)
            self._dirty.pop(block, None)


def _slices(
    level: int, block: int, parts: dict[tuple[int, int], SummarySlot]
) -> Iterable[tuple[object, ...]]:
    for (webhook, slot), part in sorted(parts.items()):
        key = bind_slice_key(level=level, block=block, webhook=webhook, slot=slot)
        yield (*key, *part.row())
