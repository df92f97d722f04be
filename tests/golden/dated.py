"""A service that believes in another date than the machine's: its own process, real but for that.

So a data directory can be taken up as if it had been left a moment ago, whatever time its rows,
its ids and its sealed texts carry: nothing in it is rewritten.
"""

import struct
import time
from pathlib import Path
from typing import Any

from tests.e2e.harness.service import ServiceProcess

SITE = Path(__file__).parent / "clock"


class Clock:
    """The dates of the services that are started with it; can be set while they run."""

    def __init__(self, file: Path, now_ms: int | None = None) -> None:
        self._file = file
        self._wall_ns = self._passed_ns = 0
        file.write_bytes(bytes(16))
        if now_ms is not None:
            self.set(now_ms)

    def now_ms(self) -> int:
        """What such a service takes the time for."""
        return (time.time_ns() + self._wall_ns) // 1_000_000

    def set(self, now_ms: int) -> None:
        """A leap of dates; no time passes."""
        self._wall_ns = now_ms * 1_000_000 - time.time_ns()
        self._write()

    def pass_by(self, seconds: float) -> None:
        """Dates and what counts passed time go on, both."""
        self._wall_ns += int(seconds * 1e9)
        self._passed_ns += int(seconds * 1e9)
        self._write()

    def _write(self) -> None:
        with self._file.open("r+b") as file:  # in place: it is mapped into the processes
            file.write(struct.pack("<qq", self._wall_ns, self._passed_ns))

    def service(self, data: Path, **settings: Any) -> ServiceProcess:
        """A service on a data directory, not started."""
        wrap = ("env", f"PYTHONPATH={SITE}:{self._file}")
        return ServiceProcess(data, wrap=wrap, **settings)
