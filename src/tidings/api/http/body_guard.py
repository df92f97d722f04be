"""Every body is read through here: judged by its announced length, and counted while it is held.

The guard stands around `receive`, before any route, so that no route can read past it. Who sends is
known by what the route has verified before it asks for the body (`CALLER`, `HOLDER` in the scope);
who has proved nothing is a stranger. A known caller's announced body is reserved as a whole, and
waits up to `WAIT_S` for others of the same share to end. A stranger's is counted as it comes: where
strangers hold all that they may, one that has long been sending, or holds far more, gives way.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tidings.api.http.front import address_of
from tidings.core.access.body_budget import SMALL_BYTES, BodyBudget, BodyHolder, BodyShare
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.errors import Busy, RequestRefused, Throttled, TooLarge

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

CALLER = "tidings.caller"  # in the scope: the caller whose credential a route has verified
HOLDER = "tidings.body_holder"  # a holder that a route has found otherwise
STREAMED = "tidings.body_streamed"  # the route keeps nothing of a part when it asks for the next
GUARDED = "tidings.body"  # the guarded body of the call
ANY_BYTES_MAX = 8 << 20  # of the longest body that a route takes whole; each has its own bound too
WAIT_S = 2.0
WAITING_MAX = 256  # known callers that wait, over all: as many as may keep what has come meanwhile
YOUNG_S = 1.0  # a stranger's body gives way to no other of its size before
_FAR_MORE = 2


class BodyGuard:
    """The bodies of one process that are held, and those that wait for their share."""

    def __init__(self, budget: BodyBudget | None = None) -> None:
        self.budget = budget or BodyBudget()
        self._strangers: dict[GuardedBody, None] = {}  # that still come; the oldest first
        self._waiting: dict[asyncio.Future[None], tuple[BodyHolder, int]] = {}

    def around(self, scope: Scope, receive: Receive) -> "GuardedBody":
        """Guard the body of a call; whoever serves the call releases it in the end."""
        guarded = GuardedBody(self, scope, receive)
        scope[GUARDED] = guarded
        return guarded

    async def admit(self, holder: BodyHolder, size: int) -> None:
        """Take so many bytes for a known caller, in turn. Throttled or Busy where none get free."""
        if (short := self.budget.take(holder, size)) is None:
            return
        alike = [
            waiting
            for waiting, _ in self._waiting.values()
            if waiting.shares[0] == holder.shares[0]
        ]
        too_many = len(self._waiting) >= WAITING_MAX or len(alike) >= WAITING_MAX // 4
        if too_many or any(size > share.bytes_max for share in holder.shares):
            raise used_up(short)
        turn = asyncio.get_running_loop().create_future()
        self._waiting[turn] = (holder, size)
        try:
            async with asyncio.timeout(WAIT_S):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.give(holder, size)  # granted in the very moment in which this gave up
            if isinstance(error, TimeoutError):
                raise used_up(short) from None
            raise
        finally:
            self._waiting.pop(turn, None)

    def take_now(self, body: "GuardedBody", size: int) -> None:
        """Take so many bytes that have come for a stranger, from who has been sending longest if
        need be. Throttled or Busy where nobody gives way."""
        while (short := self.budget.take(body.holder, size)) is not None:
            now_s = asyncio.get_running_loop().time()
            for other in self._strangers:
                if short in other.holder.shares and other.yields_to(body, size, now_s):
                    break
            else:
                raise used_up(short)

    def give(self, holder: BodyHolder, size: int) -> None:
        """Give bytes back, and let those go on that waited for them."""
        self.budget.give(holder, size)
        for turn, (waiting, wanted) in list(self._waiting.items()):
            if not turn.done() and self.budget.take(waiting, wanted) is None:
                turn.set_result(None)
                del self._waiting[turn]

    def comes(self, body: "GuardedBody") -> None:
        """Note that a stranger's body is counted, and still comes."""
        self._strangers.setdefault(body)

    def ended(self, body: "GuardedBody") -> None:
        """Note that no more of it comes."""
        self._strangers.pop(body, None)


class GuardedBody:
    """The body of one call."""

    def __init__(self, guard: BodyGuard, scope: Scope, receive: Receive) -> None:
        self._guard = guard
        self._scope = scope
        self._receive = receive
        self._judged = self._ended = self._gave_way = False
        self._announced: int | None = None
        self._received = 0
        self._taken = 0
        self._since_s = 0.0
        self._reading: asyncio.Task[Any] | None = None
        self.holder = BodyHolder(False, ())

    async def receive(self) -> Message:
        """Receive the next part, counted (ASGI). TooLarge, Throttled or Busy."""
        if self._ended:
            return await self._receive()
        if not self._judged:
            await self._judge()
        message = await (self._receive() if self.holder.known else self._receive_unless_pushed())
        if message["type"] != "http.request":
            self._ended = True
            return message
        streamed = STREAMED in self._scope
        size = len(message.get("body", b""))
        self._received = size if streamed else self._received + size
        self._ended = not message.get("more_body", False)
        if not streamed and self._received > max(ANY_BYTES_MAX, self._announced or 0):
            raise too_large(ANY_BYTES_MAX)
        if self._received > max(self._taken, SMALL_BYTES):
            await self._take(self._received)
        if self._ended:
            self._guard.ended(self)
        return message

    def yields_to(self, newcomer: "GuardedBody", more: int, now_s: float) -> bool:
        """Give way to another body of which more has come, if this one still comes and either is
        not young or holds far more; return whether it does."""
        task, taken = self._reading, self._taken
        if newcomer is self or task is None or not taken:
            return False
        is_young = now_s - self._since_s < YOUNG_S
        if is_young and taken < _FAR_MORE * (newcomer._taken + more):
            return False
        self._gave_way = True
        self.release()
        task.cancel()
        return True

    def release(self) -> None:
        """Give back what is held: the bytes are needed no more. Idempotent."""
        self._guard.ended(self)
        taken, self._taken = self._taken, 0
        if taken:
            self._guard.give(self.holder, taken)

    async def _judge(self) -> None:
        """Look who sends, and how much is announced, before a byte is read."""
        self._judged = True
        self._since_s = asyncio.get_running_loop().time()
        scope, budget = self._scope, self._guard.budget
        caller: AuthenticatedCaller | None = scope.get(CALLER)
        if (found := scope.get(HOLDER)) is not None:
            self.holder = found
        elif caller is not None:
            self.holder = budget.known(caller)
        else:
            self.holder = budget.stranger(address_of(scope))
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                self._announced = int(value[:19])
        announced = self._announced or 0
        if STREAMED not in scope and announced > SMALL_BYTES and self.holder.known:
            await self._take(announced)

    async def _take(self, whole: int) -> None:
        more = whole - self._taken
        if self.holder.known:
            await self._guard.admit(self.holder, more)
        else:
            self._guard.take_now(self, more)
            self._guard.comes(self)
        self._taken += more

    async def _receive_unless_pushed(self) -> Message:
        self._reading = task = asyncio.current_task()
        try:
            return await self._receive()
        except asyncio.CancelledError:
            if self._gave_way and task is not None and task.uncancel() == 0:
                raise pushed_out() from None
            raise
        finally:
            self._reading = None


def streamed(scope: Scope) -> None:
    """Say that a route takes the body part by part, and keeps none of them."""
    scope[STREAMED] = True


def release_body(scope: Scope) -> None:
    """Give back what a call's body holds, before the call ends: it is needed no more."""
    guarded: GuardedBody | None = scope.get(GUARDED)
    if guarded is not None:
        guarded.release()


def too_large(bytes_max: int) -> TooLarge:
    """Return the refusal (413) of a body that is too long."""
    return TooLarge.because(
        "too_large",
        f"The body must be at most {bytes_max} bytes; got more. Send less.",
        place="body",
    )


def used_up(share: BodyShare) -> RequestRefused:
    """Return the refusal of a body that finds no room: 429 for a caller's own share, 503 for that
    of all."""
    if share.whose:
        return Throttled.because(
            "too_many_bodies",
            f"The bodies of concurrent calls must together be at most {share.bytes_max} bytes for "
            f"{share.whose}; got more. Send fewer at once.",
            1.0,
            place="body",
        )
    return Busy.because(
        "bodies_full",
        f"The bodies of concurrent calls must together be at most {share.bytes_max} bytes; other "
        "calls are using all of them. Try again in a second.",
        place="body",
    )


def pushed_out() -> Busy:
    """Return the refusal (503) of a stranger's body that came too slowly beside others."""
    return Busy.because(
        "body_gave_way",
        f"The body must arrive within {YOUNG_S:g} s while others wait; it did not. Send it again, "
        "all at once.",
        place="body",
    )
