"""A server that speaks as much of PostgreSQL's protocol as it takes to refuse everybody."""

import asyncio
import contextlib
import struct
from typing import Self


class HostilePostgres:
    """Answers the first message of each client with an error."""

    def __init__(self, code: str, text: str) -> None:
        fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0".encode()
        self._refusal = b"E" + struct.pack("!I", len(fields) + 4) + fields
        self.port = 0
        self.asked = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            (length,) = struct.unpack("!I", await reader.readexactly(4))
            await reader.readexactly(length - 4)
            self.asked += 1
            writer.write(self._refusal)
            await writer.drain()
        writer.close()
