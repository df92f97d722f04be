"""Inbound webhooks: a request of a sender is checked, and answered when its events are kept.

Every answer of 2xx means that the message is on stable storage, as events or put aside. A sender
tries anything else again: 401 until it proves who it is, 503 while the source is paused, is full of
messages that were put aside, or the store takes nothing.
"""

import math
from collections.abc import Callable, Sequence

import msgspec

from tidings.core.ids import OrgId
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import WEBHOOK
from tidings.core.sources.verification import refusal_of
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources.activity import REFUSED, Arrival
from tidings.engine.sources.intake import Fate, SourceIntake
from tidings.engine.sources.live_source import AsideFull, LiveSource
from tidings.errors import Throttled
from tidings.store.port import StoreDown

RUNNING_MAX = 64  # requests of a source at one time
PAUSED_RETRY_S, FULL_RETRY_S, BUSY_RETRY_S = 60, 60, 1


class InboundAnswer(msgspec.Struct, frozen=True):
    """What a sender is told."""

    status: int
    code: str = ""
    message: str = ""
    retry_after_s: int | None = None
    fate: Fate | None = None


class Inbound:
    """Answers requests at the addresses of inbound webhooks."""

    def __init__(
        self,
        *,
        named: Callable[[OrgId, str], LiveSource | None],
        intake: SourceIntake,
        clock_ms: Callable[[], int],
    ) -> None:
        self._named = named
        self._intake = intake
        self._clock_ms = clock_ms
        self._running: dict[int, int] = {}

    def knows(self, org: OrgId, name: str) -> bool:
        """Whether there is a source at this address."""
        live = self._named(org, name)
        return live is not None and live.source.kind == WEBHOOK

    async def receive(
        self, org: OrgId, name: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> InboundAnswer:
        """One request, whoever sends it. Raises nothing but CancelledError."""
        live = self._named(org, name)
        if live is None or live.source.kind != WEBHOOK:
            return InboundAnswer(
                404,
                "no_source",
                "The address must be that of a source; it is not. (no_source, path)",
            )
        number = live.stored.number
        if self._running.get(number, 0) >= RUNNING_MAX:
            return InboundAnswer(
                429,
                "too_many_requests",
                f"A source must be sent at most {RUNNING_MAX} requests at a time; got one more. "
                "Send fewer at once. (too_many_requests, -)",
                BUSY_RETRY_S,
            )
        self._running[number] = self._running.get(number, 0) + 1
        try:
            return await self._judged(live, ForeignMessage("", headers, body))
        finally:
            self._running[number] -= 1

    async def _judged(self, live: LiveSource, message: ForeignMessage) -> InboundAnswer:
        now_ms = self._clock_ms()
        verification = live.source.verification
        assert verification is not None  # every inbound webhook is read with one
        if (why := refusal_of(verification, message, now_ms // 1000)) is not None:
            live.activity.note([Arrival(now_ms, "", REFUSED, 0, reason=why)])
            return InboundAnswer(
                401,
                "not_verified",
                f"The request must prove who sends it; it does not: {why} (not_verified, header)",
            )
        if live.source.paused:
            return InboundAnswer(
                503,
                "paused",
                "The source is paused. Send it again later. (paused, -)",
                PAUSED_RETRY_S,
            )
        try:
            (fate,) = await self._intake.take(live, [message])
        except Throttled as much:
            return InboundAnswer(
                429,
                str(much.reason.code),
                much.reason.message,
                math.ceil(much.wait_s or BUSY_RETRY_S),
            )
        except AsideFull as full:
            return InboundAnswer(503, "aside_full", full.reason.message, FULL_RETRY_S)
        except (StoreDown, Overloaded):
            return InboundAnswer(
                503,
                "unavailable",
                "Nothing can be kept now. Send it again. (unavailable, -)",
                BUSY_RETRY_S,
            )
        return InboundAnswer(202, fate=fate)
