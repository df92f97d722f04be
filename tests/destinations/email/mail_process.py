"""A mail server in a process of its own, which can be killed, and shut; it keeps what it has taken
in a file.

python -m tests.destinations.email.mail_process PORT FILE
"""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.destinations.email.mail_server import Came
from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import until


class MailProcess:
    """It. What it has answered with 250 is in the file, whenever it is killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._file = folder / "emails"
        self._shut = _shut(self._file)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "MailProcess":
        self.kill()  # the one before, if it still runs
        name = "tests.destinations.email.mail_process"
        self._process = subprocess.Popen(
            [sys.executable, "-m", name, str(self.port), str(self._file)],
            cwd=Path(__file__).parents[3],
        )
        try:
            until(self._listens, "a mail server that listens")
        except BaseException:
            self.kill()
            raise
        return self

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def shut(self) -> None:
        """Take nothing from now on, and ask for every e-mail to be sent again later."""
        self._shut.touch()

    def open(self) -> None:
        """Take everything again."""
        self._shut.unlink(missing_ok=True)

    def emails(self) -> list[Came]:
        """All that it has taken, in order."""
        kept = self._file.read_bytes() if self._file.exists() else b""
        found, at = [], 0
        while at + 4 <= len(kept):
            end = at + 4 + int.from_bytes(kept[at : at + 4], "big")
            if end > len(kept):
                break  # it was killed while it wrote, and has not said that it took it
            found.append(Came("", [], kept[at + 4 : end]))
            at = end
        return found

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _shut(file: Path) -> Path:
    """What lies beside the file as long as the server is shut."""
    return file.with_suffix(".shut")


class _Handler:
    def __init__(self, file: Path) -> None:
        self._kept = file.open("ab", buffering=0)
        self._shut = _shut(file)

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._shut.exists():
            return "451 4.3.2 Not now"
        content = envelope.original_content or b""
        self._kept.write(len(content).to_bytes(4, "big") + content)
        return "250 OK"


async def _serve(port: int, file: Path) -> None:
    loop, handler = asyncio.get_running_loop(), _Handler(file)
    server = await loop.create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
