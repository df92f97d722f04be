"""Slows down whoever guesses at a till's password, which a person may have chosen.

Wrong ones are counted by till and address, and by till over all addresses from which it has not
signed in: so nobody shuts a till out from the place where it stands.
"""

import structlog

from tidings.core.access.forwarded import block_of, network_of
from tidings.core.access.quota import Quota
from tidings.core.shares.table import SharedTable
from tidings.errors import Throttled

TRIES, TRIES_S = 60, 60.0  # from one address
STRANGERS = 300  # from all that are not known, in the same time
WATCHED_MAX = 10_000  # of the network, or till, with most of them the oldest go
KNOWN_MAX = 4  # addresses of one till

log = structlog.get_logger(__name__)


class TillGuard:
    """The wrong passwords of the last minute."""

    def __init__(self) -> None:
        self._tries = SharedTable[str, tuple[str, str], Quota](WATCHED_MAX)
        self._known: dict[str, list[str]] = {}  # by till, of which there are only so many

    def check(self, till: str, address: str, now_s: float) -> None:
        """Raise Throttled where too many passwords of a till were wrong."""
        waits = [
            tries.wait_s(now_s)
            for key, _ in self._counted(till, address)
            if (tries := self._tries.get(key)) is not None
        ]
        if any(waits):
            raise Throttled.because(
                "too_many_tries",
                f"A till must sign in with its password; got {TRIES} wrong ones within "
                f"{TRIES_S:.0f} s. Wait a second, then send the right one.",
                header="Authorization",
                wait_s=1,
            )

    def was_wrong(self, till: str, address: str, now_s: float) -> None:
        """Count a wrong one."""
        for key, count in self._counted(till, address):
            tries = self._tries.get(key)
            if tries is None:
                tries = Quota("tries", count, TRIES_S, now_s)
                self._tries.put(network_of(address) if key[1] else till, key, tries)
            self._tries.touch(key)
            if tries.take(now_s) and tries.wait_s(now_s):
                log.warning("a till's password is being guessed", till=till, address=address)

    def was_right(self, till: str, address: str) -> None:
        """Remember that the till has signed in from an address: it stands there."""
        block = block_of(address)
        places = self._known.get(till, [])
        if block not in places:
            self._known[till] = [*places, block][-KNOWN_MAX:]

    def _counted(self, till: str, address: str) -> list[tuple[tuple[str, str], int]]:
        block = block_of(address)
        counted = [((till, block), TRIES)]
        if block not in self._known.get(till, ()):
            counted.append(((till, ""), STRANGERS))
        return counted
