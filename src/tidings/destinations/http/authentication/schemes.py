"""The schemes of authentication, by what a webhook is configured with."""

from collections.abc import Callable
from typing import assert_never

from tidings.core.webhooks.authentication import (
    ApiKey,
    Authentication,
    Basic,
    OAuth2ClientCredentials,
)
from tidings.destinations.http.authentication.api_key import ApiKeyProof
from tidings.destinations.http.authentication.basic import BasicProof
from tidings.destinations.http.authentication.oauth2 import ClientCredentialsProof
from tidings.destinations.http.authentication.proof import Ask, Proof


def proof_of(authentication: Authentication, ask: Ask, now_s: Callable[[], float]) -> Proof:
    """Its proof. `ask` is for what has to be fetched; `now_s` since the epoch."""
    match authentication:
        case Basic():
            return BasicProof(authentication)
        case ApiKey():
            return ApiKeyProof(authentication)
        case OAuth2ClientCredentials():
            return ClientCredentialsProof(authentication, ask, now_s)
        case _:
            assert_never(authentication)
