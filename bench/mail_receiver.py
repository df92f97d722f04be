"""A mail server in the place of the receiver: it keeps the same ledger and obeys the same commands.

    python -m bench.mail_receiver

A mail is entered by its subject, which is the id of its event, as of webhook 0. It shares the cores
with the service, so it knows no more of SMTP than a client's plain dialogue needs.
"""

import asyncio
import time
from typing import cast

from bench.receiver import BUFFER_BYTES_MAX, Ledger, header, main

GREETING = b"220 bench\r\n"
ANSWERS = {
    b"EHLO": b"250-bench\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"HELO": b"250 bench\r\n",
    b"MAIL": b"250 OK\r\n",
    b"RCPT": b"250 OK\r\n",
    b"RSET": b"250 OK\r\n",
    b"NOOP": b"250 OK\r\n",
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 Bye\r\n",
}
UNKNOWN = b"502 Not known\r\n"
END = b"\r\n.\r\n"


class MailConnection(asyncio.Protocol):
    """One connection of the service: reads whole commands and mails, and answers in order."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.rest = b""
        self.in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self.rest += data
        while True:
            mark = END if self.in_mail else b"\r\n"
            end = self.rest.find(mark)
            if end < 0:
                break
            whole, self.rest = self.rest[:end], self.rest[end + len(mark) :]
            if self.in_mail:
                self.mail(whole)
            else:
                self.command(whole[:4].upper())
        if len(self.rest) > BUFFER_BYTES_MAX:
            self.ledger.unreadable += 1
            self.transport.close()

    def command(self, verb: bytes) -> None:
        self.in_mail = verb == b"DATA"
        self.transport.write(ANSWERS.get(verb, UNKNOWN))
        if verb == b"QUIT":
            self.transport.close()

    def mail(self, content: bytes) -> None:
        ledger, self.in_mail = self.ledger, False
        id = header(b"\r\n" + content[: content.find(b"\r\n\r\n") + 2], b"subject")
        if id is None:
            ledger.unreadable += 1
        else:
            ledger.ids.append(id)
            ledger.webhooks.append(b"0")
            ledger.times.append(time.monotonic_ns())
        self.transport.write(b"250 Taken\r\n")


if __name__ == "__main__":
    main(MailConnection)
