"""A mail server in a process of its own, as an operator's is: STARTTLS, a login, and refusals.

python -m tests.e2e.actions.recipes.mail_server PORT FOLDER
"""

import asyncio
import email
import socket
import ssl
import subprocess
import sys
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.e2e.harness.service import free_port
from tests.e2e.harness.until import PATIENCE_S, until

USER, PASSWORD = "loyalty", "the-password-of-the-mail-server"
ROOT = Path(__file__).parents[4]


class MailServer:
    """The test's end of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.port = free_port()
        self.authority = folder / "authority.pem"
        """Who has signed its certificate."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(folder / "server.pem")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "MailServer":
        command = [sys.executable, "-m", __name__, str(self.port), str(self._folder)]
        self._process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        until(self._listens, "a mail server that listens")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def refuses(self, answer: str) -> None:
        """From now on every recipient is refused with this; with nothing: taken again."""
        (self._folder / "refuses").write_text(answer)

    def mails(self, to: str = "") -> list[EmailMessage]:
        """What it has taken, in order, as a mail program reads it."""
        found = []
        for file in sorted(self._folder.glob("*.eml"), key=lambda one: int(one.stem)):
            mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
            assert isinstance(mail, EmailMessage)
            if to in ("", mail["x-rcpt"]):
                found.append(mail)
        return found

    def wait(self, count: int, to: str = "", seconds: float = PATIENCE_S) -> list[EmailMessage]:
        """The mails, once there are so many."""
        until(lambda: len(self.mails(to)) >= count, f"{count} mails to {to or 'all'}", seconds)
        return self.mails(to)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def part(mail: EmailMessage, kind: str) -> str:
    """The text, or the HTML, of a mail."""
    found = mail.get_body((kind,))
    assert isinstance(found, EmailMessage), f"a mail with {kind}"
    content: str = found.get_content()
    return content.replace("\r\n", "\n")


class _Handler:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        refuses = self._folder / "refuses"
        if refuses.exists() and (answer := refuses.read_text()):
            return answer.replace("{address}", address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self._count += 1
        head = f"x-rcpt: {' '.join(envelope.rcpt_tos)}\r\n".encode()
        beside = self._folder / f"{self._count}.part"
        beside.write_bytes(head + bytes(envelope.original_content or b""))
        beside.rename(self._folder / f"{self._count}.eml")
        return "250 OK"


def _judge(server: Any, session: Any, envelope: Any, how: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and data == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=known)


async def _serve(port: int, folder: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    loop, handler = asyncio.get_running_loop(), _Handler(folder)
    server = await loop.create_server(
        lambda: SMTP(
            handler, loop=loop, tls_context=context, require_starttls=True,
            authenticator=_judge, auth_required=True, auth_require_tls=True, enable_SMTPUTF8=True,
        ),
        "127.0.0.1",
        port,
    )  # fmt: skip
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
