"""How many of the last events a filter takes, and which values stand in them."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from tests.api.control_client import Service, service
from tidings.core.ids import OrgId
from tidings.core.shaping.filters.compiler import compile_filter
from tidings.core.webhooks.webhook import Webhook
from tidings.reads.webhooks.filter_matches import (
    LAST,
    VALUE_MAX,
    VALUES_MAX,
    count_matches,
    recent_values,
)
from tidings.store import port

ORG = OrgId(1)


def id_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


async def accept(s: Service, number: int, data: dict[str, Any], org: int = 1) -> None:
    fields = {"eventName": "pointsIssued", "eventId": id_of(number), "orgId": org, "data": data}
    event = port.NewEvent(
        OrgId(org),
        "pointsIssued",
        id_of(number),
        b"12345678",
        json.dumps(fields).encode(),
        b"",
        None,
        [],
    )
    await s.store.commit(port.Batch(s.registry.version, [event]))


async def webhook_of(s: Service, filter: dict[str, Any] | None) -> Webhook:
    body = {
        "name": "Acme",
        "webHookUrl": "https://crm.example.com/",
        "eventNames": ["pointsIssued"],
        "maxAllowedConnections": 1,
    }
    webhook, _ = s.services.webhooks.unsaved(ORG, body)
    compiled = None if filter is None else compile_filter(filter)
    return msgspec.structs.replace(webhook, filter=compiled)


async def test_it_counts_the_newest_and_shows_the_newest_of_either_kind() -> None:
    async with service() as s:
        for number in range(LAST + 5):
            await accept(s, number, {"n": number})
        wanted = {"any": [{"path": "data.n", "lt": 15}, {"path": "data.n", "eq": LAST}]}
        found = await count_matches(s.services, await webhook_of(s, wanted))
        assert (found.looked, found.matched, found.ended) == (LAST, 11, True)
        assert found.taken is not None and found.taken.id == id_of(LAST)
        assert found.refused is not None and found.refused.id == id_of(LAST + 4)
        assert found.refusal is not None and found.refusal.why == "None of its 2 nodes holds."
        one = await count_matches(s.services, await webhook_of(s, {"path": "data.n", "lt": 0}))
        assert (one.looked, one.matched, one.taken) == (LAST, 0, None)
        assert one.refusal is not None and one.refusal.node == "filter"
        assert one.refusal.why == f"data.n must be below 0; got number {LAST + 4}."


async def test_of_another_org_nothing_is_counted_nor_offered() -> None:
    async with service() as s:
        await accept(s, 1, {"n": "theirs"}, org=2)
        assert (await count_matches(s.services, await webhook_of(s, None))).looked == 0
        assert (await recent_values(s.services, ORG, ["pointsIssued"], "data.n")).values == ()
        theirs = await recent_values(s.services, OrgId(2), ["pointsIssued"], "data.n")
        assert theirs.values == ("theirs",), "they are offered it"


async def test_it_ends_when_its_time_is_over_and_says_so() -> None:
    async with service() as s:
        for number in range(30):
            await accept(s, number, {"n": number})
        read, reads = s.store.event, 0

        async def slow(org: OrgId, id: str) -> port.StoredEvent | None:
            nonlocal reads
            reads += 1
            if reads > 10:
                await asyncio.Event().wait()
            return await read(org, id)

        s.store.event = slow  # type: ignore[method-assign, assignment]
        found = await count_matches(s.services, await webhook_of(s, None), count_s=0.5)
        assert (found.looked, found.matched, found.ended) == (10, 10, False)


async def test_values_are_offered_once_the_newest_first_with_the_events_that_hold_them() -> None:
    async with service() as s:
        for number, value in enumerate(["old", 300, "300", True, "old", None, {"a": 1}]):
            await accept(s, number, {"n": value})
        found = await recent_values(s.services, ORG, ["pointsIssued"], "data.n")
        assert found.values == ("old", True, "300", 300)
        assert found.events == (id_of(4), id_of(3), id_of(2), id_of(1))


@pytest.mark.parametrize("path", ["", "data..n", "data.nothing", "data.n.deeper"])
async def test_of_no_path_or_an_empty_one_nothing_is_offered(path: str) -> None:
    async with service() as s:
        await accept(s, 1, {"n": 1})
        assert (await recent_values(s.services, ORG, ["pointsIssued"], path)).values == ()
        assert (await recent_values(s.services, ORG, ["pointsIssued"], "data.n")).values == (1,)


async def test_what_is_offered_is_bounded() -> None:
    async with service() as s:
        values = ["x" * VALUE_MAX, "x" * (VALUE_MAX + 1), "", *map(str, range(99))]
        await accept(s, 1, {"n": values})
        found = await recent_values(s.services, ORG, ["pointsIssued"], "data.n[*]")
        assert len(found.values) == VALUES_MAX and found.values[0] == "x" * VALUE_MAX
        assert all(isinstance(value, str) and len(value) in range(1, VALUE_MAX + 1)
                   for value in found.values)  # fmt: skip
