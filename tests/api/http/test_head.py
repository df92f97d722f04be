"""HEAD answers wherever GET does: with its status and headers, without its body, counted once."""

from typing import Any

from tests.api.control_client import Reply, basic
from tests.openapi.entries import SCOPES
from tests.openapi.world import Things, world
from tidings.api.route import OPEN, PLATFORM

BOSS = basic("boss", "s3cret")
GETS = [call.partition(" ")[2] for call in SCOPES if call.startswith("GET ")]
# Of this one call, or of how many were made before.
OWN = ("x-cap-requestid", "ratelimit-remaining", "x-ratelimit-remaining", "ratelimit")


def headers_of(reply: Reply) -> dict[str, Any]:
    return {name: value for name, value in reply.headers.items() if name not in OWN}


async def test_every_get_has_a_head() -> None:
    async with world() as w:
        things: Things = await w.org(2001, "acme")
        for path in (*(things.path(f"GET {get}") for get in GETS), "/openapi.json", "/docs"):
            call = next((c for c in SCOPES if things.path(c) == path and c[:4] == "GET "), "")
            auth = BOSS if SCOPES.get(call, "").startswith(PLATFORM) else things.auth
            auth_or_none = None if SCOPES.get(call, OPEN) == OPEN else auth
            told = await w.call("GET", path, None, auth_or_none)
            head = await w.call("HEAD", path, None, auth_or_none)
            assert head.status == told.status == 200, (path, told.body)
            assert headers_of(head) == headers_of(told), path
            assert head.body == b"" and told.body, path


async def test_a_head_is_counted_once_and_ends_a_stream() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        limits = w.s.access_services.limits
        counted: list[Any] = []
        count = limits.call

        def noted(caller: Any) -> Any:
            counted.append(caller)
            return count(caller)

        limits.call = noted  # type: ignore[method-assign]
        for path in ("/v1/orgs/2001", "/v1/stream"):
            assert (await w.call("HEAD", path, None, things.auth)).status == 200
        assert len(counted) == 2
        assert w.s.services.web.streams.open == 0, "its place is free again"


async def test_refusals_have_one_too_and_what_takes_no_get_takes_no_head() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        nobody = await w.call("HEAD", "/v1/orgs/2001")
        assert (nobody.status, nobody.body) == (401, b"")
        for method in ("GET", "HEAD"):
            other = await w.call(method, "/v1/webHooks/preview", None, things.auth)
            assert (other.status, other.headers["allow"]) == (405, "POST")
        wrong = await w.call("PUT", "/v1/caller", b"{}", things.auth)
        assert (wrong.status, wrong.headers["allow"]) == (405, "GET, HEAD")


async def test_an_inbox_hears_a_head_as_it_came() -> None:
    async with world() as w:
        things = await w.org(2001, "acme")
        reply = await w.call("HEAD", f"/inbox/{things.ids['token']}")
        assert reply.status == 200
        path = f"/v1/inboxes/{things.ids['inbox_id']}/arrivals"
        listed = (await w.call("GET", path, None, things.auth)).json
        assert listed["arrivals"][0]["method"] == "HEAD"
