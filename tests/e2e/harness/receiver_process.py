"""The receiving side, in a process of its own: `python receiver_process.py [PORT]`;
at the port after PORT every connection is refused.

Orders come as JSON lines on stdin, arrivals leave as JSON lines on stdout; the end of stdin ends
the process. Every path answers 200 until it is told otherwise by a plan:

    {"plan": {"/path": {"status": 503, "headers": {"retry-after": "2"}, "delay": 0.1,
                        "mode": "answer", "first": [{…}], "each": [{…}]}}}

`limit` (`{"most": 30, "windowS": 1}`) answers 429 to what is more than that in a window, with the
plan's headers; `first` holds what the first requests to the path are answered, `each` what the
first requests of every `webhook-id` are answered. Modes: answer, silent, reset, drip, flood,
endless, garbage.
"""

import asyncio
import base64
import contextlib
import json
import os
import socket
import struct
import sys
import time
from collections import Counter
from typing import Any

Plan = dict[str, Any]
OK: Plan = {"status": 200}
QUIET_S = 300.0


class Out:
    """Lines to the driver, written together once a turn of the loop."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def say(self, fact: dict[str, Any]) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        self._lines.append(json.dumps(fact))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        data = ("\n".join(lines) + "\n").encode()
        while data:
            data = data[os.write(1, data) :]


class Receiver:
    """All paths of one listening socket."""

    def __init__(self) -> None:
        self.out = Out()
        self.plans: dict[str, Plan] = {}
        self._seen: Counter[str] = Counter()
        self._seen_each: Counter[tuple[str, str]] = Counter()
        self._windows: Counter[tuple[str, int]] = Counter()
        self._running: Counter[str] = Counter()
        self._open = 0

    def told(self, order: dict[str, Any]) -> None:
        """Take over plans; counts of a path start again with its new plan."""
        for path, plan in order.get("plan", {}).items():
            self.plans[path] = plan
            self._seen[path] = 0
            for known in [known for known in self._seen_each if known[0] == path]:
                del self._seen_each[known]
        if "sync" in order:
            self.out.say({"sync": order["sync"], "open": self._open})

    def plan_for(self, path: str, message: str) -> Plan:
        """What this request is answered."""
        plan = self.plans.get(path, OK)
        number, each = self._seen[path], self._seen_each[path, message]
        self._seen[path] += 1
        self._seen_each[path, message] += 1
        if number < len(plan.get("first", ())):
            return dict(plan["first"][number])
        if each < len(plan.get("each", ())):
            return dict(plan["each"][each])
        if (limit := plan.get("limit")) is not None:
            window = int(time.monotonic() / limit["windowS"])
            self._windows[path, window] += 1
            full = self._windows[path, window] > limit["most"]
            return plan | {"status": 429} if full else {"status": 200}
        return plan

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive for as long as the other side likes."""
        self._open += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError, ValueError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._open -= 1
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        at_ns = time.monotonic_ns()
        method, path, _ = head[0].split(" ", 2)
        pairs = [line.split(":", 1) for line in head[1:] if ":" in line]
        headers = [(name.lower(), value.strip()) for name, value in pairs]
        known = dict(headers)
        body = await reader.readexactly(int(known.get("content-length", "0")))
        self._running[path] += 1
        try:
            plan = self.plan_for(path, known.get("webhook-id", ""))
            self.out.say(
                {
                    "path": path,
                    "method": method,
                    "headers": headers,
                    "body": base64.b64encode(body).decode(),
                    "atNs": at_ns,
                    "parallel": self._running[path],
                    "answer": plan.get("status", 200) if _answers(plan) else 0,
                }
            )
            if plan.get("delay"):
                await asyncio.sleep(plan["delay"])
            while plan.get("held") and self.plans[path].get("held"):  # until it has another plan
                await asyncio.sleep(0.005)
        finally:
            self._running[path] -= 1
        return await self._answer(plan, writer)

    async def _answer(self, plan: Plan, writer: asyncio.StreamWriter) -> bool:
        mode = plan.get("mode", "answer")
        if mode == "answer":
            writer.write(_head(plan) + plan.get("body", "").encode())
            await writer.drain()
            return True
        if mode == "silent":
            await asyncio.sleep(QUIET_S)
        elif mode == "reset":
            line = writer.get_extra_info("socket")
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif mode == "garbage":
            writer.write(b"\x00\xff\x00 this is not HTTP \r\n\r\n" * 20)
            await writer.drain()
        elif mode == "drip":  # a head that never ends, a byte at a time
            writer.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(0.05)
        elif mode == "flood":  # interim answers without an end
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 20)
                await writer.drain()
                await asyncio.sleep(0.005)
        elif mode == "endless":  # a head, then a body without an end
            writer.write(b"HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"2000\r\n" + b"z" * 8192 + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)
        return False


def _answers(plan: Plan) -> bool:
    return bool(plan.get("mode", "answer") == "answer")


def _head(plan: Plan) -> bytes:
    length = len(plan.get("body", "").encode())
    lines = [f"HTTP/1.1 {plan.get('status', 200)} Said", f"content-length: {length}"]
    lines += [f"{name}: {value}" for name, value in plan.get("headers", {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def main() -> None:
    """Serve until stdin ends."""
    receiver = Receiver()
    wanted = int(sys.argv[1]) if sys.argv[1:] else 0
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", wanted, backlog=1024)
    refusing = socket.socket()  # bound and not listening: every connection is refused
    refusing.bind(("127.0.0.1", wanted + 1 if wanted else 0))
    ports = (server.sockets[0].getsockname()[1], refusing.getsockname()[1])
    receiver.out.say({"port": ports[0], "refusingPort": ports[1]})
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        receiver.told(json.loads(line))
    os._exit(0)  # without waiting for those who never end


if __name__ == "__main__":
    asyncio.run(main())
