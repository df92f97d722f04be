"""A mail server for tests; as a process of its own it keeps what it is given in a file.

python -m tests.egress.mail_sink PORT FILE [silent]
"""

import asyncio
import base64
import ssl
import sys
from pathlib import Path


class Sink:
    """A mail server: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA; and what it was given."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.letters: list[bytes] = []
        self.recipients: list[str] = []
        self.login = ""
        self.encrypted = False
        self.refuse: dict[str, str] = {}  # command: the answer instead of 250
        self.silent = False
        self.port = 0
        self.file: Path | None = None

    async def __aenter__(self) -> "Sink":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def _keep(self, letter: bytes) -> None:
        self.letters.append(letter)
        if self.file is not None:
            with self.file.open("ab") as kept:
                kept.write(letter)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(text: str) -> None:
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        try:
            if self.silent:
                await reader.read()
            await say("220 sink")
            while line := (await reader.readline()).decode().strip():
                verb = line.split()[0].upper()
                if verb in self.refuse:
                    await say(self.refuse[verb])
                elif verb == "EHLO":
                    offers = "250-sink\r\n250-AUTH PLAIN\r\n"
                    await say(offers + ("250 STARTTLS" if self.tls else "250 SIZE"))
                elif verb == "STARTTLS":
                    await say("220 go")
                    await writer.start_tls(self.tls)  # type: ignore[arg-type]
                    self.encrypted = True
                elif verb == "AUTH":
                    self.login = base64.b64decode(line.split()[2]).decode()
                    await say("235 in")
                elif verb == "RCPT":
                    self.recipients.append(line.split("<")[1].split(">")[0])
                    await say("250 ok")
                elif verb == "DATA":
                    await say("354 go on")
                    self._keep(await reader.readuntil(b"\r\n.\r\n"))
                    await say("250 kept")
                elif verb == "QUIT":
                    await say("221 bye")
                    break
                else:
                    await say("250 ok")
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()


async def serve(port: int, file: Path, silent: bool) -> None:
    """Until it is killed."""
    sink = Sink()
    sink.port, sink.file, sink.silent = port, file, silent
    async with sink:
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] == ["silent"]))
