"""An id that is known with other content: its message is set aside with both places, once for each
id, and stops nothing. A repeat that is only written otherwise is a repeat."""

import json
from typing import Any

import pytest

from tests.api.control_client import Service, service
from tests.api.v1.source_calls import accepted, admit, make, send
from tests.engine.sources.topic import Topic, fetched, told, until
from tests.engine.told_notices import ToldNotices
from tidings.core.ids import OrgId
from tidings.core.notices.operational_events import KINDS
from tidings.core.sources.message import ForeignMessage
from tidings.engine.events.intake import Draft
from tidings.engine.sources import dead_letters, live_source
from tidings.store import port

BY_ORDER = {
    "eventName": {"constant": "shop.paid"},
    "eventId": {"path": "order.id", "as": "text"},
    "data": {"path": "order"},
}


def order(id: object, total: int = 1, **more: Any) -> bytes:
    return json.dumps({"order": {"id": id, "total": total}, **more}).encode()


async def aside(s: Service, name: str = "shop") -> list[Any]:
    return list((await s.call("GET", f"/v1/sources/{name}/aside")).json["messages"])


async def called(s: Service, event: dict[str, Any]) -> None:
    """Accept an event as a call of the org does."""
    body = json.dumps(event | {"orgId": 1, "createdAt": 1}).encode()
    draft = Draft(OrgId(1), event["eventName"], event["eventId"], body, json.loads(body))
    assert [
        verdict.status for verdict in await s.parts.sources.sources.intake._intake.accept([draft])
    ] == ["accepted"]


async def shown(s: Service, name: str = "shop") -> Any:
    return (await s.call("GET", f"/v1/sources/{name}")).json


async def test_the_same_orders_of_a_second_shop_are_put_aside_with_both_places() -> None:
    async with service() as s:
        await admit(s)
        first = await make(s, mapping=BY_ORDER)
        second = await make(s, name="second", mapping=BY_ORDER)
        for n in range(1001, 1015):
            assert (await send(s, order(n), webhook_id=f"one-{n}")).json["accepted"] == 1
        for n in range(1001, 1015):
            reply = await send(s, order(n, 2), "/in/1/second", webhook_id=f"two-{n}")
            assert (reply.status, reply.json["aside"], reply.json["duplicates"]) == (202, True, 0)
        rows = await aside(s, "second")
        assert len(rows) == 14 and {row["error"]["code"] for row in rows} == {"id_conflict"}
        assert rows[0]["error"]["path"] == "data.total"
        assert f"{second['id']} two-1014" in rows[0]["error"]["message"]
        assert f"{first['id']} one-1014" in rows[0]["error"]["message"]
        source = await shown(s, "second")
        assert (source["idConflicts"], source["idConflictField"]) == (14, "data.total")
        # A mapping that tells the shops apart brings them all.
        mended = BY_ORDER | {"eventId": {"path": "uuid"}, "fields": {}}
        del mended["eventId"]
        await s.call("PATCH", "/v1/sources/second", {"mapping": mended})
        again = (await s.call("POST", "/v1/sources/second/redrive")).json
        assert (again["accepted"], again["left"]) == (14, 0)
        source = await shown(s, "second")
        assert (source["idConflicts"], source["idConflictField"]) == (0, None)


@pytest.mark.parametrize(
    "repeat",
    [
        order(1, sentAt="later"),
        b' {"order" : {"total": 1.0, "id": 1}, "attempt": 2}',
        order("1"),
    ],
)
async def test_what_the_mapping_does_not_take_makes_no_other_event(repeat: bytes) -> None:
    mapping: dict[str, Any] = BY_ORDER | {"fields": {"data.total": {"path": "order.total"}}}
    del mapping["data"]
    async with service() as s:
        await admit(s)
        await make(s, mapping=mapping)
        assert (await send(s, order(1, sentAt="now"))).json["accepted"] == 1
        reply = (await send(s, repeat)).json
        assert (reply["duplicates"], reply["aside"]) == (1, False)
        assert await aside(s) == []


async def test_when_it_was_told_is_no_content_though_the_mapping_takes_it() -> None:
    mapping = BY_ORDER | {"createdAt": {"path": "sentAt"}}
    async with service() as s:
        await admit(s)
        await make(s, mapping=mapping)
        assert (await send(s, order(1, sentAt=1764000000000))).json["accepted"] == 1
        assert (await send(s, order(1, sentAt=1764000009999))).json["duplicates"] == 1


async def test_a_known_id_of_a_call_is_met_too_and_events_as_they_are() -> None:
    async with service() as s:
        await admit(s)
        await make(s)
        event = {"eventName": "shop.paid", "eventId": "e1", "data": {"n": 1}}
        await called(s, event)
        reply = (await send(s, json.dumps(event | {"data": {"n": 2}}).encode())).json
        assert reply["aside"] and "a call of the API" in reply["reason"]
        assert (await send(s, json.dumps(event).encode())).json["duplicates"] == 1


async def test_an_id_has_one_row_with_its_newest_message_however_often_it_comes() -> None:
    async with service() as s:
        await admit(s)
        await make(s, mapping=BY_ORDER)
        await send(s, order(1), webhook_id="m0")
        for n in range(2, 7):
            await send(s, order(1, n), webhook_id=f"m{n}")
        [row] = await aside(s)
        assert (row["times"], row["place"]) == (5, "m6")
        whole = (await s.call("GET", f"/v1/sources/shop/aside/{row['id']}")).json
        assert json.loads(whole["body"]["text"])["order"]["total"] == 6
        assert (await shown(s))["idConflicts"] == 1 == (await shown(s))["asideMessages"]


async def test_two_of_a_list_keep_both_messages() -> None:
    """One row for an id would drop the other event of the first message."""
    mapping = BY_ORDER | {"each": "orders", "eventId": {"path": "id"}, "data": {"path": "d"}}
    async with service() as s:
        await admit(s)
        await make(s, mapping=mapping)
        orders = [
            {"id": "a", "d": {"n": 1}},
            {"id": "b", "d": {"n": 1}},
            {"id": "c", "d": {"n": 1}},
        ]
        await send(s, json.dumps({"orders": orders}).encode())
        for other in ("b", "c"):
            items = [{"id": "a", "d": {"n": 2}}, {"id": other, "d": {"n": 2}}]
            await send(s, json.dumps({"orders": items}).encode(), webhook_id=other)
        assert len(await aside(s)) == 2


async def test_conflicts_never_fill_what_stops_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_source, "DEAD_LETTERS_MAX", 3)
    monkeypatch.setattr(dead_letters, "CONFLICTS_MAX", 5)
    monkeypatch.setattr(dead_letters, "MAKING_ROOM", 2)
    async with service() as s:
        await admit(s)
        await make(s, mapping=BY_ORDER)
        for n in range(12):
            assert (await send(s, order(n))).json["accepted"] == 1
        counts = []
        for n in range(12):
            assert (await send(s, order(n, 2))).status == 202
            counts.append((await shown(s))["idConflicts"])
        assert counts == [1, 2, 3, 4, 5, 4, 5, 4, 5, 4, 5, 4]  # room is made where it is needed
        source = await shown(s)
        assert source["idConflicts"] <= 5
        assert source["idConflicts"] + source["idConflictsDropped"] == 12
        for n in range(3):
            assert (await send(s, b"no json", webhook_id=f"x{n}")).status == 202
        assert (await send(s, b"no json", webhook_id="x3")).status == 503
        again = Service(s.store, s.clock)
        await again.start()
        assert (await shown(again))["idConflicts"] == source["idConflicts"]
        assert (await shown(again))["idConflictField"] == "data.total"


async def test_bytes_of_conflicts_are_bounded_and_stop_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_source, "DEAD_LETTER_BYTES_MAX", 1000)
    monkeypatch.setattr(dead_letters, "CONFLICT_BYTES_MAX", 3000)
    monkeypatch.setattr(dead_letters, "MAKING_ROOM", 1)
    async with service() as s:
        await admit(s)
        await make(s, mapping=BY_ORDER)
        for n in range(8):
            await send(s, order(n))
        for n in range(8):
            assert (await send(s, order(n, 2, pad="x" * 900))).status == 202
        live = s.parts.sources.sources.of(OrgId(1))[0]
        assert 0 < live.conflict_bytes <= 3000


async def test_its_people_are_told_of_the_first_and_then_how_many() -> None:
    async with service() as s:
        topic = Topic(batch=1)
        await fetched(s, topic, mapping=BY_ORDER)
        for n in range(4):
            topic.append(order(n))
        topic.append(order(0, 7))
        await until(lambda: topic.taken == 5)
        await s.parts.notices.notices.flush()
        [notice] = await told(s, "tidings.source.aside")
        assert notice["data"]["code"] == "id_conflict"
        assert (notice["data"]["count"], notice["data"]["field"]) == (1, "data.total")
        topic.append(order(1, 7))
        topic.append(order(2, 7))
        await until(lambda: topic.taken == 7)
        s.clock.ms += 3_600_000
        topic.append(order(3, 7))
        await until(lambda: topic.taken == 8)
        await s.parts.notices.notices.flush()
        notices = await told(s, "tidings.source.aside")
        assert sorted(notice["data"]["count"] for notice in notices) == [1, 4]
        await s.parts.sources.pumps.stop()


async def test_an_event_that_comes_back_changed_is_a_repeat() -> None:
    """A message of ours says through which doors it has come."""
    async with service() as s:
        await admit(s)
        await make(s)
        await called(s, {"eventName": "a.b", "eventId": "e1", "data": {}})
        hops = f"1; via={s.parts.sources.sources.intake._messages._doors.of_org(OrgId(1))}"
        changed = b'{"eventName":"a.b","eventId":"e1","data":{"till":"added"}}'
        reply = (await send(s, changed, tidings_hops=hops)).json
        assert (reply["duplicates"], reply["aside"]) == (1, False)
        other = (await send(s, changed, tidings_hops="1; via=abcdef012345")).json
        assert other["aside"]


async def test_what_is_put_aside_again_is_one_row_whatever_the_reason() -> None:
    async with service() as s:
        topic = Topic(batch=1)
        live = await fetched(s, topic)
        topic.append(b"no json")
        await until(lambda: topic.taken == 1)
        intake = s.parts.sources.sources.intake
        for _ in range(3):
            await intake.take(live, [ForeignMessage("t/0/0", [], b"no json")])
        await intake.take(live, [ForeignMessage("t/0/0", [], b"other")])  # the row was changed
        [row] = await aside(s, "t")
        assert (
            row["times"] == 5 and live.dead_letters == 1 and live.dead_letter_bytes == len("other")
        )
        await s.parts.sources.pumps.stop()
        await make(s)
        for body in (b"no json", b"no json", b"something else"):
            await send(s, body, webhook_id="m1")
        assert [row["times"] for row in await aside(s)] == [1, 2]  # two messages of one id


@pytest.mark.parametrize(
    "message_id", [{"path": "id"}, {"header": "x-id"}, {"digest": "body"}], ids=str
)
async def test_a_message_id_of_what_is_fetched_tells_its_repeats(message_id: Any) -> None:
    async with service() as s:
        topic = Topic(batch=2)
        await fetched(
            s, topic, messageId=message_id,
            mapping={"eventName": {"constant": "a.b"}, "data": {"path": "d"}},
        )  # fmt: skip
        body = b'{"id":"%s","d":{"n":%d}}'
        rows = [(b"one", 1), (b"two", 2), (b"one", 1)]
        topic.messages += [
            ForeignMessage(f"t/0/{at}", [("x-id", id.decode())], body % (id, n))
            for at, (id, n) in enumerate(rows)
        ]
        topic.messages.append(ForeignMessage("t/0/3", [], b'{"d":{"n":3}}'))
        topic.more.set()
        await until(lambda: topic.taken == 4)
        found = [event["data"]["n"] for event in await accepted(s)]
        assert found == [1, 2, 3]
        newest = (await shown(s, "t"))["newest"]
        assert [(row["place"], row["outcome"]) for row in newest][:2] == [
            ("t/0/3", "accepted"), ("t/0/2", "duplicate"),
        ]  # fmt: skip
        await s.parts.sources.pumps.stop()


@pytest.mark.parametrize("method", ["event", "drop_conflicts"])
async def test_while_the_store_does_not_answer_nothing_is_promised(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "CONFLICTS_MAX", 1)
    monkeypatch.setattr(dead_letters, "MAKING_ROOM", 1)
    async with service() as s:
        await admit(s)
        await make(s, mapping=BY_ORDER)
        for n in range(2):
            await send(s, order(n))
        await send(s, order(0, 2))

        async def down(*_: Any) -> Any:
            raise port.StoreDown("down")

        with monkeypatch.context() as broken:
            broken.setattr(s.store, method, down)
            assert (await send(s, order(1, 2))).status == 503
        assert (await send(s, order(1, 2))).json["aside"]
        assert (await shown(s))["idConflicts"] == 1


async def test_the_letter_says_how_many_there_are_and_which_field_differs() -> None:
    facts: list[Any] = []
    async with service() as s:
        topic = Topic(batch=1)
        await fetched(s, topic, mapping=BY_ORDER)
        s.parts.sources.sources.intake._dead_letters._notices = ToldNotices(facts)
        topic.append(order(1))
        topic.append(order(1, 7))
        await until(lambda: len(facts) == 1)
        s.clock.ms += 3_600_000
        topic.append(order(2))
        topic.append(order(2, 7))
        await until(lambda: len(facts) == 2)
        await s.parts.sources.pumps.stop()
    for count, (kind, _, fact) in zip(("a message", "2 messages"), facts, strict=True):
        subject, letter = KINDS[kind].words(fact)
        assert f"{count} with the id of another event" in subject
        assert count in letter and "data.total differs" in letter
