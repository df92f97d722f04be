"""What a body may say of `authentication`, and where what is stored of it may go."""

from typing import Any

import msgspec
import pytest

from tests.core.webhooks.webhook_bodies import BODY, KNOWN, passed
from tidings.core.webhooks.authentication import (
    SCHEMES,
    ApiKey,
    Basic,
    OAuth2ClientCredentials,
)
from tidings.core.webhooks.authentication_body import VARIANTS
from tidings.core.webhooks.fields import WebhookSettings
from tidings.core.webhooks.rules import ParsedWebhookBody, read_webhook
from tidings.core.webhooks.webhook_types import KINDS
from tidings.errors import FieldRefusal

SECRET, TOKEN_URL, URL = "s3cret-0123456789", "https://id.example/token", BODY["webHookUrl"]
OAUTH = {
    "type": "oauth2ClientCredentials",
    "tokenUrl": TOKEN_URL,
    "clientId": "tidings",
    "clientSecret": SECRET,
    "scope": "events write",
}
BASIC = {"type": "basic", "username": "tidings", "password": SECRET}
KEY = {"type": "apiKey", "header": "X-Api-Key", "value": SECRET}
ALL = [OAUTH, BASIC, KEY]
NAMES = {"oauth2ClientCredentials": "clientSecret", "basic": "password", "apiKey": "value"}


def stored(authentication: dict[str, Any], **more: Any) -> WebhookSettings:
    return passed(authentication=authentication, **more).settings


def read(
    body: dict[str, Any], old: WebhookSettings | None, **more: Any
) -> ParsedWebhookBody | list[FieldRefusal]:
    return read_webhook(body, KNOWN, old, **more)


def codes(found: ParsedWebhookBody | list[FieldRefusal]) -> list[tuple[int | str, str]]:
    assert isinstance(found, list), found
    for refusal in found:
        assert SECRET not in refusal.message
        assert refusal.message.endswith(f" ({refusal.code}, field {refusal.field})")
    return [(refusal.code, refusal.field) for refusal in found]


def shown(authentication: dict[str, Any]) -> dict[str, Any]:
    return authentication | {NAMES[authentication["type"]]: "…6789"}


def kept(found: ParsedWebhookBody | list[FieldRefusal]) -> Any:
    assert isinstance(found, ParsedWebhookBody), found
    return found.settings.authentication


def test_each_scheme_is_read_and_shown_without_its_secret() -> None:
    assert stored(OAUTH).authentication == OAuth2ClientCredentials(
        TOKEN_URL, "tidings", SECRET, "events write"
    )
    assert stored(BASIC).authentication == Basic("tidings", SECRET)
    assert stored(KEY).authentication == ApiKey("X-Api-Key", SECRET)
    for row in ALL:
        made = kept(passed(authentication=row))
        said = VARIANTS.show(made)
        assert {k: v for k, v in said.items() if k in row} == shown(row)
        assert SECRET not in repr(made) + repr(stored(row)) + str(said) + str(VARIANTS.masked(row))
    assert [row["type"] for row in ALL] == list(SCHEMES)


def test_it_is_kept_as_json_and_read_again() -> None:
    for row in ALL:
        settings = stored(row)
        again = msgspec.json.decode(msgspec.json.encode(settings), type=WebhookSettings)
        assert again.authentication == settings.authentication


@pytest.mark.parametrize("one", ALL)
def test_what_is_shown_may_come_back_and_means_the_stored_one(one: dict[str, Any]) -> None:
    old = stored(one)
    assert kept(read({"authentication": shown(one)}, old)) == old.authentication
    assert kept(read({}, old)) == old.authentication
    assert kept(read({"authentication": None}, old)) is None
    other = one | {NAMES[one["type"]]: "another"}
    assert kept(read({"authentication": other}, old)) != old.authentication


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        (7, "bad_authentication", "authentication"),
        ({}, "bad_authentication", "authentication"),
        ({"type": "digest"}, "bad_authentication", "authentication"),
        ({"type": []}, "bad_authentication", "authentication"),
        (BASIC | {"username": "a:b"}, "bad_authentication", "authentication.username"),
        (BASIC | {"username": None}, "bad_authentication", "authentication.username"),
        (BASIC | {"password": ""}, "bad_authentication", "authentication.password"),
        (BASIC | {"password": "a\r\nb"}, "bad_authentication", "authentication.password"),
        (BASIC | {"password": "…6789"}, "masked_value", "authentication.password"),
        (BASIC | {"password": "********"}, "masked_value", "authentication.password"),
        (KEY | {"header": "Host"}, "bad_authentication", "authentication.header"),
        (KEY | {"header": "webhook-id"}, "bad_authentication", "authentication.header"),
        (KEY | {"header": "a b"}, "bad_authentication", "authentication.header"),
        (KEY | {"value": "ü"}, "bad_authentication", "authentication.value"),
        (KEY | {"value": 7}, "bad_authentication", "authentication.value"),
        (OAUTH | {"tokenUrl": "http://id.example/"}, "url_refused", "authentication.tokenUrl"),
        (OAUTH | {"tokenUrl": ""}, "bad_authentication", "authentication.tokenUrl"),
        (OAUTH | {"clientId": "ü"}, "bad_authentication", "authentication.clientId"),
        (OAUTH | {"scope": "a  b"}, "bad_authentication", "authentication.scope"),
        (OAUTH | {"scope": ""}, "bad_authentication", "authentication.scope"),
        (
            OAUTH | {"clientAuthentication": "jwt"},
            "bad_authentication",
            "authentication.clientAuthentication",
        ),
    ],
)
def test_a_wrong_one_is_told_by_code_and_field(said: Any, code: str, field: str) -> None:
    assert codes(read(BODY | {"authentication": said}, None)) == [(code, field)]


def test_a_misspelt_part_is_refused_where_others_are() -> None:
    found = read(BODY | {"authentication": BASIC | {"pasword": "x"}}, None, strict=True)
    assert codes(found) == [("unknown_field", "authentication.pasword")]


@pytest.mark.parametrize("one", ALL)
def test_one_header_is_not_set_twice(one: dict[str, Any]) -> None:
    name = one.get("header", "Authorization").upper()
    found = read(BODY | {"authentication": one, "webHookHeaders": {name: "x"}}, None)
    assert codes(found) == [("duplicate_header", "authentication")]


class TestAnotherReceiver:
    """A stored secret goes where it was stored for, and nowhere else."""

    @pytest.mark.parametrize("one", ALL)
    @pytest.mark.parametrize("says", [True, False])
    def test_another_host_wants_the_secret_again(self, one: dict[str, Any], says: bool) -> None:
        body: dict[str, Any] = {"webHookUrl": "https://evil.example/"}
        body |= {"authentication": shown(one)} if says else {}
        old = stored(one)
        assert codes(read(body, old)) == [("credentials_stay", "authentication")]
        again = body | {"authentication": one}
        assert kept(read(again, old)) == old.authentication
        assert kept(read(body | {"authentication": None}, old)) is None

    @pytest.mark.parametrize("one", ALL)
    def test_another_path_of_the_host_does_not(self, one: dict[str, Any]) -> None:
        assert kept(read({"webHookUrl": URL + "/v2"}, stored(one))) == stored(one).authentication

    def test_another_token_endpoint_wants_it_again(self) -> None:
        old = stored(OAUTH)
        evil = {"authentication": shown(OAUTH) | {"tokenUrl": "https://evil.example/token"}}
        assert codes(read(evil, old)) == [("credentials_stay", "authentication")]
        near = {"authentication": shown(OAUTH) | {"tokenUrl": TOKEN_URL + "/v2"}}
        assert kept(read(near, old)).token_url == TOKEN_URL + "/v2"

    @pytest.mark.parametrize("one", ALL)
    def test_no_way_round_by_another_scheme_or_a_type_that_makes_no_call(
        self, one: dict[str, Any]
    ) -> None:
        old = stored(one)
        for other in ALL:
            if other is not one:
                found = codes(read({"authentication": shown(other)}, old))
                assert found[0][0] == "masked_value"
        for kind in (name for name, kind in KINDS.items() if kind.has_url and not kind.calls_url):
            queue = read({"webHookType": kind, "webHookUrl": ""}, old)
            assert (
                isinstance(queue, ParsedWebhookBody)
                and queue.settings.authentication == old.authentication
            )
            evil = {"webHookType": "HTTP", "webHookUrl": "https://evil.example/"}
            assert codes(read(evil, queue.settings)) == [("credentials_stay", "authentication")]

    @pytest.mark.parametrize("one", ALL)
    def test_a_copy_takes_along_what_its_maker_sees(self, one: dict[str, Any]) -> None:
        old = stored(one)
        assert kept(read(BODY, None, source=old)) is None
        assert kept(read(BODY | {"authentication": shown(one)}, None, source=old))
        evil = BODY | {"authentication": shown(one), "webHookUrl": "https://evil.example/"}
        found = read(evil, None, source=old)
        assert codes(found) == [("credentials_stay", "authentication")]

    @pytest.mark.parametrize("one", ALL)
    def test_a_test_message_elsewhere_goes_without(self, one: dict[str, Any]) -> None:
        for url, goes in ((URL, True), (URL + "/v2", False)):
            found = read({"webHookUrl": url}, stored(one), tried=True)
            assert isinstance(found, ParsedWebhookBody)
            assert (found.settings.authentication is not None) == goes
            warned = [warning.code for warning in found.warnings]
            assert ("credentials_left_out" in warned) != goes
