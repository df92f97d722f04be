"""Sign-ins that are written down together: one row for an address, an account and a minute.

Whoever tries without end fills neither memory nor disk: a minute has so many rows, and so has a
day; what is more is counted in one row of its own. Rows of accounts that nobody knows have half of
the day's, so that tries at nothing leave room for those at somebody.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tidings.core.access.forwarded import block_of, network_of
from tidings.core.audit.actor import Face
from tidings.core.audit.entries import PLATFORM_CHAIN
from tidings.core.shares.table import SharedTable

MINUTE_MAX = 60  # rows, with that of the others
DAY_MAX = 5000
DAY_MS = 86_400_000
UNKNOWN, OTHERS = "unknown", "others"


class TallyKey(NamedTuple):
    """Names one row: its chain, the block of addresses, the account."""

    chain: int
    block: str
    account: str
    face: Face
    counts: bool  # whether it stands for its sign-ins where they have no row of their own


OTHERS_KEY = TallyKey(PLATFORM_CHAIN, "", OTHERS, face="service", counts=True)


class TallyRow:
    """Counts the sign-ins of a row."""

    __slots__ = ("address", "first_ms", "last_ms", "times")

    def __init__(self, address: str, now_ms: int, times: int = 0) -> None:
        self.address = address
        self.first_ms = self.last_ms = now_ms
        self.times = times


Rows = list[tuple[TallyKey, TallyRow]]


class SignInTally:
    """The rows of this minute, and how many the day has left."""

    def __init__(self) -> None:
        self._rows = SharedTable[str, TallyKey, TallyRow](MINUTE_MAX - 1, on_evict=self.leave_out)
        self._others = TallyRow("", 0)
        self._day = -1
        self._left = self._left_unknown = 0

    def note(
        self,
        face: Face,
        address: str,
        account: str,
        chains: Iterable[tuple[int, str]],
        now_ms: int,
    ) -> None:
        """Count one. `account`: as the platform's chain calls it, empty where that tells nothing of
        it; `chains`: others that tell of it, each with what they call the account."""
        block, owner = block_of(address), network_of(address)
        named = dict.fromkeys(chains)
        if account:
            named |= {(PLATFORM_CHAIN, account): None}
        last = next(reversed(named), None)
        for chain, name in named:
            key = TallyKey(chain, block, name, face=face, counts=(chain, name) == last)
            self._add(owner, key, TallyRow(address, now_ms, 1))

    def take(self, now_ms: int, *, last: bool = False) -> Rows:
        """Take out what is to be written now. `last`: nothing is written after it."""
        if now_ms // DAY_MS != self._day:
            self._day, self._left, self._left_unknown = now_ms // DAY_MS, DAY_MAX, DAY_MAX // 2
        taken: Rows = []
        for key in list(self._rows):
            row = self._rows.pop(key)
            assert row is not None
            is_unknown = key.account == UNKNOWN
            # One is kept for the others.
            if self._left <= 1 or (is_unknown and self._left_unknown <= 0):
                self.leave_out(key, row)
                continue
            self._left -= 1
            self._left_unknown -= is_unknown
            taken.append((key, row))
        if self._others.times and (last or self._left > 0):
            self._left -= 1
            taken.append((OTHERS_KEY, self._others))
            self._others = TallyRow("", now_ms)
        return taken

    def give_back(self, rows: Rows) -> None:
        """Count again what was taken and could not be written."""
        for key, row in rows:
            self._left += 1
            self._left_unknown += key.account == UNKNOWN
            if key == OTHERS_KEY:
                self.leave_out(key, row)
            else:
                self._add(network_of(row.address), key, row)

    def leave_out(self, key: TallyKey, row: TallyRow) -> None:
        """Count a row among the others: it has none of its own."""
        if not key.counts:
            return  # another row tells of the same
        if not self._others.times:
            self._others.first_ms = row.first_ms
        self._others.last_ms = max(self._others.last_ms, row.last_ms)
        self._others.times += row.times

    def _add(self, owner: str, key: TallyKey, row: TallyRow) -> None:
        known = self._rows.get(key)
        if known is None:
            self._rows.put(owner, key, row)
            return
        known.times += row.times
        known.first_ms = min(known.first_ms, row.first_ms)
        known.last_ms = max(known.last_ms, row.last_ms)
        self._rows.touch(key)
