"""A token that is had by posting JSON somewhere, and sent in a header of the receiver's choice."""

from collections.abc import Callable
from typing import Any

from tidings.core.actions.action import TokenCall
from tidings.core.actions.token_calls import read_called_token, token_call_request
from tidings.core.delivery.access_tokens import AccessToken, TokenMissing
from tidings.core.delivery.exchange import Ending
from tidings.destinations.http.authentication.authenticator import Ask, Header
from tidings.destinations.http.authentication.fetched import TokenProof
from tidings.destinations.port import Headers


class TokenCallProof(TokenProof):
    """See `Authenticator`."""

    def __init__(self, call: TokenCall, ask: Ask, now_s: Callable[[], float], **more: Any) -> None:
        """See `TokenProof`."""
        super().__init__(ask, now_s, **more)
        self._call = call

    def _question(self) -> tuple[str, Headers, bytes]:
        headers, body = token_call_request(self._call)
        return self._call.url, headers, body

    def _read(
        self, ending: Ending, asked_s: float, now_s: float, jitter: float
    ) -> AccessToken | TokenMissing:
        return read_called_token(self._call, ending, asked_s, now_s, jitter)

    def _sent_as(self, token: str) -> Header:
        return self._call.header, self._call.prefix + token
