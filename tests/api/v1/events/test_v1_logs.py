"""`GET /v1/deliveries` and `/v1/events`: filters combine, cursors lead to both sides."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.api.control_client import BASIC, START_MS, Service, event, service
from tidings.core.delivery.states import State
from tidings.core.ids import DeliveryId, OrgId
from tidings.engine.events.intake import Draft
from tidings.store import port


async def webhook(s: Service, org: int = 1, **fields: Any) -> Any:
    record, _, _ = await s.webhooks.create(OrgId(org), BASIC | fields, "boss")
    return record.webhook


async def accept(
    s: Service,
    id: str,
    *webhooks: Any,
    name: str = "pointsIssued",
    org: int = 1,
    kept: Sequence[str] = (),
    **values: str,
) -> int:
    """Commit an event that is found by `values`, and by `kept` however those are written; the id of
    its first delivery."""
    plain = event(name, id, [port.NewDelivery(webhook.number, 1) for webhook in webhooks], org)
    terms = b"".join(s.terms.of(OrgId(org), value) for value in values.values()) + s.terms.kept(
        OrgId(org), kept
    )
    fresh = msgspec.structs.replace(plain, terms=terms, warning=None)
    receipt = await s.store.commit(port.Batch(s.registry.version, [fresh]))
    return int(receipt.firsts[0])


async def settle(s: Service, delivery: int, hook: Any, state: State, **more: Any) -> None:
    outcome = port.Settlement(
        DeliveryId(delivery), hook.number, None, int(state), 1, 1, START_MS, 12, 200, **more
    )
    await s.store.commit(port.Batch(s.registry.version, settled=[outcome]))


async def ids(s: Service, query: str, auth: str = "") -> list[str]:
    reply = await s.call("GET", f"/v1/deliveries?{query}", auth=auth)
    assert reply.status == 200, reply.body
    return [row["eventId"] for row in reply.json["deliveries"]]


async def story(s: Service) -> tuple[Any, Any]:
    """Six events, one a second, at two webhooks."""
    crm, shop = await webhook(s), await webhook(s, name="shop")
    for n in range(6):
        hooks = (crm, shop) if n == 0 else (crm if n % 2 else shop,)
        first = await accept(
            s,
            f"e-{n}",
            *hooks,
            name="customerAdded" if n == 4 else "pointsIssued",
            customer="4711" if n < 3 else "4712",
            request=f"r-{n}",
        )
        if n in (1, 4):
            await settle(s, first, crm if n == 1 else shop, State.FAILED)
        s.clock.ms += 1000
    return crm, shop


async def test_filters_of_deliveries_combine() -> None:
    async with service() as s:
        crm, shop = await story(s)
        assert await ids(s, "") == ["e-5", "e-4", "e-3", "e-2", "e-1", "e-0", "e-0"]
        for query, wanted in {
            f"webHookId={crm.id}": ["e-5", "e-3", "e-1", "e-0"],
            f"webHookId={crm.id},{shop.id}&states=failed": ["e-4", "e-1"],
            "states=failed&eventName=customerAdded": ["e-4"],
            "q=4711": ["e-2", "e-1", "e-0", "e-0"],
            f"q=4711&states=pending&webHookId={shop.id}": ["e-2", "e-0"],
            "requestId=r-2&q=4711": ["e-2"],
            "requestId=r-2&q=4712": [],
            "eventId=e-0": ["e-0", "e-0"],
            f"eventId=e-0&webHookId={crm.id}": ["e-0"],
            "eventId=e-0&q=4711": ["e-0", "e-0"],
            "eventId=e-0&q=4712": [],
            "eventId=nothing": [],
            f"from={START_MS + 3000}": ["e-5", "e-4", "e-3"],
            "from=2026-02-11T09:15:01Z&to=2026-02-11T09:15:03%2B00:00": ["e-2", "e-1"],
            "from=2026-02-11T09:15:05": ["e-5"],
            "states=parked,cancelled": [],
            "eventName=unheardOf": [],
        }.items():
            assert await ids(s, query) == wanted, query


async def events(s: Service, query: str, auth: str = "") -> list[str]:
    reply = await s.call("GET", f"/v1/events?{query}", auth=auth)
    assert reply.status == 200, reply.body
    return [row["eventId"] for row in reply.json["events"]]


async def test_events_are_found_by_the_webhooks_that_got_them_and_what_came_of_it() -> None:
    async with service() as s:
        crm, shop = await story(s)
        await accept(s, "e-6", customer="4712")  # nobody wanted it
        for query, wanted in {
            f"webHookId={crm.id}": ["e-5", "e-3", "e-1", "e-0"],
            f"webHookId={shop.id}": ["e-4", "e-2", "e-0"],
            f"webHookId={crm.id},{shop.id}": ["e-5", "e-4", "e-3", "e-2", "e-1", "e-0"],
            "states=failed": ["e-4", "e-1"],
            "states=failed,pending": ["e-5", "e-4", "e-3", "e-2", "e-1", "e-0"],
            f"webHookId={shop.id}&states=failed": ["e-4"],
            f"webHookId={shop.id}&states=failed&eventName=pointsIssued": [],
            "states=failed&eventName=customerAdded": ["e-4"],
            f"q=4711&webHookId={crm.id}&states=pending": ["e-0"],
            "requestId=r-1&states=failed": ["e-1"],
            "requestId=r-1&states=pending": [],
            f"eventId=e-0&webHookId={crm.id}": ["e-0"],
            f"eventId=e-1&webHookId={shop.id}": [],
            f"from={START_MS + 2000}&states=failed": ["e-4"],
            f"to={START_MS + 2000}&states=failed": ["e-1"],
            "matched=true&states=failed": ["e-4", "e-1"],
            "matched=false&states=failed": [],
            "matched=false": ["e-6"],
            "states=parked": [],
        }.items():
            assert await events(s, query) == wanted, query
        first = (await s.call("GET", f"/v1/events?webHookId={crm.id}&limit=2")).json
        assert [row["eventId"] for row in first["events"]] == ["e-5", "e-3"]
        on = f"webHookId={crm.id}&limit=2&cursor="
        second = (await s.call("GET", f"/v1/events?{on}{first['older']}")).json
        assert [row["eventId"] for row in second["events"]] == ["e-1", "e-0"]
        assert await events(s, on + second["newer"]) == ["e-5", "e-3"]


async def test_what_a_webhook_of_another_org_got_is_no_fate_of_ones_own() -> None:
    async with service() as s:
        child = await s.add_org(7, parent=1)
        above = await webhook(s, listenToChildEvents=True)
        delivery = await accept(s, "c-1", above, org=7)
        await settle(s, delivery, above, State.FAILED)
        assert await events(s, "states=failed", child) == [], "it has no webhook"
        await webhook(s, 7)
        assert await events(s, "states=failed", child) == []
        reply = await s.call("GET", f"/v1/events?webHookId={above.id}", auth=child)
        assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")
        reply = await s.call("GET", "/v1/events?states=lost")
        assert (reply.status, reply.json["error"]["code"]) == (400, "bad_states")


async def test_cursors_lead_through_all_pages_and_back() -> None:
    async with service() as s:
        await story(s)
        whole = await ids(s, "")
        pages = []
        reply = (await s.call("GET", "/v1/deliveries?limit=3")).json
        while True:
            pages.append([row["eventId"] for row in reply["deliveries"]])
            if reply["older"] is None:
                break
            query = f"limit=3&cursor={reply['older']}"
            reply = (await s.call("GET", f"/v1/deliveries?{query}")).json
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [row for page in pages for row in page] == whole
        back = await ids(s, f"limit=3&cursor={reply['newer']}")
        assert back == pages[1]


@pytest.mark.parametrize("query", ["", "q=4711&", "eventName=pointsIssued&", "states=pending&"])
@pytest.mark.parametrize("log", ["deliveries", "events"])
async def test_an_empty_newest_page_loses_nothing_of_what_comes_then(log: str, query: str) -> None:
    async with service() as s:
        hook = await webhook(s)

        async def page(on: str | None = None) -> tuple[list[str], str | None]:
            cursor = "" if on is None else f"&cursor={on}"
            told = (await s.call("GET", f"/v1/{log}?{query}limit=2{cursor}")).json
            return [row["eventId"] for row in told[log]][::-1], told["newer"]

        assert await page() == ([], None), "there is nothing to go on from: it is asked again"
        await accept(s, "n-0", hook, customer="4711")
        found, on = await page()
        assert found == ["n-0"] and on is not None
        for _ in range(2):  # what came since: nothing, and a cursor to ask again with
            nothing, on = await page(on)
            assert nothing == [] and on is not None
        for n in range(1, 6):
            await accept(s, f"n-{n}", hook, customer="4711")
            await accept(s, f"other-{n}", customer="4712", name="groupCreated")
        for _ in range(8):
            more, on = await page(on)
            assert on is not None
            found += [text for text in more if text.startswith("n-")]
        assert found == [f"n-{n}" for n in range(6)]


async def test_a_row_says_when_it_became_late() -> None:
    async with service() as s:
        await story(s)  # slaInSeconds is 30
        s.clock.ms = START_MS + 31_500
        rows = (await s.call("GET", "/v1/deliveries?eventName=pointsIssued")).json["deliveries"]
        late = {row["eventId"]: row["slaBreachedAt"] for row in rows}
        assert late["e-0"] == "2026-02-11T09:15:30.000Z"
        assert late["e-1"] is None, "it ended in time"
        assert late["e-3"] is None, "it may still come in time"


async def test_a_parent_finds_child_events_by_values_and_sees_only_its_own_deliveries() -> None:
    async with service() as s:
        child = await s.add_org(7, parent=1)
        above = await webhook(s, listenToChildEvents=True)
        below = await webhook(s, 7)
        await accept(s, "c-1", above, below, org=7, customer="4711")
        await accept(s, "p-1", above, customer="4711")
        await accept(s, "c-2", above, below, org=7, customer="4712")
        assert await ids(s, "q=4711") == ["p-1", "c-1"]
        assert await ids(s, "q=4711&limit=1") == ["p-1"]
        assert await ids(s, "eventId=c-1") == ["c-1"]
        assert await ids(s, "q=4711", child) == ["c-1"]
        assert await ids(s, "", child) == ["c-2", "c-1"]
        assert await ids(s, "eventId=p-1", child) == []
        reply = await s.call("GET", f"/v1/deliveries?webHookId={above.id}", auth=child)
        assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")
        first = (await s.call("GET", "/v1/deliveries?q=4711&limit=1")).json
        then = (await s.call("GET", f"/v1/deliveries?q=4711&cursor={first['older']}")).json
        assert [row["eventId"] for row in then["deliveries"]] == ["c-1"]
        back = (await s.call("GET", f"/v1/deliveries?q=4711&cursor={then['newer']}")).json
        assert [row["eventId"] for row in back["deliveries"]] == ["p-1"]


async def test_events_are_listed_without_bodies_and_those_that_nobody_wanted_by_asking() -> None:
    async with service() as s:
        await story(s)
        await accept(s, "lost", customer="4711")
        await accept(s, "theirs", org=2)
        reply = (await s.call("GET", "/v1/events")).json
        assert [row["eventId"] for row in reply["events"]] == [
            "lost",
            *(f"e-{n}" for n in range(5, -1, -1)),
        ]
        assert reply["events"][0] == {
            "eventId": "lost",
            "eventName": "pointsIssued",
            "orgId": 1,
            "acceptedAt": "2026-02-11T09:15:06.000Z",
            "warning": None,
            "refId": None,
            "requestId": None,
            "customerId": None,
            "deliveries": 0,
        }
        for query, wanted in {
            "matched=false": ["lost"],
            "matched=true&q=4711": ["e-2", "e-1", "e-0"],
            "eventName=customerAdded": ["e-4"],
            "eventId=e-3": ["e-3"],
            "eventId=e-3&q=4711": [],
            "eventId=theirs": [],
            "q=4711&limit=1": ["lost"],
        }.items():
            found = (await s.call("GET", f"/v1/events?{query}")).json["events"]
            assert [row["eventId"] for row in found] == wanted, query


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("limit=0", "out_of_range", "limit"),
        ("limit=201", "out_of_range", "limit"),
        ("limit=", "bad_type", "limit"),
        ("limit=2.5", "bad_type", "limit"),
        ("states=lost", "bad_states", "states"),
        ("status=lost", "bad_states", "status"),
        ("status=failed&states=failed", "given_twice", "status"),
        ("from=yesterday", "bad_time", "from"),
        ("cursor=older_1", "bad_cursor", "cursor"),
        ("cursor=dlv_0000000000001", "bad_cursor", "cursor"),
        ("q=" + "x" * 256, "bad_parameter", "q"),
        ("eventId=a%20b", "bad_parameter", "eventId"),
        ("webhook=1", "unknown_parameter", "webhook"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused_by_its_name(
    query: str, code: str, field: str
) -> None:
    async with service() as s:
        reply = await s.call("GET", f"/v1/deliveries?{query}")
        error = reply.json["error"]
        assert (reply.status, error["code"], error["path"]) == (400, code, field)
        assert "must" in error["message"] and "got" in error["message"]


async def test_the_logs_need_their_scope() -> None:
    async with service() as s:
        lower = await s.add_org(2, scopes="events:write")
        for path in ("/v1/deliveries", "/v1/events", "/v1/rejections", "/v1/inboxes"):
            assert (await s.call("GET", path, auth=lower)).status == 403
            assert (await s.call("GET", path, auth=None)).status == 401


async def test_a_webhooks_tally_says_what_it_was_answered() -> None:
    async with service() as s:
        crm = await webhook(s)
        path = f"/v1/webHooks/{crm.id}/tally"
        for n, status in enumerate((503, 200, 503, None)):
            delivery = await accept(s, f"e-{n}", crm)
            state = State.DELIVERED if status == 200 else State.RETRYING
            due_ms = None if state.final else START_MS + 60_000
            one = port.Settlement(
                DeliveryId(delivery),
                crm.number,
                None,
                int(state),
                1,
                1,
                START_MS,
                12,
                status,
                due_ms,
            )
            await s.store.commit(port.Batch(s.registry.version, settled=[one]))
        await accept(s, "e-untried", crm)
        s.clock.ms += 1000
        told = (await s.call("GET", path)).json
        assert told["total"] == 5 and told["failing"] == 3
        assert told["answers"] == [
            {"status": 503, "attempts": 2, "deliveries": 2},
            {"status": None, "attempts": 1, "deliveries": 1},
            {"status": 200, "attempts": 1, "deliveries": 1},
        ], "what was tried, the most frequent first"


async def test_what_waits_unsent_for_a_dead_receiver_counts_as_failing() -> None:
    async with service() as s:
        crm = await webhook(s)
        for n in range(6):
            await accept(s, f"e-{n}", crm)
        s.clock.ms += 1000
        path = f"/v1/webHooks/{crm.id}/tally"
        assert (await s.call("GET", path)).json["failing"] == 0, "it waits its turn"
        dead = port.StoredHealth(crm.number, START_MS, 12, "503", opens=1, until_ms=START_MS)
        known = {crm.number: dead}
        s.parts.delivery.engine.healths.shown = known.get  # type: ignore[assignment, method-assign]
        told = (await s.call("GET", path)).json
        assert (told["failing"], told["failed"], told["pending"]) == (6, 0, 6)


async def test_a_webhooks_tally_and_series_add_up() -> None:
    async with service() as s:
        crm, _ = await story(s)
        other = await s.add_org(2)
        s.clock.ms = START_MS + 40_000
        path = f"/v1/webHooks/{crm.id}"
        told = (await s.call("GET", f"{path}/tally")).json
        assert (told["total"], told["failed"], told["pending"]) == (4, 1, 3)
        assert (told["slaInSeconds"], told["slaBreaches"]) == (30, 3)
        assert (told["averageDeliveryTimeInMs"], told["notCountedYet"]) == (None, 0)
        some = await s.call("GET", f"{path}/tally?from={START_MS + 1000}&to={START_MS + 5000}")
        assert some.json["total"] == 2
        series = (await s.call("GET", f"{path}/series?points=12")).json
        assert sum(point["failed"] + point["pending"] for point in series["points"]) == 4
        assert series["stepInMs"] % 300_000 == 0
        for bad in ("tally?from=5&to=4", "tally?x=1", "series?points=0", "tally?from=0"):
            assert (await s.call("GET", f"{path}/{bad}")).status == 400, bad
        for call in ("tally", "series"):
            assert (await s.call("GET", f"{path}/{call}", auth=other)).status == 404


async def test_a_mobile_number_is_found_however_it_is_written() -> None:
    """Events of before, which were indexed by the value alone, and new ones."""
    async with service() as s:
        crm = await webhook(s)
        await accept(s, "old-plain", crm, mobile="919876543210")
        await accept(s, "old-plus", crm, mobile="+919876543210")
        await accept(s, "other", crm, mobile="919876543211", customer="4711")
        for id, mobile in {"new-plus": "+91 98765 43210", "new-plain": "919876543210"}.items():
            await accept(s, id, crm, kept=[mobile])
        wanted = ["new-plain", "new-plus", "old-plus", "old-plain"]
        for asked in (
            "919876543210",
            "%2B91%2098765%2043210",
            "+919876543210",
            "91-98765-43210",
        ):
            assert await ids(s, f"q={asked}") == wanted, asked
            events = (await s.call("GET", f"/v1/events?q={asked}")).json["events"]
            assert [event["eventId"] for event in events] == wanted, asked
            assert await ids(s, f"q={asked}&eventId=old-plus") == ["old-plus"]
            assert await ids(s, f"q={asked}&eventId=other") == []
            assert await ids(s, f"q={asked}&requestId=nothing") == []
        body = {"data": {"customerIdentifiers": {"mobile": "+44 20 7946 0958"}}}
        await s.acceptor.accept([Draft(OrgId(1), "pointsIssued", "accepted", b"{}", body)])
        events = (await s.call("GET", "/v1/events?q=442079460958")).json["events"]
        assert [event["eventId"] for event in events] == ["accepted"]


@pytest.mark.parametrize(("path", "begins", "ends"), [
    ("/v1/events", "from", "to"), ("/v1/deliveries", "from", "to"), ("/v1/audit", "since", "until"),
])  # fmt: skip
async def test_a_range_in_which_nothing_can_lie_is_refused(
    path: str, begins: str, ends: str
) -> None:
    async with service() as s:
        for query in (
            f"{begins}={START_MS}&{ends}={START_MS}",
            f"{begins}={START_MS}&{ends}={START_MS - 1}",
            f"{begins}={START_MS + 86_400_000}",
        ):
            refused = await s.call("GET", f"{path}?{query}")
            assert refused.status == 400, query
            error = refused.json["error"]
            assert error["code"] == "bad_range" and error["message"].startswith(begins), query
        for query in (f"{begins}={START_MS}", f"{ends}={START_MS + 86_400_000}"):
            assert (await s.call("GET", f"{path}?{query}")).status == 200, query
