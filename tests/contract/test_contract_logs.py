"""The contract's log calls: by request, reference and event, and a webhook's log and metrics."""

import re
from typing import Any

import pytest

from tests.api.control_client import Service, service
from tests.api.log_client import accept, settle
from tests.contract.contract_client import ANSWER, OLD_BODY
from tidings.core.delivery.states import State
from tidings.core.ids import OrgId

ORG = OrgId(1)

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}")
EVENT_LOG = (
    "refId requestId eventName eventId consumerGroupId eventIngestionTimestamp eventStartTimestamp "
    "eventEndTimestamp slaBreachTimestamp consumerResponse"
).split()
METRICS = (
    "totalEvents deliveredEvents failedEvents pendingEvents retryingEvents averageDeliveryTime "
    "startDate endDate"
).split()
EVENT = "ccc983c2-df7a-4ece-b5cc-e574cec66fc1"


async def delivered(s: Service) -> str:
    """One event, delivered after 385 ms; the webhook's consumer group."""
    data = (await s.call("POST", "/v3/webHooks", OLD_BODY)).json["data"]
    number = s.webhooks.get(ORG, data["webHookId"]).webhook.number
    [delivery] = await accept(
        s, EVENT, [number], name="transactionAdded", ref="1_38236069", request="ebcce693"
    )
    s.clock.ms += 385
    await settle(s, delivery, number, took_ms=195)
    return str(data["consumerGroupId"])


def is_event_log(row: Any, group: str) -> None:
    assert set(EVENT_LOG) <= row.keys()
    assert row["refId"] == "1_38236069" and row["requestId"] == "ebcce693"
    assert (row["eventName"], row["eventId"]) == ("transactionAdded", EVENT)
    assert row["consumerGroupId"] == group
    for field in ("eventIngestionTimestamp", "eventStartTimestamp", "eventEndTimestamp"):
        assert TIME.fullmatch(row[field]), field
    assert row["slaBreachTimestamp"] is None
    assert row["consumerResponse"] == {"webhookHttpStatus": 200, "time_taken": 195}


@pytest.mark.parametrize("path", ["requestId/ebcce693", "refId/1_38236069"])
async def test_by_request_and_by_reference_a_list(path: str) -> None:
    async with service() as s:
        group = await delivered(s)
        reply = await s.call("GET", f"/v3/webHooks/eventLog/{path}")
        assert reply.status == 200 and reply.json.keys() == ANSWER
        [row] = reply.json["data"]
        assert row.keys() == set(EVENT_LOG)
        is_event_log(row, group)


async def test_by_event_one_object() -> None:
    async with service() as s:
        group = await delivered(s)
        reply = await s.call("GET", f"/v3/webHooks/eventLog/{EVENT}")
        assert reply.status == 200 and reply.json.keys() == ANSWER
        assert reply.json["data"].keys() == set(EVENT_LOG)
        is_event_log(reply.json["data"], group)


async def test_what_is_not_finished_has_nulls() -> None:
    async with service() as s:
        data = (await s.call("POST", "/v3/webHooks", OLD_BODY)).json["data"]
        number = s.webhooks.get(ORG, data["webHookId"]).webhook.number
        await accept(s, EVENT, [number], name="transactionAdded")
        row = (await s.call("GET", f"/v3/webHooks/eventLog/{EVENT}")).json["data"]
        assert row["eventEndTimestamp"] is None and row["consumerResponse"] is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sortBy=webhookDuration:desc",
        "?sortBy=eventType:desc",
        "?eventType=transactionAdded",
        "?eventSearchKey=100",
        "?requestId=ebcce693",
    ],
)
async def test_the_log_of_a_consumer_group(query: str) -> None:
    async with service() as s:
        group = await delivered(s)
        reply = await s.call("GET", f"/v3/events/consumer-groups/{group}/logs{query}")
        assert reply.status == 200 and reply.json.keys() == ANSWER
        [row] = reply.json["data"]["events"]
        is_event_log(row, group)


async def test_the_metrics_of_a_consumer_group() -> None:
    async with service() as s:
        group = await delivered(s)
        number = s.webhooks.list(ORG)[0].webhook.number
        for id in ("p", "c"):
            await accept(s, id, [number], name="transactionAdded")
            state = State.PARKED if id == "p" else State.CANCELLED
            await s.store.retire(number, state, 10)
        path = f"/v3/events/consumer-groups/{group}/metrics"
        reply = await s.call("GET", path)
        assert reply.status == 200 and reply.json.keys() == ANSWER
        data = reply.json["data"]
        assert data.keys() == set(METRICS)
        parts = "deliveredEvents failedEvents pendingEvents retryingEvents".split()
        assert [data[part] for part in parts] == [1, 1, 1, 0]
        assert data["totalEvents"] == sum(data[part] for part in parts)
        assert data["averageDeliveryTime"] == 385
        start, end = data["startDate"], data["endDate"]
        assert end - start == 30 * 86_400_000
        empty = await s.call("GET", f"{path}?startDate=0&endDate=1")
        assert empty.json["data"]["totalEvents"] == 0
        assert (empty.json["data"]["startDate"], empty.json["data"]["endDate"]) == (0, 1)
