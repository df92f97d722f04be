"""When to stop asking a server that does not answer, and when to try it again. Pure.

Unlike the breaker of a lane it guards our own questions: nobody is charged for them, so a few
failures in a row are enough.
"""

FAILURES_MAX = 5
PAUSE_S, PAUSE_MAX_S = 5.0, 60.0


class Circuit:
    """Closed until `FAILURES_MAX` failures in a row; then one question after each pause."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause_s = PAUSE_S
        self._until_s = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Return whether questions are held back."""
        return self._failures >= FAILURES_MAX

    def admits(self, now_s: float) -> bool:
        """Return whether a question may be asked. Where it is, `succeeded` or `failed` must
        follow."""
        if not self.open:
            return True
        if self._probing or now_s < self._until_s:
            return False
        self._probing = True
        return True

    def wait_s(self, now_s: float) -> float:
        """Return how long until a question may be asked, in seconds; 0 where it may be now."""
        if not self.open:
            return 0.0
        return max(1.0 if self._probing else 0.0, self._until_s - now_s)

    def succeeded(self) -> None:
        """Note that the server answered: the circuit closes."""
        self._failures = 0
        self._pause_s = PAUSE_S
        self._probing = False

    def failed(self, now_s: float) -> bool:
        """Count a question that was not answered. Return whether the circuit opened just now."""
        opened = self._failures == FAILURES_MAX - 1
        if self.open and not self._probing:
            return False  # begun before it opened: tells nothing new
        self._failures += 1
        if self._probing:
            self._pause_s = min(PAUSE_MAX_S, 2 * self._pause_s)
            self._probing = False
        if self.open:
            self._until_s = now_s + self._pause_s
        return opened

    def unknown(self) -> None:
        """Note that a question was given up before it could be answered."""
        self._probing = False
