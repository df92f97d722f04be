"""Who an action is to the systems that it asks and tells: `[credentials.NAME]`. Pure.

The schemes of webhooks, and three more: a bearer token, a token that is had by posting JSON, and
one that is had for what a service account has signed.
"""

import re
from typing import Annotated

import msgspec

from tidings.core.actions.action import (
    Credential,
    ServiceAccount,
    TokenCall,
)
from tidings.core.actions.file.table import Table, listed
from tidings.core.actions.file.templates import is_json, refuse_empty
from tidings.core.declaration import declared, read_resource
from tidings.core.form import visible
from tidings.core.picks import PATH_MAX, is_path
from tidings.core.webhooks.authentication import ApiKey, Basic, OAuth2ClientCredentials
from tidings.core.webhooks.headers import header_fits
from tidings.core.webhooks.targets.mailing import is_template
from tidings.core.webhooks.variants import VariantForm
from tidings.values import describe_value

CREDENTIALS_MAX = 100
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_MUST = "1 to 63 of a-z, 0-9, _ and -"
BODY_MAX = 50
_SCHEMES: dict[str, type[Basic | ApiKey | OAuth2ClientCredentials]] = {
    "basic": Basic,
    "apiKey": ApiKey,
    "oauth2ClientCredentials": OAuth2ClientCredentials,
}
BEARER, TOKEN, SERVICE_ACCOUNT = "bearer", "token", "serviceAccount"
TYPES = (*_SCHEMES, BEARER, TOKEN, SERVICE_ACCOUNT)
_SECRET = re.compile(r"(?i).*(?:secret|password|passwd|token|key)$|pin")
_TOKEN_FIELDS = ("type", "url", "body", "token", "header", "lives", "prefix")


def credential_of(table: Table) -> Credential | None:
    """Read the credential that a table declares. What is wrong is reported; None comes back if it
    is none."""
    if not table.need("type", '"apiKey"'):
        return None
    kind = table.body["type"]
    if kind not in TYPES:
        table.refuse(
            "bad_credential",
            "type",
            f"type must be {listed(TYPES)}; got {describe_value(kind)}. Write apiKey for a key in "
            "a header.",
        )
        return None
    if kind in _SCHEMES:
        return _of_webhooks(table, _SCHEMES[kind])
    if kind == SERVICE_ACCOUNT:
        return _service_account(table)
    return _bearer(table) if kind == BEARER else _token_call(table)


def _of_webhooks(
    table: Table, scheme: type[Basic | ApiKey | OAuth2ClientCredentials]
) -> Credential | None:
    fields = declared(scheme)
    table.refuse_unknown(["type", *(field.name for field in fields)])
    body = {name: value for name, value in table.body.items() if name != "type"}
    form = VariantForm(body, None, "bad_credential", table.given.check_url)
    made = read_resource(scheme, form, None)
    table.take_in(form, "")
    for field in fields:
        if getattr(field.field.kind, "secret", False):
            warn_if_plain(table, field.name)
    return None if form.refusals else made


def _bearer(table: Table) -> Credential | None:
    """Read a bearer token, which is an API key in the header Authorization."""
    table.refuse_unknown(["type", TOKEN])
    if not table.need(TOKEN, '"${API_TOKEN}"'):
        return None
    warn_if_plain(table, TOKEN)
    value = table.body[TOKEN]
    if isinstance(value, str) and re.fullmatch(r"[\x21-\x7e]{1,4000}", value):
        return ApiKey("Authorization", f"Bearer {value}")
    table.refuse(
        "bad_credential",
        TOKEN,
        "token must be text of 1 to 4000 visible ASCII characters; got something else. Paste it "
        "completely.",
    )
    return None


def _token_call(table: Table) -> Credential | None:
    table.refuse_unknown(_TOKEN_FIELDS)
    before = len(table.refusals)
    for field, example in (
        ("url", '"https://api.example/oauth/token"'),
        ("body", '{key = "${API_KEY}", secret = "${API_SECRET}"}'),
        ("token", '"data.accessToken"'),
        ("header", '"X-Access-Token"'),
    ):
        table.need(field, example)
    url, header = table.body.get("url"), table.body.get("header")
    if isinstance(url, str):
        if (reason := table.given.check_url(url)) is not None:
            table.refuse("url_refused", "url", reason)
    elif url is not None:
        table.refuse(
            "bad_url", "url", f"url must be a text; got {describe_value(url)}. Write it in full."
        )
    if isinstance(header, str):
        header_fits(table, "header", header, "", known=False)
    elif header is not None:
        table.refuse(
            "bad_type",
            "header",
            f"header must be a text; got {describe_value(header)}. Write X-Access-Token.",
        )
    for field in ("token", "lives"):
        _path(table, field)
    prefix = table.text(
        "prefix",
        "a text of at most 64 ASCII characters",
        lambda text: len(text) <= 64 and text.isascii() and visible(text),
        '"Bearer "',
    )
    body = table.table("body", '{key = "${API_KEY}"}')
    fields = {} if body is None else body.body
    if body is not None:
        _check_body(body)
    if len(table.refusals) > before or (body is not None and body.refusals):
        return None
    return TokenCall(
        url=str(url),
        body=fields,
        token=table.body["token"],
        header=str(header),
        lives=table.body.get("lives", ""),
        prefix=prefix,
    )


class _AccountFile(msgspec.Struct):
    """The fields that are used of the file that Google gives for a key of a service account."""

    client_email: Annotated[str, msgspec.Meta(min_length=1, max_length=320)]
    private_key: str
    token_uri: str


def _service_account(table: Table) -> Credential | None:
    table.refuse_unknown(("type", "account", "scope"))
    example = '"${file:/run/secrets/service-account.json}"'
    there = table.need("account", example)
    there &= table.need("scope", '"https://www.googleapis.com/auth/firebase.messaging"')
    scope = table.text(
        "scope",
        "scopes of 1 to 1024 ASCII characters, with one space between them",
        lambda text: 0 < len(text) <= 1024 and text.isascii() and text.isprintable(),
        '"https://www.googleapis.com/auth/firebase.messaging"',
    )
    if not there:
        return None
    warn_if_plain(table, "account")
    account = table.body["account"]
    try:
        file = msgspec.json.decode(account if isinstance(account, str) else "", type=_AccountFile)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        file = None
    if file is None or not table.given.is_key(file.private_key):
        table.refuse(
            "bad_credential",
            "account",
            "account must be the JSON of a service account's key, with client_email, token_uri and "
            f"private_key, an RSA key as PEM; got something else. Write {example}.",
        )
        return None
    if (reason := table.given.check_url(file.token_uri)) is not None:
        table.refuse("url_refused", "account", reason)
        return None
    return ServiceAccount(file.token_uri, file.client_email, file.private_key, scope=scope)


def _check_body(body: Table) -> None:
    for at, (name, value) in enumerate(body.body.items()):
        if at == BODY_MAX or not is_json(value):
            body.refuse(
                "bad_type",
                name,
                f"body must contain at most {BODY_MAX} texts, numbers and booleans; got other "
                "values, or more. Write what the API asks for.",
            )
            return
        if isinstance(value, str) and is_template(value):
            body.refuse(
                "bad_type",
                name,
                "body must hold no template: a token is for all events; got one. Write the text "
                "itself.",
            )
        elif body.is_reference(name):
            refuse_empty(body, name, str(value))
        elif _SECRET.fullmatch(name):
            warn_if_plain(body, name)


def _path(table: Table, field: str) -> None:
    value = table.body.get(field)
    if value is not None and not (isinstance(value, str) and is_path(value)):
        table.refuse(
            "bad_path",
            field,
            f"{field} must be a path in the answer, of at most {PATH_MAX} characters; got "
            f"{describe_value(value)}. Write data.accessToken.",
        )


def warn_if_plain(table: Table, field: str) -> None:
    """Warn of a secret that stands in the file itself, where all who read the file read it."""
    value = table.body.get(field)
    if not isinstance(value, str) or table.faults.is_reference((*table.path, field)):
        return
    table.warn(
        "plain_secret",
        field,
        f"{field} should come from the environment or from a file of its own; got a text written "
        'here. Write "${NAME}" or "${file:/run/secrets/name}".',
    )


def warn_of_plain(table: Table) -> None:
    """Warn of every field called like a secret, in a table and below it, that stands in the file
    itself."""
    for name, value in table.body.items():
        if isinstance(value, dict):
            warn_of_plain(table.within(name, value))
        elif _SECRET.fullmatch(name):
            warn_if_plain(table, name)
