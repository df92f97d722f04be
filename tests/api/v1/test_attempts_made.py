"""`attempts` on /v1 counts what was tried, also where waits were written as attempts."""

import pytest

from tests.api.acting import acting, number_of
from tests.api.courses import COURSES, run
from tests.api.log_client import accept
from tidings.core.ids import DeliveryId, show


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("course", COURSES)
async def test_a_wait_is_no_attempt_whenever_it_was_written(course: str, before: bool) -> None:
    made = len([step for step in COURSES[course] if step in ("done", "fail")])
    async with acting() as (s, auth):
        number = number_of(s, "welcome")
        [delivery] = await accept(s, "a", [number], org=7)
        await run(s, number, DeliveryId(delivery), course, before=before)
        whole = (await s.call("GET", f"/v1/deliveries/{show('dlv', delivery)}", auth=auth)).json
        assert whole["attempts"] == len(whole["attemptList"]) == made
        [row] = (await s.call("GET", "/v1/deliveries", auth=auth)).json["deliveries"]
        assert row["attempts"] == made
        page = await s.call("GET", "/v1/events/a", auth=auth)
        [of_event] = page.json["deliveries"]
        assert of_event["attempts"] == made
