"""What a test inbox says of the signature of what arrived, and why (Standard Webhooks, `v1`)."""

import hmac
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from tidings.core.form import came
from tidings.core.shaping.sign import Signer

TOLERANCE_S = 300
_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")


class SignatureVerdict(StrEnum):
    """Of one arrival."""

    VALID = "valid"
    WRONG = "wrong"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its reason, one sentence or two."""

    verdict: SignatureVerdict
    reason: str


def judge(
    headers: Sequence[tuple[str, str]], body: bytes, secrets: Sequence[bytes], now_s: int
) -> Judgement:
    """By the secrets of the webhooks that point here. `now_s` is seconds since the epoch."""
    given = {name.lower(): value for name, value in headers}
    absent = [name for name in _NAMES if not given.get(name)]
    if absent:
        return Judgement(SignatureVerdict.MISSING, f"It came without {' and '.join(absent)}.")
    if not secrets:
        return Judgement(
            SignatureVerdict.UNKNOWN,
            "No webhook of the org has this address, so there is no secret to check it with. Set "
            "the address as a webhook's URL.",
        )
    id, said, signatures = (given[name] for name in _NAMES)
    if not (said.isascii() and said.isdigit() and len(said) <= 15):
        return Judgement(
            SignatureVerdict.WRONG,
            f"webhook-timestamp must be seconds since 1970; got {came(said)}.",
        )
    signed = any(
        hmac.compare_digest(part.encode(), Signer((secret,)).sign(id, int(said), body).encode())
        for part in signatures.split(" ")[:16]
        for secret in secrets
        if part.isascii()
    )
    if not signed:
        return Judgement(
            SignatureVerdict.WRONG,
            "No signature in webhook-signature is that of these bytes with a secret of the org's "
            "webhooks at this address.",
        )
    off_s = abs(now_s - int(said))
    if off_s > TOLERANCE_S:
        return Judgement(
            SignatureVerdict.WRONG,
            f"The signature fits, but webhook-timestamp is {off_s} s off; receivers refuse more "
            f"than {TOLERANCE_S} s.",
        )
    return Judgement(SignatureVerdict.VALID, "The signature is that of these bytes.")
