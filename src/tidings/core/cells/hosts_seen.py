"""The hosts of an installation, each a machine's, as they say in the map what they have. Pure.

A host beats each second. One whose beat stands still has ended, or is cut off: it counts for
nothing in who takes a free cell. It may serve still; whether it does is decided by the stores of
its cells, never here.

A door that listens on loopback is reached from its own machine alone. Two hosts of different
machines of which one has such a door do not both serve: calls for the cells of the other would
find nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from tidings.core.cells.door_address import is_loopback
from tidings.core.cells.families import CellId

LOST_AFTER_S = 5.0  # without a beat
FORGOTTEN_AFTER_S = 60.0  # its row is removed then


class HostClaims(msgspec.Struct, frozen=True, array_like=True):
    """Hold what a host says of cells. `machine`: within which loopback is one and the same."""

    machine: str = ""
    owns: tuple[CellId, ...] = ()  # its processes that serve
    wants: tuple[CellId, ...] = ()  # those that are started, or wait for the store
    gives: Mapping[CellId, str] = {}  # hands over, to the host of that name

    def write(self) -> bytes:
        """Write it as bytes."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def read(cls, packed: bytes) -> "HostClaims":
        """Read what `write` has written; of what cannot be read nothing is known."""
        try:
            return msgspec.msgpack.decode(packed, type=cls)
        except ValueError:  # of which those of msgspec are
            return cls()


class HostSeen(NamedTuple):
    """Hold what is known of a host that lives."""

    name: str
    address: str
    takes: bool
    claims: HostClaims
    lived_s: float = 0.0  # without a break, by the clock of who has read it

    @property
    def has(self) -> set[CellId]:
        """Return the cells that it owns, or is about to, and keeps."""
        return {*self.claims.owns, *self.claims.wants} - {*self.claims.gives}


class _Heard(NamedTuple):
    """Hold what was heard of a host, when first and when last."""

    host: HostSeen
    beat: int
    first_s: float
    last_s: float


class HostsSeen:
    """Tells which hosts live, by one's own clock."""

    def __init__(self) -> None:
        self._heard: dict[str, _Heard] = {}

    def note(self, hosts: Iterable[tuple[HostSeen, int]], now_s: float) -> None:
        """Note what was read: each host with its beat."""
        former, self._heard = self._heard, {}
        for host, beat in hosts:
            known = former.get(host.name)
            if known is None:
                heard = _Heard(host, beat, first_s=now_s, last_s=now_s)
            elif known.beat == beat:
                heard = known
            else:
                is_back = now_s - known.last_s > LOST_AFTER_S
                first_s = now_s if is_back else known.first_s
                heard = _Heard(host, beat, first_s=first_s, last_s=now_s)
            self._heard[host.name] = heard

    def living(self, now_s: float) -> list[HostSeen]:
        """List the hosts that live, by name."""
        return [
            heard.host._replace(lived_s=now_s - heard.first_s)
            for _, heard in sorted(self._heard.items())
            if now_s - heard.last_s <= LOST_AFTER_S
        ]

    def forgotten(self, now_s: float) -> list[tuple[str, int]]:
        """List those not heard for so long that their rows are removed, each with its beat."""
        return [
            (name, heard.beat)
            for name, heard in self._heard.items()
            if now_s - heard.last_s > FORGOTTEN_AFTER_S
        ]


def find_unreachable(own: HostSeen, others: Sequence[HostSeen]) -> HostSeen | None:
    """Return a host beside which this one must not take cells, since one of the two is not reached
    by the other; None: there is none. Of two that have no cell, the first by name takes."""
    for other in others:
        is_cut = other.claims.machine != own.claims.machine and (
            is_loopback(own.address) or is_loopback(other.address)
        )
        if is_cut and (other.has or (other.takes and other.name < own.name)):
            return other
    return None
