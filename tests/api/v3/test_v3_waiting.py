"""What waits is shown on /v3 as it was when a wait was a failed attempt: byte for byte."""

from typing import Any

import pytest

from tests.api.acting import acting, number_of
from tests.api.courses import COURSES, run
from tests.api.log_client import accept
from tidings.core.ids import DeliveryId


async def rows_of(course: str, *, before: bool) -> Any:
    """The rows that /v3 answers, in every order, and its sums."""
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        [delivery] = await accept(s, "a", [number], org=7)
        await run(s, number, DeliveryId(delivery), course, before=before)
        record = s.webhooks.by_number(number)
        assert record is not None
        path = f"/v3/events/consumer-groups/{record.webhook.consumer_group}"
        asked = [f"{path}/metrics", f"{path}/logs"]
        asked += [f"{path}/logs?status={word}" for word in ("Pending", "Retrying", "Failed")]
        asked += [f"{path}/logs?sortBy=webhookDuration:{way}" for way in ("asc", "desc")]
        answers = [await s.call("GET", question, auth=auth) for question in asked]
        assert {answer.status for answer in answers} == {200}
        return [answer.json["data"] for answer in answers]


@pytest.mark.parametrize("course", COURSES)
async def test_v3_answers_of_what_waits_as_when_a_wait_was_an_attempt(course: str) -> None:
    before, now = [await rows_of(course, before=was) for was in (True, False)]
    assert now == before
    [row] = now[1]["events"]
    assert row["attempts"] == len([step for step in COURSES[course] if step != "cancel"])
    if COURSES[course][-1] == "wait":
        assert (row["status"], row["state"], row["webhookDuration"]) == ("Retrying", "retrying", 0)
