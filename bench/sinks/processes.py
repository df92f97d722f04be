"""Sinks that are processes with a ledger: a mail server, and a reader that pulls."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ledger import Received
from bench.payload import ORG_FIRST
from bench.product import ORG_HEADER, Product
from bench.run import POLL_SECONDS, ReceiverProcess
from tidings.core.webhooks.webhook_types import EMAIL, PULL


class _ProcessSink:
    """See `Sink`: what is of both."""

    poll_seconds = POLL_SECONDS

    def __init__(self, process: ReceiverProcess) -> None:
        self.process = process

    def begin(self, product: Product) -> None:
        """See `Sink`."""

    def reset(self) -> None:
        """See `Arrivals`."""
        self.process.tell("reset")

    def count(self) -> int:
        """See `Arrivals`."""
        return self.process.count()

    def received(self) -> Received:
        """See `Arrivals`."""
        return self.process.ledger()


class MailSink(_ProcessSink):
    """See `Sink`. A mail is known by its subject."""

    webhook: dict[str, Any] = {  # noqa: RUF012  # never changed
        "webHookType": EMAIL,
        "webHookUrl": "",
        "connection": "mail",
        "email": {"to": ["ops@brand.example"], "subject": "{{ event.eventId }}", "text": "Points."},
    }

    @property
    def connections(self) -> str:
        """See `Sink`."""
        return f"""[mail]
type = "smtp"
orgs = "all"
host = "127.0.0.1"
port = {self.process.port}
security = "plaintext"
sender = "Loyalty <news@brand.example>"
recipients = "any"
limit_per_hour = 1000000
limit_per_day = 1000000
connections = 20
"""


class ReaderSink(_ProcessSink):
    """See `Sink`. Its process fetches, enters and acknowledges."""

    connections = ""
    webhook: dict[str, Any] = {  # noqa: RUF012  # never changed
        "webHookType": PULL,
        "webHookUrl": "",
        "maxAllowedConnections": 1_000,
    }

    def begin(self, product: Product) -> None:
        """See `Sink`."""
        self.process.tell(
            "read",
            port=product.port,
            webhook=product.webhook_id(0),
            headers={**product.headers, ORG_HEADER: str(ORG_FIRST)},
        )


@contextlib.contextmanager
def mails(folder: Path) -> Iterator[MailSink]:
    """A mail server."""
    process = ReceiverProcess(_own(folder, "mails"), "bench.mail_receiver")
    try:
        yield MailSink(process)
    finally:
        process.stop()


@contextlib.contextmanager
def reader(folder: Path) -> Iterator[ReaderSink]:
    """A reader."""
    process = ReceiverProcess(_own(folder, "reader"), "bench.sinks.pull_reader")
    try:
        yield ReaderSink(process)
    finally:
        process.stop()


def _own(folder: Path, name: str) -> Path:
    (made := folder / name).mkdir()
    return made
