"""Slows down whoever guesses at a till's password, which a person may have chosen.

Wrong ones are counted by till. A till whose header is remembered does not come here, so that
guessing does not stop it.
"""

import structlog

from tidings.core.quota import Quota
from tidings.engine.denied import Denied

TRIES, TRIES_S = 60, 60.0
WATCHED_MAX = 1024

log = structlog.get_logger("tidings.access")


class TillGuard:
    """The wrong passwords of the last minute."""

    def __init__(self) -> None:
        self._tries: dict[str, Quota] = {}

    def check(self, till: str, now_s: float) -> None:
        """Denied 429 where too many were wrong."""
        tries = self._tries.get(till)
        if tries is not None and tries.wait_s(now_s):
            raise Denied(
                429,
                "too_many_tries",
                f"A till must sign in with its password; got {TRIES} wrong ones within "
                f"{TRIES_S:.0f} s. Wait a second, then send the right one. (too_many_tries, "
                "header Authorization)",
            )

    def was_wrong(self, till: str, now_s: float) -> None:
        """Count a wrong one."""
        tries = self._tries.get(till)
        if tries is None:
            if len(self._tries) >= WATCHED_MAX:
                self._tries.clear()
            tries = self._tries[till] = Quota("tries", TRIES, TRIES_S, now_s)
        if tries.take(now_s) and tries.wait_s(now_s):
            log.warning("a till's password is being guessed", till=till)
