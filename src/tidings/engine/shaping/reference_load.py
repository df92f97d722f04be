"""A bulk load of reference data: a stream of bytes in, slices of records out.

Nothing but the row that is being read and one slice is in memory. Events wait behind a slice, so it
may take the store's writer 5 ms; while there are none, 5 ms beyond the sync that ends every write.
The audit log hears of a load with its first slice, and again at its end where there were more,
whatever has ended it: only where the process or its store is gone it has begun and never ended.
Rows that were stored stay stored when the stream breaks off: loading the same file again replaces
them.
"""

import asyncio
import contextlib
import itertools
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from tidings.core.ids import OrgId
from tidings.core.shaping.reference_rows import (
    ParsedReferenceRow,
    Records,
    ReferenceLoadReader,
    RowError,
)
from tidings.engine.shaping.reference import RECORDED_IDS_MAX, Reference, recorded
from tidings.errors import FieldRefusal
from tidings.store.port import StoreDown

ERRORS_SHOWN = 100
SLICE_ROWS_MIN, SLICE_ROWS_MAX = 128, 1024
SLICE_BYTES_MAX = 256 * 1024
SLICE_US = 5000
ROWS_PER_TURN = 100  # of the loop: reading a row takes about 4 µs


class LineError(msgspec.Struct, frozen=True, rename="camel"):
    """A row that was left out, as it is told."""

    line: int
    code: int | str
    message: str
    field: str


class LoadResult(msgspec.Struct, rename="camel"):
    """The result of a load."""

    loaded: int = 0  # rows that are stored now
    new: int = 0  # among them: records that were not there before
    refused: int = 0
    errors: list[LineError] = []  # of the first refused rows
    ignored_fields: list[str] = []


class Loader:
    """One load."""

    def __init__(
        self, reference: Reference, org: OrgId, reader: ReferenceLoadReader, records: Records
    ) -> None:
        self._reference = reference
        self._org = org
        self._reader = reader
        self._records = records
        self._slice: dict[str, bytes] = {}
        self._slice_bytes = 0
        self._slice_rows = 0
        self._rows_max = SLICE_ROWS_MIN * 2
        self._sync_us = float("inf")  # about: what the quickest slice took, or the last least one
        self._rows_us = 0.0  # what the rows of the last slice took beyond that
        self._first_ids: list[str] = []  # for the audit log
        self._is_last = False
        self._is_begun = False  # an entry says that the load has begun, and none how it has ended
        self.done = LoadResult(errors=[], ignored_fields=[])

    async def feed(self, chunk: bytes) -> None:
        """Read the next bytes, and store the rows that they complete. Raise LoadRefused or
        StoreDown; what was stored before stays."""
        for count, row in enumerate(self._reader.feed(chunk), 1):
            await self._take(row)
            if count % ROWS_PER_TURN == 0:
                await asyncio.sleep(0)

    async def end(self) -> LoadResult:
        """Store the rest, and return what the load has come to: there are no more bytes."""
        for row in self._reader.end():
            await self._take(row)
        self._is_last = True
        await self._store()
        if self._is_begun:
            await self._note("ended")
        self.done.ignored_fields = list(self._records.ignored)
        return self.done

    async def break_off(self) -> None:
        """Record that it has stopped before its end, if it has, as far as that can be written."""
        if self._is_begun:
            with contextlib.suppress(StoreDown):
                await self._note("broken off")

    async def _note(self, state: str) -> None:
        self._is_begun = False
        summary = recorded(self._first_ids, count=self.done.loaded) | {"load": state}
        await self._reference.note_load(self._org, self._records.kind, summary)

    async def _take(self, row: ParsedReferenceRow | RowError) -> None:
        if isinstance(row, RowError):
            self._refuse(row.line, row.refusal)
            return
        self._slice[row.id] = row.value  # the last one of an id counts
        self._slice_rows += 1
        self._slice_bytes += len(row.value)
        if self._slice_rows >= self._rows_max or self._slice_bytes >= SLICE_BYTES_MAX:
            await self._store()

    def _refuse(self, line: int, refusal: FieldRefusal) -> None:
        done = self.done
        done.refused += 1
        if len(done.errors) < ERRORS_SHOWN:
            done.errors.append(LineError(line, refusal.code, refusal.message, field=refusal.field))

    async def _store(self) -> None:
        if not self._slice:
            return
        records, rows = self._slice, self._slice_rows
        self._slice, self._slice_rows, self._slice_bytes = {}, 0, 0
        is_first = not self.done.loaded
        with self._recording(records) if is_first else contextlib.nullcontext():
            written, alone = await self._reference.put_slice(self._org, self._records.kind, records)
        self._is_begun = self._is_begun or (is_first and not self._is_last)
        self.done.loaded += rows
        self.done.new += written.changed
        self._fit(rows, written.took_us, alone)

    def _recording(self, records: dict[str, bytes]) -> AbstractContextManager[None]:
        """Have the first slice recorded."""
        self._first_ids = list(itertools.islice(records, RECORDED_IDS_MAX))
        state = {} if self._is_last else {"load": "begun"}
        return self._reference.recording(self._org, self._records.kind, recorded(records) | state)

    def _fit(self, rows: int, took_us: int, alone: bool) -> None:
        if rows <= SLICE_ROWS_MIN:
            self._sync_us = took_us  # the disk may have become slower
        self._sync_us = min(took_us, self._sync_us)
        if not alone:
            self._rows_max = next_slice(rows, self._rows_max, took_us)
            return
        rows_us, before_us = took_us - self._sync_us, self._rows_us
        self._rows_us = rows_us
        # One slow slice may have met somebody else at the disk; two in a row are too large.
        self._rows_max = next_slice(rows, self._rows_max, min(rows_us, before_us))


def next_slice(rows: int, rows_max: int, took_us: float) -> int:
    """Compute how many rows the next slice may hold, after `rows` took `took_us` of what counts."""
    if took_us > SLICE_US:
        return max(SLICE_ROWS_MIN, min(rows_max, rows) // 2)
    if took_us < SLICE_US // 2 and rows >= rows_max:
        return min(SLICE_ROWS_MAX, rows_max + rows_max // 4)
    return rows_max


def as_json(done: LoadResult) -> dict[str, Any]:
    """Show the result of a load as it is answered."""
    found: dict[str, Any] = msgspec.to_builtins(done)
    return found
