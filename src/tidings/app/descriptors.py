"""How the open files that a process may have are shared out. Pure.

What the process needs for itself (store, DNS, log, templates) is set aside. Of the rest the first
part goes to whoever calls us, because events come that way and cannot be asked to wait; deliveries
can. Beyond it, callers and receivers share alike, up to what each is set to.
"""

from typing import NamedTuple

OWN = 64  # measured: 25 as the service idles; DNS, mail and the platform's API come on top
FIRST = 840  # for callers, before receivers share alike
KEPT = 4000  # connections to receivers that are kept for the next delivery, beside those in use
SPARE = 32
LEAST = 256
DOOR = 1024  # of each kind, for a process that owns one cell of several
LEAST_OF_CELL = LEAST + 64  # of such a process


class Shares(NamedTuple):
    """Shares of the open files, in connections."""

    places: int  # of callers
    spare: int  # of callers, for a moment
    attempts: int  # under way at one time
    outbound: int  # to receivers, those that are kept and those in use


class DoorShares(NamedTuple):
    """Shares of the open files of a process that owns one cell of several, in connections."""

    lines: int  # to other owners, one for each call that is passed on
    places: int  # of other processes, for what they pass on


def share_with_door(limit: int) -> DoorShares:
    """Compute what the door has of the open files; the service has the others, `LEAST` at least.
    One below `LEAST_OF_CELL` counts as that."""
    each = min(DOOR, (max(limit, LEAST_OF_CELL) - LEAST) // 4)
    return DoorShares(lines=each, places=each)


def share_out(limit: int, places_max: int, attempts_max: int) -> Shares:
    """Compute the shares, in connections, under a limit of open files; one below `LEAST` counts as
    `LEAST`."""
    free = max(limit, LEAST) - OWN
    inbound = min(places_max + SPARE, max(free // 2, min(free * 7 // 8, FIRST)))
    outbound = min(attempts_max + KEPT, free - inbound)
    attempts = min(attempts_max, outbound - outbound // 8)
    return Shares(inbound - SPARE, SPARE, attempts, outbound=outbound)
