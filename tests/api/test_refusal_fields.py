"""`field` of a refusal is a name: of a field, a parameter or a header; its sentence says it too.

Looked at are how one is built, the refusals of access as they are answered on both families, and,
in `control_client.call` and `accept_client`, whatever any other test meets.
"""

from typing import Any

import pytest

from tests.api.control_client import BASIC, Service, basic, service
from tests.api.named import name_in, well_named
from tests.api.v1.access.credential_calls import make
from tidings.api.answers import refused
from tidings.engine.access.guards.till_guard import TRIES
from tidings.errors import FieldRefusal, Invalid, Throttled

V1, V3 = "/v1/orgs", "/v3/webHooks"
UNKNOWN = basic("nobody", "wrong")
AUTHORIZATION, TOKEN, ORG = "Authorization", "X-CAP-API-OAUTH-TOKEN", "X-Tidings-Org"


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ({"field": "filter.all[0]"}, "filter.all[0]"),
        ({"field": "name", "place": "user"}, "name"),
        ({"header": "If-Match"}, "If-Match"),
        ({"field": "", "place": "body"}, ""),
        ({}, ""),
    ],
)
def test_a_refusal_that_is_built_has_the_name_that_its_sentence_says(
    place: dict[str, Any], name: str
) -> None:
    """No other one is written with a place: tests/docs/errors/test_error_texts.py looks."""
    built = FieldRefusal.build("bad_type", "It must be so.", **place)
    assert built.message.startswith("It must be so. (bad_type, ")
    assert name_in(built.message) == built.field == name
    assert refused(400, "bad_type", "It must be so.", **place).refusals == [built]
    assert Invalid.because("bad_type", "It must be so.", **place).reason == built
    assert Throttled.because("bad_type", "It must be so.", 1.0, **place).reason == built


async def told(
    s: Service, method: str, path: str, body: Any = None, **more: Any
) -> tuple[int, str]:
    """The status, and the `field` or `path` of the first error."""
    reply = await s.call(method, path, body, **more)
    well_named(reply.status, reply.body)
    said = reply.json
    error = said["error"] if "error" in said else said["errors"][0]
    return reply.status, error.get("field", error.get("path"))


ACCESS: list[tuple[int, str, dict[str, Any]]] = [
    (401, AUTHORIZATION, {"auth": None}),
    (401, AUTHORIZATION, {"auth": UNKNOWN}),
    (401, AUTHORIZATION, {"auth": "Basic %%%"}),
    (401, TOKEN, {"auth": None, "x_cap_api_oauth_token": "not.a.token"}),
    (403, ORG, {"x_tidings_org": "99"}),
    (403, ORG, {"x_tidings_org": "a sentence, not an org"}),
    (400, "X-CAP-API-ATTRIBUTION-ENTITY-TYPE", {"x_cap_api_attribution_entity_type": "SHIP"}),
]


@pytest.mark.parametrize("path", [V1, V3])
@pytest.mark.parametrize(("status", "field", "more"), ACCESS)
async def test_a_refusal_of_access_names_the_header_that_it_is_about(
    path: str, status: int, field: str, more: dict[str, Any]
) -> None:
    async with service() as s:
        assert await told(s, "GET", path, **more) == (status, field)


async def test_what_a_credential_may_not_do_names_the_header_that_carries_it() -> None:
    async with service() as s:
        lesser = await s.add_org(7, scopes="logs:read")
        assert await told(s, "GET", V3, auth=lesser) == (403, AUTHORIZATION)
        assert await told(s, "GET", "/v1/orgs/7/users", auth=lesser) == (403, AUTHORIZATION)
        whole = await s.add_org(8)
        assert await told(s, "GET", V1, auth=whole) == (403, AUTHORIZATION), "the platform's"
        oauth = await make(s, 8, kind="oauth")
        plain = basic(oauth["id"], oauth["secret"])
        assert await told(s, "GET", V3, auth=plain) == (401, AUTHORIZATION)
        till = await make(s, 8, kind="till", code="till-1", password="a till of the shop")
        for _ in range(TRIES + 1):
            last = await told(s, "GET", V3, auth=basic(till["id"], "wrong"))
        assert last == (429, AUTHORIZATION)


async def test_what_is_about_no_name_has_none() -> None:
    async with service() as s:
        await s.add_org(7)
        limits = {"limits": {"callsPerMinute": 1}}
        assert (await s.call("PATCH", "/v1/orgs/7/credentials/org7", limits)).status == 200
        for _ in range(2):
            last = await told(s, "GET", "/v1/nothing/of/the/kind", auth=None)
        assert last == (404, "")
        assert await told(s, "DELETE", "/v1/events", auth=None) == (405, "")
        auth = basic("org7", "secret")
        await s.call("GET", V3, auth=auth)
        assert await told(s, "GET", V3, auth=auth) == (429, "")
        assert await told(s, "POST", V3, b"{") == (400, "")
        s.store.down = True
        assert await told(s, "POST", V3, BASIC) == (503, "")


async def test_a_pair_that_is_not_known_together_names_the_half_that_is_secret() -> None:
    async with service() as s:
        wrong = {"key": "tdk_x", "secret": "y"}
        assert await told(s, "POST", "/v3/oauth/token/generate", wrong) == (401, "secret")
        plain = await make(s, 1)
        of_key = {"key": plain["id"], "secret": plain["secret"]}
        assert await told(s, "POST", "/v3/oauth/token/generate", of_key) == (401, "key")
        person = {"email": "a@b.example", "currentPassword": "x", "password": "y" * 20}
        assert await told(s, "POST", "/v1/passwords", person, auth=None) == (
            401,
            "currentPassword",
        )
