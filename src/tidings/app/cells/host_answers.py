"""What is answered at the port of a host while no worker listens: alive, not ready, why.

A worker that is begun anew is back within seconds, and whoever connects meanwhile is served then.
So the host answers only once none has listened for a while, and stops as soon as one does.
"""

import asyncio
import socket
from collections.abc import Callable

from tidings.app.machine import file_limit
from tidings.server import Bounds, HttpServer
from tidings.settings.settings import Settings

PATIENCE_S = 5.0
STOP_S = 2.0
PLACES_MAX = 1024  # for calls of which none is worth more than an answer


class HostAnswers:
    """Answers at a socket that workers share, while none of them does."""

    def __init__(
        self, settings: Settings, listening: socket.socket, problem_of: Callable[[], str]
    ) -> None:
        """`problem_of` returns why no worker is to be expected, or nothing."""
        self._settings = settings
        self._listening = listening
        self._problem_of = problem_of
        self._server: HttpServer | None = None
        self._since_s = asyncio.get_running_loop().time()  # none has listened

    async def follow(self, is_served: bool) -> None:
        """Begin or stop to answer, as a worker listens or does not. Asked each second."""
        now_s = asyncio.get_running_loop().time()
        if is_served:
            self._since_s = now_s
            await self.close()
        elif self._server is None and now_s >= self._since_s + PATIENCE_S:
            self._server = self._make_server()
            self._server.start()

    async def close(self) -> None:
        """Answer no more. Idempotent."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(STOP_S)

    def _sentence(self) -> str:
        return self._problem_of() or (
            "A process of this machine's cells must listen; none does now. Each is started again; "
            "the log says why it has ended."
        )

    def _make_server(self) -> HttpServer:
        # Loaded where it is needed: a host is small otherwise.
        from tidings.api.http.answer_headers import ALL
        from tidings.api.start_answers import waiting_app
        from tidings.app.faces import metrics_readers

        places = min(PLACES_MAX, file_limit() // 2)
        return HttpServer(
            waiting_app(self._sentence, metrics_readers(self._settings)),
            host=self._settings.host,
            port=self._settings.port,
            bounds=Bounds(places=places, per_address=places),
            headers=ALL,
            listening=self._listening.dup(),
        )
