"""Inbound webhooks: a request of a sender is checked, and answered when its events are kept.

Every answer of 2xx means that the message is on stable storage, as events or set aside. A sender
tries anything else again: 401 until it proves who it is, 503 while the source is paused, is full of
messages that were set aside, or the store takes nothing.
"""

import asyncio
import hashlib
import math
import os
import secrets
from collections.abc import Callable, Sequence

import msgspec

from tidings.core.ids import OrgId
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source_types import WEBHOOK
from tidings.core.sources.verification import (
    HmacHeader,
    StandardWebhooks,
    StaticHeader,
    Verification,
    head_refusal_of,
    is_proven_by_head,
    refusal_of,
)
from tidings.engine.callables import ReadMs
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources.activity import REFUSED, MessageActivity
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.intake_results import IntakeResult
from tidings.engine.sources.live_source import DeadLettersFull, LiveSource
from tidings.errors import FieldRefusal, Throttled
from tidings.store.port import StoreDown

RUNNING_MAX = 64  # requests of a source at one time
REFUSED_AFTER_S = 0.02  # longer than it takes to verify the largest message
PAUSED_RETRY_S, FULL_RETRY_S, BUSY_RETRY_S = 60, 60, 1


_NOBODYS: tuple[Verification, ...] = (
    StandardWebhooks(show_secret(os.urandom(32))),
    StaticHeader(f"X-{secrets.token_hex(16)}", secrets.token_hex(16)),
    HmacHeader(f"X-{secrets.token_hex(16)}", secrets.token_hex(16)),
)
"""How messages are verified that go to no source: in vain, and for as long as those of a source. At
each address always in the same one of these ways, so that what is refused before its body does not
show which addresses are sources."""


class JudgedHead(msgspec.Struct, frozen=True):
    """The judgement on the headers of a request before its body is read."""

    refused: bool
    source: int | None = None
    """The number of the source whose sender they prove; None where the body is needed for that."""


class InboundAnswer(msgspec.Struct, frozen=True):
    """The answer to a sender."""

    status: int
    reason: FieldRefusal | None = None  # None: it was taken
    retry_after_s: int | None = None
    fate: IntakeResult | None = None


class Inbound:
    """Answers requests at the addresses of inbound webhooks."""

    def __init__(
        self,
        *,
        named: Callable[[OrgId, str], LiveSource | None],
        intake: SourceIntake,
        clock_ms: ReadMs,
        key: bytes,
    ) -> None:
        """`key`: a secret of this installation, by which addresses without a source behave."""
        self._key = key
        self._named = named
        self._intake = intake
        self._clock_ms = clock_ms
        self._running: dict[int, int] = {}

    def judge_head(self, org: OrgId, name: str, headers: Sequence[tuple[str, str]]) -> JudgedHead:
        """Judge by the head of a request who sends it, before its body is read. What a source
        refuses is noted on its page."""
        live, verification = self._found(org, name)
        now_ms = self._clock_ms()
        why = head_refusal_of(verification, ForeignMessage("", headers, b""), now_ms // 1000)
        if why is not None:
            _note_refusal(live, now_ms, why)
            return JudgedHead(True)
        proven = live is not None and is_proven_by_head(verification)
        return JudgedHead(False, live.stored.number if live is not None and proven else None)

    async def refuse(self, began_s: float) -> InboundAnswer:
        """Return the answer to who does not prove to be a sender, as long after the call began (by
        the clock of the loop) wherever it went."""
        await asyncio.sleep(began_s + REFUSED_AFTER_S - asyncio.get_running_loop().time())
        return InboundAnswer(
            401,
            FieldRefusal.build(
                "not_verified",
                "The request must reach a source and prove who sent it; it does not. The page "
                "of the source shows why it refuses a request.",
                place="header",
            ),
        )

    async def receive(
        self, org: OrgId, name: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> InboundAnswer:
        """Answer one request, whoever sends it. Raise nothing but CancelledError.

        Who does not prove to be a sender is not told whether there is such a source: the answer and
        its time are the same, and the reason stands on the page of the source alone.
        """
        began_s = asyncio.get_running_loop().time()
        message = ForeignMessage("", headers, body)
        live = self._verified(org, name, message)
        if live is None:
            return await self.refuse(began_s)
        number = live.stored.number
        if self._running.get(number, 0) >= RUNNING_MAX:
            return InboundAnswer(
                429,
                FieldRefusal.build(
                    "too_many_requests",
                    f"A source must get at most {RUNNING_MAX} requests at a time; got one more. "
                    "Send fewer at once.",
                ),
                BUSY_RETRY_S,
            )
        self._running[number] = self._running.get(number, 0) + 1
        try:
            return await self._taken(live, message)
        finally:
            self._running[number] -= 1

    def _found(self, org: OrgId, name: str) -> tuple[LiveSource | None, Verification]:
        """Return the inbound webhook at an address, if there is one, and how requests to it are
        verified."""
        live = self._named(org, name)
        if live is not None and live.source.kind == WEBHOOK and live.source.verification:
            return live, live.source.verification
        address = f"{org}/{name}".encode(errors="replace")
        [number] = hashlib.blake2b(
            address, key=self._key, digest_size=1, person=b"sources"
        ).digest()
        return None, _NOBODYS[number % len(_NOBODYS)]

    def _verified(self, org: OrgId, name: str, message: ForeignMessage) -> LiveSource | None:
        """Return the source if the message comes from its sender; else note the refusal and return
        None."""
        live, verification = self._found(org, name)
        now_ms = self._clock_ms()
        why = refusal_of(verification, message, now_ms // 1000)
        if why is None:
            return live
        _note_refusal(live, now_ms, why)
        return None

    async def _taken(self, live: LiveSource, message: ForeignMessage) -> InboundAnswer:
        if live.source.paused:
            return InboundAnswer(
                503,
                FieldRefusal.build("paused", "The source is paused. Send it again later."),
                PAUSED_RETRY_S,
            )
        try:
            (fate,) = await self._intake.take(live, [message])
        except Throttled as much:
            return InboundAnswer(
                429,
                much.reason,
                math.ceil(much.wait_s or BUSY_RETRY_S),
            )
        except DeadLettersFull as full:
            return InboundAnswer(503, full.reason, FULL_RETRY_S)
        except (StoreDown, Overloaded):
            return InboundAnswer(
                503,
                FieldRefusal.build(
                    "unavailable", "Tidings cannot store anything now. Send it again."
                ),
                BUSY_RETRY_S,
            )
        return InboundAnswer(202, fate=fate)


def _note_refusal(live: LiveSource | None, now_ms: int, why: str) -> None:
    if live is not None:
        live.activity.note([MessageActivity(now_ms, "", REFUSED, events=0, reason=why)])
