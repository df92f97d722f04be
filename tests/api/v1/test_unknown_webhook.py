"""A webhook that is not there is told alike by all of `/v1`: 404, one code, and which field."""

import pytest

from tests.openapi.world import world

NOBODY = "0" * 24
CALLS = [
    ("POST", f"/v1/webHooks/{NOBODY}/test", {}, "webHookId"),
    ("GET", f"/v1/webHooks/{NOBODY}/tally", None, "webHookId"),
    ("GET", f"/v1/webHooks/{NOBODY}/series", None, "webHookId"),
    ("POST", "/v1/webHooks/preview", {"webHookId": NOBODY}, "webHookId"),
    ("POST", "/v1/webHooks/test", {"webHookId": NOBODY}, "webHookId"),
    ("POST", "/v1/replays", {"webHookId": NOBODY}, "webHookId"),
    ("POST", "/v1/replays", {"webHookId": "{own}", "toWebHookId": NOBODY}, "toWebHookId"),
    ("POST", "/v1/deliveries/cancel", {"webHookId": NOBODY}, "webHookId"),
    ("GET", f"/v1/deliveries?webHookId={NOBODY}", None, "webHookId"),
    ("GET", f"/v1/events?webHookId={NOBODY}", None, "webHookId"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), CALLS)
async def test_it_is_not_found(
    method: str, path: str, body: dict[str, str] | None, field: str
) -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        own = things.ids["webHookId"]
        asked = None if body is None else {k: v.format(own=own) for k, v in body.items()}
        told = await w.call(method, path, asked, things.auth)
        assert told.status == 404, told.body
        error = told.json["error"]
        assert (error["code"], error["path"]) == ("not_found", field)
        assert error["message"].startswith(f"{field} must be the id of a webhook of this org; got")
