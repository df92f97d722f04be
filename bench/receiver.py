"""The receiver of all runs, in a process of its own: an HTTP/1.1 server that keeps a ledger.

    python -m bench.receiver        prints {"port": N}, then obeys JSON commands on stdin

The path says what it does with a request: /h/N answers 200 (or what `answer` has set), /silent/N
never answers, /status/C/N answers C, /slow/MS/N answers 200 after MS milliseconds, /flap/MS/N is up
for MS milliseconds and answers 503 for as long. Every request to /h, /status, /slow and /flap is in
the ledger with its webhook number N, its id (`webhook-id`; of the call of an action
`x-event-id`) and its time. It shares the cores with the service, so it parses by hand, and no
more than a client's well-formed request with a content-length needs.
"""

import array
import asyncio
import base64
import gc
import hashlib
import hmac
import http
import json
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import uvloop

from bench.ledger import Received

VERIFY_ONE_OF = 256
BUFFER_BYTES_MAX = 4 * 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


def answer_bytes(status: int) -> bytes:
    phrase = http.HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\n\r\n".encode()


def header(head: bytes, name: bytes) -> bytes | None:
    """One header of a request head, whatever the case of its name."""
    at = head.find(b"\r\n" + name + b": ")
    if at < 0:
        at = head.lower().find(b"\r\n" + name + b":")
        if at < 0:
            return None
    start = at + len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


def id_in(head: bytes) -> bytes | None:
    """The event that a request is for: by a webhook, or by the call of an action."""
    return header(head, b"webhook-id") or header(head, b"x-event-id")


def signature(secret: bytes, event: bytes, stamp: bytes, body: bytes) -> bytes:
    """The `v1` signature of Standard Webhooks over the bytes that came."""
    signed = hmac.new(secret, b"%b.%b.%b" % (event, stamp, body), hashlib.sha256)
    return b"v1," + base64.b64encode(signed.digest())


class Ledger:
    """What arrived since the last reset, and how requests to /h are answered now."""

    def __init__(self) -> None:
        self.secrets: dict[bytes, bytes] = {}
        self.answer: bytes | None = OK
        self.answers_left = 0
        self.delay_s = 0.0
        self.reset()

    def reset(self) -> None:
        self.ids: list[bytes] = []
        self.webhooks: list[bytes] = []
        self.open: Counter[bytes] = Counter()  # requests that wait for their late answer
        self.most_open: Counter[bytes] = Counter()
        self.times: array.array[int] = array.array("q")
        self.verified = self.forged = self.unreadable = self.silenced = 0
        self.cpu_seconds = cpu_seconds()

    def set_answer(self, status: int, requests: int, delay_ms: int) -> None:
        """Answer `status` (0: never) from now on, or to so many requests and 200 after them."""
        self.answer = answer_bytes(status) if status else None
        self.answers_left = requests
        self.delay_s = delay_ms / 1000

    def next_answer(self) -> bytes | None:
        answer = self.answer
        if self.answers_left:
            self.answers_left -= 1
            if not self.answers_left:
                self.answer = OK
        return answer

    def verify(self, webhook: bytes, head: bytes, body: bytes) -> None:
        secret = self.secrets.get(webhook)
        if secret is None:
            return
        event, stamp, given = (
            header(head, name) or b""
            for name in (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
        )
        self.verified += 1
        if signature(secret, event, stamp, body) not in given.split(b" "):
            self.forged += 1

    def dump(self, path: str) -> None:
        received = Received(
            ids=self.ids,
            webhooks=self.webhooks,
            times=self.times.tobytes(),
            verified=self.verified,
            forged=self.forged,
            unreadable=self.unreadable,
            cpu_seconds=cpu_seconds() - self.cpu_seconds,
        )
        Path(path).write_bytes(msgspec.msgpack.encode(received))


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Connection(asyncio.Protocol):
    """One connection of the service: reads whole requests, records them, answers in order."""

    __slots__ = ("ledger", "rest", "transport")

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self.rest:
            data = self.rest + data
        while data:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                break
            head = data[: end + 2]
            at = head.find(b"content-length: ")
            length = (
                head[at + 16 : head.find(b"\r", at)] if at > 0 else header(head, b"content-length")
            )
            if length is None or not length.isdigit():
                self.refuse(501)
                return
            stop = end + 4 + int(length)
            if len(data) < stop:
                break
            self.request(head, data, end + 4, stop)
            data = data[stop:]
        self.rest = data
        if len(data) > BUFFER_BYTES_MAX:
            self.refuse(413)

    def request(self, head: bytes, data: bytes, start: int, stop: int) -> None:
        ledger = self.ledger
        if not head.startswith(b"POST /h/"):
            self.odd_request(head)
            return
        webhook = head[8 : head.find(b" ", 8)]
        if self.record(webhook, head) % VERIFY_ONE_OF == 1:
            ledger.verify(webhook, head, data[start:stop])
        answer = ledger.next_answer() if ledger.answers_left else ledger.answer
        if answer is None:
            return
        if ledger.delay_s:
            self.later(ledger.delay_s, answer, webhook)
        else:
            self.transport.write(answer)

    def later(self, seconds: float, answer: bytes, webhook: bytes) -> None:
        """Answer after a while, if anybody still waits for it. So many are open meanwhile."""
        ledger = self.ledger
        still, most = ledger.open, ledger.most_open
        still[webhook] += 1
        most[webhook] = max(most[webhook], still[webhook])

        def write() -> None:
            still[webhook] -= 1
            if not self.transport.is_closing():
                self.transport.write(answer)

        asyncio.get_running_loop().call_later(seconds, write)

    def record(self, webhook: bytes, head: bytes) -> int:
        """Enter one request; the number of requests since the reset."""
        ledger = self.ledger
        at = head.find(b"\r\nwebhook-id: ")
        event = head[at + 14 : head.find(b"\r", at + 14)] if at > 0 else id_in(head)
        if event is None or not webhook.isdigit():
            ledger.unreadable += 1
            return 0
        ledger.ids.append(event)
        ledger.webhooks.append(webhook)
        ledger.times.append(time.monotonic_ns())
        return len(ledger.ids)

    def odd_request(self, head: bytes) -> None:
        """Everything but the plain path: silent, refusing and slow webhooks."""
        parts = head[: head.find(b" ", 5)].split(b"/")[1:]
        kind, rest = parts[0], parts[1:]
        if kind == b"silent":
            self.ledger.silenced += 1
        elif kind == b"status" and len(rest) == 2 and rest[0].isdigit():
            self.record(rest[1], head)
            self.transport.write(answer_bytes(int(rest[0])))
        elif kind == b"slow" and len(rest) == 2 and rest[0].isdigit():
            self.record(rest[1], head)
            self.later(int(rest[0]) / 1000, OK, rest[1])
        elif kind == b"flap" and len(rest) == 2 and rest[0].isdigit() and rest[1].isdigit():
            self.record(rest[1], head)
            half = time.monotonic_ns() // (int(rest[0]) * 1_000_000) + int(rest[1])
            self.transport.write(UNAVAILABLE if half % 2 else OK)
        else:
            self.ledger.unreadable += 1
            self.transport.write(answer_bytes(404))

    def refuse(self, status: int) -> None:
        self.ledger.unreadable += 1
        self.transport.write(answer_bytes(status))
        self.transport.close()


class Control:
    """Obeys the commands of the process that started the receiver."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        ledger, do = self.ledger, command["do"]
        if do == "count":
            first = ledger.times[0] if ledger.times else 0
            last = ledger.times[-1] if ledger.times else 0
            return {
                "count": len(ledger.ids),
                "first": first,
                "last": last,
                "silenced": ledger.silenced,
            }
        if do == "most":
            return {"most": max(ledger.most_open.values(), default=0)}
        if do == "arrival":
            return {"at": ledger.times[command["index"]]}
        if do == "reset":
            ledger.reset()
        elif do == "dump":
            ledger.dump(command["path"])
        elif do == "answer":
            if command.get("reset"):  # nothing comes between
                ledger.reset()
            ledger.set_answer(
                command["status"], command.get("requests", 0), command.get("delay_ms", 0)
            )
        elif do == "secrets":
            ledger.secrets = {
                hook.encode(): base64.b64decode(secret.removeprefix("whsec_"))
                for hook, secret in command["secrets"].items()
            }
        else:
            return {"error": f"unknown command {do}"}
        return {"ok": True}


async def serve(protocol: Callable[[Ledger], asyncio.Protocol] = Connection) -> None:
    """Serve a protocol that keeps the ledger, and obey."""
    loop = asyncio.get_running_loop()
    ledger = Ledger()
    server = await loop.create_server(lambda: protocol(ledger), "127.0.0.1", 0, backlog=4096)
    commands = asyncio.StreamReader(limit=16 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    control = Control(ledger)
    async with server:
        while line := await commands.readline():
            print(json.dumps(control.obey(json.loads(line))), flush=True)


def main(protocol: Callable[[Ledger], asyncio.Protocol] = Connection) -> None:
    """Until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    uvloop.run(serve(protocol))


if __name__ == "__main__":
    main()
