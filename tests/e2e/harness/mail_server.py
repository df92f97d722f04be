"""A mail server in a process of its own, and the owner of an address who says yes by letter."""

import quopri
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from .api import Api
from .service import free_port
from .until import until

ADDRESS = "on-call@example.test"
ASKS = "E-mails about failing webhooks: do you want them?"


class MailServer:
    """`tests.egress.mail_sink` as a process."""

    def __init__(self, file: Path) -> None:
        self.port = free_port()
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *how: str) -> None:
        command = [sys.executable, "-m", "tests.egress.mail_sink", str(self.port), str(self._file)]
        self._process = subprocess.Popen([*command, *how], cwd=Path(__file__).parents[3])
        until(self._listens, "a mail server that listens")

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def subjects(self) -> list[str]:
        """Of the letters that it has taken, in order, but for those that ask for a yes."""
        subjects = re.findall(r"^Subject: (.*)$", self._text(), re.MULTILINE)
        return [subject for subject in subjects if subject != ASKS]

    def _text(self) -> str:
        return self._file.read_text() if self._file.exists() else ""

    def links(self) -> list[str]:
        """Where owners of addresses say yes, as paths."""
        text = quopri.decodestring(self._text().encode()).decode()
        return re.findall(r"^http://[^/]+(/console/confirm\?token=\S+)$", text, re.MULTILINE)


def say_yes(mail: MailServer, api: Api, org: int) -> None:
    """As the owner of the address that the org has named."""
    until(mail.links, "a letter that asks")
    [path] = mail.links()
    assert api.get(path).status == 200
    [named] = api.get(f"/v1/orgs/{org}").must(200)["notified"]
    assert named == {"address": ADDRESS, "state": "asked"}, "a link that is opened says nothing"
    form = urlencode({"token": path.partition("=")[2]}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert api.call("POST", "/console/confirm", form, kind).status == 200
    [named] = api.get(f"/v1/orgs/{org}").must(200)["notified"]
    assert named["state"] == "confirmed"
