"""Standard Webhooks: the text that is signed, the header that holds the signatures, and how both
are judged.

The signed text is `{webhook-id}.{webhook-timestamp}.{body}` over the exact bytes sent; the header
holds `<scheme>,<base64>` for each key in force of each scheme, separated by spaces
(standard-webhooks specification, "Signature scheme").
"""

import binascii
import re
from collections.abc import Iterable, Sequence

from tidings.core.shaping.signatures.scheme import Judgement, Scheme, SignatureVerdict
from tidings.core.shaping.signatures.schemes import SCHEMES, KeyPair, VerificationKey
from tidings.values import describe_value

SIGNATURE_HEADER = "webhook-signature"
TOLERANCE_S = 300
SIGNATURES_MAX = 16  # of one header that are looked at
TRIED_MAX = 16  # verifications by public keys of one message: each takes 100 µs
_NAMES = ("webhook-id", "webhook-timestamp", SIGNATURE_HEADER)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class MessageSigner:
    """Signs messages for one webhook, by its keys in force. Not printable: it holds secrets."""

    def __init__(
        self, signatures: Iterable[str], secrets: Sequence[bytes], pairs: Sequence[KeyPair] = ()
    ) -> None:
        """`signatures`: ids of schemes. `secrets` and `pairs` are newest first."""
        self._signs = []
        chosen = set(signatures)
        for scheme in [scheme for scheme in SCHEMES.values() if scheme.id in chosen]:
            own = [pair.private for pair in pairs if pair.scheme == scheme.id]
            self._signs += [
                (f"{scheme.id},", scheme.signer(key))
                for key in (secrets if scheme.public is None else own)
            ]

    def __bool__(self) -> bool:
        """Return whether there is any key to sign by."""
        return bool(self._signs)

    def sign(self, message_id: str, timestamp_s: int, body: bytes) -> str:
        """Return the value of the `webhook-signature` header."""
        text = f"{message_id}.{timestamp_s}.".encode() + body
        return " ".join(
            [
                prefix + binascii.b2a_base64(sign(text), newline=False).decode()
                for prefix, sign in self._signs
            ]
        )


def judge(
    headers: Sequence[tuple[str, str]], body: bytes, keys: Sequence[VerificationKey], now_s: int
) -> Judgement:
    """Judge the signature of what arrived, and say why: by the keys of the webhooks that point
    here. `now_s` is seconds since the epoch."""
    given = {name.lower(): value for name, value in headers}
    if fault := _absent(given):
        return Judgement(SignatureVerdict.MISSING, fault)
    if not keys:
        return Judgement(
            SignatureVerdict.UNKNOWN,
            "No webhook of the org has this address, so there is no secret to check it with. Set "
            "the address as a webhook's URL.",
        )
    id, timestamp, signatures = (given[name] for name in _NAMES)
    if fault := _undated(timestamp):
        return Judgement(SignatureVerdict.WRONG, fault)
    text = f"{id}.{int(timestamp)}.".encode() + body
    if not _is_signed(text, signatures.split(" ")[:SIGNATURES_MAX], keys):
        return Judgement(
            SignatureVerdict.WRONG,
            "No signature in webhook-signature is that of these bytes with a secret of the org's "
            "webhooks at this address.",
        )
    off_s = abs(now_s - int(timestamp))
    if off_s > TOLERANCE_S:
        return Judgement(
            SignatureVerdict.WRONG,
            f"The signature fits, but webhook-timestamp is {off_s} s off; receivers refuse more "
            f"than {TOLERANCE_S} s.",
        )
    return Judgement(SignatureVerdict.VALID, "The signature is that of these bytes.")


def _is_signed(text: bytes, parts: Iterable[str], keys: Iterable[VerificationKey]) -> bool:
    """Return whether one of the signatures is that of the text by one of the keys; at most
    `TRIED_MAX` are tried by public keys."""
    signatures: dict[str, list[bytes]] = {}
    for part in parts:
        id, _, _ = part.partition(",")
        if (scheme := SCHEMES.get(id)) is not None and (found := _signature(scheme, part)):
            signatures.setdefault(id, []).append(found)
    fits, left = False, TRIED_MAX
    for key in keys:
        candidates = signatures.get(key.scheme, [])
        scheme = SCHEMES[key.scheme]
        if scheme.public is not None:
            candidates = candidates[:left]
            left -= len(candidates)
        if candidates:
            fits |= scheme.verifier(key.key)(text, candidates)
    return fits


def head_fault(headers: Sequence[tuple[str, str]], now_s: int, schemes: Iterable[str]) -> str:
    """Say why the headers alone show that a message cannot be signed in time by one of these
    schemes, whatever its body is; empty where they do not. `now_s` is seconds since the epoch."""
    given = {name.lower(): value for name, value in headers}
    if fault := _absent(given):
        return fault
    _, timestamp, signatures = (given[name] for name in _NAMES)
    if fault := _undated(timestamp):
        return fault
    wanted, parts = list(schemes), signatures.split(" ")[:SIGNATURES_MAX]
    if not any(_has_form(SCHEMES[id], part) for id in wanted for part in parts):
        return (
            f"webhook-signature must hold a signature of version {' or '.join(wanted)}; it does "
            "not."
        )
    off_s = abs(now_s - int(timestamp))
    return (
        ""
        if off_s <= TOLERANCE_S
        else (f"webhook-timestamp is {off_s} s off; receivers refuse more than {TOLERANCE_S} s.")
    )


def _has_form(scheme: Scheme, part: str) -> bool:
    """Return whether a text has the scheme and the length of a signature by it."""
    id, _, text = part.partition(",")
    is_long = len(text) == -(-scheme.signature_bytes // 3) * 4
    return id == scheme.id and is_long and _BASE64.fullmatch(text) is not None


def _signature(scheme: Scheme, part: str) -> bytes:
    """Read the bytes of a signature by a scheme; none where the text is no such signature, written
    in the one way that there is."""
    if not _has_form(scheme, part):
        return b""
    _, _, text = part.partition(",")
    signature = binascii.a2b_base64(text)
    written = binascii.b2a_base64(signature, newline=False).decode()
    return signature if written == text and len(signature) == scheme.signature_bytes else b""


def _absent(given: dict[str, str]) -> str:
    absent = [name for name in _NAMES if not given.get(name)]
    return f"It came without {' and '.join(absent)}." if absent else ""


def _undated(timestamp: str) -> str:
    is_date = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15
    return (
        ""
        if is_date
        else f"webhook-timestamp must be seconds since 1970; got {describe_value(timestamp)}."
    )
