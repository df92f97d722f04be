"""How a webhook proves to its receiver who calls: the schemes, each declared with what it needs.

Static headers (core/webhooks/headers.py) are beside them. What is secret in them is sealed with the
configuration, and shown only masked. How a body is read against this: authentication_body.py.

Add a field here; the rest follows.
"""

import base64
from typing import Annotated, get_args

import msgspec

from tidings.core.declaration import Field
from tidings.core.delivery.access_tokens import ClientAuthentication
from tidings.core.webhooks.masks import MARK, mask
from tidings.core.webhooks.variants import VariantText as Text

_ASCII = r"[\x20-\x7e]"
_WAYS: tuple[str, ...] = get_args(ClientAuthentication)
_SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+"


class Basic(msgspec.Struct, frozen=True, tag="basic", tag_field="type"):
    """A name and a password (RFC 7617)."""

    username: Annotated[
        str,
        Field(
            "username",
            Text("text of at most 255 characters without a colon", r"[^:\x00-\x1f\x7f]*", 255),
            label="User name",
        ),
    ]
    password: Annotated[
        str,
        Field(
            "password",
            Text(
                "text of 1 to 1024 characters on one line", r"[^\x00-\x1f\x7f]+", 1024, secret=True
            ),
            label="Password",
        ),
    ]

    def __repr__(self) -> str:
        """Show it without the password."""
        return f"Basic(username={self.username!r})"

    @property
    def value(self) -> str:
        """Return the value of the header Authorization."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


class ApiKey(msgspec.Struct, frozen=True, tag="apiKey", tag_field="type"):
    """A header of the receiver's choice, with a value that only we know."""

    header: Annotated[
        str,
        Field(
            "header",
            Text(
                "a header's name that Tidings does not set itself, such as X-Api-Key",
                r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+",
                128,
                rule="header",
            ),
            label="Header",
        ),
    ]
    value: Annotated[
        str,
        Field(
            "value",
            Text(
                "text of 1 to 4096 visible ASCII characters",
                r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?",
                4096,
                secret=True,
            ),
            label="Value",
        ),
    ]

    def __repr__(self) -> str:
        """Show it without the value."""
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

    token_url: Annotated[
        str,
        Field(
            "tokenUrl",
            Text("the URL of the token endpoint", r"\S+", 2048, rule="url"),
            label="Token URL",
        ),
    ]
    client_id: Annotated[
        str,
        Field(
            "clientId",
            Text("text of 1 to 255 ASCII characters", f"{_ASCII}+", 255),
            label="Client id",
        ),
    ]
    client_secret: Annotated[
        str,
        Field(
            "clientSecret",
            Text("text of 1 to 1024 ASCII characters", f"{_ASCII}+", 1024, secret=True),
            label="Client secret",
        ),
    ]
    scope: Annotated[
        str | None,
        Field(
            "scope",
            Text("scopes with one space between them", f"{_SCOPE}(?: {_SCOPE})*", 1024),
            label="Scope",
        ),
    ] = None
    audience: Annotated[
        str | None,
        Field(
            "audience",
            Text("text of 1 to 1024 ASCII characters", f"{_ASCII}+", 1024),
            label="Audience",
        ),
    ] = None
    client_authentication: Annotated[
        ClientAuthentication,
        Field(
            "clientAuthentication",
            Text(" or ".join(_WAYS), "|".join(_WAYS), 40, words=_WAYS),
            label="Client authentication",
        ),
    ] = "client_secret_basic"

    def __repr__(self) -> str:
        """Show it without the secret."""
        return f"OAuth2ClientCredentials(token_url={self.token_url!r})"


Authentication = OAuth2ClientCredentials | Basic | ApiKey
SCHEMES: dict[str, type[Authentication]] = {
    "oauth2ClientCredentials": OAuth2ClientCredentials,
    "basic": Basic,
    "apiKey": ApiKey,
}
LABELS = {
    "oauth2ClientCredentials": "OAuth 2.0 client credentials",
    "basic": "Name and password (Basic)",
    "apiKey": "API key in a header",
}


AUTHORIZATION = "Authorization"


def header_of(authentication: Authentication) -> str:
    """Return the name of the header that an authentication sets."""
    return authentication.header if isinstance(authentication, ApiKey) else AUTHORIZATION


def shown_header(authentication: Authentication) -> tuple[str, str]:
    """Return the header that an authentication sets, as people may see it: name and masked
    value."""
    value = mask(authentication.value) if isinstance(authentication, ApiKey) else MARK
    return header_of(authentication), value
