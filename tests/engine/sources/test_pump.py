"""The pump of a source: what it has read is acknowledged once it is kept, and never before."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.api.control_client import service
from tests.engine.sources.topic import (
    BODY,
    MAIN,
    Reader,
    Topic,
    fetched,
    numbers,
    sources_of,
    told,
    until,
)
from tests.engine.told_notices import ToldNotices
from tidings.connections.port import ConnectionDown
from tidings.core.connections.connection import Connection
from tidings.core.ids import OrgId
from tidings.core.running.lease import EndlessLease
from tidings.core.sources.source import Source
from tidings.core.sources.table_owner import TableOwner
from tidings.engine.events.acceptor import Acceptor
from tidings.engine.events.intake import Overloaded
from tidings.engine.sources import intake, live_source, pump, pumps
from tidings.engine.sources.intake import SourceIntake
from tidings.engine.sources.live_source import DeadLettersFull
from tidings.engine.sources.pump import Pump
from tidings.errors import Throttled
from tidings.reads.sources import needs_somebody
from tidings.store import port


async def test_all_that_is_there_and_comes_is_accepted_in_order_and_acknowledged() -> None:
    async with service() as s:
        topic = Topic(10)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 10)
        topic.append(BODY % 10)
        await until(lambda: topic.taken == 11)
        assert await numbers(s) == list(range(11))
        await until(lambda: live.lag == 0)
        shown = (await s.call("GET", "/v1/sources/t")).json
        assert (shown["lag"], shown["trouble"], shown["url"]) == (0, None, None)
        assert shown["lagAt"] is not None
        assert live.activity.totals["accepted"] == 11
        await s.parts.sources.pumps.stop()
        assert topic.open_now == 0


async def test_what_the_connection_does_not_admit_to_the_org_is_not_opened() -> None:
    async with service() as s:
        topic = Topic(1)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 1)
        narrower = Connection("main", "kafka", {"topics": ["t.{org}"]}, None)
        s.parts.sources.pumps._connections = s.parts.sources.sources.connections = {
            "main": narrower
        }
        s.parts.sources.pumps.follow(live)  # as after a start
        await until(lambda: live.trouble)
        assert "The topic t must be one that the connection main is for" in live.trouble
        assert topic.opened == 1 and topic.open_now == 0
        body = {"name": "u", "type": "kafka", "connection": "main", "kafka": {"topics": ["t.12"]}}
        for call in (
            ("POST", "/v1/sources", body),
            ("PATCH", "/v1/sources/t", {"kafka": body["kafka"]}),
        ):
            refused = await s.call(*call)
            assert (refused.status, refused.json["error"]["code"]) == (400, "outside_connection")
        own = {"kafka": {"topics": ["t.1"]}}
        assert (await s.call("PATCH", "/v1/sources/t", own)).status == 200
        await until(lambda: topic.opened == 2)
        await s.parts.sources.pumps.stop()


HOLDS_BACK: dict[str, tuple[type, Exception, str]] = {  # where it is raised, and what is told
    "the store": (Acceptor, port.StoreDown("no disk"), "goes on by itself"),
    "the queue of commits": (Acceptor, Overloaded("too much"), "goes on by itself"),
    "the org's limit": (
        SourceIntake,
        Throttled.because("too_many_events", "The org must send fewer events.", 0.01),
        "The org's limit of events holds it back",
    ),
    "messages set aside": (
        SourceIntake,
        DeadLettersFull("t"),
        "Source t may set aside",
    ),
}


@pytest.mark.parametrize("name", HOLDS_BACK)
async def test_nothing_is_acknowledged_and_nothing_more_is_read_while_it_is_held_back(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, error, told = HOLDS_BACK[name]
    method = "accept" if where is Acceptor else "take"
    async with service() as s:
        topic = Topic(6)
        do, refused = getattr(where, method), 0

        async def down(self: Any, *given: Any) -> Any:
            nonlocal refused
            refused += 1
            if refused < 4:
                raise error
            return await do(self, *given)

        monkeypatch.setattr(where, method, down)
        live = await fetched(s, topic)
        await until(lambda: refused == 2)
        assert topic.taken == 0 and told in live.trouble
        await until(lambda: topic.taken == 6)
        assert topic.opened == 1 and live.trouble == ""
        assert await numbers(s) == list(range(6))
        await s.parts.sources.pumps.stop()


async def test_two_sources_of_an_org_bring_each_what_both_read() -> None:
    """Their places are called alike; whose a message is tells them apart."""
    async with service() as s:
        topic = Topic(4)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 4)
        topic.taken = 0
        body = {"name": "u", "type": "kafka", "connection": "main", "kafka": {"topics": ["t"]}}
        assert (await s.call("POST", "/v1/sources", body)).status == 201
        other = next(
            other
            for other in s.parts.sources.sources.of(live.org)
            if other.stored.number != live.stored.number
        )
        await until(lambda: topic.taken == 4)
        assert (live.activity.totals, other.activity.totals) == ({"accepted": 4}, {"accepted": 4})
        assert sorted(await numbers(s)) == sorted([*range(4), *range(4)])
        await s.parts.sources.pumps.stop()


async def test_of_a_large_batch_a_chunk_waits_for_the_one_before_and_is_made_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "CHUNK", 4)
    async with service() as s:
        topic = Topic(10, batch=10)
        accept, calls, under_way = s.parts.events.acceptor.accept, 0, 0
        reader = s.parts.sources.sources.intake._messages._reader
        read, made = reader.read_each, 0
        made_meanwhile: list[int] = []

        def reads(*said: Any) -> Any:
            nonlocal made
            made += 1
            return read(*said)

        async def one_at_a_time(drafts: Any) -> Any:
            nonlocal calls, under_way
            calls += 1
            under_way += 1
            assert under_way == 1
            before = made
            try:
                if calls in (1, 3):
                    raise port.StoreDown("no disk")
                answers = await accept(drafts)
                made_meanwhile.append(made - before)
                return answers
            finally:
                under_way -= 1

        monkeypatch.setattr(reader, "read_each", reads)
        monkeypatch.setattr(s.parts.events.acceptor, "accept", one_at_a_time)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 10)
        assert await numbers(s) == list(range(10))
        assert live.activity.totals == {"accepted": 6, "duplicate": 4}  # the first chunk came again
        assert made_meanwhile[-3:] == [4, 2, 0]
        await s.parts.sources.pumps.stop()


async def test_what_was_kept_and_not_acknowledged_is_known_when_it_comes_again() -> None:
    async with service() as s:
        topic = Topic(3)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 3)
        topic.taken = 0  # as if the acknowledgement was lost
        topic.fault = ConnectionDown("The broker must answer; it does not. Start it.")
        topic.append(BODY % 3)
        await until(lambda: "broker" in live.trouble)
        topic.fault = None
        await until(lambda: topic.taken == 4)
        assert await numbers(s) == list(range(4))
        assert live.activity.totals["duplicate"] == 3 and live.trouble == ""
        await s.parts.sources.pumps.stop()


async def test_what_is_back_is_without_trouble_though_nothing_comes() -> None:
    async with service() as s:
        topic = Topic()
        topic.fault = ConnectionDown("The broker must answer; it does not. Start it.")
        live = await fetched(s, topic)
        await until(lambda: "broker" in live.trouble)
        since = (await s.call("GET", "/v1/sources/t")).json["troubleSince"]
        s.clock.ms += 60_000  # it is tried again, and still down since then
        assert (await s.call("GET", "/v1/sources/t")).json["troubleSince"] == since
        assert needs_somebody(live, s.clock.ms)
        topic.fault = None
        await until(lambda: topic.opened == 1)
        assert live.trouble == "" and not needs_somebody(live, s.clock.ms)
        assert (await s.call("GET", "/v1/sources/t")).json["troubleSince"] is None
        await s.parts.sources.pumps.stop()


async def test_a_message_that_no_event_can_be_made_of_holds_up_nobody() -> None:
    async with service() as s:
        topic = Topic(2)
        topic.append(b"\xff no json")
        topic.append(BODY % 3)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 4)
        assert await numbers(s) == [0, 1, 3] and live.dead_letters == 1
        [kept] = (await s.call("GET", "/v1/sources/t/aside")).json["messages"]
        assert kept["place"] == "t/0/2"
        await s.parts.sources.pumps.stop()


async def test_a_topic_that_was_made_anew_is_put_aside_and_not_taken_for_repeats() -> None:
    async with service() as s:
        topic = Topic(2)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 2)
        await s.parts.sources.pumps.stop()
        anew = Topic()
        anew.append(BODY % 7)  # the place of the first one, and other bytes
        pumps = s.parts.sources.pumps
        pumps._stopping, pumps._drivers = False, {"kafka": anew}
        pumps.follow(live)
        await until(lambda: anew.taken == 1)
        assert live.dead_letters == 1 and await numbers(s) == [0, 1]
        [kept] = (await s.call("GET", "/v1/sources/t/aside")).json["messages"]
        assert kept["error"]["code"] == "place_reused"
        await pumps.stop()


async def test_a_source_that_is_full_waits_until_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_source, "DEAD_LETTERS_MAX", 2)
    async with service() as s:
        topic = Topic(batch=1)
        for _ in range(3):
            topic.append(b"no json")
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 2 and "may set aside" in live.trouble)
        [newest, _] = (await s.call("GET", "/v1/sources/t/aside")).json["messages"]
        await s.call("DELETE", f"/v1/sources/t/aside/{newest['id']}")
        await until(lambda: topic.taken == 3)
        await s.parts.sources.pumps.stop()


async def test_a_pause_lets_go_and_a_change_begins_anew_one_at_a_time() -> None:
    async with service() as s:
        topic = Topic(2)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 2)
        await s.call("POST", "/v1/sources/t/pause")
        await until(lambda: topic.open_now == 0)
        topic.append(BODY % 2)
        await asyncio.sleep(0.02)
        assert topic.taken == 2
        await s.call("POST", "/v1/sources/t/resume")
        await until(lambda: topic.taken == 3)
        await s.call("PATCH", "/v1/sources/t", {"mapping": {"eventName": {"constant": "c.d"}}})
        await until(lambda: topic.opened == 3)
        assert topic.open_now == 1
        other = {"kafka": {"topics": ["u"]}}
        changed = (await s.call("PATCH", "/v1/sources/t", other)).json
        assert changed["kafka"] == {"topics": ["u"], "group": "", "startAt": "earliest"}
        assert (await s.call("PATCH", "/v1/sources/t", {"kafka": {}})).status == 400
        await s.call("DELETE", "/v1/sources/t")
        await until(lambda: topic.open_now == 0)
        assert live.deleted


async def test_a_fault_of_a_driver_ends_nothing_and_is_tried_more_and_more_rarely() -> None:
    slept: list[float] = []

    class Broken(Topic):
        async def open(self, source: Source, connection: Connection, number: int) -> Reader:
            raise RuntimeError("a bug of the driver")

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    async with service() as s:
        live = await fetched(s, Topic())
        await s.parts.sources.pumps.stop()
        notices = s.parts.notices.notices
        pump = Pump(
            live,
            Broken(),
            MAIN,
            s.parts.sources.sources.intake,
            notices,
            lease=EndlessLease(),
            sleep=sleep,
        )
        with capture_logs() as logs:  # drawn, each would take a quarter of a second
            task = asyncio.ensure_future(pump.run())
            await until(lambda: len(slept) >= 9)
            task.cancel()
        assert {log["event"] for log in logs} == {"a source failed"}
        assert slept[:4] == [0.5, 1, 2, 4] and slept[8] == 30
        assert "its log says why" in live.trouble


async def test_a_connection_must_be_the_operators_and_for_the_org() -> None:
    async with service() as s:
        auth = await s.add_org(2)
        sources, pumps = sources_of(s)
        sources.connections = {"main": MAIN}
        body = {"name": "t", "type": "kafka", "connection": "main", "kafka": {"topics": ["t"]}}
        for said, by in ((body, auth), (body | {"connection": "other"}, "")):
            reply = await s.call("POST", "/v1/sources", said, auth=by)
            assert (reply.status, reply.json["error"]["code"]) == (400, "unknown_connection")
        sources.connections = {"main": Connection("main", "kafka", {}, None)}
        named = body | {"kafka": {"topics": ["t"], "group": "of-somebody-else"}}
        reply = await s.call("POST", "/v1/sources", named, auth=auth)
        assert (reply.status, reply.json["error"]["path"]) == (403, "kafka.group")
        assert (await s.call("POST", "/v1/sources", body, auth=auth)).status == 201
        reply = await s.call("PATCH", "/v1/sources/t", {"kafka": named["kafka"]}, auth=auth)
        assert reply.status == 403
        made = await s.call("POST", "/v1/sources", named)
        assert made.status == 201 and "Ask the operator" in made.json["trouble"]  # no driver of it
        await pumps.stop()


async def test_an_org_is_told_once_of_a_source_that_fails_for_a_while() -> None:
    facts: list[Any] = []
    now_ms = [0]

    async def sleep(seconds: float) -> None:
        now_ms[0] += 60_000
        await asyncio.sleep(0)

    async with service() as s:
        topic = Topic(1)
        live = await fetched(s, topic)
        await s.parts.sources.pumps.stop()
        sources_intake = s.parts.sources.sources.intake
        sources_intake.clock_ms = lambda: now_ms[0]
        topic.fault = ConnectionDown("The broker must answer; it does not. Start it.")
        pump = Pump(
            live,
            topic,
            MAIN,
            sources_intake,
            ToldNotices(facts),
            lease=EndlessLease(),
            notify_after_ms=300_000,
            sleep=sleep,
        )
        task = asyncio.ensure_future(pump.run())
        await until(lambda: now_ms[0] >= 1_200_000)
        [(kind, org, fact)] = facts
        assert (kind, org, fact["sourceName"]) == ("tidings.source.failing", live.org, "t")
        assert fact["failingSince"] == 0 and "broker must answer" in fact["cause"]
        topic.fault = None
        await until(lambda: topic.taken == 1 and not live.trouble)
        topic.fault = ConnectionDown("The broker must answer; it does not. Start it.")
        topic.append(BODY % 1)
        await until(lambda: len(facts) == 2)
        assert facts[1][2]["failingSince"] > 1_000_000
        task.cancel()


async def test_an_org_is_told_of_the_first_message_that_is_put_aside_and_of_no_flood() -> None:
    async with service() as s:
        topic = Topic(batch=1)
        live = await fetched(s, topic)
        for _ in range(5):
            topic.append(b"no json")
        await until(lambda: topic.taken == 5)
        await s.parts.notices.notices.flush()
        [first] = await told(s, "tidings.source.aside")
        assert first["data"]["sourceId"] == live.id and first["data"]["code"] == "not_json"

        async def once_more() -> int:
            rows = (await s.call("GET", "/v1/sources/t/aside")).json["messages"]
            for row in rows:
                await s.call("DELETE", f"/v1/sources/t/aside/{row['id']}")
            taken = topic.taken
            topic.append(b"no json")
            await until(lambda: topic.taken == taken + 1)
            await s.parts.notices.notices.flush()
            return len(await told(s, "tidings.source.aside"))

        assert await once_more() == 1
        s.clock.ms += 3_600_000
        assert await once_more() == 2
        await s.parts.sources.pumps.stop()


async def test_sources_of_an_outbox_share_so_many_lines_and_read_in_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pump, "TURN_S", 0.05)
    monkeypatch.setattr(pump, "LOOK_S", 0.01)
    async with service() as s:
        await s.call("PATCH", "/v1/orgs/1", {"settings": {"unknownTypes": "admitted"}})
        shop = Connection("shop", "outbox", {"connections_max": 2}, frozenset({OrgId(1)}))
        sources, pumps = sources_of(s)
        sources.connections = pumps._connections = {"shop": shop}
        topics = {f"t{n}": Topic(4, batch=1) for n in range(6)}
        most_open = 0

        class Tables:
            """A driver of tables, by their names."""

            async def open(self, source: Source, connection: Connection, number: int) -> Reader:
                nonlocal most_open
                assert source.outbox is not None
                made = await topics[source.outbox.table].open(source, connection, number)
                most_open = max(most_open, sum(topic.open_now for topic in topics.values()))
                return made

        pumps._drivers = {"outbox": Tables()}
        for name in topics:
            body = {"name": name, "type": "outbox", "connection": "shop", "outbox": {"table": name}}
            assert (await s.call("POST", "/v1/sources", body)).status == 201
        waiting = [live for live in sources.all() if "waits for its turn" in live.trouble]
        await until(lambda: [live for live in sources.all() if "for its turn" in live.trouble])
        assert len(waiting) <= 4
        await until(lambda: all(topic.taken == 4 for topic in topics.values()))
        assert most_open == 2
        for topic in topics.values():  # what comes later has its turn too
            topic.append(BODY % 9)
        await until(lambda: all(topic.taken == 5 for topic in topics.values()))
        assert most_open == 2 and len(await numbers(s)) == 30
        assert (await s.call("DELETE", "/v1/sources/t0")).status == 204
        await pumps.stop()
        assert not sum(topic.open_now for topic in topics.values())


async def test_a_table_is_taken_over_by_the_operator_alone_and_strangers_are_named() -> None:
    async with service() as s:
        auth = await s.add_org(2)
        shop = Connection("shop", "outbox", {}, None)
        sources, pumps = sources_of(s)
        topic = Topic(1)
        topic.others = ["orders-app"]
        sources.connections = pumps._connections = {"shop": shop, "main": MAIN}
        pumps._drivers = {"outbox": topic, "kafka": topic}
        body = {"name": "t", "type": "outbox", "connection": "shop", "outbox": {"table": "t"}}
        for by in ("", auth):
            assert (await s.call("POST", "/v1/sources", body, auth=by)).status == 201
        live = sources.get(OrgId(1), "t")
        await until(lambda: live.others == ["orders-app"] and topic.opened == 2)
        assert (await s.call("GET", "/v1/sources/t")).json["otherReaders"] == ["orders-app"]
        refused = await s.call("POST", "/v1/sources/t/takeOver", auth=auth)
        assert (refused.status, refused.json["error"]["code"]) == (403, "forbidden")
        number = live.stored.number
        assert await s.store.table_owner(number) is None
        await s.store.put_table_owner(TableOwner(number, "s/1/public.t", "2e" * 8))
        s.store.down = True
        assert (await s.call("POST", "/v1/sources/t/takeOver")).status == 503
        s.store.down = False
        kept = await s.store.table_owner(number)
        assert kept is not None and kept.installation == "2e" * 8
        assert (await s.call("POST", "/v1/sources/t/takeOver")).status == 200
        assert await s.store.table_owner(number) == TableOwner(number, takes_over=True)
        await until(lambda: topic.opened == 3)
        kafka = {"name": "k", "type": "kafka", "connection": "main", "kafka": {"topics": ["t"]}}
        assert (await s.call("POST", "/v1/sources", kafka)).status == 201
        refused = await s.call("POST", "/v1/sources/k/takeOver")
        assert (refused.status, refused.json["error"]["code"]) == (404, "not_found")
        await s.call("DELETE", "/v1/sources/t")
        assert await s.store.table_owner(number) is None
        await pumps.stop()


@pytest.mark.parametrize("how", ["paused", "deleted"])
async def test_who_is_paused_or_deleted_marks_what_it_has_read_and_lets_go(
    monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with service() as s:
        topic = Topic(2)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 2)
        goes_on = asyncio.Event()
        begun = asyncio.Event()
        take = SourceIntake.take

        async def slow(self: SourceIntake, *messages: Any) -> Any:
            begun.set()
            await goes_on.wait()
            return await take(self, *messages)

        monkeypatch.setattr(SourceIntake, "take", slow)
        topic.append(BODY % 2)
        await begun.wait()
        if how == "paused":
            assert (await s.call("POST", "/v1/sources/t/pause")).status == 200
        else:
            assert (await s.call("DELETE", "/v1/sources/t")).status == 204
        topic.append(BODY % 3)
        assert not topic.let_go and topic.open_now == 1
        goes_on.set()
        await until(lambda: topic.open_now == 0)
        assert topic.taken == 3 and topic.let_go == [True] and not live.trouble
        if how == "paused":
            await s.call("POST", "/v1/sources/t/resume")
            await until(lambda: topic.taken == 4)
        await s.parts.sources.pumps.stop()


@pytest.mark.parametrize("how", ["stopped", "changed"])
async def test_the_end_of_the_service_and_a_change_are_not_letting_go(how: str) -> None:
    """A restart finds its rows."""
    async with service() as s:
        topic = Topic(2)
        await fetched(s, topic)
        await until(lambda: topic.taken == 2)
        if how == "changed":
            changed = {"kafka": {"topics": ["u"]}, "paused": True}
            assert (await s.call("PATCH", "/v1/sources/t", changed)).status == 200
            await until(lambda: topic.open_now == 0)
        await s.parts.sources.pumps.stop()
        assert not topic.let_go and topic.open_now == 0


async def test_what_cannot_be_kept_before_the_end_is_not_let_go_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service() as s:
        topic = Topic(1)
        live = await fetched(s, topic)
        await until(lambda: topic.taken == 1)

        async def take(self: SourceIntake, *messages: Any) -> Any:
            raise Overloaded("full")

        monkeypatch.setattr(SourceIntake, "take", take)
        topic.append(BODY % 1)
        await until(lambda: live.trouble)
        await s.call("POST", "/v1/sources/t/pause")
        await until(lambda: topic.open_now == 0)
        assert topic.let_go == [False] and topic.taken == 1
        await s.parts.sources.pumps.stop()


async def test_one_that_hangs_at_its_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumps, "END_S", 0.05)
    async with service() as s:
        topic = Topic(1)
        await fetched(s, topic)
        await until(lambda: topic.taken == 1)

        async def hang(self: Reader, *, all_acknowledged: bool) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(Reader, "let_go", hang)
        await s.call("POST", "/v1/sources/t/pause")
        await until(lambda: topic.open_now == 0)
        await s.call("POST", "/v1/sources/t/resume")
        topic.append(BODY % 1)
        await until(lambda: topic.taken == 2)
        await s.parts.sources.pumps.stop()
