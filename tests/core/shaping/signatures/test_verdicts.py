"""The verdict on a signature: what is signed with the right secret over these bytes is valid."""

import pytest

from tests.core.shaping.signatures.signing import default_signer, secret_keys
from tidings.core.shaping.signatures.scheme import SignatureVerdict
from tidings.core.shaping.signatures.standard_webhooks import TOLERANCE_S, judge

SECRET, OTHER = b"s" * 32, b"o" * 32
KEYS = secret_keys([SECRET])
BODY, NOW_S = b'{"a":1}', 1_770_000_000


def signed(*secrets: bytes, at_s: int = NOW_S, body: bytes = BODY) -> list[tuple[str, str]]:
    return [
        ("Webhook-Id", "evt_1"),
        ("webhook-timestamp", str(at_s)),
        ("webhook-signature", default_signer(secrets).sign("evt_1", at_s, body)),
    ]


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER, SECRET)])
def test_one_signature_of_a_known_secret_is_enough(secrets: tuple[bytes, ...]) -> None:
    assert judge(signed(*secrets), BODY, KEYS, NOW_S).verdict is SignatureVerdict.VALID
    assert (
        judge(signed(SECRET), BODY, secret_keys(secrets), NOW_S).verdict is SignatureVerdict.VALID
    )


def test_other_bytes_another_secret_and_another_time_are_wrong() -> None:
    for headers, body in (
        (signed(SECRET), BODY + b" "),
        (signed(OTHER), BODY),
        (signed(SECRET, at_s=NOW_S - TOLERANCE_S - 1), BODY),
        (signed(SECRET, at_s=NOW_S + TOLERANCE_S + 1), BODY),
    ):
        judged = judge(headers, body, KEYS, NOW_S)
        assert judged.verdict is SignatureVerdict.WRONG and judged.reason.endswith(".")
    assert judge(signed(SECRET, at_s=NOW_S - TOLERANCE_S), BODY, KEYS, NOW_S).verdict == "valid"


def test_a_header_that_is_not_there_is_named() -> None:
    headers = signed(SECRET)
    judged = judge(headers[:1], BODY, KEYS, NOW_S)
    assert judged.verdict is SignatureVerdict.MISSING
    assert judged.reason == "It came without webhook-timestamp and webhook-signature."


def test_without_a_secret_nothing_is_known() -> None:
    assert judge(signed(SECRET), BODY, [], NOW_S).verdict is SignatureVerdict.UNKNOWN


@pytest.mark.parametrize(
    "value", ["", "x", "v1,", "v1," + "A" * 5000, "v2,abc é", " " * 50, "9" * 40]
)
def test_hostile_headers_raise_nothing(value: str) -> None:
    for at in range(3):
        headers = signed(SECRET)
        headers[at] = (headers[at][0], value)
        assert judge(headers, BODY, KEYS, NOW_S).verdict is not SignatureVerdict.VALID
