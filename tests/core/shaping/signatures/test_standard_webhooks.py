"""Signatures are those of Standard Webhooks, and its own library accepts them."""

import base64
import hmac
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.core.shaping.signatures.signing import default_signer
from tidings.core.shaping.signatures.secrets import read_secret, show_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = st.binary(min_size=24, max_size=64)


def test_the_vector_of_the_specification() -> None:
    signed = default_signer((read_secret(SECRET),)).sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def headers(signature: str, at: int) -> dict[str, str]:
    """What a receiver is given."""
    return {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": signature}


@given(secret=SECRETS, data=st.dictionaries(st.text(max_size=5), st.text(max_size=20)))
def test_the_library_of_the_specification_accepts_what_we_sign(
    secret: bytes, data: dict[str, str]
) -> None:
    body, at = json.dumps(data).encode(), int(time.time())
    signature = default_signer((secret,)).sign("evt_1", at, body)
    assert Webhook(show_secret(secret)).verify(body, headers(signature, at)) == data
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(secret)).verify(body + b" ", headers(signature, at))
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(secret)).verify(body, headers(signature, at + 1))


def test_while_secrets_change_both_verify_and_the_newest_comes_first() -> None:
    new, old, other = (bytes([number]) * 32 for number in range(3))
    at = int(time.time())
    signature = default_signer((new, old)).sign("evt_1", at, b"{}")
    assert signature.split(" ")[0] == default_signer((new,)).sign("evt_1", at, b"{}")
    for secret in (new, old):
        Webhook(show_secret(secret)).verify(b"{}", headers(signature, at))
    with pytest.raises(WebhookVerificationError):
        Webhook(show_secret(other)).verify(b"{}", headers(signature, at))


def test_a_signer_signs_each_message_anew() -> None:
    signer = default_signer((bytes(32),))
    first = signer.sign("a", 1, b"x")
    assert signer.sign("b", 1, b"x") != first
    assert signer.sign("a", 1, b"x") == first


def test_any_bytes_can_be_signed() -> None:
    for body in (b"", b"\x00\xff", bytes(1 << 20)):
        assert default_signer((bytes(32),)).sign("a", 1, body).startswith("v1,")


def test_a_signer_does_not_print_its_secrets() -> None:
    secret = b"a secret of more than 24 bytes"
    assert secret.decode() not in repr(default_signer((secret,)))


@given(secret=SECRETS)
def test_a_secret_is_shown_and_read_back(secret: bytes) -> None:
    assert read_secret(show_secret(secret)) == secret


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "starts with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "starts with whsec_"),
        ("whsec_", "24 to 64 bytes; got 0"),
        ("whsec_" + base64.b64encode(bytes(23)).decode(), "got 23"),
        ("whsec_" + base64.b64encode(bytes(65)).decode(), "got 65"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\n", "base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa_-", "base64"),
        ("whsec_ÄfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"),
    ],
)
def test_what_is_no_secret_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        read_secret(text)
    assert len(text) < 7 or text[6:] not in str(refusal.value)  # it may be a secret all the same


@given(key=st.binary(min_size=1, max_size=200), body=st.binary(max_size=300))
def test_it_is_hmac_for_any_key(key: bytes, body: bytes) -> None:
    """RFC 2104, for keys longer than a block too."""
    expected = base64.b64encode(hmac.digest(key, b"m.1." + body, "sha256")).decode()
    assert default_signer((key,)).sign("m", 1, body) == f"v1,{expected}"
