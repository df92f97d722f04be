"""Values of headers as they are shown, and what was shown read back."""

import html
import json
import re
from collections.abc import Callable
from time import process_time
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tidings.core.webhooks.body_reader import Known
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.headers import HEADERS_BYTES_MAX, HEADERS_MAX, same_origin, same_url
from tidings.core.webhooks.masks import (
    looks_masked,
    mask,
    masked_arrival,
    masked_of,
    scrubbed,
    scrubbed_headers,
)
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.webhook_types import KINDS

OLD_URL = "https://crm.example.com/hook"
LONG, SHORT = "Bearer 0123456789abcdef", "s3cret"
STORED = {"Authorization": LONG, "X-Key": SHORT}
BODY: dict[str, Any] = {
    "name": "crm",
    "eventNames": ["pointsIssued"],
    "webHookUrl": OLD_URL,
    "webHookHeaders": STORED,
    "maxAllowedConnections": 1,
}


UNCALLED = [name for name, kind in KINDS.items() if kind.has_url and not kind.calls_url]
KNOWN = Known(event_types=("pointsIssued",), check_url=lambda _: None)


def read(body: dict[str, Any], old: WebhookSettings | None = None, **more: Any) -> Any:
    return read_webhook(body, KNOWN, old, **more)


@pytest.fixture
def old() -> WebhookSettings:
    reading = read(BODY)
    assert isinstance(reading, ParsedWebhookBody)
    settings: WebhookSettings = reading.settings
    return settings


def codes(refusals: Any) -> list[tuple[Any, str]]:
    assert isinstance(refusals, list), refusals
    return [(refusal.code, refusal.field) for refusal in refusals]


def test_a_long_value_is_shown_by_its_end_and_of_a_short_one_not_even_its_length() -> None:
    assert mask(LONG) == "…cdef"
    assert {mask("x" * length) for length in range(16)} == {"…"}
    assert mask(mask(LONG)) == mask(LONG) and mask(mask(SHORT)) == mask(SHORT)


@pytest.mark.parametrize("text", ["…", "…cdef", "Bearer …", "...cdef", "****", "***cdef", "••••"])
def test_what_stands_for_a_value_is_told_from_one(text: str) -> None:
    assert looks_masked(text)


@pytest.mark.parametrize("text", ["", "*/*", "*", "..", "a...b", "Bearer abc", "....../path"])
def test_and_a_value_is_one(text: str) -> None:
    assert not looks_masked(text)


class TestReadBack:
    """What was shown comes back in a body."""

    def test_it_means_what_is_stored_under_that_name_in_any_case(
        self, old: WebhookSettings
    ) -> None:
        shown = {"authorization": "…cdef", "X-KEY": "…", "X-New": "n"}
        reading = read({"webHookHeaders": shown}, old)
        assert reading.settings.headers == (
            ("authorization", LONG),
            ("X-KEY", SHORT),
            ("X-New", "n"),
        )

    @pytest.mark.parametrize(
        "shown",
        [
            {"Authorization": "…abcd"},  # another end
            {"Authorization": "…"},  # as of a short one
            {"X-Key": "…cdef"},  # of another header
            {"X-Other": "…cdef"},  # of a header that is not stored
            {"X-Other": "…"},
            {"Authorization": "…cdefg"},
            {"Authorization": "Bearer …cdef"},
            {"Authorization": "...cdef"},
            {"Authorization": "****"},
        ],
    )
    def test_what_was_not_shown_of_it_is_refused(
        self, old: WebhookSettings, shown: dict[str, str]
    ) -> None:
        ((name, _),) = shown.items()
        refusals = read({"webHookHeaders": shown}, old)
        assert codes(refusals) == [("masked_value", f"webHookHeaders.{name}")]
        assert LONG not in refusals[0].message and "0123" not in refusals[0].message

    def test_a_new_webhook_has_nothing_stored(self) -> None:
        refusals = read(BODY | {"webHookHeaders": {"Authorization": "…cdef"}})
        assert codes(refusals) == [("masked_value", "webHookHeaders.Authorization")]


class TestAnotherReceiver:
    """Stored values go to the receiver that they were stored for alone."""

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/hook",
            "https://crm.example.com:8443/hook",
            "http://crm.example.com/hook",
            "https://crm.example.com.evil.example/hook",
            "https://crm.example.community/hook",
            "https://crm.exampłe.com/hook",
        ],
    )
    @pytest.mark.parametrize(
        "headers", [None, {"Authorization": "…cdef"}, {"X-Key": "…", "Authorization": "new"}]
    )
    def test_they_are_wanted_again(
        self, old: WebhookSettings, url: str, headers: dict[str, str] | None
    ) -> None:
        body: dict[str, Any] = {"webHookUrl": url}
        if headers is not None:
            body["webHookHeaders"] = headers
        refusals = read(body, old)
        assert codes(refusals) == [("header_values_stay", "webHookHeaders")]
        assert "give each again" in refusals[0].message

    @pytest.mark.parametrize(
        ("url", "headers"),
        [
            ("https://crm.example.com/v2/hook?x=1", None),
            ("https://CRM.example.com:443/hook", {"Authorization": "…cdef"}),
            ("https://new.example/", {"Authorization": LONG}),
            ("https://new.example/", {}),
            ("https://new.example/", []),
        ],
    )
    def test_honest_moves_are_taken(self, old: WebhookSettings, url: str, headers: Any) -> None:
        body = {"webHookUrl": url} | ({} if headers is None else {"webHookHeaders": headers})
        assert isinstance(read(body, old), ParsedWebhookBody)

    @pytest.mark.parametrize("kind", UNCALLED)
    def test_no_way_round_by_a_type_that_makes_no_call(
        self, old: WebhookSettings, kind: str
    ) -> None:
        queue = read({"webHookType": kind, "webHookUrl": ""}, old)
        assert isinstance(queue, ParsedWebhookBody) and queue.settings.headers == old.headers
        evil = {"webHookUrl": "https://evil.example/"}
        assert codes(read(evil | {"webHookType": "HTTP"}, queue.settings))
        assert codes(read(evil, queue.settings)) == [("header_values_stay", "webHookHeaders")]
        back = {"webHookType": "HTTP", "webHookUrl": OLD_URL, "webHookHeaders": STORED}
        assert isinstance(read(back, queue.settings), ParsedWebhookBody)

    def test_a_copy_takes_them_along_to_the_same_receiver_alone(self, old: WebhookSettings) -> None:
        copy = BODY | {"name": "copy", "webHookHeaders": {"Authorization": "…cdef"}}
        made = read(copy, source=old)
        assert made.settings.headers == (("Authorization", LONG),)
        moved = read(copy | {"webHookUrl": "https://evil.example/"}, source=old)
        assert codes(moved) == [("header_values_stay", "webHookHeaders")]
        del copy["webHookHeaders"]
        assert read(copy, source=old).settings.headers == ()


def test_places_are_compared_as_they_are_dialled() -> None:
    assert same_url("https://a.example", "https://A.example:443/")
    assert not same_url("https://a.example/x", "https://a.example/x?")
    assert not same_url("https://a.example/x", "https://a.example/X")
    assert same_origin("https://a.example/x", "https://a.example/y")
    for other in ("", " ", "www.a.example", "https://b@a.example/", "https://a.example:x/"):
        assert not same_origin("https://a.example/x", other)
        assert not same_origin("", "https://a.example/")


def test_headers_are_taken_up_to_their_bounds_and_not_beyond() -> None:
    def given(headers: dict[str, str]) -> Any:
        return read(BODY | {"webHookHeaders": headers})

    many = {f"X-{n}": "v" for n in range(HEADERS_MAX)}
    assert len(given(many).settings.headers) == HEADERS_MAX
    assert codes(given(many | {"X-More": "v"})) == [("headers_too_large", "webHookHeaders")]
    name = "X-Long"
    longest = "v" * (HEADERS_BYTES_MAX - len(name) - len(": \r\n"))
    assert given({name: longest}).settings.headers == ((name, longest),)
    assert codes(given({name: longest + "v"})) == [("headers_too_large", "webHookHeaders")]


def test_of_a_request_the_stored_values_are_masked_and_ours_are_not() -> None:
    sent = [("content-type", "application/json"), ("X-Key", SHORT), ("webhook-signature", "v1,a=")]
    assert masked_of(sent, ["X-Key"]) == [sent[0], ("X-Key", "…"), sent[2]]


class TestArrivals:
    """What came to a test inbox."""

    def test_of_a_delivery_only_what_tidings_sets_is_shown(self) -> None:
        ours = [
            ("content-type", "application/json"),
            ("accept", "*/*"),
            ("user-agent", "Tidings/0.1.0"),
            ("webhook-id", "evt_1"),
            ("webhook-signature", "v1,abc="),
            ("tidings-delivery", "dlv_0000000000000"),
            ("host", "tidings.example"),
            ("x-forwarded-for", "10.0.0.1"),
        ]
        theirs = [("X-Shop", LONG), ("content-type", f"text/plain; {LONG}"), ("Accept", LONG)]
        assert masked_arrival([*ours, *theirs], ()) == [
            *ours,
            *((name, "…cdef") for name, _ in theirs),
        ]

    def test_of_a_strangers_what_is_called_like_a_secret_or_stored_for_a_webhook(self) -> None:
        came = [("x-mine", "yes"), ("Authorization", LONG), ("X-Shop", LONG), ("Cookie", "a=b")]
        assert masked_arrival(came, {"x-shop"}) == [
            ("x-mine", "yes"),
            ("Authorization", "…cdef"),
            ("X-Shop", "…cdef"),
            ("Cookie", "…"),
        ]

    def test_what_was_masked_stays_as_it_is(self) -> None:
        came = [("tidings-delivery", "dlv_1"), ("X-Shop", LONG), ("x-key", SHORT)]
        once = masked_arrival(came, ())
        assert masked_arrival(once, ()) == once


def test_what_a_receiver_sends_back_is_taken_out() -> None:
    body = f"you sent {LONG}, that is 0123456789abcdef, {SHORT}".encode()
    assert scrubbed(body, list(STORED.items())).decode() == (
        f"you sent …cdef, that is …cdef, {SHORT}"  # too short to be told from chance
    )
    assert scrubbed(b"\xff\x00", list(STORED.items())) == b"\xff\x00"


STRANGE = "a/b+c==&<d> \"e\" 'f' \\ Zoë\U0001f600-0123"


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: json.dumps(secret)[1:-1],
        lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
        lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),  # as PHP writes it
        lambda secret: re.sub(
            "[<>&'+`]", lambda one: f"\\u{ord(one[0]):04X}", json.dumps(secret, ensure_ascii=False)
        )[1:-1],  # .NET
        quote,
        quote_plus,
        lambda secret: quote(secret, safe=""),
        lambda secret: re.sub("%..", lambda one: one[0].lower(), quote(secret, safe="")),
        html.escape,
        lambda secret: html.escape(secret).replace("&#x27;", "&#039;"),  # PHP
    ],
    ids=range(11),
)
@pytest.mark.parametrize("secret", [STRANGE, "xoxb/9+8=7654321", "plain-0123_456.789"])
def test_however_a_receiver_writes_it_what_it_sends_back_is_taken_out(
    secret: str, written: Callable[[str], str]
) -> None:
    stored = [("X-Key", secret)]
    said = written(secret)
    assert scrubbed(f"you sent {said}!".encode(), stored).decode() == f"you sent {mask(secret)}!"
    came = said.encode().decode("latin-1")
    assert scrubbed_headers([("X-Echo", f"<{came}>")], stored) == (("X-Echo", f"<{mask(secret)}>"),)
    assert scrubbed(b"\xff\x00", stored) == b"\xff\x00"


@pytest.mark.parametrize("secret", ["s3cret-0123456789", 'a"b/c d+ü&<x', "Bearer abcdefgh-1"])
def test_of_an_answer_that_is_cut_within_a_secret_no_begin_of_it_is_left(secret: str) -> None:
    for written in (secret, json.dumps(secret)[1:-1], quote(secret, ""), html.escape(secret)):
        whole = f"you sent {written}".encode()
        for end in range(len("you sent ") + 4, len(whole)):
            found = scrubbed(whole[:end], [("X-Key", secret)], is_cut=True)
            assert found == f"you sent {mask(secret)}".encode(), whole[:end]
    assert scrubbed(b"you sent s3c", [("X-Key", secret)], is_cut=True) == b"you sent s3c"


def test_a_secret_of_one_sign_and_an_answer_of_it_cost_no_time() -> None:
    began_s = process_time()
    for secret in ("/" * 8000 + "!", "a" * 8000 + "b", "é" * 4000 + "!"):
        for is_cut in (False, True):
            scrubbed(secret[0].encode() * 65536, [("X-Key", secret)], is_cut=is_cut)
    assert process_time() - began_s < 1.0
