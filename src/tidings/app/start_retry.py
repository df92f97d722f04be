"""A start that a disk holds up: the port answers, the step is tried again, until there is space.

What a start does to the store is a row of steps, each whole or not done. A step that the disk
refuses (full, over a quota, failing) is made again every second; meanwhile the service's own port
says so. What no space would mend (no permission, a read-only file system) is refused by the step
itself.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from tidings.app.machine import file_limit
from tidings.server import Bounds, HttpServer
from tidings.settings.settings import Settings
from tidings.store.port import StoreDown
from tidings.store.sqlite.database import DISK_ERRNOS

AGAIN_S = 1.0
STOP_S = 2.0
PLACES_MAX = 1024  # for calls of which none is worth more than an answer

Value = TypeVar("Value")


class StartAborted(Exception):
    """The service was told to end, or its store has ended, before it could start."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class StartStepRunner(Protocol):
    """Takes a step of the start, however long the disk holds it up."""

    async def __call__(self, step: Callable[[], Awaitable[Value]]) -> Value:
        """Do a step of the start and return its value. Raise StartAborted where the service is to
        end first."""


class StartRetry:
    """Holds a start until its disk takes what it writes."""

    def __init__(self, settings: Settings, ended: "asyncio.Future[int]") -> None:
        self._settings = settings
        self._ended = ended
        self._problem = ""
        self._server: HttpServer | None = None

    async def through(self, step: Callable[[], Awaitable[Value]]) -> Value:
        """Do a step of the start and return its value, again every second until the disk lets it be
        done. Raise StartAborted where the service is to end first."""
        while True:
            try:
                return await step()
            except StoreDown as error:
                why = str(error)
            except OSError as error:
                if error.errno not in DISK_ERRNOS:
                    raise
                why = error.strerror or str(error)
            self._tell(why)
            await asyncio.wait((self._ended,), timeout=AGAIN_S)
            if self._ended.done():
                raise StartAborted(self._ended.result())

    async def close(self) -> None:
        """Leave the port to the service. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(STOP_S)

    def _tell(self, why: str) -> None:
        if (database := self._settings.database) is not None:
            problem = (
                f"The store in {database.describe()} must be opened before the service can start: "
                f"{why}. It is tried again every second."
            )
        else:
            problem = (
                f"The store in {self._settings.data} must be opened and written before the service "
                f"can start; the disk says: {why}. Free space on it. It is tried again every "
                "second."
            )
        if problem != self._problem:
            self._problem = problem
            print(problem, file=sys.stderr, flush=True)
        if self._server is None:
            # Loaded by a start that waits: every other one begins sooner without.
            from tidings.api.http.answer_headers import ALL
            from tidings.api.start_answers import waiting_app
            from tidings.app.faces import metrics_readers

            places = min(PLACES_MAX, file_limit() // 2)
            self._server = HttpServer(
                waiting_app(lambda: self._problem, metrics_readers(self._settings)),
                host=self._settings.host,
                port=self._settings.port,
                bounds=Bounds(places=places, per_address=places),
                headers=ALL,
            )
            self._server.start()
