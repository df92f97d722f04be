"""`verify` by public keys, `v1a`: alone, beside secrets, while keys change, and against whoever
sends what costs time or proves nothing."""

import base64
import subprocess
import sys
import time

import pytest

from tests.core.shaping.signatures.curve import P, small_order_keys
from tidings.core.shaping.signatures.schemes import SCHEMES, KeyPair, key_pair
from tidings.core.shaping.signatures.secrets import show_secret
from tidings.core.shaping.signatures.standard_webhooks import MessageSigner
from tidings_consumer import (
    MalformedHeader,
    Router,
    SecretError,
    SignatureError,
    TimestampError,
    verify,
)

SECRET_BYTES = b"0123456789abcdefghijklmnop"
SECRET = show_secret(SECRET_BYTES)
PAIR, OTHER = (key_pair(SCHEMES["v1a"], bytes([number]) * 32) for number in (1, 2))
NOW, ID = 1_800_000_000, "evt_0f"
BODY = b'{"eventName":"pointsIssued","orgId":7,"data":{}}'
Headers = dict[str, str]


def signed(*pairs: KeyPair, secrets: tuple[bytes, ...] = (), at: int = NOW) -> Headers:
    """As the sender signs."""
    return {
        "webhook-id": ID,
        "webhook-timestamp": str(at),
        "webhook-signature": MessageSigner(tuple(SCHEMES), secrets, pairs).sign(ID, at, BODY),
    }


def test_a_public_key_alone_verifies() -> None:
    assert verify(signed(PAIR), BODY, PAIR.shown, now_s=NOW).id == ID
    assert Router(PAIR.shown, clock=lambda: NOW).receive(signed(PAIR), BODY).ok
    assert Router(PAIR.shown, clock=lambda: NOW).receive(signed(PAIR), BODY).ok
    with pytest.raises(SignatureError):
        verify(signed(PAIR), BODY + b" ", PAIR.shown, now_s=NOW)
    with pytest.raises(SignatureError):
        verify(signed(OTHER), BODY, PAIR.shown, now_s=NOW)
    with pytest.raises(TimestampError):
        verify(signed(PAIR, at=NOW - 301), BODY, PAIR.shown, now_s=NOW)


def test_of_both_in_the_header_each_is_judged_by_its_prefix() -> None:
    both = signed(PAIR, secrets=(SECRET_BYTES,))
    for secrets in (SECRET, PAIR.shown, [SECRET, PAIR.shown], [OTHER.shown, SECRET]):
        assert verify(both, BODY, secrets, now_s=NOW)
    for secrets in (OTHER.shown, [OTHER.shown]):
        with pytest.raises(SignatureError):
            verify(both, BODY, secrets, now_s=NOW)
    swapped = both["webhook-signature"].replace("v1,", "x,").replace("v1a,", "v1,")
    swapped = swapped.replace("x,", "v1a,")
    with pytest.raises(SignatureError):
        verify(both | {"webhook-signature": swapped}, BODY, [SECRET, PAIR.shown], now_s=NOW)


def test_while_keys_change_the_new_and_the_former_one_verify() -> None:
    during = signed(OTHER, PAIR)
    assert verify(during, BODY, PAIR.shown, now_s=NOW)
    assert verify(during, BODY, OTHER.shown, now_s=NOW)
    assert verify(signed(OTHER), BODY, [PAIR.shown, OTHER.shown], now_s=NOW)


def test_who_knows_the_public_key_cannot_sign_by_it() -> None:
    """Not as a secret of the other scheme either, also where a receiver knows both."""
    forged = MessageSigner(("v1",), (PAIR.public,)).sign(ID, NOW, BODY)
    headers = signed() | {"webhook-signature": forged}
    with pytest.raises(SignatureError):
        verify(headers, BODY, [SECRET, PAIR.shown], now_s=NOW)
    with pytest.raises(MalformedHeader, match="begins with v1a,"):
        verify(headers, BODY, PAIR.shown, now_s=NOW)


def test_a_header_without_a_signature_that_could_verify_says_which_are_wanted() -> None:
    with pytest.raises(MalformedHeader, match="begins with v1,$"):
        verify(signed(PAIR), BODY, SECRET, now_s=NOW)
    with pytest.raises(MalformedHeader, match="begins with v1, or v1a,$"):
        verify(signed() | {"webhook-signature": "v2,A"}, BODY, [SECRET, PAIR.shown], now_s=NOW)


@pytest.mark.parametrize(
    "part",
    [
        "v1a,",
        "v1a,AAAA",
        "v1a," + "A" * 86 + "==",
        "v1a," + "é" * 88,
        "v1a,\x00",
        "v1a," + "A" * 88,
    ],
)
def test_a_malformed_signature_proves_nothing_and_hides_no_right_one(part: str) -> None:
    right = signed(PAIR)
    with pytest.raises((SignatureError, MalformedHeader)):
        verify(right | {"webhook-signature": part}, BODY, PAIR.shown, now_s=NOW)
    if part.isprintable() and part.isascii():
        mixed = f"{part} {right['webhook-signature']}"
        assert verify(right | {"webhook-signature": mixed}, BODY, PAIR.shown, now_s=NOW)


def test_thousands_of_signatures_are_refused_before_one_is_tried() -> None:
    keys = [key_pair(SCHEMES["v1a"], bytes([number]) * 32).shown for number in range(3, 19)]
    foreign = signed(OTHER)["webhook-signature"]
    for many in (5, 80, 5000):
        with pytest.raises(MalformedHeader):
            header = " ".join([foreign] * many)
            verify(signed() | {"webhook-signature": header}, BODY, keys, now_s=NOW)
    most = signed() | {"webhook-signature": " ".join([foreign] * 4)}
    began_s = time.process_time()
    with pytest.raises(SignatureError):
        verify(most, BODY, keys, now_s=NOW)
    assert time.process_time() - began_s < 1, "16 keys with 4 signatures each, some 10 ms"


def test_foreign_schemes_are_passed_over_however_many() -> None:
    right = signed(PAIR)
    others = f"{'v2,AAAA ' * 30}{right['webhook-signature']}"
    assert verify(right | {"webhook-signature": others}, BODY, PAIR.shown, now_s=NOW)


def written(public: bytes) -> str:
    return "whpk_" + base64.b64encode(public).decode()


@pytest.mark.parametrize(
    "key",
    [
        "whpk_",
        "whpk_!!!!",
        written(PAIR.public[:-1]),
        written(PAIR.public + b"\0"),
        written(PAIR.private + PAIR.public),
        written(PAIR.public) + "=",
        written(PAIR.public).rstrip("="),
        written(PAIR.public) + "\n",
        written((P + 3).to_bytes(32, "little")),
        written(b"\xff" * 32),
        "whsk_" + base64.b64encode(PAIR.private).decode(),
        *map(written, small_order_keys()),
    ],
)
def test_a_key_that_is_none_is_the_programs_fault_and_is_not_repeated(key: str) -> None:
    with pytest.raises(SecretError) as refusal:
        verify(signed(PAIR), BODY, key, now_s=NOW)
    assert len(key) < 10 or key[5:25] not in str(refusal.value)


def test_a_private_key_is_named_as_what_it_is() -> None:
    private = "whsk_" + base64.b64encode(PAIR.private).decode()
    with pytest.raises(SecretError, match="private key, which is the sender's alone"):
        verify(signed(PAIR), BODY, private)


def test_without_the_extra_secrets_work_and_a_public_key_says_what_to_install() -> None:
    program = """
import sys
sys.modules["cryptography"] = None
from tidings_consumer import SecretError, Router
Router(sys.argv[1])
try:
    Router(sys.argv[2])
except SecretError as wrong:
    print(wrong)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, SECRET, PAIR.shown],
        capture_output=True,
        check=True,
        text=True,
    )
    assert 'pip install "$(ls dist/tidings_consumer-*.whl)[ed25519]"' in ran.stdout
