"""Ids in the memory of one process: forgotten when it ends."""

from __future__ import annotations

import threading
from collections import OrderedDict

from tidings_consumer.ids import KEEP_S, LEASE_S, Claim

COUNT_MAX = 200_000


class MemoryIds:
    """At most `count_max` ids: beyond it the oldest are forgotten, sooner than after `keep_s`.

    About 200 bytes each. For one process whose handlers may do a thing twice after a restart.
    """

    blocks = False

    def __init__(
        self, count_max: int = COUNT_MAX, keep_s: float = KEEP_S, lease_s: float = LEASE_S
    ) -> None:
        self._count_max = count_max
        self._keep_s, self._lease_s = keep_s, lease_s
        self._done: OrderedDict[str, float] = OrderedDict()
        self._claimed: OrderedDict[str, tuple[float, str]] = OrderedDict()  # until, holder
        self._lock = threading.Lock()

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        """See `IdStore.claim`."""
        with self._lock:
            if self._done.get(id, -1.0) > now_s:
                return Claim.DONE
            claimed = self._claimed.get(id)
            if claimed is not None and claimed[0] > now_s:
                return Claim.BUSY
            self._claimed[id] = now_s + self._lease_s, holder
            self._claimed.move_to_end(id)
            while next(iter(self._claimed.values()))[0] <= now_s:  # whose handler never came back
                self._claimed.popitem(last=False)
            return Claim.FRESH

    def done(self, id: str, now_s: float) -> None:
        """See `IdStore.done`."""
        with self._lock:
            self._claimed.pop(id, None)
            self._done[id] = now_s + self._keep_s
            self._done.move_to_end(id)
            while self._done and (
                len(self._done) > self._count_max or next(iter(self._done.values())) <= now_s
            ):
                self._done.popitem(last=False)

    def release(self, id: str, holder: str) -> None:
        """See `IdStore.release`."""
        with self._lock:
            claimed = self._claimed.get(id)
            if claimed is not None and claimed[1] == holder:
                del self._claimed[id]
