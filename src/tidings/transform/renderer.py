"""`port.Renderer` and `port.Checker` over two processes, so that no org waits for another's.

All orgs begin in the quick line, where they take turns. An org whose request took long, or took the
process down, goes to the slow line for a while: whatever it does next delays only orgs that do the
same. A template that took a process down rests for a minute besides.
"""

import asyncio
import hashlib
from collections.abc import Sequence

import msgspec

from tidings.catalogue import SchemaViolation
from tidings.core.budget import LOOP_S, MAPPING_CPU_S, MEMORY_BYTES
from tidings.core.shares.table import SharedTable
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.message_plan import MappedMessage, MessagePlan
from tidings.errors import ShapingError
from tidings.frames import framed
from tidings.transform.port import CheckBy, RenderLater, RenderRefused, TextTemplate
from tidings.transform.process import DIED, TOO_MUCH, PendingCall, Process
from tidings.transform.worker import (
    CHECK_EVENT,
    CHECK_TEMPLATE,
    MAP_MESSAGE,
    RENDER,
    TEXTS,
    TransformReply,
)

REST_S = 60.0  # how long a template that took the process down is left alone
SLOW_S = 300.0  # how long an org stays in the slow line
SLOW_NICE = 5
RESTING_MAX = 1000
SLOW_ORGS_MAX = 10_000
WAITING_MAX = 2_000  # requests of an org
WAITING_BYTES_MAX = 64 << 20  # of them
LATER_S = 1.0
_OF_EVENT = (CHECK_EVENT, MAP_MESSAGE)  # the event is to blame, or the message, and not the text

_encode = msgspec.msgpack.Encoder().encode

_TEMPLATE_TOO_MUCH = (
    f"The transformation takes {TOO_MUCH}. Loop over less, and build no lists of lists."
)
_EVENT_TOO_MUCH = (
    f"An event must be checked by its schema without taking {TOO_MUCH}; this one takes it. Send "
    "less in one event, or have the schema made simpler."
)
_MESSAGE_TOO_MUCH = (
    f"A message must be read without taking more than {MAPPING_CPU_S * 1000:.0f} ms or "
    f"{MEMORY_BYTES >> 20} MB; this one took it twice. Send less in one message, or have its "
    "source take fewer values out of it."
)
_RESTS = "The transformation has just taken more time or memory than it may. It is tried again."
_MANY = "Too many transformations and checks of this org wait already. It is tried again."


class ProcessRenderer:
    """`port.Renderer` and `port.Checker`: runs templates and costly checks."""

    def __init__(self) -> None:
        self._resting = SharedTable[int, bytes, float](RESTING_MAX)
        self._slow: dict[int, float] = {}  # orgs, until when
        self._held: dict[int, int] = {}  # bytes that wait, by org
        self._quick_line = Process(self._killed, self._took)
        self._slow_line = Process(self._killed, self._took, SLOW_NICE)

    @property
    def deaths(self) -> int:
        """Count how often a process has died."""
        return self._quick_line.deaths + self._slow_line.deaths

    def processes(self) -> tuple[Process, Process]:
        """List its processes, for what watches over them."""
        return self._quick_line, self._slow_line

    async def render(self, template: str, event: bytes, org: int = 0) -> bytes:
        return await self._rendered(RENDER, template, event, org)

    async def render_texts(
        self, templates: Sequence[TextTemplate], event: bytes, org: int = 0
    ) -> Sequence[str]:
        described = msgspec.json.encode(templates).decode()
        output = await self._rendered(TEXTS, described, event, org)
        return msgspec.json.decode(output, type=list[str])

    async def check(self, template: str, org: int = 0) -> str | None:
        try:
            return (await self._ask(org, CHECK_TEMPLATE, template, b"")).reason
        except TooMuch:
            return _TEMPLATE_TOO_MUCH

    async def check_event(
        self, kind: CheckBy, event: bytes, org: int = 0
    ) -> Sequence[SchemaViolation]:
        described = msgspec.json.encode(kind).decode()
        try:
            reply = await self._ask(org, CHECK_EVENT, described, event)
        except TooMuch:
            raise RenderRefused(_EVENT_TOO_MUCH) from None
        if reply.output is None:
            raise RenderRefused(reply.reason or DIED)
        return msgspec.json.decode(reply.output, type=list[SchemaViolation])

    async def map_message(
        self, plan: MessagePlan, message: ForeignMessage, org: int = 0, expected_s: float = 0.0
    ) -> MappedMessage:
        described = msgspec.json.encode(plan).decode()
        packed = _encode(message)
        try:
            try:
                reply = await self._ask(org, MAP_MESSAGE, described, packed, expected_s)
            except TooMuchNow:  # once more, in a new process, before the message is to blame
                reply = await self._ask(org, MAP_MESSAGE, described, packed, expected_s, True)
        except TooMuch:
            raise RenderRefused(_MESSAGE_TOO_MUCH) from None
        if reply.output is None:
            raise RenderRefused(reply.reason or DIED)
        return msgspec.msgpack.decode(reply.output, type=MappedMessage)

    async def close(self) -> None:
        """End the processes; what waits is asked again after the next start. Idempotent."""
        await self._quick_line.close()
        await self._slow_line.close()

    async def _rendered(self, operation: str, text: str, event: bytes, org: int) -> bytes:
        try:
            reply = await self._ask(org, operation, text, event)
        except TooMuch:
            raise RenderRefused(_TEMPLATE_TOO_MUCH) from None
        if reply.output is None:
            raise RenderRefused(reply.reason or DIED)
        return reply.output

    async def _ask(
        self,
        org: int,
        operation: str,
        text: str,
        event: bytes,
        expected_s: float = 0.0,
        again: bool = False,
    ) -> TransformReply:
        """Have a process answer. `again`: although the request has taken one down just now. Raise
        TooMuchNow if it takes one down, TooMuch if its event did so a moment ago, RenderLater if it
        must wait."""
        loop = asyncio.get_running_loop()
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16)
        if operation in _OF_EVENT:
            digest.update(event)  # other events of the type are not to blame
        key = digest.digest()
        if again:
            self._resting.pop(key)
        elif self._resting and (until_s := self._resting.get(key)) is not None:
            if (left_s := until_s - loop.time()) > 0:
                if operation in _OF_EVENT:
                    raise TooMuch
                raise RenderLater(_RESTS, left_s)
            self._resting.pop(key)
        line = self._line_of(org, loop.time()) if expected_s <= LOOP_S else self._slow_line
        held = self._held.get(org, 0)
        size = len(text) + len(event)
        if line.waiting.of(org) >= WAITING_MAX or held + size > WAITING_BYTES_MAX:
            raise RenderLater(_MANY, LATER_S)
        body = framed(_encode((operation, text, event, org)))
        asked = PendingCall(org, key, body, loop.create_future(), expected_s)
        self._held[org] = held + size
        line.ask(asked)
        try:
            return await asked.answered
        except RenderRefused:
            raise TooMuchNow from None
        finally:
            if (held := self._held.pop(org, 0) - size) > 0:
                self._held[org] = held

    def _line_of(self, org: int, now_s: float) -> Process:
        until_s = self._slow.get(org)
        if until_s is None:
            return self._quick_line
        if until_s > now_s:
            return self._slow_line
        del self._slow[org]
        return self._quick_line

    def _took(self, asked: PendingCall, cpu_s: float) -> None:
        if cpu_s > max(LOOP_S, asked.expected_s):
            self._slow_down(asked.org)

    def _slow_down(self, org: int) -> None:
        if len(self._slow) >= SLOW_ORGS_MAX:
            self._slow.clear()
        self._slow[org] = asyncio.get_running_loop().time() + SLOW_S
        for asked in self._quick_line.waiting.take(org):
            self._slow_line.ask(asked)

    def _killed(self, cause: PendingCall) -> None:
        """Fail what waits behind with the text that a process died of: it must not take the next
        one down too."""
        until_s = asyncio.get_running_loop().time() + REST_S
        self._resting.put(cause.org, cause.key, until_s)
        self._slow_down(cause.org)
        for asked in self._slow_line.waiting.take(cause.org):
            if asked.key != cause.key:
                self._slow_line.ask(asked)
            elif not asked.answered.done():
                asked.answered.set_exception(RenderLater(_RESTS, REST_S))


class TooMuch(ShapingError):
    """A request has taken more than it may."""


class TooMuchNow(TooMuch):
    """It has done so this time, and did not before."""
