"""Threads with a loop end without anything that a later test would have to answer for."""

import asyncio
import contextlib
import gc
import socket
import threading
from pathlib import Path

from tests.loops.threads import LoopThread


class Crowd:
    """Clients that connect and leave, again and again, until the block ends."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._goes_on = True
        self._clients = [threading.Thread(target=self._connect) for _ in range(2)]

    def __enter__(self) -> None:
        for client in self._clients:
            client.start()

    def __exit__(self, *_: object) -> None:
        self._goes_on = False
        for client in self._clients:
            client.join()

    def _connect(self) -> None:
        while self._goes_on:
            with contextlib.suppress(OSError):
                socket.create_connection(self._address, 1).close()


def test_a_server_ends_amid_a_crowd_that_connects() -> None:
    for _ in range(3):
        thread, many = LoopThread(), threading.Semaphore(0)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            many.release()  # noqa: B023
            writer.close()

        server = thread.run(asyncio.start_server(serve, "127.0.0.1", 0, backlog=512))
        with Crowd(server.sockets[0].getsockname()):
            for _ in range(5):
                assert many.acquire(timeout=10)
            thread.close()
    gc.collect()  # a coroutine that nobody awaited fails this test


def test_no_test_runs_a_loop_in_a_thread_by_other_means() -> None:
    tests = Path(__file__).parent.parent
    others = {
        str(path.relative_to(tests))
        for path in tests.rglob("*.py")
        if "run_" + "forever" in path.read_text()
    }
    assert others == {"loops/threads.py"}
