"""Starts Firefox for Playwright, and answers in its place the one command that it does not know.

Playwright speaks WebDriver BiDi to a Firefox of the system, and sets the media features of each
context, whatever is asked; firefox-esr refuses `emulation.setMediaFeaturesOverride` as unknown. So
Playwright is given this program as the browser: it starts Firefox with the arguments that it gets,
and passes on what both say, but for that command.
"""

import asyncio
import json
import sys
from functools import partial

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

PROGRAM = "/usr/bin/firefox-esr"
LISTENING = "WebDriver BiDi listening on "
UNKNOWN = "emulation.setMediaFeaturesOverride"
SIZE_MAX = 64 << 20  # a picture of a page in one message


async def pass_on(firefox_url: str, playwright: ServerConnection) -> None:
    """Carry the messages of one session both ways until one side ends it."""
    async with connect(firefox_url, max_size=SIZE_MAX, ping_interval=None) as firefox:

        async def ask() -> None:
            async for message in playwright:
                command = json.loads(message)
                if command["method"] == UNKNOWN:
                    answer = {"type": "success", "id": command["id"], "result": {}}
                    await playwright.send(json.dumps(answer))
                else:
                    await firefox.send(message)
            await firefox.close()

        asking = asyncio.ensure_future(ask())
        async for message in firefox:
            await playwright.send(message)
        asking.cancel()


async def main(arguments: list[str]) -> int:
    """Run Firefox; where it says that it listens, say the address of this program instead."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *arguments, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode(errors="replace")
        if text.startswith(LISTENING):
            url = text.removeprefix(LISTENING).strip() + "/session"
            server = await serve(
                partial(pass_on, url),
                "127.0.0.1",
                0,
                max_size=SIZE_MAX,
                ping_interval=None,
            )
            [port] = [sock.getsockname()[1] for sock in server.sockets]
            text = f"{LISTENING}ws://127.0.0.1:{port}\n"
        sys.stderr.write(text)
        sys.stderr.flush()
    return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
