"""A receiver as a brand runs it, in a process of its own: `python -m … RECEIVER` (JSON).

It writes each event that it handles into a journal, and kills itself, when it is told to, exactly
between handling and noting. It imports what its life needs alone: it is started often.
"""

# ruff: noqa: PLC0415

import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

from tidings_consumer import (
    Event,
    MemoryIds,
    PostgresIds,
    RedisIds,
    Router,
    SqliteDeadLetters,
    SqliteIds,
)
from tidings_consumer.adapters.asgi import AsgiApp
from tidings_consumer.ids import LEASE_S, Claim, IdStore
from tidings_consumer.testing import SECRET

POOL_WAIT_S = 2.0


@dataclass(frozen=True)
class Setup:
    """What one life of a receiver is told."""

    store: str
    address: str  # of the store: a path, a URI, a port
    journal: str
    framework: str = "asgi"  # or "asgi thread", with a handler that is no coroutine, or "flask"
    lease_s: float = LEASE_S
    kill_at: int = 0  # the note before which it kills itself; 0 for none
    handling_s: float = 0.0
    patience_s: int | None = None  # of uvicorn, when it is told to end
    dead_letters: str = ""  # a file: then every handling fails, and the second attempt is the last
    port: int = 0
    fd: int = 0  # the socket that listens there

    def text(self) -> str:
        return json.dumps(asdict(self))


def opened(setup: Setup) -> IdStore:
    """The store of ids, as its page tells to open it."""
    if setup.store == "sqlite":
        return SqliteIds(setup.address, lease_s=setup.lease_s)
    if setup.store == "postgres":
        from psycopg_pool import ConnectionPool

        pool = ConnectionPool(
            setup.address,
            max_size=8,
            timeout=POOL_WAIT_S,
            open=True,
            check=ConnectionPool.check_connection,
        )
        ids = PostgresIds(pool.connection, lease_s=setup.lease_s)
        ids.create()
        return ids
    if setup.store == "redis":
        import redis

        client = redis.Redis(port=int(setup.address), socket_timeout=POOL_WAIT_S)
        return RedisIds(client, lease_s=setup.lease_s)
    return MemoryIds()


class Killing:
    """A store of ids that kills its process when the note of a number is to be written.

    At that moment one event alone stands between its handling and its note: no further one is
    handled, and what others have handled is noted first. So a kill costs one second handling,
    however many are under way; without that it costs as many as stood there.
    """

    def __init__(self, ids: IdStore, setup: Setup) -> None:
        self.blocks = ids.blocks
        self._ids, self._kill_at = ids, setup.kill_at
        self._journal = os.open(setup.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._between: set[str] = set()
        self._change = threading.Condition()
        self._notes = 0
        self._ends = False

    def handled(self, event: Event[Any]) -> bool:
        """Write it into the journal; whether it was not too late for that."""
        key = event.data["customerIdentifiers"]["customerId"]
        line = f"{key} {event.data['note']} {event.id}\n".encode()
        with self._change:
            if self._ends:
                return False
            self._between.add(event.id)
            assert os.write(self._journal, line) == len(line)
        return True

    def claim(self, id: str, holder: str, now_s: float) -> Claim:
        return self._ids.claim(id, holder, now_s)

    def done(self, id: str, now_s: float) -> None:
        with self._change:
            self._notes += 1
            if self._notes == self._kill_at:
                self._ends = True
                self._change.wait_for(lambda: self._between <= {id})
                os.kill(os.getpid(), signal.SIGKILL)
        try:
            self._ids.done(id, now_s)
        finally:
            self._leave(id)

    def release(self, id: str, holder: str) -> None:
        self._leave(id)
        self._ids.release(id, holder)

    def _leave(self, id: str) -> None:
        with self._change:
            self._between.discard(id)
            self._change.notify_all()


class Failed(Exception):
    """What a handler raises that cannot do its work."""


def serve(setup: Setup) -> None:
    """Receive until the process is told to end."""
    ids = Killing(opened(setup), setup)
    letters = SqliteDeadLetters(setup.dead_letters) if setup.dead_letters else None
    router = Router(
        SECRET, ids=ids, dead_letters=letters, give_up_after=None if letters is None else 2
    )

    async def handle_async(event: Event[Any]) -> None:
        await asyncio.sleep(setup.handling_s)
        if not ids.handled(event):
            await asyncio.Event().wait()
        if letters is not None:
            raise Failed(event.id)

    def handle(event: Event[Any]) -> None:
        threading.Event().wait(setup.handling_s)
        if not ids.handled(event):
            threading.Event().wait()
        if letters is not None:
            raise Failed(event.id)

    logging.getLogger("tidings_consumer").setLevel(logging.CRITICAL)
    router.on("pointsIssued")(handle_async if setup.framework == "asgi" else handle)
    if setup.framework == "flask":
        serve_flask(router, setup)
        return
    serve_asgi(router, setup)


def serve_asgi(router: Router, setup: Setup) -> None:
    """By uvicorn."""
    import uvicorn

    config = uvicorn.Config(
        AsgiApp(router),
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=setup.patience_s,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=setup.fd)])


def serve_flask(router: Router, setup: Setup) -> None:
    """By a thread for each connection, which stay open."""
    import flask
    from werkzeug.serving import WSGIRequestHandler, make_server

    from tidings_consumer.adapters.flask import flask_view

    class KeptAlive(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

    app = flask.Flask(__name__)
    app.add_url_rule("/", view_func=flask_view(router), methods=["POST"])
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    make_server(
        "127.0.0.1", setup.port, app, threaded=True, fd=setup.fd, request_handler=KeptAlive
    ).serve_forever()


if __name__ == "__main__":
    serve(Setup(**json.loads(sys.argv[1])))
