"""How a webhook proves to its receiver who calls: the schemes, each with what it needs.

Static headers (core/webhooks/headers.py) are beside them. What is secret in them is sealed with the
configuration, and shown only masked.
"""

import base64

import msgspec

from tidings.core.delivery.access_tokens import ClientAuthentication
from tidings.core.webhooks.masks import MARK, mask


class Basic(msgspec.Struct, frozen=True, tag="basic", tag_field="type"):
    """A name and a password (RFC 7617)."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"Basic(username={self.username!r})"

    @property
    def value(self) -> str:
        """Of the header Authorization."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class ApiKey(msgspec.Struct, frozen=True, tag="apiKey", tag_field="type"):
    """A header of the receiver's choice, with a value that only we know."""

    header: str
    value: str

    def __repr__(self) -> str:
        """Without the value."""
        return f"ApiKey(header={self.header!r})"


class OAuth2ClientCredentials(
    msgspec.Struct,
    frozen=True,
    tag="oauth2ClientCredentials",
    tag_field="type",
    rename="camel",
    omit_defaults=True,
):
    """An access token for a client id and its secret (RFC 6749, section 4.4)."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    audience: str | None = None
    client_authentication: ClientAuthentication = "client_secret_basic"

    def __repr__(self) -> str:
        """Without the secret."""
        return f"OAuth2ClientCredentials(token_url={self.token_url!r})"


Authentication = Basic | ApiKey | OAuth2ClientCredentials


def header_of(authentication: Authentication) -> str:
    """The name of the header that it sets."""
    return authentication.header if isinstance(authentication, ApiKey) else "Authorization"


def shown_header(authentication: Authentication) -> tuple[str, str]:
    """The header that it sets, as people may see it."""
    value = mask(authentication.value) if isinstance(authentication, ApiKey) else MARK
    return header_of(authentication), value
