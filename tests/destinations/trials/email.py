"""Trials of the driver of e-mails: a mail server that is killed on the way."""

import time
from typing import Any

from tests.destinations.email.mail_process import MailProcess
from tests.destinations.trials.ledger import Arrival, arrival_of

DOWN_S = 2.0


class EmailTrial:
    """See `Destination`."""

    name = "email"
    webhook: dict[str, Any] = {  # noqa: RUF012  # it is the class's own, and never changed
        "webHookType": "EMAIL",
        "connection": "mail",
        "email": {"to": ["ops@brand.example"]},
    }

    def __init__(self, server: MailProcess) -> None:
        self._server = server

    @property
    def connections(self) -> str:
        return f"""[mail]
type = "smtp"
orgs = "all"
host = "127.0.0.1"
port = {self._server.port}
security = "plaintext"
sender = "Loyalty <news@brand.example>"
recipients = "any"
limit_per_hour = 1000000
limit_per_day = 1000000
connections = 20
"""

    def restart(self) -> None:
        self._server.kill()
        time.sleep(DOWN_S)
        self._server.start()

    def arrivals(self) -> list[Arrival]:
        return [arrival_of(email.text.encode()) for email in self._server.emails()]
