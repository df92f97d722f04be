"""How a webhook proves to its receiver who calls: the schemes, each declared with what it needs.

Static headers (core/webhooks/headers.py) are beside them. What is secret in them is sealed with the
configuration, and shown only masked. How a body is read against this: authentication_body.py.
"""

import base64
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec

from tidings.core.delivery.access_tokens import ClientAuthentication
from tidings.core.webhooks.masks import MARK, mask

_ASCII = r"[\x20-\x7e]"
_SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+"


@dataclass(frozen=True)
class Text:
    """What a text of a scheme must be."""

    must: str
    """In words, for whom is refused."""
    pattern: str
    chars_max: int
    label: str
    """What the console asks."""
    secret: bool = False
    rule: Literal["", "url", "header"] = ""
    """What is judged besides: that it may be dialled, or that a request may have it."""
    words: tuple[str, ...] = ()
    """All that it can be, where it is a choice."""


class Basic(msgspec.Struct, frozen=True, tag="basic", tag_field="type"):
    """A name and a password (RFC 7617)."""

    username: Annotated[
        str,
        Text(
            "text of at most 255 characters without a colon",
            r"[^:\x00-\x1f\x7f]*",
            255,
            "User name",
        ),
    ]
    password: Annotated[
        str,
        Text(
            "text of 1 to 1024 characters on one line",
            r"[^\x00-\x1f\x7f]+",
            1024,
            "Password",
            secret=True,
        ),
    ]

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

    header: Annotated[
        str,
        Text(
            "a header's name that Tidings does not set itself, such as X-Api-Key",
            r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+",
            128,
            "Header",
            rule="header",
        ),
    ]
    value: Annotated[
        str,
        Text(
            "text of 1 to 4096 visible ASCII signs",
            r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?",
            4096,
            "Value",
            secret=True,
        ),
    ]

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

    token_url: Annotated[
        str, Text("the URL of the token endpoint", r"\S+", 2048, "Token URL", rule="url")
    ]
    client_id: Annotated[
        str, Text("text of 1 to 255 ASCII characters", f"{_ASCII}+", 255, "Client id")
    ]
    client_secret: Annotated[
        str,
        Text(
            "text of 1 to 1024 ASCII characters",
            f"{_ASCII}+",
            1024,
            "Client secret",
            secret=True,
        ),
    ]
    scope: Annotated[
        str | None,
        Text("scopes with one space between them", f"{_SCOPE}(?: {_SCOPE})*", 1024, "Scope"),
    ] = None
    audience: Annotated[
        str | None, Text("text of 1 to 1024 ASCII characters", f"{_ASCII}+", 1024, "Audience")
    ] = None
    client_authentication: Annotated[
        ClientAuthentication,
        Text(
            " or ".join(get_args(ClientAuthentication)),
            "|".join(get_args(ClientAuthentication)),
            40,
            "Client authentication",
            words=get_args(ClientAuthentication),
        ),
    ] = "client_secret_basic"

    def __repr__(self) -> str:
        """Without the secret."""
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


def header_of(authentication: Authentication) -> str:
    """The name of the header that it sets."""
    return authentication.header if isinstance(authentication, ApiKey) else "Authorization"


def shown_header(authentication: Authentication) -> tuple[str, str]:
    """The header that it sets, as people may see it."""
    value = mask(authentication.value) if isinstance(authentication, ApiKey) else MARK
    return header_of(authentication), value
