"""Sources, and what they have brought or set aside, as it is shown."""

from typing import Any

import msgspec

from tidings.core.declaration import show_resource
from tidings.core.events.call_items import RejectedEvent
from tidings.core.events.call_reader import AuthenticatedCaller
from tidings.core.ids import show
from tidings.core.sources.message import ForeignMessage
from tidings.core.sources.source import Source, address
from tidings.core.sources.source_types import WEBHOOK
from tidings.core.sources.unsigned_ids import source_warnings
from tidings.core.sources.verification import refusal_of
from tidings.core.times import iso
from tidings.engine.answer_memory import AnswerMemory
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources.activity import DEAD_LETTER, OUTCOMES, MessageActivity
from tidings.engine.sources.intake_results import IntakeResult
from tidings.engine.sources.live_source import LiveSource
from tidings.engine.sources.passed_events import PassedVerdict
from tidings.engine.sources.sources import Sources
from tidings.reads.events.rejections import overloaded
from tidings.reads.messages import show_bytes, show_headers
from tidings.store.port import DeadLetter

PREFIX = "asd"
TRIED_BYTES = 16 << 20  # what trying one message takes, with the events that are made of it
TROUBLE_LASTS_MS = 60_000
REFUSED_SENDER = (
    "Its sender must prove who it is by the source's verification; every message since was "
    "refused, for its proof is wrong. Compare the secret, or the header, with what the sender has."
)


def show_source(live: LiveSource, base: str, now_ms: int) -> dict[str, Any]:
    """Show a source with its address below `base`, and figures of what it has brought lately."""
    hour = live.activity.last_hour(now_ms)
    trouble, since_ms = trouble_of(live, now_ms)
    return {
        "id": live.id,
        "orgId": live.org,
        **dict(show_resource(live.source)),
        "url": base + address(live.org, live.source.name) if live.source.kind == WEBHOOK else None,
        "declaredIn": live.declared_in or None,
        "createdAt": iso(live.stored.created_ms),
        "changedAt": iso(live.stored.changed_ms),
        "lastMessageAt": iso(live.activity.last_ms),
        "messagesPerSecond": live.activity.per_s(now_ms),
        "lastHour": {outcome: hour[outcome] for outcome in OUTCOMES},
        "asideMessages": live.dead_letters,
        "asideBytes": live.dead_letter_bytes,
        "idConflicts": live.conflicts,
        "idConflictField": live.conflict_field or None,
        "idConflictsDropped": live.conflicts_dropped,
        "lag": live.lag,
        "lagAt": iso(live.lag_at_ms),
        "otherReaders": list(live.others),
        "trouble": trouble or None,
        "troubleSince": iso(since_ms),
        "warnings": source_warnings(live.source),
    }


def trouble_of(live: LiveSource, now_ms: int) -> tuple[str, int | None]:
    """Return what keeps a source from taking anything, in words, and since when: why nothing is
    fetched; or that its sender is refused, whose proof is wrong. Empty and None: nothing does."""
    if live.trouble:
        return live.trouble, live.trouble_since_ms
    refused_ms = live.activity.refused_since_ms(now_ms)
    return (REFUSED_SENDER, refused_ms) if refused_ms is not None else ("", None)


def needs_somebody(live: LiveSource, now_ms: int) -> bool:
    """Return whether a source is to be looked at: its trouble lasts, or it has put something
    aside."""
    _, since_ms = trouble_of(live, now_ms)
    lasts = since_ms is not None and now_ms - since_ms >= TROUBLE_LASTS_MS
    return lasts or live.dead_letters > 0


def show_newest(live: LiveSource) -> list[dict[str, Any]]:
    """Show the newest messages of this process, the newest first."""
    return [_show_arrival(arrival) for arrival in live.activity.newest]


def _show_arrival(arrival: MessageActivity) -> dict[str, Any]:
    return {
        "at": iso(arrival.at_ms),
        "place": arrival.place,
        "outcome": arrival.outcome,
        "events": arrival.events,
        "eventId": arrival.event_id or None,
        "eventName": arrival.event_name or None,
        "reason": arrival.reason or None,
    }


def show_dead_letter(message: DeadLetter) -> dict[str, Any]:
    """Show a dead letter in a list."""
    return {
        "id": show(PREFIX, message.number),
        "at": iso(message.at_ms),
        "place": message.place,
        "bytes": len(message.body),
        "times": message.times,
        "error": {"code": message.code, "message": message.reason, "path": message.field},
    }


def show_whole_dead_letter(message: DeadLetter) -> dict[str, Any]:
    """Show a dead letter with its headers, what proves its sender masked, and its bytes."""
    shown = {"headers": show_headers(message.headers), "body": show_bytes(message.body)}
    return show_dead_letter(message) | shown


def show_taken(fate: IntakeResult) -> dict[str, Any]:
    """Show what a sender is told of its message."""
    return {
        "accepted": fate.accepted,
        "duplicates": fate.duplicates,
        "passedOver": fate.passed_over,
        "aside": fate.outcome == DEAD_LETTER,
        "reason": fate.reason or None,
    }


def show_redriven(fates: list[IntakeResult], live: LiveSource) -> dict[str, Any]:
    """Show what became of messages that had been set aside."""
    return {
        "messages": len(fates),
        "accepted": sum(fate.accepted for fate in fates),
        "duplicates": sum(fate.duplicates for fate in fates),
        "aside": sum(1 for fate in fates if fate.outcome == DEAD_LETTER),
        "left": live.dead_letters,
    }


async def redrive_dead_letters(
    memory: AnswerMemory, sources: Sources, live: LiveSource, message: DeadLetter | None = None
) -> list[IntakeResult]:
    """Try what a source has set aside once more, all of it or one message; return what became of
    each. Busy, Throttled."""
    async with memory.holding(live.org, TRIED_BYTES):
        try:
            return await sources.redrive(live, message)
        except Overloaded:
            raise overloaded() from None


async def try_message(
    memory: AnswerMemory,
    sources: Sources,
    caller: AuthenticatedCaller,
    live: LiveSource | None,
    source: Source,
    message: ForeignMessage,
    now_ms: int,
) -> dict[str, Any]:
    """Try a message by a source that is set so, which `live` is or would be: its sender, the
    events, or why it would be set aside. Nothing is kept. Busy."""
    sample = sources.sample(live, caller, source)
    async with memory.holding(caller.org, TRIED_BYTES):
        try:
            read = await sources.intake.preview(sample, message)
        except Overloaded:
            raise overloaded() from None
    why = None
    if source.verification is not None:
        why = refusal_of(source.verification, message, now_ms // 1000)
    error = None
    if (fault := read.fault) is not None:
        error = _problem(str(fault.code), fault.message, fault.field)
    return {
        "verified": why is None,
        "notVerified": why,
        "place": read.known_by or None,
        "events": [_tried(draft) for _, draft in read.items],
        "passedOver": read.passed_over,
        "error": error,
    }


def _tried(item: Any) -> dict[str, Any]:
    if isinstance(item, RejectedEvent):
        problem = _problem(item.code, item.message, item.path)
        return {"event": None, "warning": None, "error": problem}
    if isinstance(item, PassedVerdict) and item.refusal is not None:
        refusal = item.refusal
        problem = _problem(str(refusal.code), refusal.message, refusal.field)
        return {"event": None, "warning": None, "error": problem}
    return {"event": msgspec.Raw(item.body), "warning": item.warning, "error": None}


def _problem(code: str, message: str, path: str) -> dict[str, str]:
    return {"code": code, "message": message, "path": path}
