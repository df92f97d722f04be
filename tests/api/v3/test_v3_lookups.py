"""`/v3/webHooks/eventLog`: by request, by reference, by event."""

from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, service
from tests.api.log_client import accept, settle
from tidings.api.v3 import lookups as v3_lookups
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId

FIELDS = [
    "refId",
    "requestId",
    "eventName",
    "eventId",
    "consumerGroupId",
    "eventIngestionTimestamp",
    "eventStartTimestamp",
    "eventEndTimestamp",
    "slaBreachTimestamp",
    "consumerResponse",
]


async def make(s: Service, org: int = 1, auth: str = "", **fields: Any) -> tuple[int, str]:
    """A webhook: its number, and its consumer group."""
    data = (await s.call("POST", "/v3/webHooks", BASIC | fields, auth)).json["data"]
    number = s.webhooks.get(OrgId(org), data["webHookId"]).webhook.number
    return number, data["consumerGroupId"]


async def test_an_event_is_one_object_with_the_originals_ten_fields() -> None:
    async with service() as s:
        number, group = await make(s)
        [delivery] = await accept(s, "e1", [number], ref="1_77", request="r-1")
        s.clock.ms += 3_500
        await settle(s, delivery, number, took_ms=195)
        reply = await s.call("GET", "/v3/webHooks/eventLog/e1")
        assert reply.status == 200
        assert reply.json == {
            "data": {
                "refId": "1_77",
                "requestId": "r-1",
                "eventName": "pointsIssued",
                "eventId": "e1",
                "consumerGroupId": group,
                "eventIngestionTimestamp": "2026-02-11T09:15:00.000+0000",
                "eventStartTimestamp": "2026-02-11T09:15:03.305+0000",
                "eventEndTimestamp": "2026-02-11T09:15:03.500+0000",
                "slaBreachTimestamp": None,
                "consumerResponse": {"webhookHttpStatus": 200, "time_taken": 195},
            },
            "errors": None,
            "warnings": None,
        }
        assert list(reply.json["data"]) == FIELDS
        lower = await s.call("GET", "/v3/webhooks/eventLog/e1")
        assert lower.body == reply.body


async def test_what_is_not_finished_has_no_end_and_is_late_by_the_clock() -> None:
    async with service() as s:
        number, _ = await make(s, slaInSeconds=30)
        [delivery] = await accept(s, "e1", [number])
        path = "/v3/webHooks/eventLog/e1"
        fresh = (await s.call("GET", path)).json["data"]
        for field in FIELDS[6:]:
            assert fresh[field] is None
        assert fresh["refId"] is None and fresh["requestId"] is None
        s.clock.ms += 1000
        await settle(s, delivery, number, State.RETRYING, status=503, took_ms=100)
        tried = (await s.call("GET", path)).json["data"]
        assert tried["consumerResponse"] == {"webhookHttpStatus": 503, "time_taken": 100}
        assert tried["eventStartTimestamp"] == "2026-02-11T09:15:00.900+0000"
        assert tried["eventEndTimestamp"] is None and tried["slaBreachTimestamp"] is None
        s.clock.ms += 29_001
        late = (await s.call("GET", path)).json["data"]
        assert late["slaBreachTimestamp"] == "2026-02-11T09:15:30.000+0000"
        await settle(s, delivery, number, State.FAILED, status=None, attempt=2)
        done = (await s.call("GET", path)).json["data"]
        assert done["eventStartTimestamp"] == "2026-02-11T09:15:00.900+0000"
        assert done["eventEndTimestamp"] == "2026-02-11T09:15:30.001+0000"
        assert done["slaBreachTimestamp"] == "2026-02-11T09:15:30.000+0000"
        assert done["consumerResponse"] is None  # the last attempt had no answer


async def test_times_are_in_the_zone_of_the_org() -> None:
    async with service() as s:
        await s.call("PATCH", "/v1/orgs/1", {"timeZone": "Asia/Kolkata"})
        number, _ = await make(s)
        await accept(s, "e1", [number])
        data = (await s.call("GET", "/v3/webHooks/eventLog/e1")).json["data"]
        assert data["eventIngestionTimestamp"] == "2026-02-11T14:45:00.000+0530"


@pytest.mark.parametrize("base", ["/v3/webHooks", "/v3/webhooks"])
async def test_by_request_and_by_reference_are_lists_of_events_times_webhooks(base: str) -> None:
    async with service() as s:
        crm, crm_group = await make(s)
        shop, shop_group = await make(s, name="shop")
        await accept(s, "e1", [crm, shop], ref="1_1", request="r-1")
        await accept(s, "e2", [crm], ref="1_2", request="r-1", name="customerAdded")
        await accept(s, "e3", [], ref="1_2", request="r-2")
        await accept(s, "e4", [crm], ref="1_9", request="r-9", customer="r-1")

        async def rows(tail: str) -> list[tuple[str, str | None]]:
            reply = await s.call("GET", f"{base}/eventLog/{tail}")
            assert reply.status == 200 and reply.json["warnings"] is None
            return [(row["eventId"], row["consumerGroupId"]) for row in reply.json["data"]]

        assert await rows("requestId/r-1") == [
            ("e2", crm_group),
            ("e1", shop_group),
            ("e1", crm_group),
        ]
        assert await rows("refId/1_2") == [("e2", crm_group), ("e3", None)]
        assert await rows("requestId/r-2") == [("e3", None)]
        assert await rows("requestId/nothing") == []
        assert await rows("refId/r-1") == []  # another field has this value


async def test_the_newest_delivery_stands_for_an_event_and_none_for_what_nobody_wanted() -> None:
    async with service() as s:
        crm, _ = await make(s)
        shop, shop_group = await make(s, name="shop")
        await accept(s, "e1", [crm, shop])
        await accept(s, "e2", [])
        one = (await s.call("GET", "/v3/webHooks/eventLog/e1")).json["data"]
        assert one["consumerGroupId"] == shop_group
        nobody = (await s.call("GET", "/v3/webHooks/eventLog/e2")).json["data"]
        assert list(nobody) == FIELDS and nobody["consumerGroupId"] is None


async def test_what_belongs_to_another_org_answers_like_what_is_not_there() -> None:
    async with service() as s:
        other = await s.add_org(2)
        number, _ = await make(s)
        await accept(s, "e1", [number], ref="1_1", request="r-1")
        for tail in ("requestId/r-1", "refId/1_1"):
            assert (await s.call("GET", f"/v3/webHooks/eventLog/{tail}", auth=other)).json[
                "data"
            ] == []
        foreign = await s.call("GET", "/v3/webHooks/eventLog/e1", auth=other)
        unknown = await s.call("GET", "/v3/webHooks/eventLog/e9", auth=other)
        assert foreign.status == unknown.status == 400
        assert foreign.json["errors"][0]["code"] == 400
        assert foreign.body.replace(b"e1", b"e9") == unknown.body


async def test_a_parent_sees_what_its_webhook_got_of_a_child_and_nothing_else() -> None:
    async with service() as s:
        child = await s.add_org(7, parent=1)
        ours, group = await make(s, listenToChildEvents=True)
        theirs, their_group = await make(s, 7, child, name="theirs")
        await accept(s, "c1", [ours, theirs], org=7, ref="7_1", request="r-7")
        await accept(s, "c2", [theirs], org=7, ref="7_2", request="r-7")
        mine = (await s.call("GET", "/v3/webHooks/eventLog/requestId/r-7")).json["data"]
        assert [(row["eventId"], row["consumerGroupId"]) for row in mine] == [("c1", group)]
        one = (await s.call("GET", "/v3/webHooks/eventLog/c1")).json["data"]
        assert one["consumerGroupId"] == group
        assert (await s.call("GET", "/v3/webHooks/eventLog/c2")).status == 400
        below = await s.call("GET", "/v3/webHooks/eventLog/requestId/r-7", auth=child)
        groups = [(row["eventId"], row["consumerGroupId"]) for row in below.json["data"]]
        assert groups == [("c2", their_group), ("c1", their_group)]


async def test_hostile_values_find_nothing() -> None:
    async with service() as s:
        for value in ("x" * 5000, "%00", "%ff%fe", "a%2Fb", "';%20DROP%20TABLE%20event"):
            reply = await s.call("GET", f"/v3/webHooks/eventLog/requestId/{value}")
            assert reply.status in (200, 404), value
            if reply.status == 200:
                assert reply.json["data"] == []
            assert (await s.call("GET", f"/v3/webHooks/eventLog/{value}")).status in (400, 404)


class TestSoManyRowsAtMost:
    """Each answer has a bound, and a warning where there are more rows than that."""

    @staticmethod
    async def codes(s: Service, tail: str) -> tuple[list[str], list[str]]:
        """Event ids, and the codes of the warnings."""
        reply = await s.call("GET", f"/v3/webHooks/eventLog/{tail}")
        assert reply.status == 200
        ids = [row["eventId"] for row in reply.json["data"]]
        return ids, [row["code"] for row in reply.json["warnings"] or ()]

    @pytest.mark.parametrize("tail", ["requestId/r", "refId/1_1"])
    @pytest.mark.parametrize(
        ("wanted", "rows", "warned"),
        [("w" * 5, 5, False), ("u" * 5, 5, False), ("wuwuw", 5, False)]
        + [("w" * 6, 5, True), ("u" * 6, 5, True), ("uuuwww", 5, True), ("wuwuwuwu", 5, True)],
    )
    async def test_wanted_and_unwanted_events_share_one_bound_and_what_is_left_out_is_told(
        self, tail: str, wanted: str, rows: int, warned: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(v3_lookups, "LOOKUP_ROWS_MAX", 5)
        async with service() as s:
            number, _ = await make(s)
            for n, kind in enumerate(wanted):
                hooks = [number] if kind == "w" else []
                await accept(s, f"e{n}", hooks, ref="1_1", request="r")
                s.clock.ms += 1
            ids, warnings = await self.codes(s, tail)
            newest = [f"e{n}" for n in range(len(wanted) - 1, -1, -1)]
            assert ids == newest[:rows]
            assert warnings == (["rows_left_out"] if warned else [])

    async def test_a_thousand_rows_are_answered_and_no_more(self) -> None:
        async with service() as s:
            hooks = [(await make(s, name=f"h{n}"))[0] for n in range(4)]
            for n in range(250):
                await accept(s, f"e{n}", hooks, request="r")
            ids, warnings = await self.codes(s, "requestId/r")
            assert (len(ids), warnings) == (1000, [])
            await accept(s, "one-more", hooks, request="r")
            ids, warnings = await self.codes(s, "requestId/r")
            assert (len(ids), warnings) == (1000, ["rows_left_out"])
            assert ids[:4] == ["one-more"] * 4

    async def test_rows_that_are_found_by_the_value_of_another_field_take_no_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(v3_lookups, "LOOKUP_ROWS_MAX", 3)
        async with service() as s:
            number, _ = await make(s)
            for n in range(3):
                await accept(s, f"e{n}", [number] * (n != 1), request="77")
            for n in range(5):
                await accept(s, f"w{n}", [number], customer="77")
                await accept(s, f"u{n}", [], customer="77")
            ids, warnings = await self.codes(s, "requestId/77")
            assert (sorted(ids), warnings) == (["e0", "e1", "e2"], [])

    async def test_what_one_call_looks_through_is_bounded_and_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(v3_lookups, "EXAMINED_MAX", 4)
        monkeypatch.setattr(v3_lookups, "ROWS_MAX", 2)
        async with service() as s:
            number, _ = await make(s)
            await accept(s, "old", [number], request="77")
            for n in range(9):
                await accept(s, f"w{n}", [number], customer="77")
            assert await self.codes(s, "requestId/77") == ([], ["rows_left_out"])
