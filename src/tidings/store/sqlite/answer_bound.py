"""Ends a question that takes too long, from within SQLite, so that the next one has its turn."""

import time
from collections.abc import Sequence
from types import TracebackType

import apsw

from tidings.store import port

STEPS = 20_000  # of SQLite's machine between two looks at the clock: less than a millisecond


class AnswerBound:
    """A context that each answer is made in. Unanswered: it has taken more than so many seconds."""

    def __init__(self, connections: Sequence[apsw.Connection], bound_s: float) -> None:
        self._bound_s = bound_s
        self._until_s = float("inf")
        for connection in connections:
            connection.set_progress_handler(self._is_over, STEPS)

    def __enter__(self) -> None:
        """An answer begins."""
        self._until_s = time.monotonic() + self._bound_s

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """It has ended."""
        self._until_s = float("inf")
        if isinstance(error, apsw.InterruptError):
            raise port.StoreUnanswered(f"it has taken more than {self._bound_s:.0f} s") from error

    def _is_over(self) -> bool:
        return time.monotonic() > self._until_s
