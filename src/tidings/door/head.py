"""What goes between doors beside a call, in one header that no caller can set. Pure.

    tidings-door: 1 <cell> <epoch> <client> <request id> <milliseconds left> <hop> <indices> <seal>

It is removed from every call at a public port and read at the door's own listener alone, behind a
proof of the installation: TLS, or on loopback the seal, which the installation's key makes of the
rest. The hop is always the first: a call that has made it is never passed on.

An owner that does not own answers 421 with the same header, which says what it knows instead:

    tidings-door: 1 not-mine <family> <cell> <number> <epoch> <address>
"""

import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

from tidings.core.cells.families import CellId, FamilyId

DOOR_HEADER = b"tidings-door"
REQUEST_ID = b"x-cap-requestid"  # of a call, as everywhere
NOT_MINE_STATUS = 421
INDICES_MAX = 1000  # of a part, as many as a call may have events
_NOBODY = b"-"
_SEAL_BYTES = 16
_HEAD = re.compile(
    rb"1 ([0-9]{1,18}) ([0-9]{1,18}) ([0-9A-Fa-f:.]{2,45}|-) ([A-Za-z0-9._:-]{1,128})"
    rb" ([0-9]{1,9}) 1 ([0-9,-]{1,8192}) ([0-9a-f]{32}|-)"
)
_NOT_MINE = re.compile(
    rb"1 not-mine ([0-9]{1,18}) ([0-9]{1,18}|-) ([0-9]{1,18}) ([0-9]{1,18})"
    rb" ([A-Za-z0-9.:\[\]-]{1,300})"
)
_RUN = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")


class DoorHead(NamedTuple):
    """Hold what a door says of a call that it passes on."""

    cell: CellId  # that it is passed on for
    epoch: int  # of the owner that is meant
    client: str  # the other end of the connection at the public port; empty: not known
    request_id: str
    left_ms: int  # of the time that the call may take
    indices: tuple[int, ...] = ()  # of a part's events in the whole call; none: it is no part


class NotMine(NamedTuple):
    """Hold what a process knows that does not own the cell of a call."""

    family: FamilyId
    cell: CellId | None  # where the family is
    number: int  # of the move by which it is known
    epoch: int = 0  # of that cell's owner
    address: str = ""


def write_head(head: DoorHead, key: bytes | None = None) -> bytes:
    """Write a head; with a key, sealed."""
    text = b"1 %d %d %b %b %d 1 %b" % (
        head.cell,
        head.epoch,
        head.client.encode() or _NOBODY,
        head.request_id.encode(),
        max(0, head.left_ms),
        write_indices(head.indices) if head.indices else _NOBODY,
    )
    return b"%b %b" % (text, _NOBODY if key is None else _seal(text, key))


def read_head(value: bytes, key: bytes | None = None) -> DoorHead | None:
    """Read a head; None where it is not one, or, with a key, not sealed by it."""
    found = _HEAD.fullmatch(value)
    if found is None:
        return None
    cell, epoch, client, request_id, left_ms, indices, seal = found.groups()
    if key is not None and not hmac.compare_digest(seal, _seal(value[: found.start(7) - 1], key)):
        return None
    numbers = () if indices == _NOBODY else read_indices(indices)
    if numbers is None:
        return None
    return DoorHead(
        cell=CellId(int(cell)),
        epoch=int(epoch),
        client="" if client == _NOBODY else client.decode(),
        request_id=request_id.decode(),
        left_ms=int(left_ms),
        indices=numbers,
    )


def write_not_mine(answer: NotMine) -> bytes:
    """Write what an owner knows."""
    cell = _NOBODY if answer.cell is None else b"%d" % answer.cell
    known = b"%d %b" % (answer.epoch, answer.address.encode() or _NOBODY)
    return b"1 not-mine %d %b %d %b" % (answer.family, cell, answer.number, known)


def read_not_mine(status: int, headers: Iterable[tuple[bytes, bytes]]) -> NotMine | None:
    """Read the answer of a process that does not own the cell of a call; None for any other."""
    if status != NOT_MINE_STATUS:
        return None
    value = next((value for name, value in headers if name == DOOR_HEADER), b"")
    found = _NOT_MINE.fullmatch(value)
    if found is None:
        return None
    family, cell, number, epoch, address = found.groups()
    return NotMine(
        family=FamilyId(int(family)),
        cell=None if cell == _NOBODY else CellId(int(cell)),
        number=int(number),
        epoch=int(epoch),
        address="" if address == _NOBODY else address.decode(),
    )


def write_indices(indices: Sequence[int]) -> bytes:
    """Write rising numbers, as runs: `0-3,7`."""
    return ",".join(
        str(first) if first == last else f"{first}-{last}" for first, last in _runs(indices)
    ).encode()


def read_indices(text: bytes) -> tuple[int, ...] | None:
    """Read rising numbers; None where they are no such ones, or too many."""
    numbers: list[int] = []
    for run in text.decode().split(","):
        found = _RUN.fullmatch(run)
        if found is None:
            return None
        first = int(found[1])
        last = int(found[2] or found[1])
        too_many = last - first >= INDICES_MAX - len(numbers)
        if last < first or too_many or (numbers and first <= numbers[-1]):
            return None
        numbers.extend(range(first, last + 1))
    return tuple(numbers)


def _runs(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = indices[0]
    for index in indices[1:]:
        if index != last + 1:
            yield first, last
            first = index
        last = index
    yield first, last


def _seal(text: bytes, key: bytes) -> bytes:
    return blake2b(text, key=key, digest_size=_SEAL_BYTES).hexdigest().encode()
