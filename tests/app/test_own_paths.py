"""A webhook leads to those paths of the service itself that take messages, and to no others."""

import pytest

from tidings.egress.address import TargetRefused, parse_target
from tidings.egress.own_paths import OwnPaths

PUBLIC = "https://tidings.example"
OWN = OwnPaths([PUBLIC, "https://inboxes.example:8443/"], "0.0.0.0", 8080)

TAKES = [
    "/inbox/abcdefghijklmnopqrstuvwx",
    "/in/2001/orders",
    "/in/0/a-b-9",
    "/v1/events",
    "/v1/events?a=b",
]
OTHERS = [
    "",
    "/",
    "/console",
    "/console/sign-in",
    "/metrics",
    "/readyz",
    "/openapi.json",
    "/v1",
    "/v1/events/",
    "/v1/events/evt_1",
    "//v1/events",
    "/v1//events",
    "/V1/events",
    "/v1/Events",
    "/v1%2Fevents",
    "/v1/event%73",
    "/v1/events;a",
    "/v1/events%00",
    "/v1/webHooks/preview",
    "/v3/webHooks",
    "/in",
    "/in/2001",
    "/in/2001/orders/",
    "/in/2001/orders/x",
    "/in/2001/%6frders",
    "/in/2001/Orders",
    "/inbox/",
    "/inbox/abc/def",
    "/x/inbox/abcdefghijklmnopqrstuvwx",
]
PLACES = [
    "https://tidings.example",
    "https://TIDINGS.example",
    "https://tidings.example:443",
    "https://inboxes.example:8443",
    "http://127.0.0.1:8080",
    "http://127.9.9.9:8080",
    "http://localhost:8080",
    "http://a.localhost:8080",
    "http://0.0.0.0:8080",
    "http://[::1]:8080",
    "http://[::ffff:127.0.0.1]:8080",
    "http://[::ffff:7f00:1]:8080",
]


def refusal(url: str) -> str | None:
    return OWN.refusal(parse_target(url, allow_http=True))


@pytest.mark.parametrize("place", PLACES)
def test_the_paths_that_take_messages_are_admitted_and_no_others(place: str) -> None:
    assert {path for path in TAKES if refusal(place + path) is not None} == set()
    assert {path for path in OTHERS if refusal(place + path) is None} == set()


def test_a_path_that_would_be_resolved_on_the_way_is_none() -> None:
    for path in ("/v1/events/../webHooks", "/v1/./events", "/in/1/a/%2e%2e/b", "/console/.%2E/x"):
        with pytest.raises(TargetRefused):
            parse_target(PUBLIC + path, allow_http=True)
    with pytest.raises(TargetRefused):
        parse_target("https://tidings.example./console", allow_http=True)


def test_other_receivers_have_any_path() -> None:
    for place in ("https://example.com", "https://tidings.example:8443", "http://127.0.0.1:8081"):
        assert refusal(f"{place}/console") is None
    only_here = OwnPaths([PUBLIC], "192.0.2.7", 8080)
    assert only_here.refusal(parse_target("http://127.0.0.1:8080/x", allow_http=True)) is None
    assert only_here.refusal(parse_target("http://192.0.2.7:8080/x", allow_http=True)) is not None


def test_an_address_of_ours_may_be_one_that_no_webhook_has() -> None:
    own = OwnPaths(["http://[0:0::1]:9092", "http://tidings.example:81"], "::1", 9092)
    assert own.refusal(parse_target("https://tidings.example:8443/x", allow_http=True)) is None


def test_what_is_refused_is_told_with_what_may_be() -> None:
    said = refusal(f"{PUBLIC}/v3/webHooks")
    assert said is not None and "/v1/events" in said and "got the path /v3/webHooks" in said
