"""Slows down whoever calls with keys that are not known, and says so.

A key and its secret are looked at first, for that costs less than asking how often somebody was
wrong: so who calls with a good one is let in, whatever others do from the same address. Wrong ones
are counted by address; where they are too many, the caller is told when to come again. A
secret that was good once is not guessed, and is not counted.
"""

import math
from collections.abc import Iterator

import structlog
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidings.core.access.forwarded import block_of, network_of
from tidings.core.access.quota import Quota
from tidings.core.shares.table import SharedTable
from tidings.engine.running.metric_families import values_by_label
from tidings.errors import Denied, Throttled, Unauthenticated

TRIES, TRIES_S = 60, 60.0
KEPT_MAX = 10_000  # addresses; of the network with most of them the oldest go
LOG_EVERY_S = 60.0  # between two lines of the log about one address

log = structlog.get_logger(__name__)


class _AddressTally:
    """An address, and what came from there."""

    def __init__(self, tries: int, now_s: float) -> None:
        self.quota = Quota("keys", tries, TRIES_S, now_s)
        self.refused = 0
        self.logged_s: float | None = None


class KeyGuard(Collector):
    """The wrong keys of the last minute, by address; and all of them, for Prometheus."""

    def __init__(self, tries: int = TRIES) -> None:
        self._tries = tries
        self._places = SharedTable[str, str, _AddressTally](KEPT_MAX)
        self.refused = 0  # since the start
        self.slowed = 0  # of these, told to wait

    def wrong(self, denied: Unauthenticated, address: str, now_s: float) -> Denied:
        """Count a key that is not known; what it is denied by, Throttled where there were many."""
        self.refused += 1
        block = block_of(address)
        place = self._places.get(block) or _AddressTally(self._tries, now_s)
        self._places.put(network_of(address), block, place)
        place.refused += 1
        if place.quota.take(now_s):
            return denied
        self.slowed += 1
        if place.logged_s is None or now_s >= place.logged_s + LOG_EVERY_S:
            log.warning("keys are being guessed", address=address, refused=place.refused)
            place.logged_s, place.refused = now_s, 0
        wait_s = math.ceil(place.quota.wait_s(now_s))
        return Throttled.because(
            "too_many_tries",
            f"Calls must carry a known credential; got more than {self._tries} others from "
            f"{address or 'here'} within {TRIES_S:.0f} s. Correct the credential, and wait "
            f"{wait_s} s before the next try.",
            header="Authorization",
            wait_s=wait_s,
        )

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at this moment (prometheus_client)."""
        by_status = {"401": self.refused - self.slowed, "429": self.slowed}
        yield values_by_label("keys_refused", by_status)
