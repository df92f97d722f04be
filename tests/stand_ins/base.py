"""What all stand-ins have: a server, a record of calls, limits, and misbehaviour by order.

A stand-in serves from a thread of its own: `with Magento() as magento:` in any test, also in one
that awaits. `tests.stand_ins.apart` runs one in a process of its own, with the same methods.
"""

import asyncio
import contextlib
import math
import re
import secrets
from typing import Any, ClassVar, Self

from tests.egress.receivers import Receiver, reset, until_gone

from .calls import Answer, Call, Parser, Refused, TooLarge, segments
from .orders import TOLD, Orders, told
from .troubles import Tokens, Trouble

__all__ = ["TOLD", "StandIn", "told"]

KEPT_BODY_MAX = 64 * 1024
LEAVES_S = 5.0


class StandIn(Orders):
    """A third party. What it refuses and how is in `page`; each path of `routes` stands there."""

    page: ClassVar[str]
    routes: ClassVar[tuple[tuple[str, str, str], ...]]  # method, path, name of the handler
    body_max: ClassVar[int] = 1 << 20

    def __init__(self, *, port: int = 0, most_per_s: int | None = None) -> None:
        """At a port of its own choice unless one is named; without a limit unless one is given."""
        super().__init__()
        self._calls: list[dict[str, Any]] = []
        self._running = 0
        self._faults: list[str] = []  # of the stand-in itself
        self._receiver = Receiver(self._serve, port=port)
        self._patterns = [(way, _pattern(path), name) for way, path, name in self.routes]
        if most_per_s is not None:
            self.limits(most_per_s)

    # --- for tests ---

    def start(self) -> Self:
        """Listen."""
        self._receiver.__enter__()
        return self

    def close(self) -> None:
        """End it, and every connection. AssertionError where the stand-in itself had a fault."""
        self._receiver.__exit__()
        assert self._faults == [], self._faults

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *failed: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._receiver.port

    def url(self, path: str = "") -> str:
        """The address of a path; of the root without a `/` at its end for none."""
        return f"http://127.0.0.1:{self.port}{path}"

    @told
    def calls(self, path: str = "", *, method: str = "", status: int = -1) -> list[dict[str, Any]]:
        """The calls so far, in order: `method path query body status atS`; status 0: none."""
        return [
            call
            for call in self._calls
            if re.search(path, call["path"])
            and method in ("", call["method"])
            and status in (-1, call["status"])
        ]

    @told
    def at_once(self, path: str = "") -> int:
        """The most calls that were under way beside each other."""
        found = (call["atOnce"] for call in self._calls if re.search(path, call["path"]))
        return max(found, default=0)

    @told
    def burst(self, path: str = "", seconds: float = 1.0) -> int:
        """The most calls that came within so many seconds."""
        at = [call["atS"] for call in self._calls if re.search(path, call["path"])]
        return max((sum(a <= b < a + seconds for b in at) for a in at), default=0)

    # --- for parties ---

    def tokens(self, ttl_s: float) -> Tokens:
        """A maker of tokens that end by its clock."""
        return Tokens(ttl_s, self.now, lambda: secrets.token_urlsafe(24))

    def no_route(self, call: Call, other_methods: bool) -> Answer:
        """What a path is answered that the party does not have, or not for this method."""
        return Answer(405 if other_methods else 404, b"", {})

    def too_many(self, call: Call, wait_s: int) -> Answer:
        """What calls beyond the limit are answered."""
        return Answer(429, b"", {"retry-after": str(wait_s)})

    def too_large(self) -> Answer:
        """What a body beyond `body_max` is answered; the connection ends."""
        return Answer(413, b"", {})

    def broken(self, status: int) -> Answer:
        """What it answers when it is told to fail."""
        return Answer(status, b"", {})

    def finished(self, call: Call, answer: Answer) -> Answer:
        """The answer, with what the party adds to each."""
        return answer

    # --- the way of a call ---

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = Parser(self.body_max)
        while data := await reader.read(2**16):
            try:
                parser.feed(data)
            except TooLarge:
                return await _last(self.too_large(), reader, writer)
            except ValueError:
                return await _last(Answer(400, b"", {}), reader, writer)
            calls, parser.calls = parser.calls, []
            for call in calls:
                if not await self._one(call, reader, writer):
                    return

    async def _one(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a call; False where the connection is over."""
        self._running += 1
        try:
            return await self._answered(call, reader, writer)
        finally:
            self._running -= 1

    async def _answered(
        self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        with self.lock:
            trouble = self.met(call)
            answer = self._answer(call, trouble)
            lost = trouble is not None and trouble.kind in ("reset", "silent")
            self._note(call, 0 if lost else answer.status)
        if trouble is not None and trouble.kind == "slow":
            await asyncio.sleep(trouble.delay_s)
        if lost and trouble is not None:
            if trouble.kind == "reset":
                reset(writer)
            else:
                await until_gone(reader)
            return False
        writer.write(answer.written())
        await writer.drain()
        return call.headers.get("connection", "").lower() != "close"

    def _answer(self, call: Call, trouble: Trouble | None) -> Answer:
        answer = None
        if trouble is None or trouble.done:
            answer = self._judged(call)
        if trouble is not None and trouble.kind == "status":
            broken = self.broken(trouble.status)
            answer = broken._replace(headers=broken.headers | trouble.headers)
        return self.finished(call, answer or Answer(0, b"", {}))

    def _judged(self, call: Call) -> Answer:
        if self._most_at_once is not None and self._running > self._most_at_once:
            return self.too_many(call, 1)
        if self._limit is not None and (wait := self._limit.wait_s()) > 0:
            return self.too_many(call, math.ceil(wait))
        other_methods = False
        for method, pattern, name in self._patterns:
            if (found := pattern.fullmatch(call.path)) is None:
                continue
            if method == call.method:
                try:
                    handled: Answer = getattr(self, name)(call, **segments(found.groupdict()))
                except Refused as refused:
                    return refused.answer
                except Exception as why:
                    self._faults.append(f"{call.method} {call.path}: {why!r}")
                    return Answer(500, repr(why).encode(), {})
                return handled
            other_methods = True
        return self.no_route(call, other_methods)

    def _note(self, call: Call, status: int) -> None:
        self._calls.append(
            {
                "method": call.method,
                "path": call.path,
                "query": dict(call.query),
                "body": call.body[:KEPT_BODY_MAX].decode("utf-8", "replace"),
                "status": status,
                "atS": self.now(),
                "atOnce": self._running,
            }
        )


async def _last(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer, and read on until the caller leaves: a reset could overtake the answer."""
    writer.write(answer.written())
    writer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVES_S):
            await until_gone(reader)


def _pattern(path: str) -> re.Pattern[str]:
    """Of `/a/{id}`: each `{name}` is one part of a path; what ends in `?` may be missing."""
    parts = re.split(r"(\{\w+\})", path)
    made = [
        f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part) for part in parts
    ]
    return re.compile("".join(made) + "/?")
