"""A token for what a service account has signed (RFC 7523), as Google hands them out."""

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tidings.core.actions.action import ServiceAccount
from tidings.core.delivery.access_tokens import SIGNED, AccessToken, TokenMissing, read_token
from tidings.core.delivery.exchange import Ending
from tidings.destinations.http.authentication.authenticator import Ask, Header
from tidings.destinations.http.authentication.fetched import TokenProof
from tidings.destinations.port import Headers

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIVES_S = 3600  # as long as Google lets it


def rsa_key(pem: str) -> RSAPrivateKey | None:
    """Parse a private RSA key as it is kept in text (PEM); None for anything else, and for one with
    a password."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):  # the second where a password is on it
        return None
    return key if isinstance(key, RSAPrivateKey) else None


class ServiceAccountProof(TokenProof):
    """See `Authenticator`."""

    def __init__(
        self, account: ServiceAccount, ask: Ask, now_s: Callable[[], float], **more: Any
    ) -> None:
        """See `TokenProof`."""
        super().__init__(ask, now_s, **more)
        self._account = account
        self._key = rsa_key(account.key)
        assert self._key is not None, "whoever reads the operator's file has looked"

    def _question(self) -> tuple[str, Headers, bytes]:
        headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "application/json"),
        ]
        form = urlencode({"grant_type": GRANT, "assertion": self._assertion()})
        return self._account.token_url, headers, form.encode()

    def _read(
        self, ending: Ending, asked_s: float, now_s: float, jitter: float
    ) -> AccessToken | TokenMissing:
        return read_token(ending, asked_s, now_s, jitter, SIGNED)

    def _sent_as(self, token: str) -> Header:
        return "Authorization", f"Bearer {token}"

    def _assertion(self) -> str:
        account, now = self._account, int(self._now_s())
        claims = {
            "iss": account.email,
            "scope": account.scope,
            "aud": account.token_url,
            "iat": now,
            "exp": now + LIVES_S,
        }
        signed = b".".join(map(_plain, ({"alg": "RS256", "typ": "JWT"}, claims)))
        assert self._key is not None
        proof = self._key.sign(signed, PKCS1v15(), SHA256())
        return b".".join((signed, _safe(proof))).decode()


def _plain(value: object) -> bytes:
    return _safe(msgspec.json.encode(value))


def _safe(signed_text: bytes) -> bytes:
    return base64.urlsafe_b64encode(signed_text).rstrip(b"=")
