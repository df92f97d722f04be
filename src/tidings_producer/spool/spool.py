"""A directory of events that wait for the service, in the order in which they were sent.

An event is appended and synced before `append` returns; many threads share a sync. It is read from
the begin, and taken when the service has settled it. A process that is killed anywhere leaves at
most a torn record, which nobody was promised. Whoever opens the directory next goes on from the
place of the last one, or a little before it: those events are sent again, and known by their ids.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tidings_producer.answers import Later, Verdict
from tidings_producer.envelope import Encoded
from tidings_producer.errors import SettingError, SpoolFailed, SpoolFull, SpoolLocked
from tidings_producer.spool.files import failed, keep_damaged, lock
from tidings_producer.spool.place import PlaceFile, SpoolPosition
from tidings_producer.spool.records import pack, scan
from tidings_producer.spool.refused import Refused
from tidings_producer.spool.segments import SUFFIX, Segments

BYTES_MAX, BYTES_MIN = 256 << 20, 64 << 10
REFUSED_BYTES_MAX = 64 << 20
SEGMENT_BYTES_MAX = 8 << 20
FOLDERS_MAX = 1_000


class Spool:
    """An open spool. `append` may be called by any thread; `peek` and `take` by one."""

    def __init__(
        self,
        folder: str | Path,
        *,
        bytes_max: int = BYTES_MAX,
        refused_bytes_max: int = REFUSED_BYTES_MAX,
        fsync: bool = True,
        group_commit_s: float = 0.0,
    ) -> None:
        """`bytes_max`: of all its events on the disk. `fsync`: an event survives the machine, not
        the process alone. `group_commit_s`: how long a sync waits for others to share it.

        SpoolLocked where another producer has the directory; SpoolFailed.
        """
        if bytes_max < BYTES_MIN:
            raise SettingError(
                f"bytes_max of a spool must be {BYTES_MIN:,} or more; got {bytes_max:,}."
            )
        self.folder = Path(folder)
        self._bytes_max, self._segment_bytes = bytes_max, min(SEGMENT_BYTES_MAX, bytes_max // 8)
        self._fsync, self._group_commit_s = fsync, group_commit_s
        self._change = threading.Condition()
        self._syncing = False
        self._sealed = self._broken = self._closed = self._let_go_of = False
        self._taken_up = False
        self._kept: list[int] = []  # by failed sync: what was synced before it
        # Bytes since it was opened. What is appended is synced, then it may be read.
        self._appended = self._synced = self._taken = 0
        self._lock = lock(self.folder)
        try:
            self._open(refused_bytes_max)
        except OSError as error:
            os.close(self._lock)
            raise failed("be opened", error) from None
        _open.add(self)

    @classmethod
    def first_free(
        cls,
        parent: str | Path,
        *,
        bytes_max: int = BYTES_MAX,
        refused_bytes_max: int = REFUSED_BYTES_MAX,
        fsync: bool = True,
        group_commit_s: float = 0.0,
    ) -> Spool:
        """Open the spool of a numbered directory below `parent` that no process has: one in which
        another process has left events, else the first. So the processes of a service need no
        names, and the next one to start sends what a killed one has left."""
        there = [path for path in Path(parent).glob("*") if path.name.isdigit() and _waits(path)]
        names = [path.name for path in sorted(there)]
        for name in [*names, *(str(number) for number in range(FOLDERS_MAX))]:
            with suppress(SpoolLocked):
                return cls(
                    Path(parent) / name,
                    bytes_max=bytes_max,
                    refused_bytes_max=refused_bytes_max,
                    fsync=fsync,
                    group_commit_s=group_commit_s,
                )
        raise SpoolLocked(
            f"At most {FOLDERS_MAX:,} processes may have spools below {parent}; there are as many."
        )

    def take_up(self) -> None:
        """Take the spool for its producer: no other one may have it. Raise SpoolLocked,
        SpoolFailed."""
        with self._change:
            self._refuse_unusable()
            if self._taken_up:
                raise SpoolLocked(
                    "A spool must have one producer; this one has another. Share that producer."
                )
            self._taken_up = True

    def _open(self, refused_bytes_max: int) -> None:
        self.refused = Refused(self.folder, refused_bytes_max)
        self._place_file = PlaceFile(self.folder)
        place = self._place_file.read()
        self._segments = Segments(self.folder, place.segment if place is not None else 1)
        sizes = self._segments.sizes
        if place is None or place.segment not in sizes:
            place = SpoolPosition(self._segments.oldest, 0)
        taken = self._segments.read(place.segment, 0, place.offset)
        if len(taken) < place.offset or zlib.crc32(taken) != place.checksum:
            place = SpoolPosition(place.segment, 0)  # something was lost or changed: send it again
        self._place = place
        self._place_file.write(self._place)
        self._place_file.sync()
        self._segments.remove_before(self._place.segment)
        self._synced_size = sizes[self._segments.newest]  # of the newest segment
        self._appended = self._synced = self._segments.total - self._place.offset

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes the service has not settled yet."""
        with self._change:
            return self._appended - self._taken

    @property
    def position(self) -> int:
        """Return where the next event is appended; for `wait_taken`."""
        with self._change:
            return self._appended

    def append(self, events: Sequence[Encoded]) -> None:
        """Keep events, one behind the other. When it returns they are on the disk; where it
        raises (SpoolFull, SpoolFailed), they are not promised."""
        records = [pack(_written(event)) for event in events]
        left = sum(map(len, records))
        with self._change:
            self._refuse_unusable()
            for data in self._parts(records):
                self._make_room(len(data), left)
                self._append(data)
                left -= len(data)
            position, failures = self._appended, len(self._kept)
        self._sync(position, failures)

    def peek(
        self, events_max: int, bytes_max: int, wait_s: float, linger_s: float
    ) -> list[Encoded]:
        """Return the first events that wait, without taking them; none if none comes within
        `wait_s`, or the spool is closed. Wait `linger_s` for more if there are fewer than fit.
        Raise SpoolFailed."""
        with self._change:
            self._change.wait_for(self._readable, wait_s)
            if self._closed:
                return []
            try:
                events = self._read(events_max, bytes_max)
                waiting = self._synced - self._taken
                if linger_s and len(events) < events_max and waiting < bytes_max:
                    enough = self._taken + bytes_max
                    self._change.wait_for(lambda: self._closed or self._synced >= enough, linger_s)
                    events = self._read(events_max, bytes_max)
                return events
            except OSError as error:
                raise failed("be read", error) from None

    def refuse(self, events: Sequence[Encoded], later: Later) -> None:
        """Do nothing: the events that the service did not take go on waiting."""

    def put_aside(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """Keep those that were refused, each once. SpoolFull, SpoolFailed."""
        for event, verdict in zip(events, verdicts):
            if verdict.code:
                self.refused.add(event.event_id, event.body, verdict)

    def take(self, events: Sequence[Encoded], verdicts: Sequence[Verdict]) -> None:
        """Remove these events, the first that wait: they are settled."""
        data = b"".join([pack(_written(event)) for event in events])
        with self._change:
            self._move(data)

    def wait_taken(self, position: int, timeout: float | None) -> bool:
        """Wait until everything before `position` is settled; return whether it was in time."""
        with self._change:
            self._change.wait_for(lambda: self._taken >= position or self._closed, timeout)
            return self._taken >= position

    def redrive(self, event_ids: Collection[str]) -> int:
        """Append refused events, those with these ids or all, behind what waits; how many.
        SpoolFull, SpoolFailed, and then those that were not appended are set aside still."""
        with self.refused.lock:  # one that is refused again meanwhile is set aside afterwards
            rows = [row for row in self.refused if not event_ids or row.event_id in event_ids]
            for row in rows:
                # A crash before the next line sends it, and has it here too: nothing is lost.
                self.append([Encoded(row.event_id, row.body)])
                self.refused.drop(row.event_id)
        return len(rows)

    def stop(self) -> None:
        """Take nothing more, and let nobody wait."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def close(self) -> None:
        """Let go of the directory; what waits stays in it. Nobody may peek or take any longer."""
        self.stop()
        with self._change:
            self._change.wait_for(lambda: not self._syncing)
            if self._let_go_of:
                return
            with suppress(OSError):
                self._segments.sync()
                # Whoever waits for a sync of his event has it.
                self._note_synced(self._appended, self._segments.sizes[self._segments.newest])
                self._place_file.sync()
            self._let_go()

    def abandon(self) -> None:
        """Let go of the files in the child after a fork; they stay the parent's, and so does the
        lock. Take no lock of a thread: it may be held for ever."""
        self._closed = True
        if not self._let_go_of:
            self._let_go()

    # -- inside; the condition is held -------------------------------------------------------------

    def _let_go(self) -> None:
        self._let_go_of = True
        _open.discard(self)
        self._segments.close()
        self._place_file.close()
        self.refused.close()
        os.close(self._lock)

    def _refuse_unusable(self) -> None:
        if self._closed:
            raise SpoolFailed("A spool must be open to keep events; it was closed.")
        if self._broken:
            raise SpoolFailed(
                "The spool must be opened again: the disk did not take back what it had failed to "
                "write. Close the producer and open another one."
            )

    def _look(self) -> None:
        """After a failed append: whether the file ends where it should."""
        newest = self._segments.newest
        try:
            size = self._segments.path(newest).stat().st_size
        except OSError:
            size = -1
        self._broken = size != self._segments.sizes[newest]

    def _parts(self, records: Sequence[bytes]) -> Iterator[bytes]:
        """As many records as one segment takes, at a time."""
        part: list[bytes] = []
        size = 0
        for record in records:
            if part and size + len(record) > self._segment_bytes:
                yield b"".join(part)
                part, size = [], 0
            part.append(record)
            size += len(record)
        yield b"".join(part)

    def _append(self, data: bytes) -> None:
        try:
            self._segments.append(data)
        except OSError as error:
            self._look()
            raise failed("keep an event", error) from None
        self._appended += len(data)
        if not self._fsync:
            self._note_synced(self._appended, self._segments.sizes[self._segments.newest])

    def _make_room(self, size: int, left: int) -> None:
        """In the newest segment for `size` bytes, and in the spool for all that are `left`."""
        newest = self._segments.newest
        written = self._segments.sizes[newest]
        full = written + size > self._segment_bytes
        read = self._place[:2] == (newest, written)
        short = self._segments.total + left > self._bytes_max
        if written and (self._sealed or full or (read and short)):
            self._begin()
        if self._segments.total + left > self._bytes_max:
            self._remove_read()  # what could not be removed when it was read
        if self._segments.total + left > self._bytes_max:
            raise SpoolFull(
                f"A spool must contain at most {self._bytes_max:,} bytes; it holds "
                f"{self._segments.total:,}, and {left:,} came. Look in status() why the service "
                "does not take them, or give it more (bytes_max)."
            )

    def _begin(self) -> None:
        """A new segment; all before it is synced."""
        self._change.wait_for(lambda: not self._syncing)
        self._refuse_unusable()  # it may have been closed meanwhile
        try:
            self._segments.begin()
        except OSError as error:
            raise failed("begin a new file", error) from None
        self._sealed = False
        self._note_synced(self._appended, 0)
        self._pass_read()

    def _note_synced(self, appended: int, size: int) -> None:
        self._synced, self._synced_size = appended, size
        self._change.notify_all()

    def _sync(self, position: int, failures: int) -> None:
        """Until all before `position` is synced. One thread syncs for all that wait."""
        with self._change:
            while True:
                if len(self._kept) > failures and position > self._kept[failures]:
                    raise SpoolFailed("The spool must sync what it keeps; the disk did not do it.")
                if self._synced >= position:
                    return
                if self._syncing:
                    self._change.wait()
                    continue
                self._syncing = True
                try:
                    self._sync_all()
                finally:
                    self._syncing = False
                    self._change.notify_all()

    def _sync_all(self) -> None:
        """Sync what is appended; others append meanwhile."""
        fault: OSError | None = None
        if self._group_commit_s:
            self._change.wait(self._group_commit_s)
        appended, size = self._appended, self._segments.sizes[self._segments.newest]
        self._change.release()
        try:
            self._segments.sync()
        except OSError as error:
            fault = error
        finally:
            self._change.acquire()
        if fault is None:
            self._note_synced(appended, size)
            return
        # What the disk has of it is not known, and a second sync would not tell: it is taken back.
        self._kept.append(self._synced)
        self._appended = self._synced
        self._sealed = True
        try:
            self._segments.cut(self._synced_size)
        except OSError:
            self._broken = True

    def _readable(self) -> bool:
        return self._closed or self._synced > self._taken

    def _limit(self, number: int) -> int:
        """Up to where a segment may be read."""
        newest = number == self._segments.newest
        return self._synced_size if newest else self._segments.sizes[number]

    def _pass_read(self) -> None:
        """Go on to the next segment where one is read to its end, and remove it."""
        while self._place.segment < self._segments.newest:
            if self._place.offset < self._segments.sizes[self._place.segment]:
                return
            later = [size for size in self._segments.sizes if size > self._place.segment]
            self._set_place(SpoolPosition(min(later), 0))
            self._remove_read()

    def _remove_read(self) -> None:
        with suppress(OSError):  # it is removed when there is no room, or at the next start
            self._segments.remove_before(self._place.segment)

    def _set_place(self, place: SpoolPosition) -> None:
        self._place = place
        with suppress(OSError):  # what was settled is sent again after a crash, and known
            self._place_file.write(place)

    def _move(self, data: bytes) -> None:
        """Behind these bytes."""
        segment, offset, checksum = self._place
        self._set_place(SpoolPosition(segment, offset + len(data), zlib.crc32(data, checksum)))
        self._taken += len(data)
        self._pass_read()
        self._change.notify_all()

    def _read(self, events_max: int, bytes_max: int) -> list[Encoded]:
        """The first that wait, of one segment. Damaged bytes are kept apart, and passed."""
        while True:
            self._pass_read()
            number, offset, _ = self._place
            rest = self._limit(number) - offset
            if rest <= 0:
                return []
            data = self._segments.read(number, offset, min(rest, bytes_max))
            events = _first(data, events_max, bytes_max)
            if not events and len(data) < rest:
                data = self._segments.read(number, offset, rest)
                events = _first(data, events_max, bytes_max)
            if events:
                return events
            if len(data) < rest:  # the file was cut by somebody
                self._taken += rest - len(data)
                self._segments.sizes[number] = offset + len(data)
                if number == self._segments.newest:
                    self._synced_size, self._sealed = offset + len(data), True
            if data:
                damaged = data[: next(scan(data)).end]
                keep_damaged(self.folder, f"{number}-{offset}", damaged)
                self._move(damaged)


def _written(one: Encoded) -> bytes:
    """Encode a record: the id, so that nobody has to read the event for it, and the event."""
    return one.event_id.encode("ascii") + b"\n" + one.body


def _first(data: bytes, events_max: int, bytes_max: int) -> list[Encoded]:
    """The records at the begin, at least one, as far as they are whole."""
    events: list[Encoded] = []
    size = 0
    for piece in scan(data):
        if piece.body is None or len(events) == events_max:
            break
        size += len(piece.body) + 1
        if events and size > bytes_max:
            break
        event_id, _, body = piece.body.partition(b"\n")
        events.append(Encoded(event_id.decode("ascii"), body))
    return events


_open: set[Spool] = set()


def _forked() -> None:
    """In the child: let go of what is the parent's. A lock holds while any process has its file,
    and two processes must not write to one."""
    for spool in list(_open):
        spool.abandon()


os.register_at_fork(after_in_child=_forked)


def _waits(folder: Path) -> bool:
    """Return whether a spool may have events that wait: one that was sent empty has one small
    file."""
    try:
        return any(path.stat().st_size for path in folder.glob("*" + SUFFIX))
    except OSError:
        return False
