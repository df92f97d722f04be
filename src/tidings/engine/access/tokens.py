"""Access tokens: signed JWTs (RFC 7519, HS256) that stand for an OAuth client for a while.

The head is ours to the byte, so a token with another algorithm, with none, or with another key
named is not looked at further. A token says which credential it stands for and by which secret it
was asked for; what the credential may do is looked up at each use, so that a change, a rotation
without overlap or a revocation holds for tokens that are out already.
"""

import base64
import binascii
import hashlib
import hmac
import uuid
from typing import Any

import msgspec

from tidings.core.ids import OrgId
from tidings.engine.callables import RandomBytes

TTL_S = 3600
TOKEN_MAX = 2048  # characters
ISSUER = "tidings"
SKEW_S = 60
MARK_BYTES = 8


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of a token."""

    iss: str
    aud: str
    sub: str  # the credential
    org: OrgId
    iat: int
    exp: int
    jti: str
    mark: str  # of the secret that it was asked for with


def mark_of(digest: bytes) -> str:
    """Compute a mark that shows which of a credential's secrets was used, and nothing of the
    secret."""
    return hashlib.blake2b(digest, digest_size=MARK_BYTES, person=b"tidings.mark").hexdigest()


class Tokens:
    """Makes and reads tokens with one key."""

    def __init__(self, key: bytes, random_bytes: RandomBytes) -> None:
        self._key = key
        self._random_bytes = random_bytes

    def __repr__(self) -> str:
        """Show nothing of the key."""
        return "Tokens()"

    def make(self, credential: str, org: OrgId, digest: bytes, now_ms: int, ttl_s: int) -> str:
        """Make a token for `ttl_s` seconds."""
        now_s = now_ms // 1000
        claims = Claims(
            iss=ISSUER,
            aud=ISSUER,
            sub=credential,
            org=org,
            iat=now_s,
            exp=now_s + ttl_s,
            jti=str(uuid.UUID(bytes=self._random_bytes(16), version=4)),
            mark=mark_of(digest),
        )
        signed_text = _HEAD + b"." + _text(msgspec.json.encode(claims))
        return (signed_text + b"." + _text(self._sign(signed_text))).decode()

    def read(self, token: bytes, now_ms: int) -> Claims | None:
        """Read a token; None where it is not ours, not whole, or not in its time."""
        if len(token) > TOKEN_MAX:
            return None
        signed_text, _, signature = token.rpartition(b".")
        head, _, claims_text = signed_text.partition(b".")
        if head != _HEAD or not hmac.compare_digest(_text(self._sign(signed_text)), signature):
            return None
        try:
            claims = _claims(_bytes(claims_text))
        except (msgspec.DecodeError, binascii.Error, ValueError):
            return None
        now_s = now_ms / 1000
        in_time = claims.iat - SKEW_S <= now_s < claims.exp <= claims.iat + TTL_S
        return claims if in_time and (claims.iss, claims.aud) == (ISSUER, ISSUER) else None

    def made(self, token: bytes) -> bool:
        """Return whether a token is of our making, whatever its time."""
        signed_text, _, signature = token.rpartition(b".")
        fits = hmac.compare_digest(_text(self._sign(signed_text)), signature)
        return len(token) <= TOKEN_MAX and fits

    def _sign(self, signed_text: bytes) -> bytes:
        return hmac.digest(self._key, signed_text, "sha256")


def _text(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


_HEADER: dict[str, Any] = {"alg": "HS256", "typ": "at+jwt"}
_HEAD = _text(msgspec.json.encode(_HEADER))
_claims = msgspec.json.Decoder(Claims).decode
