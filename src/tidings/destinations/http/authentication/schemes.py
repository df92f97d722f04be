"""The schemes of authentication, by what a webhook or an action is configured with.

Add a scheme here; the rest follows.
"""

from collections.abc import Callable
from typing import assert_never

from tidings.core.actions.action import Credential, ServiceAccount, TokenCall
from tidings.core.webhooks.authentication import ApiKey, Basic, OAuth2ClientCredentials
from tidings.destinations.http.authentication.api_key import ApiKeyProof
from tidings.destinations.http.authentication.authenticator import Ask, Authenticator
from tidings.destinations.http.authentication.basic import BasicProof
from tidings.destinations.http.authentication.oauth2 import ClientCredentialsProof
from tidings.destinations.http.authentication.service_account import ServiceAccountProof
from tidings.destinations.http.authentication.token_call import TokenCallProof


def proof_of(authentication: Credential, ask: Ask, now_s: Callable[[], float]) -> Authenticator:
    """Make the authenticator of a credential. `ask` is for what has to be fetched; `now_s` since
    the epoch."""
    match authentication:
        case Basic():
            return BasicProof(authentication)
        case ApiKey():
            return ApiKeyProof(authentication)
        case OAuth2ClientCredentials():
            return ClientCredentialsProof(authentication, ask, now_s)
        case TokenCall():
            return TokenCallProof(authentication, ask, now_s)
        case ServiceAccount():
            return ServiceAccountProof(authentication, ask, now_s)
        case _:
            assert_never(authentication)


class Proofs:
    """One proof for each credential, however many look-ups and calls show it: a token is fetched
    once for all of them."""

    def __init__(self, ask: Ask, now_s: Callable[[], float]) -> None:
        """As of `proof_of`."""
        self._ask = ask
        self._now_s = now_s
        self._known: list[tuple[Credential, Authenticator]] = []  # few, and not hashable

    def of(self, credential: Credential) -> Authenticator:
        """Return the authenticator of a credential, one for all equal credentials."""
        for known, proof in self._known:
            if known == credential:
                return proof
        proof = proof_of(credential, self._ask, self._now_s)
        self._known.append((credential, proof))
        return proof

    async def close(self) -> None:
        """Fetch nothing more. Idempotent."""
        for _, proof in self._known:
            await proof.close()
