"""Inbound webhooks: a request of a sender is checked, and answered when its events are kept.

Every answer of 2xx means that the message is on stable storage, as events or put aside. A sender
tries anything else again: 401 until it proves who it is, 503 while the source is paused, is full of
messages that were put aside, or the store takes nothing.
"""

import asyncio
import math
import os
from collections.abc import Callable, Sequence

import msgspec

from tidings.core.ids import OrgId
from tidings.core.shaping.signatures.standard_webhooks import show_secret
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import WEBHOOK
from tidings.core.sources.verification import StandardWebhooks, StaticHeader, refusal_of
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources.activity import REFUSED, Arrival
from tidings.engine.sources.intake import Fate, SourceIntake
from tidings.engine.sources.live_source import AsideFull, LiveSource
from tidings.errors import Throttled
from tidings.store.port import StoreDown

RUNNING_MAX = 64  # requests of a source at one time
REFUSED_AFTER_S = 0.02  # longer than it takes to verify the largest message
PAUSED_RETRY_S, FULL_RETRY_S, BUSY_RETRY_S = 60, 60, 1


_NOBODYS = StandardWebhooks(show_secret(os.urandom(32)))
"""How a message is verified that goes to no source: in vain, and for as long."""


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

    def proven_source(
        self, org: OrgId, name: str, headers: Sequence[tuple[str, str]]
    ) -> int | None:
        """Return the number of the source whose sender proves itself by the head of a request
        alone, before its body is read; None where that is not so, or not known yet."""
        live = self._named(org, name)
        if live is None or not isinstance(live.source.verification, StaticHeader):
            return None
        head = ForeignMessage("", headers, b"")
        why = refusal_of(live.source.verification, head, self._clock_ms() // 1000)
        return live.stored.number if why is None else None

    async def receive(
        self, org: OrgId, name: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> InboundAnswer:
        """One request, whoever sends it. Raises nothing but CancelledError.

        Who does not prove to be a sender is not told whether there is such a source: the answer and
        its time are the same, and the reason stands on the page of the source alone.
        """
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        message = ForeignMessage("", headers, body)
        live = self._verified(self._named(org, name), message)
        if live is None:
            await asyncio.sleep(began_s + REFUSED_AFTER_S - loop.time())
            return InboundAnswer(
                401,
                "not_verified",
                "The request must go to a source and prove who sends it; it does not. The page of "
                "the source says why it refuses a request. (not_verified, header)",
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
            return await self._taken(live, message)
        finally:
            self._running[number] -= 1

    def _verified(self, live: LiveSource | None, message: ForeignMessage) -> LiveSource | None:
        """The source, where the message comes from its sender; what it refuses is noted."""
        now_ms = self._clock_ms()
        known = live is not None and live.source.kind == WEBHOOK
        verification = live.source.verification if live is not None and known else None
        why = refusal_of(verification or _NOBODYS, message, now_ms // 1000)
        if live is None or not known or verification is None:
            return None
        if why is not None:
            live.activity.note([Arrival(now_ms, "", REFUSED, 0, reason=why)])
            return None
        return live

    async def _taken(self, live: LiveSource, message: ForeignMessage) -> InboundAnswer:
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
