"""Whether the operator's mail server takes letters, as its last answers show. Pure.

A letter is tried again after a minute, and then less and less often. So the server is said to take
none from its first failure until it has taken one, and not only while one waits for it. A server
that asks for a later try, as many do of who is new to them, may still take it: that is told once
it has lasted.
"""

from collections.abc import Callable

DEFERS_MS = 600_000  # how long it may ask for a later try before that is told
KEEP_S = 3 * 3600.0  # after the last failure; the last try of a letter comes sooner

ReportMailServer = Callable[[str], None]  # a sentence to be told; "" once it takes letters again


class MailServerState:
    """Follows whether it takes letters."""

    def __init__(self) -> None:
        self._failing_ms: int | None = None  # since when it has taken none
        self.is_reported = False

    def note_failure(self, now_ms: int, reason: str, *, deferred: bool) -> str:
        """Take note that it has not taken a letter, and return the sentence to be told; "" while
        there is none. `deferred`: it asks for a later try."""
        if self._failing_ms is None:
            self._failing_ms = now_ms
        if deferred and not self.is_reported and now_ms - self._failing_ms < DEFERS_MS:
            return ""
        self.is_reported = True
        return (
            f"The mail server takes no letters ({reason}): owners of webhooks get no e-mails. "
            "Check the mail server; Tidings tries again by itself."
        )

    def note_taken(self) -> bool:
        """Take note that it has taken a letter. Return whether the opposite was told."""
        was_reported, self.is_reported, self._failing_ms = self.is_reported, False, None
        return was_reported
