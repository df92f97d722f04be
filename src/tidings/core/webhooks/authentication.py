"""How a webhook proves to its receiver who calls: the schemes, each declared with what it needs.

Static headers (core/webhooks/headers.py) are beside them. What is secret in them is sealed with the
configuration, and shown only masked. How a body is read against this: authentication_body.py.
"""

import base64
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

import msgspec

from tidings.core.declaration import Declared, Field, Json, Kind
from tidings.core.delivery.access_tokens import ClientAuthentication
from tidings.core.form import Form, came
from tidings.core.webhooks.headers import is_reserved
from tidings.core.webhooks.masks import MARK, looks_masked, mask

_ASCII = r"[\x20-\x7e]"
_WAYS: tuple[str, ...] = get_args(ClientAuthentication)
_SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+"


class SchemeForm(Form):
    """The configuration of a scheme while it is read: what is stored is what masks mean."""

    def __init__(
        self, body: dict[str, Any], stored: object, check_url: Callable[[str], str | None]
    ) -> None:
        super().__init__(body)
        self.stored = stored
        self.check_url = check_url
        self.stays = False  # whether a stored secret stands in it


class Part(Kind, frozen=True):
    """A text of a scheme; `must` says in words what it must be."""

    must: str
    pattern: str
    most: int
    """Characters."""
    secret: bool = False
    rule: Literal["", "url", "header"] = ""
    """What is judged besides: that it may be dialled, or that a request may have it."""
    words: tuple[str, ...] = ()
    """All that it can be, where it is a choice."""

    def read(self, form: SchemeForm, field: Declared, standing: Any) -> Any:
        said = form.body.get(field.name)
        if said is None and not field.required:
            return standing
        if self.secret and form.stored is not None:
            kept = getattr(form.stored, field.attribute)
            if said == mask(kept):
                form.stays = True
                return kept
        if self.secret and isinstance(said, str) and looks_masked(said):
            form.refuse(
                "masked_value",
                field.name,
                f"{field.name} must be whole, or what GET shows of the one that is stored; got a "
                "mask of something else. Write the value itself.",
            )
        elif (
            not isinstance(said, str)
            or len(said) > self.most
            or not re.fullmatch(self.pattern, said)
            or (self.rule == "header" and is_reserved(said))
        ):
            got = "something else" if self.secret and said is not None else came(said)
            advice = "Write it in full." if field.required else "Leave it out if in doubt."
            form.refuse(
                "bad_authentication",
                field.name,
                f"{field.name} must be {self.must}; got {got}. {advice}",
            )
        elif self.rule == "url" and (reason := form.check_url(said)) is not None:
            form.refuse("url_refused", field.name, reason)
        return said

    def show(self, value: Any) -> Any:
        return mask(value) if self.secret else value

    def taken(self, *, new: bool) -> Json:
        if self.words:
            return self.shown()
        return self.shown() | {"maxLength": self.most, "pattern": f"^(?:{self.pattern})$"}

    def shown(self) -> Json:
        enum = {"enum": list(self.words)} if self.words else {}
        about = {"description": "Shown by its end; what is shown means the stored one."}
        return {"type": "string"} | enum | (about if self.secret else {})


class Basic(msgspec.Struct, frozen=True, tag="basic", tag_field="type"):
    """A name and a password (RFC 7617)."""

    username: Annotated[
        str,
        Field(
            "username",
            Part("text of at most 255 characters without a colon", r"[^:\x00-\x1f\x7f]*", 255),
            label="User name",
        ),
    ]
    password: Annotated[
        str,
        Field(
            "password",
            Part("text of 1 to 1024 characters on one line", r"[^\x00-\x1f\x7f]+", 1024, True),
            label="Password",
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
        Field(
            "header",
            Part(
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
            Part(
                "text of 1 to 4096 visible ASCII signs",
                r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?",
                4096,
                secret=True,
            ),
            label="Value",
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
        str,
        Field(
            "tokenUrl",
            Part("the URL of the token endpoint", r"\S+", 2048, rule="url"),
            label="Token URL",
        ),
    ]
    client_id: Annotated[
        str,
        Field(
            "clientId",
            Part("text of 1 to 255 ASCII characters", f"{_ASCII}+", 255),
            label="Client id",
        ),
    ]
    client_secret: Annotated[
        str,
        Field(
            "clientSecret",
            Part("text of 1 to 1024 ASCII characters", f"{_ASCII}+", 1024, secret=True),
            label="Client secret",
        ),
    ]
    scope: Annotated[
        str | None,
        Field(
            "scope",
            Part("scopes with one space between them", f"{_SCOPE}(?: {_SCOPE})*", 1024),
            label="Scope",
        ),
    ] = None
    audience: Annotated[
        str | None,
        Field(
            "audience",
            Part("text of 1 to 1024 ASCII characters", f"{_ASCII}+", 1024),
            label="Audience",
        ),
    ] = None
    client_authentication: Annotated[
        ClientAuthentication,
        Field(
            "clientAuthentication",
            Part(" or ".join(_WAYS), "|".join(_WAYS), 40, words=_WAYS),
            label="Client authentication",
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
