"""Keeps messages of which no event could be made, each once however often it comes.

Those with the id of another event are kept beside the others, within a bound of their own: a sender
that gives one id to many events must not stop what it sends besides.
"""

import hashlib
from collections.abc import Sequence

import structlog

from tidings.core.notices.operational_events import SOURCE_DEAD_LETTER, dead_letter_fact
from tidings.core.sources.message import bounded_body, bounded_headers
from tidings.core.sources.other_content import ID_CONFLICT
from tidings.core.sources.source_types import FETCHED
from tidings.core.sources.verification import secret_headers
from tidings.core.webhooks.masks import masked_by_name, masked_of
from tidings.engine.callables import ReadMs
from tidings.engine.listeners import OrgNotices
from tidings.engine.sources.intake_results import IntakeResult
from tidings.engine.sources.live_source import CONFLICT_BYTES_MAX, CONFLICTS_MAX, LiveSource
from tidings.store import port
from tidings.store.port import StoreDown

NOTICE_EVERY_MS = 3_600_000
MAKING_ROOM = 100  # conflicts that go at once, the oldest, where there are as many as may be

log = structlog.get_logger(__name__)


class DeadLetterQueue:
    """Over the store."""

    def __init__(self, store: port.SourceStore, notices: OrgNotices, clock_ms: ReadMs) -> None:
        self._store = store
        self._notices = notices
        self._clock_ms = clock_ms

    async def put(self, live: LiveSource, fates: Sequence[IntakeResult]) -> None:
        """Keep messages with their reasons. StoreDown."""
        if not fates:
            return
        now_ms = self._clock_ms()
        verification = live.source.verification
        secret = frozenset[str]() if verification is None else secret_headers(verification)
        await self._make_room(live, fates)
        replaced = await self.keep(
            [
                port.DeadLetter(
                    number=0,
                    source=live.stored.number,
                    at_ms=now_ms,
                    place=storable(fate.message.place),
                    code=fate.code,
                    reason=storable(fate.reason),
                    field=storable(fate.field),
                    headers=[
                        (storable(name), storable(value)) for name, value in _shown(fate, secret)
                    ],
                    body=bounded_body(fate.message.body)[0],
                    known_by=_known_by(live, fate),
                )
                for fate in fates
            ]
        )
        notified_ms = live.dead_letters_notified_ms
        others = [fate for fate in fates if fate.code != ID_CONFLICT]
        waiting = live.dead_letters - live.conflicts
        if others and not waiting and (notified_ms is None or _is_due(notified_ms, now_ms)):
            live.dead_letters_notified_ms = now_ms
            fact = dead_letter_fact(live.words, now_ms, others[0].code, others[0].reason)
            self._notices.tell(SOURCE_DEAD_LETTER, live.org, fact)
        for fate, former in zip(fates, replaced, strict=True):
            if former is not None:
                live.count_dead_letters(-1, -former.bytes, former.code == ID_CONFLICT)
            size = len(bounded_body(fate.message.body)[0])
            live.count_dead_letters(1, size, fate.code == ID_CONFLICT)
        if len(others) < len(fates):
            self._tell_conflicts(live, [fate for fate in fates if fate.code == ID_CONFLICT], now_ms)

    def _tell_conflicts(
        self, live: LiveSource, conflicts: Sequence[IntakeResult], now_ms: int
    ) -> None:
        """Tell the org of the first conflict, and then once an hour of their number if it has
        risen."""
        newest = conflicts[-1]
        live.conflict_field = newest.field
        notified_ms, count = live.conflicts_notified or (None, 0)
        if notified_ms is None or (_is_due(notified_ms, now_ms) and live.conflicts > count):
            live.conflicts_notified = now_ms, live.conflicts
            fact = dead_letter_fact(live.words, now_ms, newest.code, newest.reason)
            fact |= {"count": live.conflicts, "field": newest.field}
            self._notices.tell(SOURCE_DEAD_LETTER, live.org, fact)

    async def _make_room(self, live: LiveSource, fates: Sequence[IntakeResult]) -> None:
        """Drop the oldest conflicts where there are as many as may be: they stop no source, and
        fill no disk. StoreDown."""
        new = [len(fate.message.body) for fate in fates if fate.code == ID_CONFLICT]
        while live.conflicts and (
            live.conflicts + len(new) > CONFLICTS_MAX
            or live.conflict_bytes + sum(new) > CONFLICT_BYTES_MAX
        ):
            before = live.conflicts
            going = max(MAKING_ROOM, live.conflicts + len(new) - CONFLICTS_MAX)
            live.count(await self._store.drop_conflicts(live.stored.number, going))
            live.conflicts_dropped += before - live.conflicts
            log.warning(
                "messages with the id of another event were dropped for newer ones",
                source=live.id,
                dropped=before - live.conflicts,
            )

    async def keep(
        self, messages: Sequence[port.DeadLetter]
    ) -> Sequence[port.ReplacedMessage | None]:
        """Keep messages, or the new reasons of some that are there, and return for each the message
        that it has replaced. Raise StoreDown, whatever the store fails with: nothing of a message
        is put to it unchecked."""
        try:
            return await self._store.put_dead_letters(messages)
        except StoreDown:
            raise
        except Exception as error:
            raise StoreDown(f"messages cannot be set aside: {error!r}") from error


def _is_due(notified_ms: int, now_ms: int) -> bool:
    return now_ms - notified_ms >= NOTICE_EVERY_MS


def _known_by(live: LiveSource, fate: IntakeResult) -> bytes:
    """Make what a message set aside is known by: with the id of another event, that id; else its
    place, and its bytes where a sender could say one place of two messages."""
    message = fate.message
    if fate.alone and fate.code == ID_CONFLICT:
        same = [b"id", fate.alone.encode()]
    else:
        same = [b"at", storable(message.place).encode()]
        if live.source.kind not in FETCHED:
            same.append(hashlib.blake2b(message.body, digest_size=16).digest())
    return hashlib.blake2b(b"\0".join(same), digest_size=16).digest()


def _shown(fate: IntakeResult, secret: frozenset[str]) -> Sequence[tuple[str, str]]:
    return masked_by_name(masked_of(bounded_headers(fate.message.headers), secret))


def storable(text: str) -> str:
    """Return a text as it can be written: half of a surrogate pair, which no UTF-8 has, becomes a
    mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
