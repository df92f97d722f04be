"""Events that the service refused, set aside until a person has looked at them."""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tidings_producer.answers import Verdict
from tidings_producer.errors import SpoolFailed, SpoolFull
from tidings_producer.spool.files import MODE, failed, keep_damaged, sync_folder, write
from tidings_producer.spool.records import pack, scan, torn

NAME = "refused"
NEW = "refused.new"


@dataclasses.dataclass(frozen=True)
class RefusedEvent:
    """An event that was refused, why, and when (milliseconds since 1970)."""

    event_id: str
    code: str
    said: str
    field: str
    at: int
    body: bytes = dataclasses.field(repr=False)
    """The event as it was sent."""

    @property
    def event(self) -> Any:
        """The event, read."""
        return json.loads(self.body)


class Refused:
    """The refused events of a spool, the oldest first. May be asked by any thread."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        """OSError. What the end of a process has left half written is dropped: its event is
        in the spool still."""
        self._folder, self._bytes_max = folder, bytes_max
        self.lock = threading.RLock()
        self._rows: dict[str, RefusedEvent] = {}
        self._file = -1
        if self._open():
            with suppress(SpoolFailed):  # the damage is then found again
                self._write_anew(self._rows)

    def __iter__(self) -> Iterator[RefusedEvent]:
        with self.lock:
            rows = list(self._rows.values())
        return iter(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, event_id: str, body: bytes, verdict: Verdict) -> None:
        """Keep one, on the disk; once, where it is there already. SpoolFull, SpoolFailed."""
        now = time.time_ns() // 1_000_000
        row = RefusedEvent(
            event_id=event_id,
            code=verdict.code,
            said=verdict.said,
            field=verdict.field,
            at=now,
            body=body,
        )
        with self.lock:
            self._refuse_closed()
            known = self._rows.get(event_id)
            if known is not None and known.body == body:
                return
            record = pack(_written(row))
            if self._size + len(record) > self._bytes_max:
                raise SpoolFull(
                    f"At most {self._bytes_max:,} bytes of refused events may be set aside; there "
                    "are as many. Mend what is refused, then redrive() or drop() them."
                )
            try:
                write(self._file, record)
                os.fsync(self._file)
            except OSError as error:
                self._cut()
                raise failed("put a refused event aside", error) from None
            self._size += len(record)
            self._rows[event_id] = row

    def drop(self, *event_ids: str) -> int:
        """Forget those with these ids, or all; how many there were. SpoolFailed."""
        with self.lock:
            self._refuse_closed()
            gone = set(event_ids or self._rows)
            left = {id: row for id, row in self._rows.items() if id not in gone}
            count = len(self._rows) - len(left)
            if count:
                self._write_anew(left)
            return count

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _refuse_closed(self) -> None:
        if self._file < 0:
            raise SpoolFailed("A spool must be open to change its refused events; it was closed.")

    def _open(self) -> bool:
        """Return whether a part of it is damaged; that is kept apart."""
        damaged = False
        self._file = os.open(self._folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, MODE)
        self._size = 0
        data = (self._folder / NAME).read_bytes()
        for piece in scan(data):
            if piece.body is not None:
                row = _read(piece.body)
                self._rows[row.event_id] = row
                self._size = piece.end
            elif not torn(data[piece.start : piece.end]):
                damaged = True
                keep_damaged(self._folder, f"{NAME}-{piece.start}", data[piece.start : piece.end])
        os.ftruncate(self._file, self._size)
        return damaged

    def _cut(self) -> None:
        """Take back what was written of a record."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            pass  # it is found to be none when the file is opened again

    def _write_anew(self, rows: dict[str, RefusedEvent]) -> None:
        data = b"".join(pack(_written(row)) for row in rows.values())
        try:
            file = os.open(self._folder / NEW, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE)
            try:
                write(file, data)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(self._folder / NEW, self._folder / NAME)
            sync_folder(self._folder)
        except OSError as error:
            raise failed("write its refused events anew", error) from None
        finally:
            # Whichever of the two files the name is of now.
            os.close(self._file)
            self._file, self._rows = -1, {}
            try:
                self._open()
            except OSError as error:
                raise failed("open its refused events again", error) from None


def _written(row: RefusedEvent) -> bytes:
    """The reason as JSON on a line, then the event byte for byte."""
    head = {"id": row.event_id, "code": row.code, "said": row.said, "field": row.field}
    return json.dumps({**head, "at": row.at}).encode() + b"\n" + row.body


def _read(record: bytes) -> RefusedEvent:
    head, _, body = record.partition(b"\n")
    fields = json.loads(head)
    return RefusedEvent(
        event_id=fields["id"],
        code=fields["code"],
        said=fields["said"],
        field=fields["field"],
        at=fields["at"],
        body=body,
    )
