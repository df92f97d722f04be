"""`/v3/events/consumer-groups/{consumerGroupId}`: logs and metrics."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.control_client import BASIC, START_MS, Service, service
from tests.api.log_client import accept, settle
from tidings.api.v3 import logs as v3_logs
from tidings.core.delivery.next_attempt import NextAttempt
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId
from tidings.store import port
from tidings.store.port import ROWS_MAX

DAY_MS = 86_400_000


class Hook:
    """A webhook and its log."""

    def __init__(self, s: Service, number: int, group: str) -> None:
        self.s, self.number, self.group = s, number, group

    async def page(self, auth: str = "", **query: Any) -> Any:
        """`data` of a page."""
        reply = await self.ask(auth, **query)
        assert reply.status == 200, reply.body
        return reply.json["data"]

    async def ask(self, auth: str = "", **query: Any) -> Any:
        """The answer to the question for a page."""
        path = f"/v3/events/consumer-groups/{self.group}/logs"
        return await self.s.call("GET", f"{path}?{urlencode(query)}", auth=auth)

    async def ids(self, **query: Any) -> list[str]:
        """Event ids of all pages in turn."""
        found: list[str] = []
        cursor = None
        for _ in range(100):
            data = await self.page(**query, **({"cursor": cursor} if cursor else {}))
            found += [row["eventId"] for row in data["events"]]
            if (cursor := data["paging"]["next"]) is None:
                return found
        raise AssertionError("the pages do not end")

    async def metrics(self, **query: Any) -> Any:
        path = f"/v3/events/consumer-groups/{self.group}/metrics?{urlencode(query)}"
        return await self.s.call("GET", path)


async def make(s: Service, **fields: Any) -> Hook:
    data = (await s.call("POST", "/v3/webHooks", BASIC | fields)).json["data"]
    number = s.webhooks.get(OrgId(1), data["webHookId"]).webhook.number
    return Hook(s, number, data["consumerGroupId"])


async def fill(s: Service, hook: Hook) -> None:
    """Ten events, one a second: delivered, retrying, failed, pending in turn."""
    for n in range(10):
        name = "customerAdded" if n % 3 == 0 else "pointsIssued"
        [delivery] = await accept(
            s, f"e{n}", [hook.number], name=name, request=f"r{n % 2}", customer=f"c{n % 5}"
        )
        fate = (State.DELIVERED, State.RETRYING, State.FAILED, None)[n % 4]
        if fate is not None:
            status = {State.DELIVERED: 200, State.RETRYING: 503, State.FAILED: 400}[fate]
            await settle(s, delivery, hook.number, fate, status=status, took_ms=10 * (n + 1))
        s.clock.ms += 1000


async def aged(s: Service, hook: Hook) -> None:
    """One event that is 40 days old, and one of each stretch of the days since; every second one
    failed, the newest was delivered."""
    now_ms = s.clock.ms
    for n, age in enumerate((40, 20, 10, 5, 2, 0.5)):
        s.clock.ms = now_ms - int(age * DAY_MS)
        [delivery] = await accept(s, f"e{n}", [hook.number])
        state = State.DELIVERED if n % 2 else State.FAILED
        await settle(s, delivery, hook.number, state, status=200 if n % 2 else 400)
    s.clock.ms = now_ms


async def test_a_row_holds_the_originals_fields_and_what_it_is_sorted_by() -> None:
    async with service() as s:
        hook = await make(s)
        [delivery] = await accept(s, "e1", [hook.number], ref="1_1", request="r")
        await settle(s, delivery, hook.number, took_ms=0)
        data = await hook.page()
        assert data == {
            "consumerGroupId": hook.group,
            "events": [
                {
                    "refId": "1_1",
                    "requestId": "r",
                    "eventName": "pointsIssued",
                    "eventId": "e1",
                    "consumerGroupId": hook.group,
                    "eventIngestionTimestamp": "2026-02-11T09:15:00.000+0000",
                    "eventStartTimestamp": "2026-02-11T09:15:00.000+0000",
                    "eventEndTimestamp": "2026-02-11T09:15:00.000+0000",
                    "slaBreachTimestamp": None,
                    "consumerResponse": {"webhookHttpStatus": 200, "time_taken": 0},
                    "eventType": "pointsIssued",
                    "deliveryId": data["events"][0]["deliveryId"],
                    "status": "Delivered",
                    "state": "delivered",
                    "attempts": 1,
                    "webhookDuration": 0,
                }
            ],
            "paging": {"limit": 50, "next": None},
        }
        found = await s.call("GET", f"/v1/deliveries/{data['events'][0]['deliveryId']}")
        assert found.status == 200 and found.json["eventId"] == "e1"


async def test_a_retry_counts_once_it_has_begun() -> None:
    async with service() as s:
        hook = await make(s)
        [delivery] = await accept(s, "e1", [hook.number])
        await settle(s, delivery, hook.number, State.RETRYING, status=503)
        s.clock.ms += 60_000
        take = port.Batch(0, claims=[port.RetryClaim(hook.number, 1)])
        assert len((await s.store.commit(take)).claimed) == 1
        s.next_attempts[delivery] = NextAttempt(claimed=True)
        assert [row["attempts"] for row in (await hook.page())["events"]] == [1]
        s.next_attempts[delivery] = NextAttempt(begun=2)
        assert [row["attempts"] for row in (await hook.page())["events"]] == [2]


@pytest.mark.parametrize("limit", [1, 3, 10, 50])
async def test_pages_in_either_direction_show_each_row_once(limit: int) -> None:
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        newest = [f"e{n}" for n in range(9, -1, -1)]
        assert await hook.ids(limit=limit) == newest
        asc = "eventIngestionTimestamp:asc"
        assert await hook.ids(limit=limit, sortBy=asc) == newest[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"eventType": "customerAdded"}, [9, 6, 3, 0]),
        ({"eventType": "customerAdded,nothing"}, [9, 6, 3, 0]),
        ({"eventType": "nothing"}, []),
        ({"eventSearchKey": "c4"}, [9, 4]),
        ({"requestId": "r1"}, [9, 7, 5, 3, 1]),
        ({"apiRequestId": "r1", "eventSearchKey": "c4"}, [9]),
        ({"status": "Delivered"}, [8, 4, 0]),
        ({"status": "success"}, [8, 4, 0]),
        ({"status": "Failed,Retrying"}, [9, 6, 5, 2, 1]),
        ({"status": "pending", "eventType": "customerAdded"}, [3]),
        ({"startDate": START_MS + 2000, "endDate": START_MS + 4000}, [4, 3, 2]),
        ({"startDate": START_MS + 9001}, []),
        ({"eventType": "pointsIssued", "eventSearchKey": "c0", "status": "Retrying"}, [5]),
    ],
)
async def test_filters_combine(query: dict[str, Any], expected: list[int]) -> None:
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        assert await hook.ids(limit=2, **query) == [f"e{n}" for n in expected]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("webhookDuration:desc", [9, 8, 6, 5, 4, 2, 1, 0, 7, 3]),
        ("webhookDuration:asc", [7, 3, 0, 1, 2, 4, 5, 6, 8, 9]),
        ("webhookDuration", [9, 8, 6, 5, 4, 2, 1, 0, 7, 3]),
        ("eventType:asc", [9, 6, 3, 0, 8, 7, 5, 4, 2, 1]),
        ("eventType:desc", [8, 7, 5, 4, 2, 1, 9, 6, 3, 0]),
        ("status:asc", [8, 4, 0, 6, 2, 7, 3, 9, 5, 1]),
    ],
)
async def test_it_is_sorted_by_what_is_asked_and_then_the_newest_first(
    sort: str, expected: list[int]
) -> None:
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        for limit in (3, 50):
            assert await hook.ids(limit=limit, sortBy=sort) == [f"e{n}" for n in expected]


async def test_what_comes_while_sorted_pages_are_turned_does_not_move_them() -> None:
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        query: dict[str, Any] = {"sortBy": "eventType:asc", "limit": 5}
        first = await hook.page(**query)
        await accept(s, "new", [hook.number], name="customerAdded")
        second = await hook.page(**query, cursor=first["paging"]["next"])
        ids = [row["eventId"] for data in (first, second) for row in data["events"]]
        assert ids == [f"e{n}" for n in (9, 6, 3, 0, 8, 7, 5, 4, 2, 1)]
        assert second["paging"]["next"] is None, "the last row was its last one"


async def test_a_sort_over_more_than_is_sorted_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v3_logs, "SORTED_MAX", 4)
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        reply = await hook.ask(sortBy="webhookDuration:desc")
        ids = [row["eventId"] for row in reply.json["data"]["events"]]
        assert ids == ["e9", "e8", "e6", "e7"]
        assert [row["code"] for row in reply.json["warnings"]] == ["newest_sorted"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"sortBy": "password:asc"}, "bad_sort"),
        ({"sortBy": "eventType:up"}, "bad_sort"),
        ({"cursor": "x"}, "bad_cursor"),
        ({"cursor": "a5"}, "bad_cursor"),  # of the other direction
        ({"cursor": "s5-5"}, "bad_cursor"),
        ({"cursor": "d5", "sortBy": "eventType"}, "bad_cursor"),
        ({"limit": 0}, "out_of_range"),
        ({"limit": 201}, "out_of_range"),
        ({"limit": "many"}, "bad_type"),
        ({"limit": ""}, "bad_type"),
        ({"status": "Lost"}, "bad_status"),
        ({"startDate": "yesterday"}, "bad_parameter"),
        ({"startDate": 5, "endDate": 4}, "bad_period"),
        ({"eventSearchKey": "x" * 256}, "bad_parameter"),
        ({"eventType": ",".join("x" * 101)}, "bad_parameter"),
    ],
)
async def test_a_question_that_cannot_be_is_refused(query: dict[str, Any], code: str) -> None:
    async with service() as s:
        hook = await make(s)
        reply = await hook.ask(**query)
        assert reply.status == 400 and reply.json["data"] is None
        [error] = reply.json["errors"]
        assert error["code"] == code and error["message"].endswith(
            f"({code}, field {error['field']})"
        )


@pytest.mark.parametrize(
    "query",
    [
        {"page": "2"},
        {"page": "1", "size": "3"},
        {"pageNumber": 0, "pageSize": 3, "offset": 3},
        {"eventtype": "nothing"},
        {"page": "x" * 9000},
        {"x" * 900: "1"},
        {f"p{n}": n for n in range(300)},
    ],
)
async def test_a_parameter_that_is_passed_over_is_told_and_changes_nothing(
    query: dict[str, Any],
) -> None:
    """The original's names for paging are not documented: whoever sends some must not take each
    answer for another page without being told."""
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        plain = await hook.ask(limit=4)
        assert plain.json["warnings"] is None
        reply = await hook.ask(limit=4, **query)
        assert reply.status == 200 and reply.json["data"] == plain.json["data"]
        warned = [(row["code"], row["field"]) for row in reply.json["warnings"]]
        assert warned == [("parameter_passed_over", name[:64]) for name in query][:20]
        for row in reply.json["warnings"]:
            assert "paging.next" in row["message"] and len(row["message"]) < 500
        metrics = await hook.metrics(**query)
        assert [row["field"] for row in metrics.json["warnings"]] == [row for _, row in warned]
        assert metrics.json["data"] == (await hook.metrics()).json["data"]


async def test_an_unknown_or_foreign_group_is_400() -> None:
    async with service() as s:
        other = await s.add_org(2)
        hook = await make(s)
        for tail in ("logs", "metrics"):
            path = "/v3/events/consumer-groups/{}/" + tail
            foreign = await s.call("GET", path.format(hook.group), auth=other)
            unknown = await s.call("GET", path.format("f" * 36), auth=other)
            assert foreign.status == unknown.status == 400
            assert foreign.json["errors"][0]["code"] == 400
            assert foreign.body.replace(hook.group.encode(), b"f" * 36) == unknown.body
            assert (await s.call("GET", path.format(hook.group), auth=None)).status == 401
            none = await s.add_org(3, "events:write logs:read")
            assert (await s.call("GET", path.format(hook.group), auth=none)).status == 403


async def test_a_deleted_webhook_keeps_its_log() -> None:
    async with service() as s:
        hook = await make(s)
        await fill(s, hook)
        id = s.webhooks.by_number(hook.number)
        assert id is not None
        await s.call("DELETE", f"/v3/webHooks/{id.webhook.id}")
        await s.webhooks.retired()
        assert len(await hook.ids()) == 10


async def test_a_child_s_events_are_found_by_their_search_key_at_the_parents_webhook() -> None:
    async with service() as s:
        await s.add_org(7, parent=1)
        hook = await make(s, listenToChildEvents=True)
        await accept(s, "mine", [hook.number], customer="c")
        await accept(s, "childs", [hook.number], org=7, customer="c")
        await accept(s, "others", [hook.number], org=7, customer="d")
        assert await hook.ids(eventSearchKey="c", limit=1) == ["childs", "mine"]


class TestMetrics:
    """The totals of a webhook."""

    async def test_the_sum_of_the_four_is_the_total(self) -> None:
        async with service() as s:
            hook = await make(s)
            await fill(s, hook)
            reply = await hook.metrics()
            assert reply.status == 200
            assert reply.json["data"] == {
                "totalEvents": 10,
                "deliveredEvents": 3,
                "failedEvents": 2,
                "pendingEvents": 2,
                "retryingEvents": 3,
                "averageDeliveryTime": 0,
                "startDate": s.clock.ms - 30 * DAY_MS,
                "endDate": s.clock.ms,
            }
            assert reply.json["warnings"] is None

    async def test_parked_counts_as_pending_and_cancelled_as_failed(self) -> None:
        async with service() as s:
            hook = await make(s)
            webhook = hook.number
            for n in range(3):
                await accept(s, f"p{n}", [webhook])
            await s.store.retire(webhook, State.PARKED, 3)
            await accept(s, "c", [webhook])
            await s.store.retire(webhook, State.CANCELLED, 1)
            await accept(s, "w", [webhook])
            data = (await hook.metrics()).json["data"]
            assert (data["pendingEvents"], data["failedEvents"]) == (4, 1)
            assert data["totalEvents"] == 5 and data["averageDeliveryTime"] is None

    async def test_both_ends_of_the_period_belong_to_it(self) -> None:
        async with service() as s:
            hook = await make(s)
            await fill(s, hook)
            dates = {"startDate": START_MS + 2000, "endDate": START_MS + 5000}
            data = (await hook.metrics(**dates)).json["data"]
            assert data["totalEvents"] == 4
            assert dates.items() <= data.items()

    async def test_the_average_is_from_accept_to_delivered(self) -> None:
        async with service() as s:
            hook = await make(s)
            for id, took_ms in (("a", 100), ("b", 251)):
                [delivery] = await accept(s, id, [hook.number])
                s.clock.ms += took_ms
                await settle(s, delivery, hook.number, took_ms=5)
            data = (await hook.metrics()).json["data"]
            assert data["averageDeliveryTime"] == 175.5

    @pytest.mark.parametrize(("days", "count"), [(1, 1), (3, 2), (7, 3), (15, 4), (30, 5)])
    async def test_over_the_days_that_the_originals_screen_offers(
        self, days: int, count: int
    ) -> None:
        """By the original's call and by ours, the same numbers."""
        async with service() as s:
            hook = await make(s)
            await aged(s, hook)
            dates = {"startDate": s.clock.ms - days * DAY_MS, "endDate": s.clock.ms}
            data = (await hook.metrics(**dates)).json["data"]
            failed = count // 2
            parts = ("totalEvents", "deliveredEvents", "failedEvents")
            assert [data[part] for part in parts] == [count, count - failed, failed]
            found = s.webhooks.by_number(hook.number)
            assert found is not None
            path = f"/v1/webHooks/{found.webhook.id}/tally?from={dates['startDate']}"
            tally = (await s.call("GET", path)).json
            assert [tally[part] for part in ("total", "delivered", "failed")] == [
                count,
                count - failed,
                failed,
            ]

    async def test_without_dates_it_is_the_last_30_days_and_with_an_end_the_30_days_before_it(
        self,
    ) -> None:
        """The original's page says the last 30 days in one place and all that is kept in another,
        where it keeps 30 days: what is older was never told by it."""
        async with service() as s:
            hook = await make(s)
            await aged(s, hook)
            now_ms = s.clock.ms
            for query, total in (({}, 5), ({"endDate": now_ms - 12 * DAY_MS}, 2)):
                data = (await hook.metrics(**query)).json["data"]
                assert data["totalEvents"] == total, query
                assert data["endDate"] == query.get("endDate", now_ms)
                assert data["startDate"] == data["endDate"] - 30 * DAY_MS
            start = {"startDate": now_ms - 60 * DAY_MS}
            data = (await hook.metrics(**start)).json["data"]
            assert (data["totalEvents"], data["endDate"]) == (6, now_ms)

    @pytest.mark.parametrize(
        "query", [{"startDate": "x"}, {"endDate": "-1"}, {"startDate": 9, "endDate": 8}]
    )
    async def test_a_period_that_cannot_be_is_refused(self, query: dict[str, Any]) -> None:
        async with service() as s:
            reply = await (await make(s)).metrics(**query)
            assert reply.status == 400 and reply.json["errors"][0]["field"] in query


def test_what_is_asked_of_the_store_fits_its_port() -> None:
    assert v3_logs.SORTED_MAX >= ROWS_MAX
