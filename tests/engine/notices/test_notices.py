"""Orgs are told of what happens to their webhooks: once, to the others, and without a loop."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.engine.notice_world import CATALOGUE, ORG, NoticeWorld, in_world
from tidings.core.delivery.receivers import breaker
from tidings.core.delivery.receivers.health import GONE
from tidings.core.notices.operational_events import (
    CONNECTION_FAILING,
    DISABLED,
    EXHAUSTED,
    FAILING,
    KINDS,
    LOOKUP_FAILING,
    RECOVERED,
    REPLAY_FINISHED,
    SOURCE_DEAD_LETTER,
    SOURCE_FAILING,
    connection_failing,
    dead_letter_fact,
    lookup_failing,
    source_failing,
)
from tidings.egress.port import MailFailed
from tidings.engine.delivery import health_tracker
from tidings.engine.events.intake import Acceptance, Draft, Overloaded
from tidings.store import port

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.fixture
def days_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who fails is looked at every ten minutes, and asked every hour: every half a minute, and
    every five, is most of what days cost."""
    monkeypatch.setattr(health_tracker, "REVIEW_EVERY_S", 10 * MINUTE)
    for module in (breaker, health_tracker):
        monkeypatch.setattr(module, "PAUSE_MAX_S", HOUR)


def test_each_fact_fits_the_schema_that_is_published_for_it() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", *KINDS)
        crm = await world.webhook("crm", "groupCreated", status=400)
        await world.event()
        await asyncio.sleep(1)
        health = port.StoredHealth(crm.number, 5, 12, "503", notified=50)
        world.failing(crm, health)
        world.notices.recovered(crm, 5, lambda: None)
        world.webhooks.disable(crm, GONE)
        finished = CATALOGUE.get(REPLAY_FINISHED)
        assert finished is not None
        world.notices.tell(REPLAY_FINISHED, ORG, finished.example["data"])
        source = ("src_000000000000b", "loyalty", "kafka")
        world.notices.tell(SOURCE_FAILING, ORG, source_failing(source, 5, "It must answer."))
        world.notices.tell(
            SOURCE_DEAD_LETTER, ORG, dead_letter_fact(source, 5, "no_value", "It must be.")
        )
        fact = lookup_failing("tier", ["welcome"], True, 5, 3, "It must answer.")
        world.notices.tell(LOOKUP_FAILING, ORG, fact)
        fact = connection_failing("mail", ["crm"], 5, "It must answer.")
        world.notices.tell(CONNECTION_FAILING, ORG, fact)
        await asyncio.sleep(5)
        told = world.told()
        assert {event["eventName"] for event in told} == set(KINDS)
        for event in told:
            assert CATALOGUE.check(event["eventName"], event) == []
            kind = CATALOGUE.get(event["eventName"])
            assert kind is not None
            assert set(event["data"]) == set(kind.example["data"]), event["eventName"]
        assert {row["eventName"] for row in world.receivers.got["/watch"]} == set(KINDS)

    in_world(scenario)


def test_the_same_fact_is_told_once_also_after_a_restart() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        for since in (5, 5, 6):
            world.failing(crm, port.StoredHealth(crm.number, since, 12, "503", notified=50))
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=70))
        await asyncio.sleep(3)
        facts = [event["data"] for event in world.told(FAILING)]
        assert [(fact["failingSince"], fact["percent"]) for fact in facts] == [
            (5, 50),
            (6, 50),
            (5, 70),
        ]
        assert len({event["eventId"] for event in world.told()}) == 3

    in_world(scenario)


def test_an_event_about_a_webhook_is_not_delivered_to_it() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("one", FAILING)
        two = await world.webhook("two", FAILING)
        world.failing(two, port.StoredHealth(two.number, 5, 12, "503", notified=50))
        await asyncio.sleep(3)
        assert world.receivers.tries == {"/one": 1}

    in_world(scenario)


def test_ended_deliveries_are_told_once_a_minute_with_their_count() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", EXHAUSTED)
        await world.webhook("crm", "groupCreated", status=400)
        await world.event()
        await asyncio.sleep(1)
        for _ in range(7):
            await world.event()
            await asyncio.sleep(2)
        await asyncio.sleep(2 * MINUTE)
        first, then = (event["data"] for event in world.told(EXHAUSTED))
        assert (first["count"], first["failed"], first["cause"]) == (1, 1, "400")
        assert then["count"] == 7 and len(then["deliveryIds"]) == len(then["eventIds"]) == 7
        assert then["eventIds"][0] == "e2"
        assert first["webHookName"] == "crm" and first["host"] == "sim.example"

    in_world(scenario)


def test_what_is_parked_behind_an_open_breaker_is_counted_with_them() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.parts.base.heard.parked.tell(crm, 500)
        world.parts.base.heard.parked.tell(crm, 40)
        await asyncio.sleep(2 * MINUTE)
        facts = [event["data"] for event in world.told(EXHAUSTED)]
        assert sum(fact["parked"] for fact in facts) == 540 == sum(fact["count"] for fact in facts)

    in_world(scenario)


@pytest.mark.usefixtures("days_pass")
@pytest.mark.parametrize("status", [400, 410, 503])
def test_failing_subscribers_of_operational_events_start_no_loop(status: int) -> None:
    """Three webhooks that subscribe to everything and always fail: what is told comes to an end."""

    async def scenario(world: NoticeWorld) -> None:
        for name in ("a", "b", "c"):
            await world.webhook(name, "groupCreated", *KINDS, status=status)
        for _ in range(5):
            await world.event()
        counts = []
        for _ in range(12):
            await asyncio.sleep(DAY)
            counts.append(len(world.told()))
        # Of each webhook: its own five events, in as many batches at most; three steps; its end.
        assert counts[-1] <= 3 * (5 + 3 + 1)
        for event in world.told(EXHAUSTED):
            named = set(event["data"]["eventIds"])
            assert named <= {f"e{number}" for number in range(1, 6)}, "never of an operational one"
        await asyncio.sleep(30 * DAY)
        assert len(world.told()) == counts[-1], "it has ended"

    in_world(scenario)


def test_a_410_tells_of_the_end_and_of_what_was_parked() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", DISABLED)
        await world.webhook("crm", "groupCreated", status=503)
        for _ in range(20):
            await world.event()
        await asyncio.sleep(1)
        world.receivers.status["/crm"] = 410
        await asyncio.sleep(HOUR)
        [event] = world.told(DISABLED)
        assert "410" in event["data"]["reason"]
        [(parked,)] = world.store.half.connection.execute(
            "SELECT count(*) FROM delivery WHERE state = 5"
        ).fetchall()
        assert isinstance(parked, int) and event["data"]["parked"] == parked > 0
        assert [row["eventId"] for row in world.receivers.got["/watch"]] == [event["eventId"]]

    in_world(scenario)


@pytest.mark.usefixtures("days_pass")
def test_eight_days_of_failing_are_told_at_each_step_and_at_the_end_once() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", *KINDS)
        await world.webhook("crm", "groupCreated", status=500)
        for _ in range(24 * 9):
            await world.event()
            await asyncio.sleep(HOUR)
        percents = [event["data"]["percent"] for event in world.told(FAILING)]
        assert percents == [0, 50, 70, 90]
        [end] = world.told(DISABLED)
        assert end["data"]["parked"] > 0 and end["data"]["failingSince"] is not None
        assert not world.told(RECOVERED)

    in_world(scenario)


@pytest.mark.usefixtures("days_pass")
def test_a_recovery_is_told_where_the_failing_was() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", *KINDS)
        await world.webhook("crm", "groupCreated", status=500)
        for _ in range(24 * 5):
            await world.event()
            await asyncio.sleep(HOUR)
        world.receivers.status["/crm"] = 200
        await world.event()
        await asyncio.sleep(DAY)
        [event] = world.told(RECOVERED)
        assert event["data"]["failedForInSeconds"] >= 4 * DAY
        assert [row["data"]["percent"] for row in world.told(FAILING)] == [0, 50]

    in_world(scenario)


@pytest.mark.parametrize("every_s", [1, 20, 10_000], ids=["busy", "calm", "one event"])
@pytest.mark.parametrize("status", [500, 503, 404])
def test_an_owner_hears_within_half_an_hour_of_a_receiver_that_only_fails(
    every_s: int, status: int
) -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", *KINDS)
        await world.webhook("crm", "groupCreated", status=status)
        for _ in range(max(1, 840 // every_s)):
            await world.event()
            await asyncio.sleep(min(every_s, 840))
        assert not world.told(FAILING)
        await asyncio.sleep(HOUR / 4)
        if status != 404 or every_s < 1000:  # one that is refused for good is no proof
            [event] = world.told(FAILING)
            assert event["data"]["percent"] == 0
            assert event["data"]["cause"] == str(status)
            waited_ms = event["createdAt"] - event["data"]["failingSince"]
            assert 15 * 60_000 <= waited_ms <= 21 * 60_000
        await asyncio.sleep(HOUR)
        assert len(world.told(FAILING)) <= 1

    in_world(scenario)


def test_an_owner_hears_nothing_of_a_receiver_that_succeeds_now_and_then() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("watch", *KINDS)
        await world.webhook("crm", "groupCreated", status=500)
        for minute in range(60):
            world.receivers.status["/crm"] = 200 if minute % 5 == 4 else 500
            await world.event()
            await asyncio.sleep(60)
        assert not world.told(FAILING)
        world.receivers.status["/crm"] = 500
        for _ in range(60):
            await world.event()
            await asyncio.sleep(60)
        assert world.told(FAILING), "of one that only fails there is word"

    in_world(scenario)


def test_a_store_that_takes_no_writes_holds_facts_up_and_loses_none() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.store.down = True
        for since in range(5):
            world.failing(crm, port.StoredHealth(crm.number, since + 1, 12, "503", notified=50))
        await asyncio.sleep(20)
        assert not world.told()
        world.store.down = False
        await asyncio.sleep(10)
        assert len(world.told(FAILING)) == 5

    in_world(scenario)


def test_a_full_queue_of_commits_holds_facts_up_and_loses_none() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        accept, refused = world.notices._intake.accept, 0

        async def full_at_first(drafts: list[Draft]) -> list[Acceptance]:
            nonlocal refused
            if refused < 3:
                refused += 1
                raise Overloaded("commits take too long")
            return await accept(drafts)

        world.notices._intake = cast(Any, SimpleNamespace(accept=full_at_first))
        for since in range(5):
            world.failing(crm, port.StoredHealth(crm.number, since + 1, 12, "503", notified=50))
        await asyncio.sleep(20)
        assert refused == 3 and len(world.told(FAILING)) == 5

    in_world(scenario)


def test_a_stop_tells_what_was_gathered() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("crm", "groupCreated", status=400)
        for _ in range(4):
            await world.event()
            await asyncio.sleep(1)
        await world.notices.flush()
        assert sum(event["data"]["count"] for event in world.told(EXHAUSTED)) == 4

    in_world(scenario)


def test_letters_go_to_the_orgs_addresses_once_an_hour_for_ended_deliveries() -> None:
    async def scenario(world: NoticeWorld) -> None:
        world.addresses[ORG] = ("ops@example.test", "boss@example.test")
        crm = await world.webhook("crm", "groupCreated", status=400)
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        for _ in range(30):
            await world.event()
            await asyncio.sleep(MINUTE)
        await asyncio.sleep(HOUR)
        subjects = [subject for _, _, subject, _ in world.post.sent]
        assert subjects == [
            "Webhook crm fails: 50 % of the way to being disabled",
            "Webhook crm: 1 delivery has ended without success",
            "Webhook crm fails",
            "Webhook crm: 29 deliveries have ended without success",
        ]
        assert all(to == world.addresses[ORG] for _, to, _, _ in world.post.sent)
        assert "What to do" in world.post.sent[0][3]

    in_world(scenario)


def test_letters_are_tried_again_and_given_up_in_the_end() -> None:
    async def scenario(world: NoticeWorld) -> None:
        world.addresses[ORG] = ("ops@example.test",)
        crm = await world.webhook("crm", "groupCreated")
        world.post.fail = MailFailed("the mail server answers 451")
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        await asyncio.sleep(2 * MINUTE)
        assert world.post.tries == 2
        world.post.fail = None
        await asyncio.sleep(10 * MINUTE)
        assert len(world.post.sent) == 1
        world.post.fail, world.post.tries = MailFailed("no", final=True), 0
        world.failing(crm, port.StoredHealth(crm.number, 6, 12, "503", notified=50))
        await asyncio.sleep(DAY)
        assert world.post.tries == 1
        world.post.fail, world.post.tries = MailFailed("451"), 0
        world.failing(crm, port.StoredHealth(crm.number, 7, 12, "503", notified=50))
        await asyncio.sleep(DAY)
        assert world.post.tries == 5 and len(world.post.sent) == 1

    in_world(scenario)


def test_a_fact_that_is_told_again_is_one_letter() -> None:
    async def scenario(world: NoticeWorld) -> None:
        world.addresses[ORG] = ("ops@example.test",)
        crm = await world.webhook("crm", "groupCreated")
        for _ in range(3):
            world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
            await asyncio.sleep(MINUTE)
        assert len(world.told(FAILING)) == 1 and len(world.post.sent) == 1
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=70))
        await asyncio.sleep(MINUTE)
        assert len(world.told(FAILING)) == 2 and len(world.post.sent) == 2

    in_world(scenario)


def test_an_org_without_addresses_gets_no_letter_and_its_events_all_the_same() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated")
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        await asyncio.sleep(MINUTE)
        assert world.told() and not world.post.tries

    in_world(scenario)


def test_events_stay_in_their_org() -> None:
    async def scenario(world: NoticeWorld) -> None:
        await world.webhook("theirs", *KINDS, org=2)
        crm = await world.webhook("crm", "groupCreated")
        world.failing(crm, port.StoredHealth(crm.number, 5, 12, "503", notified=50))
        await asyncio.sleep(MINUTE)
        assert [event["orgId"] for event in world.told()] == [ORG]
        assert "/theirs" not in world.receivers.tries

    in_world(scenario)


def test_what_is_told_holds_no_path_and_no_query_of_the_receiver() -> None:
    async def scenario(world: NoticeWorld) -> None:
        crm = await world.webhook("crm", "groupCreated", status=410)
        await world.event()
        await asyncio.sleep(MINUTE)
        assert world.told()
        assert "sim.example/" not in json.dumps(world.told()) and crm.url.endswith("/crm")

    in_world(scenario)
