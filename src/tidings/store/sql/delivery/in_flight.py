"""Which attempts are on their way, where a kill of the process leaves it: a file in shared memory.

An attempt is noted here in the moment in which it leaves, and forgotten once its outcome is on
stable storage. So after a kill the file says which deliveries may have been sent without anybody
knowing of it, and that no other one was. It costs an attempt two writes of memory and the store
nothing. What keeps it is the machine's memory: it outlives every process, and no restart of the
machine. A file of another boot, or one that has run over, says nothing (`left` is None).

    64 bytes: magic · boot · whether it ran over        then 16 bytes each: delivery · attempt

An entry whose delivery is 0 is free.
"""

import contextlib
import hashlib
import mmap
import os
import struct
from pathlib import Path

import structlog

from tidings.core.ids import DeliveryId

FILE = "in-flight"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_MAGIC = b"tidings1"
_HEADER = struct.Struct("<8s40sQ")
_HEADER_BYTES = 64
_ENTRY = struct.Struct("<QQ")
_RAN_OVER = struct.Struct("<Q")
_RAN_OVER_AT = 48

log = structlog.get_logger(__name__)


def boot_id(path: Path = BOOT_ID) -> bytes:
    """Read what names this run of the machine; empty where it cannot be known."""
    try:
        return path.read_bytes().strip()[:40]
    except OSError:
        return b""


def _tag(boot: bytes, owner: int) -> bytes:
    """Name a run of the machine, and the owner who has one; empty where the run has no name."""
    if owner <= 0 or not boot:
        return boot
    return hashlib.blake2b(b"%s %d" % (boot, owner), digest_size=20).hexdigest().encode()


class InFlightFile:
    """See `port.InFlight`. `capacity` attempts at a time; beyond it nothing is known after a kill.

    The directory must be locked by this process. Where the file cannot be made (a full disk), the
    service works on as if it had always run over.
    """

    def __init__(
        self, directory: Path, capacity: int, boot: bytes | None = None, owner: int = 0
    ) -> None:
        """`owner`: the number of the store's owner, where several may be one by turns: what was
        left is that of the one before, or nothing is known of it."""
        self._path = directory / FILE
        self._capacity = capacity
        boot = boot_id() if boot is None else boot
        self._boot, self._boot_before = _tag(boot, owner), _tag(boot, owner - 1)
        self._map: mmap.mmap | None = None
        self._places: dict[tuple[DeliveryId, int], int] = {}
        self._free: list[int] = []

    def left(self) -> list[tuple[DeliveryId, int]] | None:
        try:
            kept = self._path.read_bytes()
        except OSError:
            return None
        if len(kept) < _HEADER_BYTES or not self._boot:
            return None
        magic, boot, ran_over = _HEADER.unpack_from(kept)
        if magic != _MAGIC or boot.rstrip(b"\0") != self._boot_before or ran_over:
            return None
        whole = (len(kept) - _HEADER_BYTES) // _ENTRY.size * _ENTRY.size
        entries = _ENTRY.iter_unpack(kept[_HEADER_BYTES : _HEADER_BYTES + whole])
        return [(delivery, attempt) for delivery, attempt in entries if delivery]

    def begin(self) -> None:
        size = _HEADER_BYTES + self._capacity * _ENTRY.size
        fresh = self._path.with_name(FILE + ".new")
        try:
            descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size)  # a hole on a full disk would kill us later
                self._map = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)
            _HEADER.pack_into(self._map, 0, _MAGIC, self._boot, 0)
            os.replace(fresh, self._path)
        except OSError as error:
            self._map = None
            log.warning("what is in flight is not noted: a kill marks more", reason=str(error))
            for leftover in (fresh, self._path):
                with contextlib.suppress(OSError):
                    leftover.unlink(missing_ok=True)
            return
        self._free = list(range(size - _ENTRY.size, _HEADER_BYTES - 1, -_ENTRY.size))

    def note(self, delivery: DeliveryId, attempt: int) -> None:
        if self._map is None:
            return
        if not self._free:
            _RAN_OVER.pack_into(self._map, _RAN_OVER_AT, 1)
            return
        place = self._places[delivery, attempt] = self._free.pop()
        _ENTRY.pack_into(self._map, place, delivery, attempt)

    def forget(self, delivery: DeliveryId, attempt: int) -> None:
        place = self._places.pop((delivery, attempt), None)
        if place is not None and self._map is not None:
            _ENTRY.pack_into(self._map, place, 0, 0)
            self._free.append(place)
