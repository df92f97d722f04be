"""An org's own people raise no limit of a credential past what the operator has set for the org."""

from typing import Any

import pytest

from tests.api.control_client import Service, basic, service
from tidings.core.ids import OrgId

BOSS = basic("boss", "s3cret")
AT = "/v1/orgs/7/credentials"
NEW = {"name": "shop", "scopes": {"events": "write"}}


async def limited(s: Service, per_s: float | None) -> str:
    """An admin of an org that the operator lets send so much."""
    auth = await s.add_org(7)
    changed = await s.call(
        "PATCH", "/v1/orgs/7", {"settings": {"limits": {"eventsPerSecond": per_s}}}, auth=BOSS
    )
    assert changed.status == 200, changed.body
    return auth


@pytest.mark.parametrize(
    ("per_s", "limits", "field"),
    [
        (50, {"eventsPerSecond": 51}, "limits.eventsPerSecond"),
        (50, {"eventsPerSecond": 1e6}, "limits.eventsPerSecond"),
        (0.5, {"eventsPerSecond": 0.6}, "limits.eventsPerSecond"),
        (None, {"callsPerMinute": 1001}, "limits.callsPerMinute"),
        (50, {"eventsPerSecond": 50}, None),
        (50, {"eventsPerSecond": 0.1, "callsPerMinute": 1000}, None),
        (50, {"eventsPerSecond": None}, None),  # the org's holds
        (None, {"eventsPerSecond": 1e6}, None),
    ],
)
async def test_a_limit_above_the_orgs_is_refused_to_its_people_and_not_to_the_operator(
    per_s: float | None, limits: dict[str, Any], field: str | None
) -> None:
    async with service() as s:
        auth = await limited(s, per_s)
        mine = (await s.call("POST", AT, NEW, auth=auth)).json["id"]
        for method, path, body in (
            ("POST", AT, NEW | {"limits": limits}),
            ("PATCH", f"{AT}/{mine}", {"limits": limits}),
        ):
            reply = await s.call(method, path, body, auth=auth)
            if field is None:
                assert reply.status in (200, 201), reply.body
                continue
            error = reply.json["error"]
            assert (reply.status, error["code"], error["path"]) == (403, "limit_above_org", field)
            assert (await s.call(method, path, body, auth=BOSS)).status in (200, 201)


async def test_what_the_operator_has_raised_stays_falls_and_is_bound_by_the_orgs_all_the_same() -> (
    None
):
    async with service() as s:
        auth = await limited(s, 1)
        raised = NEW | {"limits": {"eventsPerSecond": 100, "callsPerMinute": 5000}}
        made = (await s.call("POST", AT, raised, auth=BOSS)).json
        mine = f"{AT}/{made['id']}"
        for body, status in (
            ({"name": "other"}, 200),
            ({"limits": {"eventsPerSecond": 90}}, 200),
            ({"limits": {"eventsPerSecond": 91}}, 403),
        ):
            assert (await s.call("PATCH", mine, body, auth=auth)).status == status, body
        caller = s.access.caller(basic(made["id"], made["secret"]).encode(), "events:write")
        allowances = [s.parts.access.limits.events(caller) for _ in range(2)]
        assert [bool(allowance and allowance.wait_s) for allowance in allowances] == [False, True]
        assert s.access.credential(made["id"]) is not None and caller.org == OrgId(7)
