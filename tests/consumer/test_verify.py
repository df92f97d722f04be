"""`verify`: what the sender signs is believed, and nothing else."""

import base64
import time
from collections.abc import Callable

import pytest
from standardwebhooks.webhooks import Webhook as Official

from tests.core.shaping.signatures.signing import default_signer
from tidings.core.shaping.signatures.secrets import show_secret
from tidings_consumer import (
    ConsumerError,
    MalformedHeader,
    MissingHeader,
    PayloadError,
    SecretError,
    SignatureError,
    StaticHeader,
    TimestampError,
    verify,
)

KEY, OTHER = b"0123456789abcdefghijklmnop", b"zyxwvutsrqponmlkjihgfedcba"
SECRET, OTHER_SECRET = show_secret(KEY), show_secret(OTHER)
NOW = 1_800_000_000
ID = "evt_0f"
BODY = '{"eventName":"pointsIssued","orgId":7,"data":{"name":"Zoë","points":10.10}}'.encode()
Headers = dict[str, str]


def signed(*keys: bytes, id: str = ID, at: int = NOW, body: bytes = BODY) -> Headers:
    """As the sender signs."""
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": default_signer(keys or (KEY,)).sign(id, at, body),
    }


def test_a_request_of_the_sender_is_an_event() -> None:
    headers = signed() | {"tidings-attempt": "3", "tidings-delivery": "dlv_1", "Host": "here"}
    event = verify(headers, BODY, SECRET, now_s=NOW)
    assert (event.id, event.name, event.sent_at, event.attempt) == (ID, "pointsIssued", NOW, 3)
    assert (event.delivery, event.replay, event.body) == ("dlv_1", None, BODY)
    assert event.payload["data"]["name"] == event.data["name"] == "Zoë"


def test_what_it_believes_the_official_library_believes() -> None:
    now = int(time.time())
    assert (
        Official(SECRET).verify(BODY, signed(at=now))
        == verify(signed(at=now), BODY, SECRET).payload
    )


@pytest.mark.parametrize(
    "shown",
    [
        lambda headers: list(headers.items()),
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: {name.upper(): f"  {value}\t" for name, value in headers.items()},
        lambda headers: iter(headers.items()),
    ],
    ids=["pairs", "bytes", "upper case and space", "an iterator"],
)
def test_headers_come_as_frameworks_have_them(shown: Callable[[Headers], object]) -> None:
    assert verify(shown(signed()), BODY, SECRET, now_s=NOW).id == ID  # type: ignore[arg-type]


def test_any_secret_in_force_is_enough_while_it_is_changed() -> None:
    assert verify(signed(OTHER), BODY, [SECRET, OTHER_SECRET], now_s=NOW)
    assert verify(signed(OTHER, KEY), BODY, SECRET, now_s=NOW)
    with pytest.raises(SignatureError):
        verify(signed(OTHER), BODY, SECRET, now_s=NOW)


def test_other_schemes_beside_it_are_passed_over() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1a,AAAA v2,BBBB {headers['webhook-signature']}"
    assert verify(headers, BODY, SECRET, now_s=NOW)
    with pytest.raises(MalformedHeader):
        verify(headers | {"webhook-signature": "v1a,AAAA"}, BODY, SECRET, now_s=NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_header_that_is_not_there_has_its_own_error(name: str) -> None:
    headers = signed()
    with pytest.raises(MissingHeader, match=name):
        verify({key: value for key, value in headers.items() if key != name}, BODY, SECRET)
    with pytest.raises(MissingHeader, match=name):
        verify(headers | {name: " "}, BODY, SECRET)
    with pytest.raises(MalformedHeader, match=f"{name} must be there once"):
        verify([*headers.items(), (name.upper(), headers[name])], BODY, SECRET, now_s=NOW)


@pytest.mark.parametrize("off", [-300, 300])
def test_the_edge_of_the_tolerance_is_inside(off: int) -> None:
    assert verify(signed(at=NOW + off), BODY, SECRET, now_s=NOW)
    with pytest.raises(TimestampError, match="ahead" if off > 0 else "ago"):
        verify(signed(at=NOW + off + (1 if off > 0 else -1)), BODY, SECRET, now_s=NOW)
    assert verify(signed(at=NOW + 2 * off), BODY, SECRET, now_s=NOW, tolerance_s=600)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-timestamp", "١٨٠٠٠٠٠٠٠٠"),
        ("webhook-timestamp", "1800000000.0"),
        ("webhook-timestamp", "+1800000000"),
        ("webhook-timestamp", "1_800_000_000"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-id", "evt_0f.1"),
        ("webhook-id", "evt_0f\r\n x"),
        ("webhook-id", "évt"),
        ("webhook-id", "e" * 300),
        ("webhook-signature", "v1,\x00"),
        ("webhook-signature", "v1,AAAA " * 2000),
        ("webhook-signature", "v1,A " * 40),
        ("webhook-signature", "AAAA"),
    ],
)
def test_a_header_that_cannot_be_read_has_its_own_error(name: str, value: str) -> None:
    with pytest.raises(MalformedHeader, match=name):
        verify(signed() | {name: value}, BODY, SECRET, now_s=NOW)


def test_headers_that_are_none_are_refused_as_such() -> None:
    for odd in ([("webhook-id",)], [5], {"webhook-id": 5}, [(5, "x")], [("webhook-id", ["a"])]):
        with pytest.raises(MalformedHeader):
            verify(odd, BODY, SECRET, now_s=NOW)  # type: ignore[arg-type]


def test_bytes_cannot_move_between_the_id_the_time_and_the_body() -> None:
    """The signed text is the same; the id, the time and the body are others."""
    body = f"{NOW}.".encode() + BODY
    headers = signed(body=body, at=NOW - 7)
    moved = headers | {"webhook-id": f"{ID}.{NOW - 7}", "webhook-timestamp": str(NOW)}
    with pytest.raises(MalformedHeader):
        verify(moved, BODY, SECRET, now_s=NOW)


def test_no_message_shows_a_secret_or_a_signature() -> None:
    headers = signed(OTHER)
    with pytest.raises(SignatureError) as wrong:
        verify(headers, BODY, SECRET, now_s=NOW)
    for hidden in (SECRET[6:], headers["webhook-signature"][3:]):
        assert hidden not in str(wrong.value)
    assert "sesame" not in repr(StaticHeader("x-key", "sesame"))


@pytest.mark.parametrize(
    "secret",
    [
        "",
        [],
        "whsec_",
        "whsec_!!!!",
        base64.b64encode(KEY).decode(),
        "whsec_" + base64.b64encode(b"short").decode(),
        [SECRET] * 17,
        None,
        StaticHeader,
    ],
)
def test_a_secret_that_is_none_is_the_programs_fault(secret: object) -> None:
    with pytest.raises(SecretError):
        verify(signed(), BODY, secret, now_s=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'"x"',
        b"{}",
        b'{"eventName":5}',
        b'{"eventName":""}',
        b'{"eventName":"a","data":NaN}',
        b'{"eventName":"\xff"}',
        b"[" * 100_000,
        b'{"eventName":"a","n":' + b"9" * 10_000 + b"}",
    ],
)
def test_a_signed_body_that_is_no_event_has_its_own_error(body: bytes) -> None:
    with pytest.raises(PayloadError):
        verify(signed(body=body), body, SECRET, now_s=NOW)


def test_unknown_types_and_fields_pass() -> None:
    body = b'{"eventName":"somethingNew","odd":{"a":[1]},"data":null}'
    event = verify(signed(body=body), body, SECRET, now_s=NOW)
    assert event.name == "somethingNew" and event.payload["odd"] == {"a": [1]}


def test_a_static_header_alone_is_believed_for_what_it_is() -> None:
    secret = StaticHeader("X-Api-Key", "sesame")
    event = verify({"x-api-key": "sesame"}, BODY, secret)
    assert event.sent_at is None and event.id.startswith("body_")
    own = verify({"x-api-key": "sesame"}, BODY[:-1] + b',"eventId":"e1"}', secret)
    assert own.id == "7:e1"
    for headers in ({}, {"x-api-key": "sesame2"}, {"x-api-key": ""}, {"other": "sesame"}):
        with pytest.raises(SignatureError, match="X-Api-Key"):
            verify(headers, BODY, secret)


def test_of_a_static_header_and_a_signature_both_must_hold() -> None:
    secrets: list[str | StaticHeader] = [SECRET, StaticHeader("x-api-key", "sesame")]
    assert verify(signed() | {"x-api-key": "sesame"}, BODY, secrets, now_s=NOW)
    for headers in (signed(), signed(OTHER) | {"x-api-key": "sesame"}, {"x-api-key": "sesame"}):
        with pytest.raises(ConsumerError):
            verify(headers, BODY, secrets, now_s=NOW)
