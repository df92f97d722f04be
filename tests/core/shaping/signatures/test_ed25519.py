"""`v1a`: Ed25519 as RFC 8032 has it, over the text of Standard Webhooks; keys that prove nothing
are refused."""

import base64

import pytest

from tests.core.shaping.signatures.curve import ORDER, P, point_at, signed, small_order_keys
from tidings.core.shaping.signatures.schemes import (
    SCHEMES,
    VerificationKey,
    key_pair,
    read_verification_keys,
)
from tidings.core.shaping.signatures.standard_webhooks import MessageSigner

V1A = SCHEMES["v1a"]
# RFC 8032, section 7.1, test 2.
PRIVATE = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
SMALL = small_order_keys()


def written(public: bytes) -> str:
    return "whpk_" + base64.b64encode(public).decode()


def test_the_vector_of_the_rfc() -> None:
    assert V1A.signer(PRIVATE)(b"\x72") == SIGNATURE
    assert V1A.verifier(PUBLIC)(b"\x72", [bytes(64), SIGNATURE])
    assert not V1A.verifier(PUBLIC)(b"\x73", [SIGNATURE])
    pair = key_pair(V1A, PRIVATE)
    assert (pair.public, pair.shown) == (PUBLIC, written(PUBLIC))


def test_a_message_is_signed_as_the_vector_that_openssl_and_go_agree_on() -> None:
    signer = MessageSigner(("v1a",), (), (key_pair(V1A, PRIVATE),))
    assert signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}') == (
        "v1a,7anDmyOh9LNskt5GJUTacHmbvyUkT0/S1jnxFAp+h2hcVXnQLWhtWA2+wP6vO0AUwEYP23IIZVuneGRhNj7hDQ=="
    )


@pytest.mark.parametrize("size", [0, 1, 64, 3000])
def test_the_textbook_makes_the_same_key_and_signature(size: int) -> None:
    private, text = bytes([size % 251]) * 32, b"x" * size
    pair = key_pair(V1A, private)
    assert signed(private, text) == (pair.public, V1A.signer(private)(text))


def test_a_public_key_is_written_and_read_back() -> None:
    assert read_verification_keys(written(PUBLIC)) == [VerificationKey("v1a", PUBLIC)]


def test_every_way_to_write_a_key_of_small_order_is_refused() -> None:
    assert len(SMALL) == 14
    for key in SMALL:
        with pytest.raises(ValueError, match="small order"):
            read_verification_keys(written(key))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (written(PUBLIC[:-1]), "32 bytes; got 31"),
        (written(PUBLIC + b"\0"), "32 bytes; got 33"),
        (written(PRIVATE + PUBLIC), "32 bytes; got 64"),
        (written(b""), "32 bytes; got 0"),
        (written(PUBLIC).rstrip("="), "base64"),
        (written(PUBLIC) + "\n", "base64"),
        (written(PUBLIC)[:-2] + "_=", "base64"),
        ("WHPK_" + written(PUBLIC)[5:], "starts with whsec_"),
        ("whsk_" + base64.b64encode(PRIVATE).decode(), "starts with whsec_"),
        (written((P + 3).to_bytes(32, "little")), "point of Ed25519"),
        (written(b"\xff" * 32), "point of Ed25519"),
    ],
)
def test_what_is_no_public_key_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        read_verification_keys(text)
    assert len(text) < 12 or text[5:] not in str(refusal.value)


def test_bytes_that_are_no_point_are_refused() -> None:
    strays = [y for y in range(2, 40) if point_at(y) is None]
    assert strays
    for y in strays:
        with pytest.raises(ValueError, match="point of Ed25519"):
            read_verification_keys(written(y.to_bytes(32, "little")))


def test_a_signature_with_a_scalar_beyond_the_order_is_refused() -> None:
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    twin = SIGNATURE[:32] + scalar.to_bytes(32, "little")
    assert not V1A.verifier(PUBLIC)(b"\x72", [twin])


def test_nothing_prints_a_private_key() -> None:
    pair = key_pair(V1A, PRIVATE)
    signer = MessageSigner(("v1a",), (), (pair,))
    for text in (repr(pair), repr(signer), repr(V1A.signer(PRIVATE))):
        assert PRIVATE.hex() not in text and repr(PRIVATE) not in text
        assert base64.b64encode(PRIVATE).decode() not in text
