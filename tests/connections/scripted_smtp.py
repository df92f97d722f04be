"""A mail server that answers one command as it is told, and all others as usual."""

import asyncio
import contextlib
from typing import Self

_USUAL = {"EHLO": "250-scripted\r\n250 AUTH PLAIN LOGIN", "AUTH": "235 in", "QUIT": "221 bye"}


class ScriptedSmtp:
    """It takes no e-mail."""

    def __init__(self, command: str = "", answer: str = "") -> None:
        self._answers = _USUAL | {command: answer}
        self.port = 0
        self.commands: list[str] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            writer.write(b"220 scripted\r\n")
            while line := await reader.readline():
                command = line.decode()[:4].upper().strip()
                self.commands.append(command)
                writer.write(f"{self._answers.get(command, '250 OK')}\r\n".encode())
                await writer.drain()
        writer.close()
