"""How the summaries of a block are written: counts, latencies, what was late, answers. Pure.

Latencies (accept to delivered, in ms) are counted in classes that grow by a quarter of their power
of two, so that a percentile read from them is within 12 % of the exact one. For service levels,
which are whole seconds, what ended after more than a second is counted by exact seconds.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from tidings.core.delivery.states import State

STATES = len(State)
COUNTS = STATES + 1  # what is counted: by state, and at last what a replay has delivered since
DELIVERED = 3
SECOND_MS = 1000
ARRIVED = (DELIVERED, STATES)  # as what arrives is counted, the latter by a replay since
LOST = (int(State.FAILED), int(State.PARKED))  # as what never arrives is
NO_ANSWER = 0  # stands for the status of an attempt that got none
NAMES_MAX = 6500  # numbers of names that a kind can be spelt with; others are "any name"
_FIRST_KIND = 0x100  # above every sign that a pattern gives a meaning

_PAIR = struct.Struct("<II")


def spell(pairs: Iterable[tuple[int, int]]) -> str:
    """Write pairs of name number and state as a text with one sign each, and one for each state
    alone."""
    signs: set[str] = set()
    for name, state in pairs:
        signs.add(sign(name, state))
        signs.add(sign(0, state))
    return "".join(sorted(signs))


def sign(name: int, state: int) -> str:
    """Return the sign of a name and a state; of any name where `name` is 0 or too great."""
    if name > NAMES_MAX:
        name = 0
    return chr(_FIRST_KIND + 8 * name + state)


def latency_class(ms: int) -> int:
    """Return the class of a latency: 0 to 7 ms exactly, then four to each power of two."""
    if ms < 8:
        return max(ms, 0)
    shift = ms.bit_length() - 3
    return 4 * shift + (ms >> shift)


def class_middle(number: int) -> float:
    """Return the middle of a class, in ms."""
    if number < 8:
        return float(number)
    shift = number // 4 - 1
    return ((number - 4 * shift) + 0.5) * (1 << shift)


def percentile(spread: dict[int, int], share: float) -> float | None:
    """Return the latency in ms below which `share` (0 to 1) of a spread lies; None where it is
    empty."""
    total = sum(spread.values())
    wanted = share * total
    seen = 0
    for number in sorted(spread):
        seen += spread[number]
        if seen >= wanted:
            return class_middle(number)
    return None


class SummarySlot:
    """The deliveries of one webhook, or of all webhooks of an org, in one slot of time."""

    __slots__ = (
        "answers",
        "arrived_again",
        "attempts",
        "counts",
        "earlier",
        "failed_again",
        "late",
        "max_ms",
        "min_ms",
        "ms_sum",
        "slowest_ms",
        "spread",
    )

    def __init__(self) -> None:
        self.counts = [0] * COUNTS
        self.attempts = 0
        self.min_ms = 1 << 62
        self.max_ms = 0
        self.ms_sum = 0
        self.slowest_ms = 0  # of all that ended
        # Plain dicts: there are thousands of parts of a few entries each, which Counter is slow at.
        self.spread: dict[int, int] = {}  # classes of those that were delivered
        self.late: dict[int, int] = {}  # begun seconds of all that ended, above the first
        self.answers: dict[int, int] = {}  # the last status of all that were tried
        self.earlier: dict[int, int] = {}  # the status of each of their attempts before that
        # Of `counts` what a replay has sent again: its event is counted by an earlier delivery.
        self.arrived_again = 0  # among the delivered, and what was delivered since
        self.failed_again = 0  # among the failed and parked

    def add(self, other: "SummarySlot") -> None:
        """Take in another slot."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.attempts += other.attempts
        self.min_ms = min(self.min_ms, other.min_ms)
        self.max_ms = max(self.max_ms, other.max_ms)
        self.ms_sum += other.ms_sum
        self.slowest_ms = max(self.slowest_ms, other.slowest_ms)
        self.arrived_again += other.arrived_again
        self.failed_again += other.failed_again
        _gather(self.spread, other.spread)
        _gather(self.late, other.late)
        _gather(self.answers, other.answers)
        _gather(self.earlier, other.earlier)

    # Of the table of slices, in the order of `row`.
    COLUMNS: ClassVar[Sequence[str]] = (
        "min_ms",
        "max_ms",
        *(f"n{count}" for count in range(COUNTS)),
        "attempts",
        "ms_sum",
        "slowest_ms",
        "spread",
        "late",
        "answers",
        "earlier",
        "arrived_again",
        "failed_again",
    )

    def row(self) -> tuple[object, ...]:
        """Return the values of `COLUMNS`."""
        return (
            self.min_ms,
            self.max_ms,
            *self.counts,
            self.attempts,
            self.ms_sum,
            self.slowest_ms,
            pack(self.spread),
            pack(self.late),
            pack(self.answers),
            pack(self.earlier),
            self.arrived_again,
            self.failed_again,
        )


class SlotSummaries:
    """Parts by webhook and slot."""

    def __init__(self, step_ms: int) -> None:
        self._step_ms = step_ms
        self.parts: dict[tuple[int, int], SummarySlot] = {}

    def add(
        self,
        webhook: int,
        counted_as: int,
        at_ms: int,
        done_ms: int | None,
        status: int | None,
        attempts: int,
        earlier: Sequence[int] = (),
        *,
        again: bool = False,
    ) -> None:
        """Count one delivery, as its state or as what a replay has delivered since. `status` is
        that of the last of its `attempts` which have ended, None where that got no answer;
        `earlier` are those of the attempts before it, as `earlier_answers` reads them; `again`: its
        event had a delivery to the webhook before."""
        slot = at_ms // self._step_ms
        part = self.parts.get((webhook, slot))
        if part is None:
            part = self.parts[webhook, slot] = SummarySlot()
        part.counts[counted_as] += 1
        if again:
            part.arrived_again += counted_as in ARRIVED
            part.failed_again += counted_as in LOST
        part.attempts += attempts
        part.min_ms = min(part.min_ms, at_ms)
        part.max_ms = max(part.max_ms, at_ms)
        if (answer := answer_of(status, attempts)) is not None:
            part.answers[answer] = part.answers.get(answer, 0) + 1
        for before in earlier:
            part.earlier[before] = part.earlier.get(before, 0) + 1
        if done_ms is None:
            return
        took = done_ms - at_ms if done_ms > at_ms else 0
        if counted_as == DELIVERED:
            part.ms_sum += took
            number = latency_class(took)
            part.spread[number] = part.spread.get(number, 0) + 1
        if took > SECOND_MS:
            begun = -(-took // SECOND_MS)
            part.late[begun] = part.late.get(begun, 0) + 1
        part.slowest_ms = max(part.slowest_ms, took)

    def add_orgs(self, org_of: Mapping[int, int]) -> None:
        """Add what the webhooks of each org have together, under the org's number below zero: so
        that totals of an org read as much for a thousand webhooks as for one."""
        orgs: dict[tuple[int, int], SummarySlot] = {}
        for (webhook, slot), part in self.parts.items():
            org = org_of.get(webhook)
            if org is not None:
                _part(orgs, (-org, slot)).add(part)
        self.parts |= orgs

    def merged(self, step_ms: int) -> dict[tuple[int, int], SummarySlot]:
        """Return the summaries in coarser slots; `step_ms` is a multiple of its own."""
        times = step_ms // self._step_ms
        if times == 1:
            return self.parts
        coarse: dict[tuple[int, int], SummarySlot] = {}
        for (webhook, slot), part in self.parts.items():
            _part(coarse, (webhook, slot // times)).add(part)
        return coarse


def _part(parts: dict[tuple[int, int], SummarySlot], at: tuple[int, int]) -> SummarySlot:
    part = parts.get(at)
    if part is None:
        part = parts[at] = SummarySlot()
    return part


def _gather(into: dict[int, int], counts: dict[int, int]) -> None:
    for number, count in counts.items():
        into[number] = into.get(number, 0) + count


def pack(counts: dict[int, int]) -> bytes:
    """Encode numbers and their counts as bytes."""
    return b"".join([_PAIR.pack(*pair) for pair in sorted(counts.items())])


def answer_of(status: int | None, attempts: int) -> int | None:
    """Return what a delivery adds to the answers: its last status, NO_ANSWER where its last attempt
    got none, None before its first one."""
    if not attempts:
        return None
    return NO_ANSWER if status is None else status


def earlier_answers(statuses: str | None) -> Sequence[int]:
    """Read the answers to all attempts of a delivery but the last one, as a query lists them:
    NO_ANSWER where none came; None where there was no attempt before the last one."""
    return () if statuses is None else [int(status) for status in statuses.split(",")]


def merge_packed(packed: bytes | bytearray) -> dict[int, int]:
    """Sum the counts of several results of `pack`, one behind the other."""
    numbers = struct.unpack(f"<{len(packed) // 4}I", packed)
    merged = [0] * (max(numbers[::2], default=0) + 1)
    for number, count in zip(numbers[::2], numbers[1::2], strict=True):
        merged[number] += count
    return {number: count for number, count in enumerate(merged) if count}


def unpack(packed: bytes) -> Iterable[tuple[int, int]]:
    """Decode the pairs of `pack`."""
    return _PAIR.iter_unpack(packed)
