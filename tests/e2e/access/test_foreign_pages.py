"""A browser resends a sign-in by itself: what a page of another site lets it call, changes nothing.

The calls are those that browsers make without asking first: simple methods, types and headers; and
those of a client that asks nobody.
"""

import json
from typing import Any

import pytest

from ..harness.api import Api
from ..harness.events import event, new_id
from ..harness.service import ServiceProcess

FORMS = ("text/plain", "application/x-www-form-urlencoded", "application/json")
FOREIGN: dict[str, dict[str, str]] = {
    "cross-site": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "same-site": {"origin": "https://shop.example", "sec-fetch-site": "same-site"},
    "no origin": {"sec-fetch-site": "cross-site"},
    "an older browser": {"origin": "https://evil.example"},
    "a frame without origin": {"origin": "null", "sec-fetch-site": "cross-site"},
    "null": {"origin": "null"},
    "another port": {"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-site"},
    "in capitals": {"origin": "HTTPS://EVIL.EXAMPLE", "sec-fetch-site": "Cross-Site"},
}


def refused(reply: Any, path: str) -> None:
    """403, in the shape of its path, and in four parts."""
    assert reply.status == 403, reply.body
    if path.startswith("/v3"):
        [error] = reply.json["errors"]
        assert error["code"] == 4000
    else:
        error = reply.json["error"]
        assert error["code"] == "foreign_origin"
    assert "must come from" in error["message"] and "; got " in error["message"]
    assert "Let your server" in error["message"]
    assert error["message"].endswith((", header Origin)", ", header Sec-Fetch-Site)"))
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("said", FOREIGN.values(), ids=FOREIGN)
def test_no_call_of_another_sites_page_changes_anything(
    service: ServiceProcess, api: Api, said: dict[str, str]
) -> None:
    hook = api.webhook("https://shop.example.com/hook")
    id, before = hook["webHookId"], api.get("/v3/webHooks").must(200)
    made = json.dumps({"name": "evil", "webHookUrl": "https://evil.example/"}).encode()
    calls = [
        ("POST", f"/v1/orgs/{api.org}/stop", b"{}"),
        ("POST", "/v3/webHooks", made),
        ("POST", f"/v3/webHooks/{id}/rotateSecret", b""),
        ("PUT", f"/v3/webHooks/{id}", made),
        ("PATCH", f"/v3/webHooks/{id}", made),
        ("DELETE", f"/v3/webHooks/{id}", None),
        ("POST", f"/v1/webHooks/{id}/test", b"{}"),
        ("POST", "/v1/inboxes", b"{}"),
        ("POST", "/v1/events", event(new_id(), api.org)),
    ]
    for method, path, body in calls:
        for kind in FORMS if method == "POST" else FORMS[:1]:
            refused(api.call(method, path, body, said | {"content-type": kind}), path)
    assert api.get("/v3/webHooks").must(200) == before
    assert api.get(f"/v1/orgs/{api.org}/stop").must(200)["stopped"] is False
    assert api.get("/v1/inboxes").must(200)["inboxes"] == []
    assert api.get("/v1/events").must(200)["events"] == []


def test_it_is_refused_before_anybody_is_asked_who_it_is(service: ServiceProcess) -> None:
    with Api(service.port) as nobody:
        for path in ("/v1/events", "/v1/stop", "/v3/oauth/token/generate"):
            reply = nobody.call("POST", path, b"{}", FOREIGN["cross-site"])
            refused(reply, path)
            assert "www-authenticate" not in reply.headers


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:{port}"},
        {"sec-fetch-site": "same-origin", "origin": "https://127.0.0.1:{port}"},  # a proxy's TLS
        {"origin": "http://127.0.0.1:{port}"},
        {"sec-fetch-site": "none"},
        {"referer": "https://docs.example/how-to"},
    ],
)
def test_programs_and_our_own_pages_call_as_ever(
    service: ServiceProcess, api: Api, said: dict[str, str]
) -> None:
    said = {name: value.format(port=service.port) for name, value in said.items()}
    body = event(new_id(), api.org)
    api.call("POST", "/v1/events", body, said | {"content-type": "application/json"}).must(202)
    api.call("POST", "/v1/inboxes", b"{}", said).must(201)
    stopped = api.call("POST", f"/v1/orgs/{api.org}/stop", b"{}", said)
    assert stopped.status == 200


def test_reading_and_test_inboxes_take_no_offence(service: ServiceProcess, api: Api) -> None:
    said = FOREIGN["cross-site"]
    assert api.call("GET", "/v3/webHooks", None, said).status == 200
    inbox = api.send("POST", "/v1/inboxes", {}).must(201)
    path = inbox["url"][inbox["url"].index("/inbox/") :]
    assert api.call("POST", path, b"{}", said).status == 200
