"""A hop to another process, which is killed before its answer and in the middle of it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.server.support import Client, until
from tidings.core.cells.cell_map import CellOwner
from tidings.core.cells.door import PassOn
from tidings.door.listening import trust_by_tls

from .support import CELL, HERE, KEY, FixedRouter, get, post, public_port, refused


@asynccontextmanager
async def owner_process() -> AsyncIterator[tuple[asyncio.subprocess.Process, PassOn]]:
    """An owner, and where calls are passed on to."""
    command = (sys.executable, "-m", "tests.door.owner_process")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield process, PassOn(CELL, CellOwner(3, f"{HERE}:{port}"))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_process_that_is_killed_is_503_before_its_answer_and_cut_amid_it() -> None:
    async with owner_process() as (process, owner):
        router = FixedRouter(owner)
        async with public_port(router, trust_by_tls(KEY)) as (public, lines):
            client, waiting, streaming = [await Client.to(public) for _ in range(3)]
            status, _, body = await client.ask(post(b"abcd"))
            assert status == 200 and json.loads(body)["body"] == "abcd"
            waiting.write(post(b"abcd", path=b"/wait"))
            streaming.write(get("/stream"))
            assert (await streaming.answer(head_only=True))[0] == 200
            await until(lambda: lines.held == 2, "both calls to be under way")
            assert (await client.ask(get("/x")))[0] == 200  # behind the other two
            process.kill()
            await process.wait()
            refused(await waiting.answer(), "owner_gone")
            assert not (await streaming.ended()).endswith(b"0\r\n\r\n")
            refused(await client.ask(post(b"abcd")), "no_owner")
            await until(lambda: lines.held == 0, "the places back")
            assert [not_mine for _, not_mine in router.asked_again] == [None]
