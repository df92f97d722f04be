"""The receiving side, in a process of its own: `python -m tidings.demo.receivers`.

Three brands' servers in one: /crm, /survey and /shop. Each checks the signature with the secret
that the service showed when its webhook was created. It knows nothing of the service but what the
documentation says (docs/contract/delivery.md), and verifies with the standard library alone.

Control comes as JSON lines on stdin, arrivals leave as JSON lines on stdout; the end of stdin ends
the process.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from typing import Any

BODY_BYTES_MAX = 16 << 20
CLOCK_SKEW_S = 300


def signed(secret: str, headers: dict[str, str], body: bytes, now_s: float) -> bool:
    """Return whether a request is from who holds the secret, and recent (Standard Webhooks,
    `v1`)."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(now_s - int(sent_at)) > CLOCK_SKEW_S:
        return False
    text = f"{headers.get('webhook-id', '')}.{sent_at}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    ours = "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    theirs = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(ours.encode(), candidate.encode()) for candidate in theirs)


class Receivers:
    """Answers 200, or 503 for as long as a path is told to fail from its first request on."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.fail_s: dict[str, float] = {}
        self._fails_until: dict[str, float] = {}

    def take_over(self, order: dict[str, Any]) -> None:
        """Take over secrets and failures."""
        self.secrets |= order.get("secrets", {})
        self.fail_s |= order.get("failSeconds", {})

    def status(self, hook: str, is_signed: bool, now_s: float) -> int:
        """Choose the status that answers this request."""
        if hook not in self.secrets:
            return 404
        if not is_signed:
            return 401
        until = self._fails_until.setdefault(hook, now_s + self.fail_s.get(hook, 0))
        return 503 if now_s < until else 200

    def arrive(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Judge one request, report it, and return the status to answer."""
        at_ns = time.time_ns()
        hook = path.strip("/")
        secret = self.secrets.get(hook, "")
        is_signed = bool(secret) and signed(secret, headers, body, at_ns / 1e9)
        status = self.status(hook, is_signed, time.monotonic())
        try:
            event_id = json.loads(body).get("eventId")
        except (ValueError, AttributeError):
            event_id = None
        report = {
            "hook": hook,
            "eventId": event_id,
            "status": status,
            "attempt": headers.get("tidings-attempt"),
            "signed": is_signed,
            "atNs": at_ns,
        }
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()
        return status

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection for as long as the other side keeps it alive."""
        try:
            while True:
                path, headers = await _head(reader)
                length = int(headers.get("content-length", "0"))
                if length > BODY_BYTES_MAX:
                    break
                body = await reader.readexactly(length)
                status = self.arrive(path, headers, body)
                writer.write(f"HTTP/1.1 {status} .\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, ValueError):
            pass  # the other side closed, or does not speak HTTP
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    _, path, _ = head[0].split(" ", 2)
    pairs = (line.split(":", 1) for line in head[1:] if ":" in line)
    return path, {name.strip().lower(): value.strip() for name, value in pairs}


async def main() -> None:
    """Serve until stdin ends."""
    receivers = Receivers()
    server = await asyncio.start_server(receivers.serve, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        receivers.take_over(json.loads(line))
    server.close()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
