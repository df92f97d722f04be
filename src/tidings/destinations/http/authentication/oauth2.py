"""OAuth 2.0 client credentials, sent as a bearer token."""

from collections.abc import Callable
from typing import Any

from tidings.core.delivery.access_tokens import AccessToken, TokenMissing, read_token, token_request
from tidings.core.delivery.exchange import Ending
from tidings.core.webhooks.authentication import OAuth2ClientCredentials
from tidings.destinations.http.authentication.authenticator import Ask, Header
from tidings.destinations.http.authentication.fetched import TokenProof
from tidings.destinations.port import Headers


class ClientCredentialsProof(TokenProof):
    """See `Authenticator`."""

    def __init__(
        self,
        credentials: OAuth2ClientCredentials,
        ask: Ask,
        now_s: Callable[[], float],
        **more: Any,
    ) -> None:
        """See `TokenProof`."""
        super().__init__(ask, now_s, **more)
        self._credentials = credentials

    def _question(self) -> tuple[str, Headers, bytes]:
        asked = self._credentials
        headers, form = token_request(
            asked.client_id,
            asked.client_secret,
            asked.scope,
            asked.audience,
            asked.client_authentication,
        )
        return asked.token_url, headers, form

    def _read(
        self, ending: Ending, asked_s: float, now_s: float, jitter: float
    ) -> AccessToken | TokenMissing:
        return read_token(ending, asked_s, now_s, jitter)

    def _sent_as(self, token: str) -> Header:
        return "Authorization", f"Bearer {token}"
