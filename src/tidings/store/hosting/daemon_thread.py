"""Work in a thread that the end of the process waits for in no case: a server may never answer."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Made = TypeVar("Made")


async def run_in_daemon_thread(work: Callable[[], Made]) -> Made:
    """Return what `work` makes. Who is cancelled leaves it behind: what it makes then, nobody
    has."""
    loop = asyncio.get_running_loop()
    made: asyncio.Future[Made] = loop.create_future()

    def settle(value: Made | None, error: BaseException | None) -> None:
        if made.done():  # nobody waits any more
            return
        if error is not None:
            made.set_exception(error)
        else:
            made.set_result(value)  # type: ignore[arg-type]  # it is there where no error is

    def run() -> None:
        value: Made | None = None
        failed: BaseException | None = None
        try:
            value = work()
        except BaseException as error:
            failed = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, value, failed)

    threading.Thread(target=run, name="store", daemon=True).start()
    return await made
