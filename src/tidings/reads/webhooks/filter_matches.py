"""How many of the last events a filter takes, the newest that it takes and does not, and which
values stand at a path in the newest: what a form of filters shows beside it.

Nothing is kept. Events are read one after the other, large ones beside the event loop, and for so
long at most.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from tidings.core.event_path import Path, read_path
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.operators import is_number, values_at
from tidings.core.webhooks.webhook import Webhook
from tidings.reads.webhooks.preview import (
    EventRefusal,
    PreviewParts,
    newest,
    preview_bytes,
    refusal_of,
)
from tidings.store.port import StoredEvent

LAST = 1_000  # events that are looked at
COUNT_S = 2.0
VALUES_LAST = 50  # events whose values are offered
VALUES_MAX = 12  # different values
VALUE_MAX = 80  # characters of one
VALUES_S = 1.0


class FilterMatches(msgspec.Struct, frozen=True):
    """The last events of a webhook's types, counted by whether it would be sent them. `ended`: all
    were looked at within the time that there is."""

    looked: int = 0
    matched: int = 0
    ended: bool = True
    taken: StoredEvent | None = None  # the newest that it would be sent
    refused: StoredEvent | None = None  # the newest that it would not
    refusal: EventRefusal | None = None  # of that one


class RecentValues(msgspec.Struct, frozen=True):
    """The values at a path in the newest events, the newest first, and the events that they are
    from."""

    values: Sequence[str | int | float | bool] = ()
    events: Sequence[str] = ()


async def count_matches(
    parts: PreviewParts, webhook: Webhook, last: int = LAST, count_s: float = COUNT_S
) -> FilterMatches:
    """Count the newest events of a webhook's types that it would be sent, at most `last` of them
    and for `count_s` seconds. Throttled."""
    found, names = FilterMatches(), sorted(webhook.event_names)
    try:
        async with (
            parts.web.answer_memory.holding(webhook.org, preview_bytes(1)),
            asyncio.timeout(count_s),
        ):
            async for stored in newest(parts.store, webhook.org, names, last):
                found = await _with_event(parts, webhook, stored, found)
                await asyncio.sleep(0)  # deliveries go on meanwhile
    except TimeoutError:
        return msgspec.structs.replace(found, ended=False)
    return found


async def _with_event(
    parts: PreviewParts, webhook: Webhook, stored: StoredEvent, found: FilterMatches
) -> FilterMatches:
    judge = partial(_judge, parts, webhook, stored)
    size = len(stored.body or b"")
    refusal = await parts.shaping.offload.run(webhook.org, size, judge)
    found = msgspec.structs.replace(found, looked=found.looked + 1)
    if refusal is None:
        taken = found.taken or stored
        return msgspec.structs.replace(found, matched=found.matched + 1, taken=taken)
    if found.refused is not None:
        return found
    return msgspec.structs.replace(found, refused=stored, refusal=refusal)


def _judge(parts: PreviewParts, webhook: Webhook, stored: StoredEvent) -> EventRefusal | None:
    return refusal_of(parts, webhook, stored, msgspec.json.decode(stored.body or b"{}"))


async def recent_values(
    parts: PreviewParts, org: OrgId, names: Sequence[str], path: str
) -> RecentValues:
    """Collect the different values at a path in the newest events of some types, texts up to
    `VALUE_MAX` characters. Throttled."""
    steps = read_path(path)
    if steps is None or not names:
        return RecentValues()
    found: dict[tuple[type, Any], None] = {}
    events: list[str] = []
    try:
        async with (
            parts.web.answer_memory.holding(org, preview_bytes(1)),
            asyncio.timeout(VALUES_S),
        ):
            async for stored in newest(parts.store, org, names, VALUES_LAST):
                read = partial(_offered_values, stored.body or b"{}", steps)
                size = len(stored.body or b"")
                before = len(found)
                for value in await parts.shaping.offload.run(org, size, read):
                    if len(found) < VALUES_MAX:
                        found[value.__class__, value] = None
                if len(found) > before:
                    events.append(stored.id)
                if len(found) >= VALUES_MAX:
                    break
                await asyncio.sleep(0)
    except TimeoutError:
        pass
    return RecentValues(tuple(value for _, value in found), tuple(events))


def _offered_values(body: bytes, steps: Path) -> list[Any]:
    return [value for value in values_at(msgspec.json.decode(body), steps) if _is_offered(value)]


def _is_offered(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= VALUE_MAX
    return isinstance(value, bool) or is_number(value)
