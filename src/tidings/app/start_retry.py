"""A start that a disk holds up: the port answers, the step is tried again, until there is space.

What a start does to the store is a row of steps, each whole or not done. A step that the disk
refuses (full, over a quota, failing) is made again every second; meanwhile the service's own port
says so, as it does where a step takes long. What no space would mend (no permission, a read-only
file system) is refused by the step itself.
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
SLOW_S = 30.0  # the port answers for a step that takes longer
END_S = 5.0  # for a step that has begun when the service is told to end
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

    def __init__(
        self, settings: Settings, ended: "asyncio.Future[int]", *, has_port: bool = True
    ) -> None:
        """`has_port`: whether the service's port is this process's alone."""
        self._has_port = has_port
        self._settings = settings
        self._ended = ended
        self._problem = ""
        self._server: HttpServer | None = None

    async def through(self, step: Callable[[], Awaitable[Value]]) -> Value:
        """Do a step of the start and return its value, again every second until the disk lets it be
        done. Raise StartAborted where the service is to end first."""
        while True:
            try:
                value = await self._done(step)
            except StoreDown as error:
                why = str(error)
            except OSError as error:
                if error.errno not in DISK_ERRNOS:
                    raise
                why = error.strerror or str(error)
            else:
                if self._problem:  # it is over: whoever stood by has taken over
                    self._problem = "The store is opened; the service starts."
                return value
            self._tell(self._refused(why))
            await asyncio.wait((self._ended,), timeout=AGAIN_S)
            if self._ended.done():
                raise StartAborted(self._ended.result())

    async def close(self) -> None:
        """Leave the port to the service. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(STOP_S)

    async def _done(self, step: Callable[[], Awaitable[Value]]) -> Value:
        """Return the value of a step; see `through`. What has no end, such as a commit that waits
        for the standby of a database, keeps nobody from hearing of it, or from ending us."""
        task = asyncio.ensure_future(step())
        try:
            while True:
                first = asyncio.FIRST_COMPLETED
                await asyncio.wait((task, self._ended), timeout=SLOW_S, return_when=first)
                if self._ended.done():
                    await asyncio.wait((task,), timeout=END_S)
                    if not task.done():
                        raise StartAborted(self._ended.result())
                if task.done():
                    return task.result()
                self._tell(self._slow())
        finally:
            if task.cancel():
                await asyncio.wait((task,), timeout=END_S)

    def _slow(self) -> str:
        database = self._settings.database
        place = self._settings.data if database is None else database.describe()
        return (
            f"The store in {place} must be opened before the service can start; a step of that "
            f"takes more than {SLOW_S:.0f} s, and is waited for."
        )

    def _refused(self, why: str) -> str:
        if (database := self._settings.database) is not None:
            return (
                f"The store in {database.describe()} must be opened before the service can start: "
                f"{why}. It is tried again every second."
            )
        return (
            f"The store in {self._settings.data} must be opened and written before the service "
            f"can start; the disk says: {why}. Free space on it. It is tried again every second."
        )

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            print(problem, file=sys.stderr, flush=True)
        if self._server is None and self._has_port:
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
