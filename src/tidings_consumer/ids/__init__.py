"""Which events have been handled: by the `webhook-id` of each, longer than a sender retries.

An event is claimed, handled, and then noted as done. Who dies between the last two handles it again
when it comes again, so nothing is lost. Until then the claim is in the way, and the sender is
answered 409: in a file only until the process has ended, in a server until the lease is over.
"""

from __future__ import annotations

import enum
from typing import Protocol

RETRY_WINDOW_S = 7 * 86_400
KEEP_S = RETRY_WINDOW_S + 86_400
"""How long an id is kept. The sender's last attempt is a week after the first."""
LEASE_S = 60.0
"""How long a claim holds. Longer than the sender waits for an answer (30 s).

`lease_s` of a store may be as short as three times your slowest handler: what a killed process was
handling is handled again so much sooner. Where a handler takes longer than the lease, its event may
be handled a second time beside it.
"""


class Claim(enum.Enum):
    """The result of asking to handle an event."""

    FRESH = "fresh"
    """It is yours to handle now."""
    BUSY = "busy"
    """Somebody handles it at this moment."""
    DONE = "done"
    """It has been handled."""


class IdStore(Protocol):
    """A store of ids, as a router needs it. All methods may be called from any thread; times are
    seconds since the epoch."""

    @property
    def blocks(self) -> bool:
        """Return whether a call may take long: then it is made in a thread, not in an event
        loop."""
        ...

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        """Ask to handle an event. FRESH to one caller only, until `done`, `release` or the lease
        is over. `holder` is a text that no other claim has."""
        ...

    def done(self, id: str, now_s: float) -> None:
        """Record that an event was handled: claims within `KEEP_S` get DONE."""
        ...

    def release(self, id: str, holder: str) -> None:
        """Give up a claim of `holder` that did not handle the event, so that the next one may. Do
        nothing if the event is done, or was claimed by another one after the lease had expired."""
        ...
