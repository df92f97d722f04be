"""Search terms in sorted segments, written behind the commits; they can be derived again.

A segment covers a run of event sequence numbers and is one blob of 12-byte entries, sorted: 8 bytes
of term, 4 bytes of the event's number (its lower half: a segment is no longer than that). Sixteen
neighbours of a level are merged into a bigger one; of those that would be longer than 16 MB, as
many as fit. So a look-up asks few blobs, each by a search, and no merge holds the reads up for long
(0.25 s).

Measured against a table of (term, seq) rows in SQLite on the same two cores: 11-20 µs an event for
five terms there, 3 µs here (docs/decisions/0002-embedded-store.md).
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple

from tidings.core.ids import EventNumber
from tidings.errors import TidingsError
from tidings.store.sql.connection import LongBytes, StoreConnection
from tidings.store.sql.events.stretches import narrow
from tidings.store.sql.row_mapping import insert_into

SLICE_EVENTS = 4096
MERGE = 16
TERM_BYTES = 8
ENTRY_BYTES = 12
READ_ENTRIES = 1024  # at once, of a term with many events
SET_ENTRIES = 65_536  # a term with more in a segment is searched for each candidate instead
MERGED_BYTES_MAX = 16 << 20
FULL = 99  # the level of segments that are not merged any more
LOW = 0xFFFF_FFFF
MARGIN_ENTRIES = 1024  # a term of a full segment lies no further from where it would be

_BETWEEN = "SELECT seq, terms FROM event WHERE seq >= ? AND seq <= ? ORDER BY seq"
_NUMBER = struct.Struct(">8xI")


class SegmentRow(NamedTuple):
    """A row of `segment`: the sorted entries of the events from `first` to `last`."""

    first: int
    last: int
    level: int
    entries: bytes


_INSERT_SEGMENT = insert_into("segment", SegmentRow)


class TooCommon(TidingsError):
    """More events have a term than are asked for."""


class SearchSegments:
    """The segments, and the cursor up to which the events are read."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection
        [(last,)] = self._rows("SELECT coalesce(max(last), 0) FROM segment", ())
        self._cursor = int(last)

    @property
    def connection(self) -> StoreConnection:
        """The search database; the summaries of blocks stand beside the segments."""
        return self._connection

    @property
    def cursor(self) -> int:
        """The sequence number of the last event whose terms can be found here."""
        return self._cursor

    def write_slice(self, events: StoreConnection, limit: int = SLICE_EVENTS) -> int:
        """Read up to `limit` further events and write their terms; how many there were."""
        rows: list[tuple[Any, ...]] = events.execute(
            "SELECT seq, terms FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (self._cursor, limit)
        ).fetchall()
        if not rows:
            return 0
        first = rows[0][0]
        rows = [row for row in rows if row[0] - first <= LOW]  # a gap may lie between
        self._write(first, rows)
        self._cursor = rows[-1][0]
        return len(rows)

    def write_late(self, events: StoreConnection, blocks: Sequence[int], bits: int) -> int:
        """Write the terms of events that came behind the cursor, of the first of these blocks, as
        many as fit a slice; how many blocks that were. Of events that were read before, what is
        written twice is found once."""
        rows: list[tuple[Any, ...]] = []
        taken = 0
        for block in blocks:
            ends = (block << bits, min(self._cursor, ((block + 1) << bits) - 1))
            found: list[tuple[Any, ...]] = events.execute(_BETWEEN, ends).fetchall()
            if rows and (
                len(rows) + len(found) > SLICE_EVENTS or ends[1] - rows[0][0] > LOW - SLICE_EVENTS
            ):
                break
            rows, taken = rows + found, taken + 1
        if rows:
            first = int(rows[0][0])
            while self._rows("SELECT 1 FROM segment WHERE first = ?", (first,)):
                first -= 1  # it is their key, and needs to be no greater than a number of them
            self._write(first, rows)
        return taken

    def _write(self, first: int, rows: Sequence[tuple[Any, ...]]) -> None:
        last = rows[-1][0]
        entries = sorted(
            {  # a set: an event that has a term twice is found once
                terms[at : at + TERM_BYTES] + (seq & LOW).to_bytes(4, "big")
                for seq, terms in rows
                for at in range(0, len(terms), TERM_BYTES)
            }
        )
        with self._connection:
            self._connection.execute(
                _INSERT_SEGMENT,
                SegmentRow(first=first, last=last, level=0, entries=b"".join(entries)),
            )
            self._merge(0)

    def _rows(self, query: str, binding: tuple[int, ...]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, binding).fetchall()

    def _merge(self, level: int) -> None:
        rows = self._rows(
            "SELECT first, last, length(entries) FROM segment WHERE level = ? ORDER BY first",
            (level,),
        )
        if len(rows) < MERGE:
            return
        fit = _that_fit(rows)
        merged: list[bytes] = []
        for first, _, size in fit:
            [(blob,)] = self._rows("SELECT entries FROM segment WHERE first = ?", (first,))
            merged += [blob[at : at + ENTRY_BYTES] for at in range(0, size, ENTRY_BYTES)]
        merged.sort()
        first, last = fit[0][0], max(last for _, last, _ in fit)
        self._rows("DELETE FROM segment WHERE level = ? AND first <= ?", (level, fit[-1][0]))
        whole = len(fit) == len(rows)
        self._connection.execute(
            _INSERT_SEGMENT,
            SegmentRow(
                first=first,
                last=last,
                level=level + 1 if whole else FULL,
                entries=b"".join(merged),
            ),
        )
        if whole:
            self._merge(level + 1)

    def find(self, term: bytes, limit: int, before: int | None = None) -> list[EventNumber]:
        """Find the sequence numbers of events with this term, newest first, below `before`; or with
        one of several that stand one behind another."""
        found: list[EventNumber] = []
        for seq, _ in self.walk([term], before, None):
            found.append(seq)
            if len(found) >= limit:
                break
        return found

    def walk(
        self,
        terms: Sequence[bytes],
        before: int | None,
        after: int | None,
        most: int | None = None,
    ) -> Iterator[tuple[EventNumber, bool]]:
        """Walk the events that have the rarest of these terms, and whether they have the others
        too.

        Where one of them holds several terms, one behind another, any of those will do.
        Newest first, below `before`; or, where `after` is given, oldest first and above it.
        TooCommon where a segment shows, before it is read, that there are more than `most`.
        """
        if after is None:
            segments = self._rows(
                "SELECT first, last, length(entries) FROM segment WHERE first < ?"
                " ORDER BY first DESC",
                (1 << 62 if before is None else before,),
            )
        else:
            segments = self._rows(
                "SELECT first, last, length(entries) FROM segment WHERE last > ? ORDER BY first",
                (after,),
            )
        walk = TermWalk(self._connection, terms, before, after, most)
        previous = -1
        for group in _that_overlap(segments):
            walks = [walk.of(first, size) for first, _, size in group]
            found = walks[0] if len(walks) == 1 else merge(*walks, reverse=after is None)
            for seq, fits in found:
                if seq != previous:
                    yield seq, fits
                previous = seq

    def drop_before(self, seq: int) -> bool:
        """Forget the oldest segment if all of its events are below `seq`; whether one was.

        The newest one stays: by it a new owner knows how far the events are read.
        """
        self._rows(
            "DELETE FROM segment WHERE first = (SELECT min(first) FROM segment) AND last < ?"
            " AND last < (SELECT max(last) FROM segment)",
            (seq,),
        )
        return self._connection.changes() > 0

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()


class TermWalk:
    """One question's walk along segments, and how many events it may still meet."""

    def __init__(
        self,
        connection: StoreConnection,
        terms: Sequence[bytes],
        before: int | None,
        after: int | None,
        most: int | None,
    ) -> None:
        """See `SearchSegments.walk`."""
        self._connection = connection
        self._terms = terms
        self._before = before
        self._after = after
        self._most = most

    def of(self, first: int, size: int) -> Iterator[tuple[EventNumber, bool]]:
        """Walk the segment that begins with `first`, of so many bytes. TooCommon."""
        before, after = self._before, self._after
        with self._connection.long_bytes("segment", "entries", "first", first) as blob:
            runs = [Runs.of(blob, size // ENTRY_BYTES, group) for group in self._terms]
            runs.sort(key=lambda one: one.count)
            if self._most is not None:
                self._most -= runs[0].least
                if self._most < 0:
                    raise TooCommon
            others = [run.holds() for run in runs[1:]] if runs[0].count else []
            for low in runs[0].numbers(newest_first=after is None):
                seq = EventNumber(first + (low - first & LOW))
                if before is not None and seq >= before:
                    continue
                if after is not None and seq <= after:
                    continue
                yield seq, all(holds(low) for holds in others)


class PostingRun:
    """The entries of one term in a segment's blob."""

    def __init__(self, blob: LongBytes, term: bytes, low: int, high: int) -> None:
        self._blob = blob
        self._term = term
        self.low = low
        self.high = high

    @classmethod
    def of(cls, blob: LongBytes, count: int, term: bytes) -> "PostingRun":
        """Find a term by two searches."""
        low = _first_from(blob, *_stretch(blob, count, term), term)
        high = low
        if low < count and _entry(blob, low)[:TERM_BYTES] == term:
            # Most terms have few: look a little further before searching to the end.
            step = 1
            while low + step < count and _entry(blob, low + step)[:TERM_BYTES] == term:
                step *= 2
            above = term + b"\xff" * (ENTRY_BYTES - TERM_BYTES + 1)
            high = _first_from(blob, low + step // 2, min(count, low + step), above)
        return cls(blob, term, low, high)

    def numbers(self, *, newest_first: bool) -> Iterator[int]:
        """Return the lower halves of the events' numbers, read piece by piece."""
        at = self.high if newest_first else self.low
        while self.low < at if newest_first else at < self.high:
            if newest_first:
                start, end = max(self.low, at - READ_ENTRIES), at
                at = start
            else:
                start, end = at, min(self.high, at + READ_ENTRIES)
                at = end
            read = self._read(start, end)
            yield from reversed(read) if newest_first else read

    def holds(self) -> Callable[[int], bool]:
        """Return whether an event, by the lower half of its number, has the term."""
        if self.high - self.low <= SET_ENTRIES:
            return set(self._read(self.low, self.high)).__contains__

        def search(low: int) -> bool:
            wanted = self._term + low.to_bytes(4, "big")
            at = _first_from(self._blob, self.low, self.high, wanted)
            return at < self.high and _entry(self._blob, at) == wanted

        return search

    def _read(self, start: int, end: int) -> list[int]:
        self._blob.seek(start * ENTRY_BYTES)
        piece = self._blob.read((end - start) * ENTRY_BYTES)
        return [low for (low,) in _NUMBER.iter_unpack(piece)]


class Runs:
    """The entries of any of several terms in a segment's blob."""

    def __init__(self, runs: Sequence[PostingRun]) -> None:
        self._runs = runs
        sizes = [run.high - run.low for run in runs]
        self.count = sum(sizes)
        self.least = max(sizes, default=0)  # events: one may have several of the terms

    @classmethod
    def of(cls, blob: LongBytes, count: int, group: bytes) -> "Runs":
        """Find the events of the terms that stand one behind another in `group`."""
        found = [PostingRun.of(blob, count, term) for term in terms_in(group)]
        return cls([run for run in found if run.low < run.high])

    def numbers(self, *, newest_first: bool) -> Iterator[int]:
        """Return the numbers as of one run; an event that has several of the terms comes once."""
        walks = [run.numbers(newest_first=newest_first) for run in self._runs]
        if len(walks) == 1:
            yield from walks[0]
            return
        for low, _ in groupby(merge(*walks, reverse=newest_first)):
            yield low

    def holds(self) -> Callable[[int], bool]:
        """Return whether an event has one of the terms."""
        tests = [run.holds() for run in self._runs]
        if len(tests) == 1:
            return tests[0]
        return lambda low: any(test(low) for test in tests)


def _that_overlap(
    segments: Sequence[tuple[int, int, int]],
) -> Iterator[Sequence[tuple[int, int, int]]]:
    """Group segments, in either order of their beginnings, that lie among the same numbers: each
    is alone but where a family has come from another cell."""
    group: list[tuple[int, int, int]] = []
    low = high = 0
    for first, last, size in segments:
        if group and first <= high and last >= low:
            low, high = min(low, first), max(high, last)
        else:
            if group:
                yield group
            group, low, high = [], first, last
        group.append((first, last, size))
    if group:
        yield group


def _that_fit(rows: Sequence[tuple[int, int, int]]) -> Sequence[tuple[int, int, int]]:
    """Choose as many of the oldest segments as one may be made of; one at least."""
    size = 0
    for count, (_, last, length) in enumerate(rows):
        size += length
        # An entry has the lower half of a number.
        if count and (size > MERGED_BYTES_MAX or last - rows[0][0] > LOW):
            return rows[:count]
    return rows


def terms_in(group: bytes) -> list[bytes]:
    """Return the terms that stand one behind another in a question's `group`."""
    return [group[at : at + TERM_BYTES] for at in range(0, len(group), TERM_BYTES)]


def _entry(blob: LongBytes, index: int) -> bytes:
    blob.seek(index * ENTRY_BYTES)
    return bytes(blob.read(ENTRY_BYTES))


def _stretch(blob: LongBytes, count: int, term: bytes) -> tuple[int, int]:
    """Return a stretch of entries in or right behind which the first one is that is not below the
    term. Terms are digests, spread evenly but for those of very many events."""
    ends = (0, 1 << 8 * TERM_BYTES)
    wanted = int.from_bytes(term)
    return narrow(0, count, ends, lambda at: _term_at(blob, at), wanted, MARGIN_ENTRIES)


def _term_at(blob: LongBytes, index: int) -> int:
    return int.from_bytes(_entry(blob, index)[:TERM_BYTES])


def _first_from(blob: LongBytes, low: int, high: int, wanted: bytes) -> int:
    """The index of the first entry that is not below `wanted`."""
    while low < high:
        middle = (low + high) // 2
        if _entry(blob, middle) < wanted:
            low = middle + 1
        else:
            high = middle
    return low
