"""`port.Store` over both halves in this process, whatever the database."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from tests.store.conformance.commits.subjects import MachineClock
from tests.store.in_process import WRITES
from tidings.store import port
from tidings.store.hosting.host import Operation, reading_operations, writing_operations
from tidings.store.sql import halves
from tidings.store.sql.halves import RowReader, RowWriter


class InProcess:
    """`port.Store` over both halves, through the very operations that the children answer."""

    def __init__(
        self, writing: RowWriter, reading: RowReader, clock: MachineClock | None = None
    ) -> None:
        self.clock = clock
        self.reading = reading
        reading._blocks._spare = 0.0  # on a busy machine a count would be that of a moment before
        self._closed = False
        self.go_on(writing)

    def go_on(self, writing: RowWriter) -> None:
        """Go on with another writing half."""
        self.writing = writing
        self._operations: dict[str, Operation] = {
            **writing_operations(self.writing),
            **reading_operations(self.reading),
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function, _ = self._operations[name]

        async def answer(*arguments: Any) -> Any:
            if name == "counts":
                with patch.object(halves, "INDEX_AT_LEAST_EVERY_S", 0.0):
                    self.reading.background()
            audit = port.take_audit() if name in WRITES else None
            if audit is None:
                return function(*arguments)
            return self.writing.record(audit, lambda: function(*arguments))

        return answer

    async def close(self, clean: bool = True) -> None:
        """See `port.Store`."""
        if not self._closed:
            self._closed = True
            self.reading.close()
            self.writing.close(clean)
