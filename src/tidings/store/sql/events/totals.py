"""Totals over the log, from the summaries of its blocks (blocks.py) and, at the edges, its rows.

Whole slots of a range are added up, the coarsest that fit. Of the slot that an end of the range
cuts, the slices that lie inside count whole; of those that the end cuts too, the rows are read:
a block or two. What is unfinished is late by the clock, and counted the same way.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port import LEFT_STATES, POINTS_MAX, STEP_MS
from tidings.store.sql.answers import answers
from tidings.store.sql.connection import StoreConnection
from tidings.store.sql.events.blocks import (
    AGAIN,
    BITS,
    BLOCK,
    COUNTED_AS,
    ENDED,
    LEFT_IN_STATE,
    LEVELS,
    STATUSES,
    Blocks,
)
from tidings.store.sql.events.summaries import COUNTS, merge_packed, percentile
from tidings.store.sql.events.sums import Cut, Row, Sum
from tidings.store.sql.states import HELD, PENDING, RETRYING

REFRESH_MAX = 12  # blocks summarised at a question

_SUMS = ", ".join(f"sum(s.n{state})" for state in range(COUNTS))
_AGAIN = "coalesce(sum(s.arrived_again), 0), coalesce(sum(s.failed_again), 0)"
_UNFINISHED = " + ".join(f"s.n{state:d}" for state in State if not state.final)
_FROM = (
    " FROM block b CROSS JOIN json_each(:webhooks) w"
    " CROSS JOIN slice s ON s.level = :level AND s.block = b.number AND s.webhook = w.value"
    " AND s.slot >= :first AND s.slot < :end WHERE b.min_ms < :to AND b.max_ms >= :from"
)
_INSIDE = " AND s.min_ms >= :since AND s.max_ms < :until"
_WHOLE = (
    f"SELECT s.webhook, {_SUMS}, sum(s.attempts), sum(s.ms_sum), {_AGAIN},"
    " group_concat(hex(s.answers), ''),"
    f" coalesce(group_concat(hex(s.earlier), ''), ''){_FROM}"
    f"{_INSIDE} GROUP BY s.webhook"
)
# Slices that are all finished come together for each webhook, the others one by one.
_ALONE = ", ".join(
    f"CASE WHEN {_UNFINISHED} > 0 THEN {place} ELSE -1 END" for place in ("s.block", "s.slot")
)
_LATE = (
    "SELECT s.webhook, group_concat(hex(s.late), ''), max(s.block), max(s.min_ms), max(s.max_ms),"
    f" sum({_UNFINISHED}){_FROM}{_INSIDE} AND (s.slowest_ms > :sla_ms OR {_UNFINISHED} > 0)"
    f" GROUP BY s.webhook, {_ALONE}"
)
_CUT = (
    f"SELECT s.block, s.webhook{_FROM} AND s.max_ms >= :since AND s.min_ms < :until"
    " AND NOT (s.min_ms >= :since AND s.max_ms < :until)"
)
_ROWS = (
    f"SELECT d.webhook, {COUNTED_AS}, coalesce(r.at_ms, e.at_ms), d.done_ms, d.status, {ENDED},"
    f" {STATUSES}, {AGAIN} FROM delivery d NOT INDEXED"
    " CROSS JOIN event e ON e.seq = d.event LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " WHERE d.id >= :low AND d.id < :high"
    " AND d.webhook IN (SELECT value FROM json_each(:webhooks))"
    " AND coalesce(r.at_ms, e.at_ms) >= :from AND coalesce(r.at_ms, e.at_ms) < :to"
)
_SERIES = (
    f"SELECT s.webhook, s.slot / :times, {_SUMS}, sum(s.attempts), sum(s.ms_sum), {_AGAIN},"
    f" group_concat(hex(s.spread), ''){_FROM} GROUP BY s.webhook, s.slot / :times"
)
_COUNTS_EACH = f"SELECT s.webhook, {_SUMS}{_FROM} GROUP BY s.webhook"
_LEFT_EACH = (
    f"SELECT s.webhook, {', '.join(f'sum(n{int(state)})' for state in LEFT_STATES)}"
    " FROM json_each(:webhooks) w"
    " CROSS JOIN slice s INDEXED BY slice_left_in_state ON s.webhook = w.value"
    f" AND s.slot >= :first AND s.slot < :end WHERE {LEFT_IN_STATE} GROUP BY s.webhook"
)
# The blocks that hold PENDING deliveries of some webhooks; and of one such block, their lowest.
_PENDING_BLOCKS = (
    "SELECT s.block FROM json_each(:webhooks) w"
    " CROSS JOIN slice s INDEXED BY slice_left_in_state ON s.webhook = w.value"
    f" WHERE {LEFT_IN_STATE} AND s.n{PENDING} > 0 GROUP BY s.block ORDER BY s.block LIMIT :limit"
)
_LOWEST_PENDING = (
    "SELECT d.webhook, min(d.id) FROM delivery d INDEXED BY delivery_pending"
    f" WHERE d.state = {PENDING} AND d.id >> {BITS} = :block"
    " AND d.webhook IN (SELECT value FROM json_each(:webhooks)) GROUP BY d.webhook"
)
_LOWEST_RETRYING = (
    "SELECT w.value, (SELECT min(d.id) FROM delivery d INDEXED BY delivery_trouble"
    f" WHERE d.webhook = w.value AND d.state = {RETRYING}) FROM json_each(:webhooks) w"
)
_ACCEPTED = (
    "SELECT d.webhook, coalesce(r.at_ms, e.at_ms) FROM delivery d"
    " CROSS JOIN event e ON e.seq = d.event LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " WHERE d.id IN (SELECT value FROM json_each(:ids))"
)
_DUE = (PENDING, HELD, RETRYING)
_DUE_SLICES = (
    f"SELECT s.block, s.min_ms, s.max_ms, {' + '.join(f's.n{state}' for state in _DUE)}{_FROM}"
    f" AND ({' + '.join(f's.n{state}' for state in _DUE)}) > 0"
)
_DUE_ROWS = (
    "SELECT coalesce(r.at_ms, e.at_ms) FROM delivery d NOT INDEXED"
    " CROSS JOIN event e ON e.seq = d.event LEFT JOIN delivery_replay r ON r.delivery = d.id"
    " WHERE d.id >= :low AND d.id < :high AND d.webhook = :webhook"
    f" AND d.state IN ({', '.join(f'{state:d}' for state in _DUE)})"
)
EVER_MS = 1 << 62
PENDING_BLOCKS_MAX = 1000  # that are looked into for the oldest deliveries of webhooks
_MONTH_POINTS = 60
_EVENT_SERIES = (
    "SELECT slot, sum(n) FROM event_slice WHERE level = :level AND org = :org AND slot >= :first"
    " AND slot < :end GROUP BY slot"
)
# Of the last block, which is not full: more are read only while summaries are made again.
EVENT_ROWS_MAX = 4 * BLOCK
_EVENT_ROWS = (
    "SELECT at_ms / :step, count(*) FROM (SELECT org, at_ms FROM event NOT INDEXED"
    " WHERE seq >= :seq ORDER BY seq LIMIT :limit) WHERE org = :org AND at_ms >= :from"
    " AND at_ms < :to GROUP BY at_ms / :step"
)

Binding = dict[str, Any]
Sums = dict[int, Sum]  # by webhook


class TotalRows:
    """The reading half's sums."""

    def __init__(
        self,
        log: StoreConnection,
        search: StoreConnection,
        blocks: Blocks,
        clock_ms: Callable[[], int],
    ) -> None:
        self._log = log
        self._search = search
        self._blocks = blocks
        self._clock_ms = clock_ms

    # -- of a time, to the millisecond ------------------------------------------------------------

    @answers(port.Store.tally)
    def tally(self, webhook: int, from_ms: int, to_ms: int, sla_s: int | None = None) -> port.Tally:
        sum_ = Sum(sla_s, self._clock_ms())
        self._add_up({webhook: sum_}, from_ms, to_ms, late_alone=False)
        return sum_.tally(self._blocks.behind * BLOCK)

    @answers(port.Store.tallies)
    def tallies(self, webhooks: Sequence[int], from_ms: int, to_ms: int) -> Sequence[port.Tally]:
        now_ms = self._clock_ms()
        sums = {webhook: Sum(None, now_ms) for webhook in webhooks}
        self._add_up(sums, from_ms, to_ms, late_alone=False)
        behind = self._blocks.behind * BLOCK
        return [sums[webhook].tally(behind) for webhook in webhooks]

    @answers(port.Store.late_each)
    def late_each(
        self, wishes: Sequence[tuple[int, int]], from_ms: int, to_ms: int
    ) -> Sequence[int]:
        now_ms = self._clock_ms()
        sums = {webhook: Sum(sla_s, now_ms) for webhook, sla_s in wishes}
        self._add_up(sums, from_ms, to_ms, late_alone=True)
        return [sums[webhook].breaches for webhook, _ in wishes]

    def _add_up(self, sums: Sums, from_ms: int, to_ms: int, *, late_alone: bool) -> None:
        self._blocks.refresh(REFRESH_MAX)
        first, end = -(-from_ms // STEP_MS), to_ms // STEP_MS
        ends = {"since": from_ms, "until": to_ms}
        runs = [(STEP_MS, end, end + 1)]  # slots that an end cuts
        if first <= end:  # else both ends are in one slot
            runs.append((STEP_MS, first - 1, first))
        cuts: list[Cut] = []
        for run in runs:
            _, slot, after = run
            low, high = max(from_ms, slot * STEP_MS), min(to_ms, after * STEP_MS)
            for block, number in self._ask(_CUT, _asked(list(sums), *run) | ends):
                cuts.append(Cut(block, number, low, to_ms=high, counted=False))
        for run in (*runs, *(_pyramid(first, end) if first < end else ())):
            self._whole(sums, cuts, _asked(list(sums), *run) | ends, late_alone)
        self._read(sums, cuts)

    def _whole(self, sums: Sums, cuts: list[Cut], asked: Binding, late_alone: bool) -> None:
        """Add up the slices of some slots that lie inside the ends."""
        if not late_alone:
            for number, *counts, attempts, ms_sum, arrived, failed, last, earlier in self._ask(
                _WHOLE, asked
            ):
                packed = bytes.fromhex(last), bytes.fromhex(earlier)
                sums[number].add(counts, attempts, ms_sum, *packed)
                sums[number].add_again(arrived, failed)
        wished = [wish.sla_ms for wish in sums.values() if wish.sla_ms is not None]
        if not wished:
            return
        for number, late, block, low, high, count in self._ask(
            _LATE, asked | {"sla_ms": min(wished)}
        ):
            if sums[number].sla_ms is not None:
                sums[number].add_late(bytes.fromhex(late))
                cuts += sums[number].add_open(number, block, low, high, count)

    def _ask(self, query: str, asked: Binding) -> list[Any]:
        rows: list[Any] = self._search.execute(query, asked).fetchall()
        return rows

    def _read(self, sums: Sums, cuts: Sequence[Cut]) -> None:
        """Add what the rows say where slices do not: each block is read once for all webhooks."""
        by_block: dict[int, list[Cut]] = {}
        for cut in cuts:
            by_block.setdefault(cut.block, []).append(cut)
        for block, of_block in by_block.items():
            asked: Binding = {
                "low": block << BITS,
                "high": (block + 1) << BITS,
                "webhooks": msgspec.json.encode([cut.webhook for cut in of_block]).decode(),
                "from": min(cut.from_ms for cut in of_block),
                "to": max(cut.to_ms for cut in of_block),
            }
            rows: dict[int, list[Row]] = {}
            for number, *row in self._log.execute(_ROWS, asked):
                rows.setdefault(number, []).append(tuple(row))
            for cut in of_block:
                own = [
                    row for row in rows.get(cut.webhook, ()) if cut.from_ms <= row[1] < cut.to_ms
                ]
                sums[cut.webhook].add_rows(own, counted=cut.counted)

    # -- over time --------------------------------------------------------------------------------

    @answers(port.Store.series)
    def series(
        self, groups: Sequence[Sequence[int]], from_ms: int, to_ms: int, points: int
    ) -> Sequence[port.Series]:
        self._blocks.refresh(REFRESH_MAX)
        steps = _Steps(from_ms, to_ms, points)
        lines = [_Line(steps) for _ in groups]
        line_of = {
            webhook: line for group, line in zip(groups, lines, strict=True) for webhook in group
        }
        asked = _of_several(list(line_of), steps) | {"times": steps.times}
        for number, step, *counts, spreads in self._ask(_SERIES, asked):
            line_of[number].add(step, counts, bytes.fromhex(spreads))
        behind = self._blocks.behind * BLOCK
        return [line.shown(behind) for line in lines]

    @answers(port.Store.org_series)
    def org_series(self, org: OrgId, from_ms: int, to_ms: int, points: int) -> port.Series:
        [series] = self.series([[-org]], from_ms, to_ms, points)
        return series

    @answers(port.Store.count_states)
    def count_states(
        self, webhooks: Sequence[int], from_ms: int, to_ms: int, states: Sequence[int] = ()
    ) -> Sequence[dict[int, int]]:
        self._blocks.refresh(REFRESH_MAX)
        counted: Sequence[int] = range(COUNTS)
        if states and set(states) <= set(LEFT_STATES):
            counted, query, level = LEFT_STATES, _LEFT_EACH, LEVELS[-1]
            asked = _asked(webhooks, level, from_ms // level, -(-to_ms // level))
        else:
            query, asked = (
                _COUNTS_EACH,
                _of_several(webhooks, _Steps(from_ms, to_ms, _MONTH_POINTS)),
            )
        found = {
            number: dict(zip(counted, counts, strict=True))
            for number, *counts in self._ask(query, asked)
        }
        wanted = [int(state) for state in states or counted]
        return [
            {state: found.get(webhook, {}).get(state, 0) for state in wanted}
            for webhook in webhooks
        ]

    @answers(port.Store.oldest_due)
    def oldest_due(
        self, webhooks: Sequence[int], states: Sequence[int] = ()
    ) -> Sequence[int | None]:
        self._blocks.refresh(REFRESH_MAX)
        asked: Binding = {"webhooks": _listed(webhooks)}
        lowest: dict[int, int] = {}
        if not states or State.RETRYING in states:
            tried = self._log.execute(_LOWEST_RETRYING, asked)
            lowest = {webhook: id for webhook, id in tried if id}
        limit = PENDING_BLOCKS_MAX if not states or State.PENDING in states else 0
        left = set(webhooks)
        for (block,) in self._ask(_PENDING_BLOCKS, asked | {"limit": limit}):
            if not left:
                break
            of_block: Binding = {"webhooks": _listed(sorted(left)), "block": block}
            for webhook, id in self._log.execute(_LOWEST_PENDING, of_block):
                lowest[webhook] = min(id, lowest.get(webhook, id))
                left.discard(webhook)
        accepted: dict[int, int] = {}
        if lowest:
            accepted.update(self._log.execute(_ACCEPTED, {"ids": _listed([*lowest.values()])}))
        return [accepted.get(webhook) for webhook in webhooks]

    @answers(port.Store.waiting_by_age)
    def waiting_by_age(self, webhook: int, bounds_ms: Sequence[int]) -> port.WaitingAges:
        [left] = self.count_states([webhook], 0, self._clock_ms() + 1, _DUE)
        counts = [0] * (len(bounds_ms) + 1)
        older = sum(left.values())  # by the summaries, as what is taken from it
        cuts: dict[int, list[tuple[int, int]]] = {}
        asked = _asked([webhook], STEP_MS, bounds_ms[-1] // STEP_MS, EVER_MS // STEP_MS)
        for block, low, high, count in self._ask(_DUE_SLICES, asked):
            older -= count
            if (band := _band(bounds_ms, low)) != _band(bounds_ms, high):
                cuts.setdefault(block, []).append((low, high))
            else:
                counts[band] += count
        for block, spans in cuts.items():
            of_block: Binding = {"low": block << BITS, "high": (block + 1) << BITS}
            for (at_ms,) in self._log.execute(_DUE_ROWS, of_block | {"webhook": webhook}):
                if any(low <= at_ms <= high for low, high in spans):
                    counts[_band(bounds_ms, at_ms)] += 1
        counts[-1] += max(0, older)
        [oldest_ms] = self.oldest_due([webhook])
        return port.WaitingAges(counts, oldest_ms)

    @answers(port.Store.event_series)
    def event_series(self, org: OrgId, from_ms: int, to_ms: int, points: int) -> port.EventSeries:
        behind = self._blocks.refresh_events(REFRESH_MAX)
        steps = _Steps(from_ms, to_ms, points)
        low, high = steps.slots
        counts = [0] * (steps.end - steps.first)
        asked: Binding = {"level": steps.level, "org": org, "first": low, "end": high}
        for slot, count in self._ask(_EVENT_SERIES, asked):
            counts[slot // steps.times - steps.first] += count
        rows: list[Any] = self._log.execute(
            _EVENT_ROWS,
            {
                "seq": self._blocks.event_next << BITS,
                "limit": EVENT_ROWS_MAX,
                "org": org,
                "from": steps.first * steps.step_ms,
                "to": steps.end * steps.step_ms,
                "step": steps.step_ms,
            },
        ).fetchall()
        for step, count in rows:
            counts[step - steps.first] += count
        return port.EventSeries(steps.step_ms, steps.first * steps.step_ms, counts, behind=behind)


class _Steps:
    """The steps of a series: its ends, moved outwards, and the slots that they are made of."""

    def __init__(self, from_ms: int, to_ms: int, points: int) -> None:
        self.step_ms = step = _step(to_ms - from_ms, max(1, min(points, POINTS_MAX)))
        self.level = next(level for level in reversed(LEVELS) if step % level == 0)
        self.first, self.end = from_ms // step, -(-to_ms // step)
        self.times = step // self.level

    @property
    def slots(self) -> tuple[int, int]:
        """The first slot, and the one behind the last."""
        return self.first * self.times, self.end * self.times


class _Line:
    """A series being added up."""

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._points = [_Point() for _ in range(steps.first, steps.end)]
        self._spreads = [bytearray() for _ in self._points]

    def add(self, step: int, counts: Sequence[int], spreads: bytes) -> None:
        """Add what fell into a step, for one webhook."""
        at = step - self._steps.first
        self._points[at].add(counts)
        self._spreads[at] += spreads

    def shown(self, behind: int) -> port.Series:
        first, step = self._steps.first, self._steps.step_ms
        merged = [merge_packed(packed) for packed in self._spreads]
        whole: Counter[int] = Counter()
        for spread in merged:
            whole.update(spread)
        shown = [
            point.shown((first + at) * step, merged[at]) for at, point in enumerate(self._points)
        ]
        return port.Series(
            step, shown, behind, p50_ms=percentile(whole, 0.5), p95_ms=percentile(whole, 0.95)
        )


class _Point:
    """A step of a series being added up."""

    def __init__(self) -> None:
        # By state, and behind that attempts, milliseconds, and what was sent again.
        self._counts = [0] * (COUNTS + 4)

    def add(self, counts: Sequence[int]) -> None:
        self._counts = [a + b for a, b in zip(self._counts, counts, strict=True)]

    def shown(self, start_ms: int, spread: dict[int, int]) -> port.Point:
        *by_state, attempts, ms_sum, arrived_again, failed_again = self._counts
        return port.Point(
            start_ms=start_ms,
            by_state=dict(enumerate(by_state)),
            delivered_ms_sum=ms_sum,
            p50_ms=percentile(spread, 0.5),
            p95_ms=percentile(spread, 0.95),
            attempts=attempts,
            arrived_again=arrived_again,
            failed_again=failed_again,
        )


def _of_several(webhooks: Sequence[int], steps: _Steps) -> Binding:
    return _asked(webhooks, steps.level, *steps.slots)


def _band(bounds_ms: Sequence[int], at_ms: int) -> int:
    """Return between which of some times one lies: 0 since the first, the newest."""
    return next(
        (band for band, from_ms in enumerate(bounds_ms) if at_ms >= from_ms), len(bounds_ms)
    )


def _listed(numbers: Sequence[int]) -> str:
    return msgspec.json.encode(numbers).decode()


def _asked(webhooks: Sequence[int], level: int, first: int, end: int) -> Binding:
    return {
        "webhooks": _listed(webhooks),
        "level": level,
        "first": first,
        "end": end,
        "from": first * level,
        "to": end * level,
    }


def _pyramid(first: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Slots of five minutes as the coarsest slots that fit: level, first and end of each run."""
    fine, *coarser = LEVELS
    runs = [(fine, first, end)]
    for level in coarser:
        finer, low, high = runs.pop()
        times = level // finer
        inner_low, inner_high = -(-low // times), high // times
        if inner_low >= inner_high:
            runs.append((finer, low, high))
            break
        yield finer, low, inner_low * times
        yield finer, inner_high * times, high
        runs.append((level, inner_low, inner_high))
    yield from runs


def _step(span_ms: int, points: int) -> int:
    """A step that makes at most about `points` of a span: whole slots, and not too odd ones."""
    wanted = max(1, span_ms) / points
    for minutes in (5, 10, 15, 30):
        if wanted <= minutes * 60_000:
            return minutes * 60_000
    for hours in (1, 2, 3, 6, 12, 24):
        if wanted <= hours * 3_600_000:
            return hours * 3_600_000
    days = -(-int(wanted) // 86_400_000)
    return days * 86_400_000
