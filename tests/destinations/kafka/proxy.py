"""Between a producer and its broker: what the broker answers can be held back."""

import asyncio
import contextlib
from typing import Self


class Proxy:
    """Listens at one port of loopback, and passes on to another one, in this loop."""

    def __init__(self, port: int, to: int) -> None:
        self._port = port
        self._to = to
        self._answers = asyncio.Event()
        self._answers.set()
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.answers(True)
        for line in list(self._lines):
            line.close()
        await asyncio.sleep(0.01)

    def answers(self, pass_on: bool) -> None:
        """Whether answers are passed on; else they wait."""
        (self._answers.set if pass_on else self._answers.clear)()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        self._lines |= {writer, to_broker}
        await asyncio.gather(
            self._pass(reader, to_broker, held=False), self._pass(from_broker, writer, held=True)
        )
        self._lines -= {writer, to_broker}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if held:
                    await self._answers.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
