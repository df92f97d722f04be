"""Access tokens: what is asked, what an answer means, and when another one is due."""

import base64
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from tidings.core.delivery.access_tokens import (
    _OAUTH,
    DIGITS_MAX,
    LIFE_MAX_S,
    REFUSED_S,
    SIGNED,
    UNTOLD_S,
    AccessToken,
    Advice,
    TokenMissing,
    life_s_of,
    read_token,
    token_request,
    worth_another,
)
from tidings.core.delivery.exchange import FaultKind, ReceiverAnswer, TransportFault

SECRET = "s3cret with: signs/&ü"
GOOD = {"access_token": "abc.def-1", "token_type": "Bearer", "expires_in": 1000}


def answer(body: Any, status: int = 200, **more: Any) -> ReceiverAnswer:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return msgspec.structs.replace(ReceiverAnswer(status, (), raw, False, 1.0), **more)


def token(body: Any, jitter: float = 0.0) -> AccessToken:
    found = read_token(answer(body), 100.0, 0.0, jitter)
    assert isinstance(found, AccessToken), found
    return found


def missing(ending: ReceiverAnswer | TransportFault) -> TokenMissing:
    found = read_token(ending, 100.0, 0.0, 0.0)
    assert isinstance(found, TokenMissing)
    assert found.detail.endswith(".") and "secret-in-answer" not in found.detail
    return found


def test_a_client_is_known_by_its_header_or_by_the_form() -> None:
    headers, form = token_request("a b", SECRET, "read write", "https://x/", "client_secret_basic")
    named = dict(headers)
    pair = base64.b64decode(named["authorization"].removeprefix("Basic ")).decode()
    assert pair == "a+b:s3cret+with%3A+signs%2F%26%C3%BC"  # RFC 6749, section 2.3.1
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["read write"],
        "audience": ["https://x/"],
    }
    headers, form = token_request("a b", SECRET, None, None, "client_secret_post")
    assert "authorization" not in dict(headers)
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["a b"],
        "client_secret": [SECRET],
    }


@pytest.mark.parametrize(("jitter", "refresh_s"), [(0.0, 850.0), (1.0, 1000.0)])
def test_a_token_is_renewed_before_it_ends_and_not_used_to_its_last_second(
    jitter: float, refresh_s: float
) -> None:
    found = token(GOOD, jitter)
    assert found.refresh_s == pytest.approx(refresh_s) and found.ends_s == 1090.0
    assert "abc" not in repr(found)


@pytest.mark.parametrize(
    ("said", "life_s"),
    [(None, UNTOLD_S), ("3600", 3600.0), (1e9, LIFE_MAX_S), (0.5, 0.5), (1, 1.0)],
)
def test_how_long_a_token_lives(said: Any, life_s: float) -> None:
    body = {"access_token": "t"} if said is None else {"access_token": "t", "expires_in": said}
    found = token(body)
    assert found.ends_s == pytest.approx(100.0 + life_s - min(10.0, life_s / 10))
    assert found.refresh_s <= found.ends_s


@pytest.mark.parametrize(
    "body",
    [
        b"", b"secret-in-answer", b"[1]", b"\xff", b"[" * 5000,
        {}, {"access_token": ""}, {"access_token": 7}, {"access_token": "a b"},
        {"access_token": "a\r\nx: y"}, {"access_token": "ü"}, {"access_token": "a" * 8001},
        GOOD | {"token_type": "mac"}, GOOD | {"token_type": 1}, GOOD | {"expires_in": 0},
        GOOD | {"expires_in": -1}, GOOD | {"expires_in": "soon"}, GOOD | {"expires_in": True},
    ],
)  # fmt: skip
def test_nonsense_is_no_token(body: Any) -> None:
    assert "The token endpoint answered" in missing(answer(body)).detail


def test_an_answer_that_is_cut_is_no_token() -> None:
    assert "16 KiB" in missing(answer(GOOD, truncated=True)).detail


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error": "invalid_client"}, "answered 401 (invalid_client), so nothing was sent. C"),
        (400, {"error": "invalid_scope"}, "Check scope."),
        (400, {"error": "secret_in_answer"}, "answered 400, so"),
        (400, {"error": "secret-in-answer", "error_description": "secret-in-answer"}, "400, so"),
        (403, b"secret-in-answer", "Check clientId, clientSecret"),
        (302, b"", "Redirects are not followed"),
        (500, b"", "It is asked again."),
    ],
)
def test_a_refusal_is_told_by_its_status_and_what_the_standard_names(
    status: int, body: Any, words: str
) -> None:
    found = missing(answer(body, status))
    assert words in found.detail and "secret_in" not in found.detail and not found.ours


@pytest.mark.parametrize("advice", [_OAUTH, SIGNED], ids=["by a secret", "by a signature"])
def test_each_code_of_the_standard_is_told_with_its_own_advice(advice: Advice) -> None:
    for code, do in advice.codes.items():
        for status in (400, 401, 403):
            found = read_token(answer({"error": code}, status), 100.0, 0.0, 0.0, advice)
            assert isinstance(found, TokenMissing) and not found.ours
            assert found.detail.endswith(f" {do}") and f"{status} ({code})" in found.detail


def test_an_endpoint_that_asks_for_less_is_asked_later() -> None:
    found = missing(answer(b"", 429, headers=(("Retry-After", "70"),)))
    assert found.wait_s == 70


@pytest.mark.parametrize("kind", list(FaultKind))
def test_an_endpoint_that_is_not_reached_is_told_in_words(kind: FaultKind) -> None:
    found = missing(TransportFault(kind, False, "secret-in-answer", 1.0))
    assert found.ours == (kind is FaultKind.OURS) and "so nothing was sent" in found.detail


def test_a_refused_token_is_replaced_once() -> None:
    old = token(GOOD)
    assert worth_another(old, replaces=False, accepted=False, now_s=101)
    assert not worth_another(old, replaces=True, accepted=False, now_s=101)
    assert worth_another(old, replaces=True, accepted=True, now_s=101)
    assert worth_another(old, replaces=True, accepted=False, now_s=100 + REFUSED_S)


@pytest.mark.parametrize(
    "said",
    ["9" * 400, "-" + "9" * 400, '"' + "9" * 400 + '"', "1" + "0" * 19, "1e300", "-1", "0", "-1e-9"]
    + ["0.0", "true", "false", '"60s"', '"1e3"', '""', '"-5"', '"\u0661"', "[60]", "{}", '"NaN"'],
    ids=lambda said: said[:20],
)
def test_a_life_that_is_no_number_of_seconds_is_the_endpoints_fault(said: str) -> None:
    body = f'{{"access_token": "abc", "expires_in": {said}}}'.encode()
    found = missing(ReceiverAnswer(200, (), body, False, 1.0))
    assert not found.ours and "an expires_in that is no number of seconds" in found.detail


@pytest.mark.parametrize("said", ["9" * 5001, "1e999", "-1e999", "NaN", "Infinity", "0x10", "1_0"])
def test_a_number_that_is_no_json_is_the_endpoints_fault(said: str) -> None:
    body = f'{{"access_token": "abc", "expires_in": {said}}}'.encode()
    found = missing(ReceiverAnswer(200, (), body, False, 1.0))
    assert not found.ours and "something else than JSON" in found.detail
    status = ReceiverAnswer(400, (("retry-after", "9" * 400),), body, False, 1.0)
    refused = missing(status)
    assert not refused.ours and refused.wait_s is not None and refused.wait_s < 1e10


@pytest.mark.parametrize(
    ("said", "life_s"), [("60", 60), ('"60"', 60), ("59.5", 59.5), (str(2**63 - 1), 86_400)]
)
def test_lives_that_issuers_write_are_taken(said: str, life_s: float) -> None:
    assert life_s_of(msgspec.json.decode(said)) == life_s


@pytest.mark.parametrize(
    ("told", "life_s"),
    [
        ("1" * DIGITS_MAX, LIFE_MAX_S),
        ("1" * (DIGITS_MAX + 1), None),
        (10**DIGITS_MAX - 1, LIFE_MAX_S),
        (10**DIGITS_MAX, None),
        (1, 1.0),
        (0, None),
    ],
)
def test_the_life_of_a_token_has_its_digits(told: object, life_s: float | None) -> None:
    assert life_s_of(told) == life_s
